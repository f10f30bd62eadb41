package onnx

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hedgecam/hedge/detect"
)

// Config names a network and how to run it.
type Config struct {
	// Name stands in errors and reports. It defaults to the file's name, or the
	// family's if there is no file.
	Name string
	// Path is the .onnx file. Either Path or Model is needed.
	Path string
	// Model is the content of an .onnx file, which must not change while the
	// Network is open.
	Model []byte
	// Family says what the outputs mean. It has no default.
	Family Family
	// InputSize is the size of the network's input in pixels, a multiple of 32
	// (LPDYuNet: 64). It defaults to the size that the model fixes, or 640x384
	// if it fixes none.
	InputSize image.Point
	// MinScore is the score, 0..1, from which a detection counts, by class. A
	// class's 0 defaults to the family's own threshold.
	MinScore [detect.NumClasses]float32
	// MaxIoU is the overlap above which two boxes of a class are one object,
	// 0..1. It defaults to detect.DefaultMaxIoU.
	MaxIoU float32
	// Threads is the number of cores one run may use. It defaults to 1, which
	// costs the least core time per picture.
	Threads int
	// FullRange says that pictures hold samples of full range (JPEG) instead of
	// limited range (video). It defaults to false.
	FullRange bool
}

// DefaultInputSize is the input of networks that do not fix it.
var DefaultInputSize = image.Pt(640, 384)

// Network is one network, or several that share a prepared input. It implements
// [detect.Detector].
type Network struct {
	mu       sync.Mutex
	closed   bool
	classes  detect.ClassSet
	input    *input
	sessions []*session
	cancel   *canceller
	found    []detect.Detection
}

// Open makes a Network of one or more configurations. Several must agree in
// InputSize and FullRange: a picture is then prepared once and the networks run
// on it one after another, in one goroutine. Each network is run once on a
// blank picture, which shows whether the file is what Family says.
//
// It returns ErrNotLoaded without a successful Load, an error that wraps
// fs.ErrNotExist for a missing file, and a [*ModelError] for a file that is not
// a network of that family and size.
func Open(cfgs ...Config) (*Network, error) {
	if len(cfgs) == 0 {
		return nil, errors.New("onnx: no network to open")
	}
	if Version() == "" {
		return nil, ErrNotLoaded
	}
	n := &Network{}
	for _, c := range cfgs {
		if err := n.add(c); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	cancel, err := newCanceller()
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.cancel = cancel
	for _, s := range n.sessions {
		if err := s.try(cancel.options); err != nil {
			return nil, errors.Join(err, n.Close())
		}
	}
	return n, nil
}

func (n *Network) add(c Config) error {
	sp := c.Family.spec()
	if sp == nil {
		return fmt.Errorf("onnx: %v of network %q is not known", c.Family, c.Name)
	}
	if (c.Path == "") == (len(c.Model) == 0) {
		return fmt.Errorf("onnx: network %q needs either a path or a model", c.Name)
	}
	if c.Name == "" {
		c.Name = sp.name
		if c.Path != "" {
			c.Name = filepath.Base(c.Path)
		}
	}
	if c.Threads == 0 {
		c.Threads = 1
	}
	for cl, v := range c.MinScore {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("onnx: network %q: minimum score %v of class %v is not within 0..1", c.Name, v, detect.Class(cl))
		}
		if v == 0 {
			c.MinScore[cl] = sp.minScore[cl]
		}
	}
	if !(c.MaxIoU >= 0 && c.MaxIoU <= 1) || c.Threads < 0 {
		return fmt.Errorf("onnx: network %q: MaxIoU %v or Threads %d out of range", c.Name, c.MaxIoU, c.Threads)
	}
	if c.Path != "" {
		model, err := os.ReadFile(c.Path)
		if err != nil {
			return fmt.Errorf("onnx: cannot read network %q: %w", c.Name, err)
		}
		c.Model = model
	}
	size, inputName, err := inspect(c, sp)
	if err != nil {
		return err
	}
	if n.input == nil {
		if n.input, err = newInput(size, c.FullRange); err != nil {
			return err
		}
	} else if n.input.size != size || n.input.full != c.FullRange {
		return fmt.Errorf("onnx: network %q (%v, full range %v) cannot share the input of %q (%v, full range %v)",
			c.Name, size, c.FullRange, n.sessions[0].cfg.Name, n.input.size, n.input.full)
	}
	s, err := newSession(c, sp, inputName, n.input, sp.classes)
	if err != nil {
		return err
	}
	n.sessions = append(n.sessions, s)
	n.classes |= sp.classes
	return nil
}

// Name returns the networks' names, joined by "+".
func (n *Network) Name() string {
	names := make([]string, len(n.sessions))
	for i, s := range n.sessions {
		names[i] = s.cfg.Name
	}
	return strings.Join(names, "+")
}

// Classes returns the classes that the networks can report.
func (n *Network) Classes() detect.ClassSet { return n.classes }

// Select implements [detect.Selector]. A network whose outputs hold different
// classes is opened anew without those that are not wanted, which takes as long
// as opening it did; one of which no class is wanted does not run. On error
// everything stays as it was.
func (n *Network) Select(wanted detect.ClassSet) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return detect.ErrClosed
	}
	next := make([]*session, len(n.sessions))
	for i, s := range n.sessions {
		var err error
		if next[i], err = s.narrowed(wanted, n.input); err == nil && next[i] != s {
			err = next[i].try(n.cancel.options)
		}
		if err != nil {
			return errors.Join(err, closeOthers(next[:i+1], n.sessions))
		}
	}
	err := closeOthers(n.sessions, next)
	n.sessions = next
	for _, s := range next {
		s.wanted = wanted & s.spec.classes
	}
	return err
}

// closeOthers closes the sessions that have another, or none, in their place.
func closeOthers(sessions, instead []*session) error {
	var errs []error
	for i, s := range sessions {
		if s != nil && s != instead[i] {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}

// InputSize returns the size of a picture of size full once scaled to fit the
// networks' input: even, at least 2x2. InputSize of its own result is that
// result.
func (n *Network) InputSize(full image.Point) image.Point { return n.input.fit(full) }

// Detect implements [detect.Detector]. It returns [*detect.OutputError] for
// outputs that make no sense and [*RunError] if ONNX Runtime fails. A box that
// lies in the letterbox bars only is no detection.
func (n *Network) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return dst, detect.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	toPic, err := n.input.prepare(pic)
	if err != nil {
		return dst, err
	}
	n.found = n.found[:0]
	n.cancel.begin(ctx)
	for _, s := range n.sessions {
		if s.wanted == 0 {
			continue
		}
		if n.found, err = s.detect(n.cancel.options, toPic, n.found); err != nil {
			break
		}
	}
	if cancelled := n.cancel.end(); cancelled && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		return dst, err
	}
	return append(dst, n.found...), nil
}

// Close waits for a Detect under way and frees all native memory. Further calls
// do nothing.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	var errs []error
	for _, s := range n.sessions {
		errs = append(errs, s.close())
	}
	if n.cancel != nil {
		errs = append(errs, n.cancel.close())
	}
	if n.input != nil {
		errs = append(errs, n.input.close())
	}
	return errors.Join(errs...)
}
