package network

import (
	"context"
	"errors"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

// replay is a session that gives recorded outputs instead of computing them, as a
// board's NPU would stand in the place of a runtime.
type replay struct {
	in     Tensor
	outs   []Tensor
	record [][]float32 // what Run gives; nil leaves the outputs as they are
	block  bool        // Run waits for its context's end
	err    error
	closed int
	asked  [][]string // the outputs of each open
}

// open gives the same session each time.
func (r *replay) open(outputs ...string) (Session, error) {
	r.asked = append(r.asked, outputs)
	return r, nil
}

func (r *replay) Input() Tensor     { return r.in }
func (r *replay) Outputs() []Tensor { return r.outs }

func (r *replay) Run(ctx context.Context) error {
	if r.block {
		<-ctx.Done()
		return ctx.Err()
	}
	for i, v := range r.record {
		copy(r.outs[i].Data, v)
	}
	return r.err
}

func (r *replay) Close() error {
	r.closed++
	return nil
}

// session makes a replay with the outputs of a family, all zero.
func session(f Family, size image.Point) *replay { return sessionOf(f.spec(), size) }

func sessionOf(sp *spec, size image.Point) *replay {
	r := &replay{in: inputTensor(size, customary), record: blank(sp, size)}
	for i, o := range sp.outputs(size) {
		shape := append([]int64(nil), o.shape...)
		for j := range shape {
			if shape[j] == 0 {
				shape[j] = 100
			}
		}
		r.outs = append(r.outs, Tensor{o.name, shape, make([]float32, len(r.record[i]))})
	}
	return r
}

func configOf(f Family) Config {
	return Config{Name: "replayed", Family: f, Input: customary, MinScore: thresholds, MaxIoU: detect.DefaultMaxIoU}
}

// recordings are outputs of each family with one object in them, and where it is in
// an input of 128x64.
var recordings = []struct {
	family Family
	set    func(raw [][]float32)
	want   detect.Detection
}{
	{YuNet, func(raw [][]float32) {
		cell := 3*16 + 5
		raw[0][cell], raw[3][cell] = 0.81, 1
		copy(raw[6][4*cell:], []float32{0.5, 0.25, math.Ln2, 0})
	}, detect.Detection{Box: detect.Box{X0: 36, Y0: 22, X1: 52, Y1: 30}, Class: detect.Face, Score: 0.9}},
	{YOLOX, func(raw [][]float32) {
		copy(raw[0][(16*8+1*8+2)*85:], []float32{0.5, 0.5, math.Ln2, 0, 0.5, 0.5})
	}, detect.Detection{Box: detect.Box{X0: 24, Y0: 16, X1: 56, Y1: 32}, Class: detect.Person, Score: 0.25}},
	{LPDYuNet, func(raw [][]float32) {
		copy(raw[0], []float32{9, 9, 9, 9, -3, -1, 5, -2, 7, 7, 5, 3, -3, 2})
		raw[1][1], raw[2][0] = 0.64, 1
	}, detect.Detection{Box: detect.Box{X0: 1, Y0: 2, X1: 9, Y1: 7}, Class: detect.Plate, Score: 0.8}},
	{Hedge, func(raw [][]float32) {
		copy(raw[2][5*99:], []float32{60, 30, 100, 42, 0.9})
	}, detect.Detection{Box: detect.Box{X0: 60, Y0: 30, X1: 100, Y1: 42}, Class: detect.Plate, Score: 0.9}},
}

// TestReplay: every family decodes what another session than ONNX Runtime's gives,
// back to the picture's own pixels, and keeps the contract of a detector.
func TestReplay(t *testing.T) {
	for _, c := range recordings {
		t.Run(c.family.String(), func(t *testing.T) {
			s := session(c.family, image.Pt(128, 64))
			c.set(s.record)
			n, err := New(s.open, configOf(c.family))
			if err != nil {
				t.Fatal(err)
			}
			// Three times the input, at an origin of its own.
			pic := image.NewYCbCr(image.Rect(10, 20, 10+384, 20+192), image.YCbCrSubsampleRatio420)
			before := detect.Detection{Score: 0.5}
			got, err := n.Detect(t.Context(), pic, []detect.Detection{before})
			if err != nil || len(got) != 2 || got[0] != before {
				t.Fatalf("%v, %v", got, err)
			}
			want := c.want.Box.Scale(3, 3).Shift(10, 20)
			if got[1].Class != c.want.Class || abs(got[1].Score-c.want.Score) > 1e-6 || got[1].Box.IoU(want) < 0.999 {
				t.Errorf("%v, want %v at %v", got[1], c.want, want)
			}
			if n.Name() != "replayed" || n.Classes() != c.family.spec().classes || n.InputSize(pic.Rect.Size()) != image.Pt(128, 64) {
				t.Errorf("%q, %b, %v", n.Name(), n.Classes(), n.InputSize(pic.Rect.Size()))
			}
			for range 2 {
				if err := n.Close(); err != nil {
					t.Error(err)
				}
			}
			if s.closed != 1 {
				t.Errorf("the session was closed %d times", s.closed)
			}
		})
	}
}

func TestConformance(t *testing.T) {
	for _, c := range recordings {
		t.Run(c.family.String(), func(t *testing.T) {
			detecttest.Run(t, func() detect.Detector {
				s := session(c.family, image.Pt(128, 64))
				c.set(s.record)
				n, err := New(s.open, configOf(c.family))
				if err != nil {
					t.Fatal(err)
				}
				return n
			}, detecttest.Options{Finds: 1})
		})
	}
}

// TestSelect: only what the wanted classes need is opened, read and reported.
func TestSelect(t *testing.T) {
	s := session(Hedge, image.Pt(128, 64))
	copy(s.record[0], []float32{1, 1, 9, 9, 0.5, 0.6})
	copy(s.record[1], []float32{11, 1, 19, 9, 0.7})
	copy(s.record[2], []float32{21, 1, 29, 9, 0.8})
	n, err := New(s.open, configOf(Hedge))
	if err != nil {
		t.Fatal(err)
	}
	pic := image.NewYCbCr(image.Rect(0, 0, 128, 64), image.YCbCrSubsampleRatio420)
	for i, c := range []struct {
		wanted detect.ClassSet
		opened string
		found  detect.ClassSet
	}{
		{everything, "people faces plates", everything},
		{detect.Classes(detect.Face), "faces", detect.Classes(detect.Face)},
		{0, "faces", 0},
		{detect.Classes(detect.Face), "faces", detect.Classes(detect.Face)},
		{detect.Classes(detect.Plate, detect.Vehicle), "people plates", detect.Classes(detect.Person, detect.Vehicle, detect.Plate)},
		{everything, "people faces plates", everything},
	} {
		if err := n.Select(c.wanted); err != nil {
			t.Fatal(err)
		}
		got, err := n.Detect(t.Context(), pic, nil)
		if err != nil {
			t.Fatal(err)
		}
		var found detect.ClassSet
		for _, d := range got {
			found |= detect.Classes(d.Class)
		}
		if opened := strings.Join(s.asked[len(s.asked)-1], " "); opened != c.opened || found != c.found {
			t.Errorf("step %d: opened %q, found %b; want %q, %b", i, opened, found, c.opened, c.found)
		}
	}
	if len(s.asked) != 4 || s.closed != 3 {
		t.Errorf("opened %d times, closed %d times", len(s.asked), s.closed)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Select(everything); !errors.Is(err, detect.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestSelectOtherSize: a session of another input size than the first one's is refused,
// and the network goes on with the one it has.
func TestSelectOtherSize(t *testing.T) {
	s := session(Hedge, image.Pt(128, 64))
	n, err := New(s.open, configOf(Hedge))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s.in = inputTensor(image.Pt(64, 64), customary)
	var e *ConfigError
	if err := n.Select(detect.Classes(detect.Face)); !errors.As(err, &e) {
		t.Errorf("%v, want a ConfigError", err)
	}
	full := image.Pt(256, 128)
	if got := n.InputSize(full); got != image.Pt(128, 64) {
		t.Errorf("InputSize is %v", got)
	}
	if _, err := n.Detect(t.Context(), image.NewYCbCr(image.Rectangle{Max: full}, image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Error(err)
	}
}

// TestRunFails: what a session does not give is an error, and no detection.
func TestRunFails(t *testing.T) {
	pic := image.NewYCbCr(image.Rect(0, 0, 128, 64), image.YCbCrSubsampleRatio420)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		change func(*replay)
		is     func(error) bool
	}{
		"error":        {func(r *replay) { r.err = broken }, func(err error) bool { return errors.Is(err, broken) }},
		"nothing":      {func(r *replay) { r.record = nil }, isOutputError},
		"no number":    {func(r *replay) { r.record[0][7] = float32(math.NaN()) }, isOutputError},
		"no end":       {func(r *replay) { r.record[0][9] = float32(math.Inf(-1)) }, isOutputError},
		"out of range": {func(r *replay) { copy(r.record[0], []float32{1, 1, 5, 5, 7, 0}) }, isOutputError},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(Hedge, image.Pt(128, 64))
			c.change(s)
			n, err := New(s.open, configOf(Hedge))
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			if got, err := n.Detect(t.Context(), pic, nil); !c.is(err) || len(got) != 0 {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func isOutputError(err error) bool {
	var e *detect.OutputError
	return errors.As(err, &e) && e.Network == "replayed"
}

func TestNewRefuses(t *testing.T) {
	for says, change := range map[string]func(*replay, *Config){
		"no name":           func(_ *replay, c *Config) { c.Name = "" },
		"family(0)":         func(_ *replay, c *Config) { c.Family = 0 },
		"MaxIoU":            func(_ *replay, c *Config) { c.MaxIoU = 0 },
		"class person":      func(_ *replay, c *Config) { c.MinScore[detect.Person] = 0 },
		"class vehicle":     func(_ *replay, c *Config) { c.MinScore[detect.Vehicle] = 1.5 },
		"multiple of 48":    func(_ *replay, c *Config) { c.Input.Multiple = 48 },
		"no output":         func(r *replay, _ *Config) { r.outs[0].Name = "other" },
		"want [1 0 6]":      func(r *replay, _ *Config) { r.outs[0].Shape = []int64{1, 100, 7} },
		"and 599 values":    func(r *replay, _ *Config) { r.outs[0].Data = r.outs[0].Data[:599] },
		"is no yunet":       func(_ *replay, c *Config) { c.Family = YuNet },
		"not that of one p": func(r *replay, _ *Config) { r.in.Shape = nil },
	} {
		s, c := session(Hedge, image.Pt(128, 64)), configOf(Hedge)
		change(s, &c)
		var e *ConfigError
		if _, err := New(s.open, c); !errors.As(err, &e) || !strings.Contains(err.Error(), says) || e.Network != c.Name {
			t.Errorf("got %v, want %q", err, says)
		}
		if s.closed != len(s.asked) {
			t.Errorf("%s: the session was opened %d times and closed %d times", says, len(s.asked), s.closed)
		}
	}
}

func TestFamilies(t *testing.T) {
	for _, f := range []Family{YuNet, YOLOX, LPDYuNet, Hedge, CenterFace, HedgeMaps} {
		if got, err := ParseFamily(f.String()); err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	if _, err := ParseFamily("resnet"); err == nil {
		t.Error("resnet is a family")
	}
}
