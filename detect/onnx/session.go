package onnx

import (
	"errors"
	"fmt"
	"image"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/onnxgraph"
)

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

// session is one network, bound to an input that it does not own.
type session struct {
	cfg       Config
	spec      *spec
	inputName string
	wanted    detect.ClassSet // it runs for these; for none of them, not at all

	out    []*tensor
	raw    [][]float32 // in the order of the family's outputs; nil for one that does not run
	decode decoder
	nms    detect.NMS
	run    *ort.AdvancedSession
}

// inspect reads the model's inputs and outputs, holds them against the family,
// and settles the input's size.
func inspect(c Config, sp *spec) (size image.Point, inputName string, err error) {
	bad := func(format string, args ...any) (image.Point, string, error) {
		return image.Point{}, "", &ModelError{c.Name, fmt.Sprintf(format, args...)}
	}
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(c.Model)
	if err != nil {
		return bad("%v", err)
	}
	if len(ins) != 1 || len(ins[0].Dimensions) != 4 || ins[0].DataType != ort.TensorElementDataTypeFloat {
		return bad("it does not take one float tensor of 1x3xHxW")
	}
	d := ins[0].Dimensions
	size = c.InputSize
	if size == (image.Point{}) {
		size = DefaultInputSize
		if d[3] > 0 && d[2] > 0 {
			size = image.Pt(int(d[3]), int(d[2]))
		}
	}
	if d[3] > 0 && int(d[3]) != size.X || d[2] > 0 && int(d[2]) != size.Y {
		return bad("its input is fixed to %dx%d, not %dx%d", d[3], d[2], size.X, size.Y)
	}
	if size.X <= 0 || size.Y <= 0 || size.X%sp.multiple != 0 || size.Y%sp.multiple != 0 {
		return bad("input %dx%d is not a multiple of %d", size.X, size.Y, sp.multiple)
	}
	for _, want := range sp.outputs(size) {
		i := slices.IndexFunc(outs, func(o ort.InputOutputInfo) bool { return o.Name == want.name })
		if i < 0 {
			return bad("it has no output %q, so it is no %s", want.name, sp.name)
		}
		dims := outs[i].Dimensions
		match := outs[i].DataType == ort.TensorElementDataTypeFloat && len(dims) == len(want.shape)
		for j := 0; match && j < len(dims); j++ {
			match = dims[j] <= 0 || dims[j] == want.shape[j]
		}
		if !match {
			return bad("output %q has shape %v, want %v", want.name, dims, ort.Shape(want.shape))
		}
	}
	return size, ins[0].Name, nil
}

// newSession opens a network for some classes of its family: of one whose outputs
// hold different classes, only the part that those need is kept.
func newSession(c Config, sp *spec, inputName string, in *input, wanted detect.ClassSet) (*session, error) {
	s := &session{
		cfg: c, spec: sp, inputName: inputName, wanted: wanted & sp.classes,
		decode: sp.decoder(in.size), nms: detect.NMS{MaxIoU: c.MaxIoU},
	}
	var names []string
	var values []ort.Value
	for _, o := range sp.outputs(in.size) {
		if o.classes != 0 && o.classes&wanted == 0 {
			s.raw = append(s.raw, nil)
			continue
		}
		t, err := newTensor(o.shape)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.out, s.raw = append(s.out, t), append(s.raw, t.data)
		names, values = append(names, o.name), append(values, t.value)
	}
	model := c.Model
	if len(names) < len(s.raw) {
		var err error
		if model, err = onnxgraph.Cut(model, names...); err != nil {
			return nil, errors.Join(&ModelError{c.Name, err.Error()}, s.close())
		}
	}
	opts, err := options(c.Threads)
	if err != nil {
		return nil, errors.Join(&ModelError{c.Name, err.Error()}, s.close())
	}
	s.run, err = ort.NewAdvancedSessionWithONNXData(model, []string{inputName}, names,
		[]ort.Value{in.tensor.value}, values, opts)
	if err != nil {
		return nil, errors.Join(&ModelError{c.Name, err.Error()}, opts.Destroy(), s.close())
	}
	live.Add(1)
	if err := opts.Destroy(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// options leaves the memory arena and the memory pattern on, as they are by
// default: measured on two x86-64 cores at 640x384 (medians of 15 interleaved
// runs), without them YuNet and YOLOX-nano took the same time within 5 %, and
// LPD-YuNet, whose activations then come from the system page by page, 1.6
// times as long, with more memory resident and not less.
func options(threads int) (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		o.SetIntraOpNumThreads(threads),
		o.SetInterOpNumThreads(1),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		o.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	)
	if err != nil {
		return nil, errors.Join(err, o.Destroy())
	}
	return o, nil
}

// narrowed returns a session for the wanted classes: s itself, unchanged, if it
// already runs just what they need, or another one.
func (s *session) narrowed(wanted detect.ClassSet, in *input) (*session, error) {
	wanted &= s.spec.classes
	change := false
	for i, o := range s.spec.outputs(in.size) {
		change = change || o.classes != 0 && (o.classes&wanted != 0) != (s.raw[i] != nil)
	}
	if wanted == 0 || !change {
		return s, nil
	}
	return newSession(s.cfg, s.spec, s.inputName, in, wanted)
}

// try runs the session on whatever the input holds: shapes are checked by the
// runtime against the tensors that are there to take them.
func (s *session) try(opts *ort.RunOptions) error {
	if err := s.run.RunWithOptions(opts); err != nil {
		return &ModelError{s.cfg.Name, err.Error()}
	}
	return nil
}

// detect runs the network and appends what it finds, in the picture's pixels.
func (s *session) detect(opts *ort.RunOptions, toPic mapping, dst []detect.Detection) ([]detect.Detection, error) {
	for _, t := range s.out {
		// What a run leaves unwritten must not pass for an output.
		poison(t.data)
	}
	if err := s.run.RunWithOptions(opts); err != nil {
		return dst, &RunError{s.cfg.Name, err}
	}
	for i, raw := range s.raw {
		if !finite(raw) {
			return dst, &detect.OutputError{Network: s.cfg.Name, Reason: fmt.Sprintf("output %d has values that are not finite", i)}
		}
	}
	start := len(dst)
	dst, reason := s.decode(s.raw, &s.cfg.MinScore, dst)
	if reason != "" {
		return dst[:start], &detect.OutputError{Network: s.cfg.Name, Reason: reason}
	}
	found := s.nms.Apply(dst[start:])
	for i := range found {
		found[i].Box = toPic.box(found[i].Box)
	}
	return dst[:start+len(detect.Clip(found, toPic.bounds))], nil
}

func (s *session) close() error {
	var errs []error
	if s.run != nil {
		errs = append(errs, s.run.Destroy())
		live.Add(-1)
		s.run = nil
	}
	for _, t := range s.out {
		errs = append(errs, t.close())
	}
	s.out, s.raw = nil, nil
	return errors.Join(errs...)
}
