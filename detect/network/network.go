package network

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/hedgecam/hedge/detect"
)

// Config says what a session's network is.
type Config struct {
	// Name stands in errors and reports. It must not be empty.
	Name string
	// Family says what the outputs mean. It has no default.
	Family Family
	// Faces says for HedgeMaps in how large a picture faces are looked for: columns and
	// rows for 32 of the input's, at least 1 each. The manifest of models has them.
	Faces image.Point
	// Input says how a picture is put into the input tensor.
	Input Input
	// MinScore is the score, above 0 to 1, from which a detection counts, by class.
	// Each class that the family finds needs one.
	MinScore [detect.NumClasses]float32
	// MaxIoU is the overlap, above 0 to 1, above which two boxes of a class are one
	// object. It has no default; detect.DefaultMaxIoU suits most networks.
	MaxIoU float32
	// FullRange says that pictures hold samples of full range (JPEG) instead of
	// limited range (video). It defaults to false.
	FullRange bool
}

// ConfigError says that a session is not a network that can be used as configured.
type ConfigError struct {
	// Network names the network.
	Network string
	// Reason is what is wrong.
	Reason string
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("network %q cannot be used: %s", e.Network, e.Reason)
}

// Network is a network and the session that runs it. It implements
// [detect.Detector] and [detect.Selector].
type Network struct {
	cfg    Config
	spec   *spec
	open   Opener
	size   image.Point // of every session's input
	mu     sync.Mutex
	closed bool
	wanted detect.ClassSet // with none of them it does not run at all
	bound  *bound
	nms    detect.NMS
	found  []detect.Detection
}

// bound is a session, and what its tensors are for.
type bound struct {
	session Session
	input   *input
	raw     [][]float32 // in the order of the family's outputs; nil for one that is not wanted
	decode  decoder
}

// New makes a Network that runs in the sessions which open gives. The first one,
// for all classes, is opened here. The error is open's or a [*ConfigError].
func New(open Opener, c Config) (*Network, error) {
	bad := func(format string, args ...any) (*Network, error) {
		return nil, &ConfigError{c.Name, fmt.Sprintf(format, args...)}
	}
	sp := c.spec()
	switch {
	case c.Name == "":
		return bad("it has no name")
	case sp == nil:
		return bad("%v is not known", c.Family)
	case c.Family == HedgeMaps && (c.Faces.X < 1 || c.Faces.Y < 1):
		return bad("faces are looked for in %v for 32x32", c.Faces)
	case !(c.MaxIoU > 0 && c.MaxIoU <= 1):
		return bad("MaxIoU %v is not above 0 to 1", c.MaxIoU)
	}
	for cl, v := range c.MinScore {
		if sp.classes.Has(detect.Class(cl)) && !(v > 0 && v <= 1) {
			return bad("minimum score %v of class %v is not above 0 and at most 1", v, detect.Class(cl))
		}
	}
	n := &Network{cfg: c, spec: sp, open: open, wanted: sp.classes}
	var err error
	if n.bound, err = n.bind(sp.classes); err != nil {
		return nil, err
	}
	n.size = n.bound.input.size
	return n, nil
}

// bind opens a session for the wanted classes. Of a network whose outputs hold
// different classes, only those outputs are read that have any of them.
func (n *Network) bind(wanted detect.ClassSet) (*bound, error) {
	var names []string
	for _, o := range n.spec.outputs(image.Point{}) {
		if o.neededBy(wanted) {
			names = append(names, o.name)
		}
	}
	s, err := n.open(names...)
	if err != nil {
		return nil, err
	}
	b, err := n.fit(s, wanted)
	if err != nil {
		return nil, errors.Join(&ConfigError{n.cfg.Name, err.Error()}, s.Close())
	}
	return b, nil
}

// fit holds a session's tensors against the family.
func (n *Network) fit(s Session, wanted detect.ClassSet) (*bound, error) {
	in, err := newInput(s.Input(), n.cfg.Input, n.cfg.FullRange)
	if err != nil {
		return nil, err
	}
	if n.bound != nil && in.size != n.size {
		return nil, fmt.Errorf("opened for other classes, its input is %v instead of %v", in.size, n.size)
	}
	b := &bound{session: s, input: in, decode: n.spec.decoder(in.size)}
	outs := s.Outputs()
	for _, want := range n.spec.outputs(in.size) {
		if !want.neededBy(wanted) {
			b.raw = append(b.raw, nil)
			continue
		}
		i := slices.IndexFunc(outs, func(t Tensor) bool { return t.Name == want.name })
		if i < 0 {
			return nil, fmt.Errorf("it has no output %q, so it is no %s", want.name, n.spec.name)
		}
		if err := want.check(outs[i]); err != nil {
			return nil, err
		}
		b.raw = append(b.raw, outs[i].Data)
	}
	return b, nil
}

// reads reports whether the session gives just what the wanted classes need.
func (b *bound) reads(outputs []output, wanted detect.ClassSet) bool {
	for i, o := range outputs {
		if o.neededBy(wanted) != (b.raw[i] != nil) {
			return false
		}
	}
	return true
}

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
	wanted &= n.spec.classes
	if wanted == 0 || n.bound.reads(n.spec.outputs(n.size), wanted) {
		n.wanted = wanted
		return nil
	}
	next, err := n.bind(wanted)
	if err != nil {
		return err
	}
	err = n.bound.session.Close()
	n.bound, n.wanted = next, wanted
	return err
}

// Name returns the name that the network was configured with.
func (n *Network) Name() string { return n.cfg.Name }

// Classes returns the classes that the network can report.
func (n *Network) Classes() detect.ClassSet { return n.spec.classes }

// InputSize returns the size of a picture of size full once scaled to fit the
// network's input: even, at least 2x2. InputSize of its own result is that
// result.
func (n *Network) InputSize(full image.Point) image.Point { return fit(n.size, full) }

// Detect implements [detect.Detector]. It returns [*detect.OutputError] for
// outputs that make no sense, and the session's error if it fails. A box that
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
	b := n.bound
	toPic, err := b.input.prepare(pic)
	if err != nil || n.wanted == 0 {
		return dst, err
	}
	for _, raw := range b.raw {
		poison(raw)
	}
	if err := b.session.Run(ctx); err != nil {
		return dst, err
	}
	for i, raw := range b.raw {
		if !finite(raw) {
			return dst, &detect.OutputError{Network: n.cfg.Name, Reason: fmt.Sprintf("output %d has values that are not finite", i)}
		}
	}
	found, reason := b.decode(b.raw, &n.cfg.MinScore, n.found[:0])
	n.found = found
	if reason != "" {
		return dst, &detect.OutputError{Network: n.cfg.Name, Reason: reason}
	}
	found = n.nms.Apply(found, n.cfg.MaxIoU)
	for i := range found {
		found[i].Box = toPic.box(found[i].Box)
	}
	return append(dst, detect.Clip(found, toPic.bounds)...), nil
}

// Close waits for a Detect under way and closes the session. Further calls do
// nothing.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	return n.bound.session.Close()
}

// finite reports whether no value is infinite or not a number: any of these times
// zero is not a number. Four sums, so that one addition does not wait for the
// last.
func finite(v []float32) bool {
	var a, b, c, d float32
	for ; len(v) >= 4; v = v[4:] {
		a += v[0] * 0
		b += v[1] * 0
		c += v[2] * 0
		d += v[3] * 0
	}
	for _, x := range v {
		a += x * 0
	}
	return a+b+c+d == 0
}

// poison marks an output as unwritten: its first and last value are not numbers.
// What a run leaves unwritten must not pass for an output.
func poison(v []float32) {
	if len(v) == 0 {
		return
	}
	nan := float32(math.NaN())
	v[0], v[len(v)-1] = nan, nan
}
