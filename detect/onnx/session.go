package onnx

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/internal/onnxgraph"
	native "github.com/hedgecam/hedge/internal/ort"
)

// Config names a network's file and says how to run it.
type Config struct {
	// Name stands in errors. It defaults to the file's name.
	Name string
	// Path is the .onnx file. Either Path or Model is needed.
	Path string
	// Model is the content of an .onnx file. It is not kept after Open.
	Model []byte
	// InputSize is the size of the network's input in pixels. It defaults to the
	// size that the model fixes, or 640x384 if it fixes none.
	InputSize image.Point
	// Outputs are the names of the outputs that are wanted. What they do not need
	// of the network is left out. It defaults to all outputs.
	Outputs []string
	// Threads is the number of cores one run may use. It defaults to 1, which
	// costs the least core time per picture.
	Threads int
	// Provider computes the network, all of it. It defaults to CPU.
	Provider Provider
}

// DefaultInputSize is the input of networks that do not fix it.
var DefaultInputSize = image.Pt(640, 384)

// ModelError says that a file is not a network that can be used as configured.
type ModelError struct {
	// Network names the network.
	Network string
	// Reason is what is wrong, with ONNX Runtime's own words where it spoke.
	Reason string
}

func (e *ModelError) Error() string {
	return fmt.Sprintf("onnx: network %q cannot be used: %s", e.Network, e.Reason)
}

// RunError is a run that ONNX Runtime could not finish.
type RunError struct {
	// Network names the network.
	Network string
	// Err carries ONNX Runtime's text. Its numeric code is lost in the binding.
	Err error
}

func (e *RunError) Error() string {
	return fmt.Sprintf("onnx: network %q could not be run: %v", e.Network, e.Err)
}

// Unwrap returns Err.
func (e *RunError) Unwrap() error { return e.Err }

// Session is one network's graph in ONNX Runtime. It implements
// [network.Session].
type Session struct {
	name   string
	in     *tensor
	outs   []*tensor
	run    *ort.AdvancedSession
	cancel *canceller
}

// Open makes a Session of a network that takes one float tensor, one picture of
// three colours, and gives float tensors. The network is run once on a blank
// picture, which shows how large its outputs are.
//
// It returns ErrNotLoaded without a successful Load, an error that wraps
// fs.ErrNotExist for a missing file, a [*ModelError] for a file that is not
// such a network, and a [*ProviderError] for one that the provider does not take.
func Open(c Config) (*Session, error) {
	if Version() == "" {
		return nil, ErrNotLoaded
	}
	if (c.Path == "") == (len(c.Model) == 0) {
		return nil, fmt.Errorf("onnx: network %q needs either a path or a model", c.Name)
	}
	if c.Name == "" {
		c.Name = filepath.Base(c.Path)
	}
	if c.Threads < 0 {
		return nil, fmt.Errorf("onnx: network %q: %d threads", c.Name, c.Threads)
	}
	c.Threads = max(c.Threads, 1)
	if c.Provider == "" {
		c.Provider = CPU
	}
	if !slices.Contains(Providers, c.Provider) {
		return nil, fmt.Errorf("onnx: network %q: no provider %q (one of %q)", c.Name, c.Provider, Providers)
	}
	if c.Path != "" {
		model, err := os.ReadFile(c.Path)
		if err != nil {
			return nil, fmt.Errorf("onnx: cannot read network %q: %w", c.Name, err)
		}
		c.Model = model
	}
	s := &Session{name: c.Name}
	if err := s.open(c); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Session) open(c Config) error {
	bad := func(format string, args ...any) error {
		return &ModelError{s.name, fmt.Sprintf(format, args...)}
	}
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(c.Model)
	if err != nil {
		return bad("%v", err)
	}
	if len(ins) != 1 || ins[0].DataType != ort.TensorElementDataTypeFloat {
		return bad("it does not take one float tensor")
	}
	shape, err := inputShape(ins[0].Dimensions, c.InputSize)
	if err != nil {
		return bad("%v", err)
	}
	if s.in, err = newTensor(ins[0].Name, shape); err != nil {
		return err
	}
	if s.cancel, err = newCanceller(); err != nil {
		return err
	}
	var names []string
	if len(c.Outputs) > 0 && len(c.Outputs) < len(outs) {
		if c.Model, err = onnxgraph.Cut(c.Model, c.Outputs...); err != nil {
			return bad("%v", err)
		}
		outs = slices.DeleteFunc(outs, func(o ort.InputOutputInfo) bool { return !slices.Contains(c.Outputs, o.Name) })
	}
	for _, o := range outs {
		if o.DataType != ort.TensorElementDataTypeFloat {
			return bad("its output %q is not of floats", o.Name)
		}
		names = append(names, o.Name)
	}
	shapes, err := s.outputShapes(c, names)
	if err != nil {
		return bad("%v", err)
	}
	var values []ort.Value
	for i, name := range names {
		t, err := newTensor(name, shapes[i])
		if err != nil {
			return err
		}
		s.outs, values = append(s.outs, t), append(values, t.value)
	}
	if c.Model, err = c.Provider.prepare(c.Model, s.in.name, shape); err != nil {
		return bad("%v", err)
	}
	err = c.Provider.opening(func() error {
		return withOptions(c.Threads, func(o *ort.SessionOptions) (err error) {
			if err := c.Provider.append(o, c.Threads); err != nil {
				return err
			}
			s.run, err = ort.NewAdvancedSessionWithONNXData(c.Model, []string{s.in.name}, names, []ort.Value{s.in.value}, values, o)
			return err
		})
	})
	if err != nil {
		return c.Provider.failed(s.name, err)
	}
	native.Live.Add(1)
	return nil
}

// inputShape settles the size of an input of one picture, 1x3xHxW or 1xHxWx3.
func inputShape(dims ort.Shape, size image.Point) (ort.Shape, error) {
	if len(dims) != 4 || dims[0] > 1 {
		return nil, fmt.Errorf("its input has shape %v, not that of one picture", dims)
	}
	row, column, colours := 2, 3, 1
	if dims[3] == 3 && dims[1] != 3 {
		row, column, colours = 1, 2, 3
	}
	if dims[colours] > 0 && dims[colours] != 3 {
		return nil, fmt.Errorf("its input has shape %v, not that of three colours", dims)
	}
	w, h := dims[column], dims[row]
	if size == (image.Point{}) {
		size = DefaultInputSize
		if w > 0 && h > 0 {
			size = image.Pt(int(w), int(h))
		}
	}
	if w > 0 && int(w) != size.X || h > 0 && int(h) != size.Y {
		return nil, fmt.Errorf("its input is fixed to %dx%d, not %dx%d", w, h, size.X, size.Y)
	}
	if size.X <= 0 || size.Y <= 0 {
		return nil, fmt.Errorf("input %dx%d is empty", size.X, size.Y)
	}
	shape := ort.NewShape(1, 3, 3, 3)
	shape[row], shape[column] = int64(size.Y), int64(size.X)
	return shape, nil
}

// outputShapes runs the network once on a blank picture and returns the shapes of
// its outputs: the file need not say them. ONNX Runtime's own kernels do, since other
// providers compile a graph for seconds.
func (s *Session) outputShapes(c Config, names []string) (shapes []ort.Shape, err error) {
	var probe *ort.DynamicAdvancedSession
	err = withOptions(c.Threads, func(o *ort.SessionOptions) (err error) {
		probe, err = ort.NewDynamicAdvancedSessionWithONNXData(c.Model, []string{s.in.name}, names, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, probe.Destroy()) }()
	values := make([]ort.Value, len(names))
	if err := probe.Run([]ort.Value{s.in.value}, values); err != nil {
		return nil, err
	}
	for _, v := range values {
		shapes = append(shapes, v.GetShape().Clone())
		err = errors.Join(err, v.Destroy())
	}
	return shapes, err
}

// withOptions calls f with session options of that many threads.
//
// The memory arena and the memory pattern are left on, as they are by
// default: measured on two x86-64 cores at 640x384 (medians of 15 interleaved
// runs), without them YuNet and YOLOX-nano took the same time within 5 %, and
// LPD-YuNet, whose activations then come from the system page by page, 1.6
// times as long, with more memory resident and not less.
//
// The graph is optimised to the highest level, as it is by default, because only
// that one lays convolutions out in blocks of channels: hedge-n at 640x384, one
// thread of an x86-64 core, ONNX Runtime 1.32, 35 ms of processor time, 72 at the
// level below and 78 at the lowest. A graph saved in its optimised form runs as fast
// (34 ms) and opens in 23 ms instead of about 100, but holds for one kind of
// processor, so none is saved. Denormals flushed to zero and weights not packed in
// advance change nothing (36, 36 ms). Of the versions, at their best of 12 runs:
// 1.24.1 takes 44 ms, 1.30.0 38, 1.31.1 and 1.32.0 35, on a busy machine.
// models/README.md has the table, and what was not measured.
func withOptions(threads int, f func(*ort.SessionOptions) error) error {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return err
	}
	err = errors.Join(
		o.SetIntraOpNumThreads(threads),
		o.SetInterOpNumThreads(1),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	)
	if err == nil {
		err = f(o)
	}
	return errors.Join(err, o.Destroy())
}

// Input implements [network.Session].
func (s *Session) Input() network.Tensor { return s.in.tensor() }

// Outputs implements [network.Session].
func (s *Session) Outputs() []network.Tensor {
	var all []network.Tensor
	for _, t := range s.outs {
		all = append(all, t.tensor())
	}
	return all
}

// Run implements [network.Session]. It returns ctx's error when ctx has ended it,
// and otherwise a [*RunError].
func (s *Session) Run(ctx context.Context) error {
	s.cancel.begin(ctx)
	err := s.run.RunWithOptions(s.cancel.options)
	if cancelled := s.cancel.end(); cancelled && err != nil {
		return ctx.Err()
	}
	if err != nil {
		return &RunError{s.name, err}
	}
	return nil
}

// Close frees all native memory. Further calls do nothing.
func (s *Session) Close() error {
	var errs []error
	if s.run != nil {
		errs = append(errs, s.run.Destroy())
		native.Live.Add(-1)
		s.run = nil
	}
	if s.cancel != nil {
		errs = append(errs, s.cancel.close())
		s.cancel = nil
	}
	for _, t := range s.outs {
		errs = append(errs, t.close())
	}
	s.outs = nil
	if s.in != nil {
		errs = append(errs, s.in.close())
		s.in = nil
	}
	return errors.Join(errs...)
}
