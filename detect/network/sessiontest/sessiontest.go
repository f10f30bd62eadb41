// Package sessiontest is the conformance kit of network.Session: whatever runs a network,
// a runtime, an NPU or a fake, is held against tensors that were recorded.
package sessiontest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/network"
)

// Recording is what a network gave for one picture. The network is the tiny one of
// detect/onnx/testdata, of YuNet's form: a face is where a cell of 8, 16 or 32 pixels is
// bright.
type Recording struct {
	// Input names the input and its shape, NCHW.
	Input network.Tensor
	// Bright are the parts of the input that are 255; the rest is 0.
	Bright []image.Rectangle
	// Outputs are what ONNX Runtime made of that on its own kernels.
	Outputs []network.Tensor
}

//go:embed testdata/tiny.json
var tiny []byte

// Tiny returns the recording, a copy of its own.
func Tiny() Recording {
	var r Recording
	if err := json.Unmarshal(tiny, &r); err != nil {
		panic(fmt.Sprintf("sessiontest: testdata/tiny.json: %v", err)) // a part of the package
	}
	return r
}

// Draw fills an input tensor, NCHW or NHWC, with the recorded picture.
func (r Recording) Draw(in network.Tensor) {
	clear(in.Data)
	h, w := int(r.Input.Shape[2]), int(r.Input.Shape[3])
	row, column, colour := w, 1, w*h
	if in.Shape[3] == 3 {
		row, column, colour = 3*w, 3, 1
	}
	for _, b := range r.Bright {
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				for c := range 3 {
					in.Data[y*row+x*column+c*colour] = 255
				}
			}
		}
	}
}

// Picture returns the recorded picture as a camera gives it: limited range, 4:2:0.
func (r Recording) Picture() *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, int(r.Input.Shape[3]), int(r.Input.Shape[2])), image.YCbCrSubsampleRatio420)
	for i := range p.Y {
		p.Y[i] = 16
		if at := image.Pt(i%p.YStride, i/p.YStride); slices.ContainsFunc(r.Bright, at.In) {
			p.Y[i] = 235
		}
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = 128, 128
	}
	return p
}

// Options tell Run what to expect.
type Options struct {
	// Tolerance is how far a value may be from the recorded one. It defaults to 1e-4,
	// which is what kernels round differently.
	Tolerance float32
	// Layout is that of the session's input. It defaults to "NCHW".
	Layout string
}

// Run holds the sessions that open gives against the recording, and the detector that
// they make against detecttest.
func Run(t *testing.T, open network.Opener, o Options) {
	t.Helper()
	if o.Tolerance == 0 {
		o.Tolerance = 1e-4
	}
	if o.Layout == "" {
		o.Layout = "NCHW"
	}
	for _, c := range []struct {
		name  string
		check func(*testing.T, network.Opener, Options, Recording)
	}{{"Replays", replays}, {"KeepsItsMemory", keepsMemory}, {"OutputsByName", byName}, {"Cancel", cancels}} {
		t.Run(c.name, func(t *testing.T) { c.check(t, open, o, Tiny()) })
	}
	t.Run("Detector", func(t *testing.T) {
		r := Tiny()
		detecttest.Run(t, func() detect.Detector {
			n, err := network.New(open, network.Config{
				Name: "recorded", Family: network.YuNet, MaxIoU: detect.DefaultMaxIoU, MinScore: [detect.NumClasses]float32{detect.Face: 0.6},
				Input: network.Input{Layout: o.Layout, Channels: "BGR", High: 255, Multiple: 32},
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}, detecttest.Options{Picture: r.Picture(), Finds: len(r.Bright)})
	})
}

func opened(t *testing.T, open network.Opener, outputs ...string) network.Session {
	t.Helper()
	s, err := open(outputs...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// replays: the tensors are the recorded ones, again and again, and not those of another
// picture.
func replays(t *testing.T, open network.Opener, o Options, r Recording) {
	s := opened(t, open)
	want := r.Input.Shape
	if o.Layout == "NHWC" {
		want = []int64{want[0], want[2], want[3], want[1]}
	}
	if in := s.Input(); !slices.Equal(in.Shape, want) || int64(len(in.Data)) != want[0]*want[1]*want[2]*want[3] {
		t.Fatalf("input of shape %v with %d values, want %v", in.Shape, len(in.Data), want)
	}
	var first [][]float32
	for i := range 3 {
		if i == 1 {
			clear(s.Input().Data)
		} else {
			r.Draw(s.Input())
		}
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := compare(s.Outputs(), r.Outputs, o.Tolerance)
		switch {
		case i == 0:
			for _, out := range s.Outputs() {
				first = append(first, slices.Clone(out.Data))
			}
			fallthrough
		case i == 2:
			if err != nil {
				t.Errorf("run %d: %v", i, err)
			}
		case err == nil:
			t.Error("a blank picture gives what the recorded one gives")
		}
	}
	for i, out := range s.Outputs() {
		if !slices.Equal(out.Data, first[i]) {
			t.Errorf("%s is another for the same picture", out.Name)
		}
	}
}

// compare holds outputs, in any order, against the wanted ones.
func compare(got, want []network.Tensor, tolerance float32) error {
	if len(got) < len(want) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(want))
	}
	for _, w := range want {
		i := slices.IndexFunc(got, func(g network.Tensor) bool { return g.Name == w.Name })
		if i < 0 {
			return fmt.Errorf("no output %q", w.Name)
		}
		g := got[i]
		if !slices.Equal(g.Shape, w.Shape) || len(g.Data) != len(w.Data) {
			return fmt.Errorf("%s has shape %v and %d values, want %v", w.Name, g.Shape, len(g.Data), w.Shape)
		}
		for k, v := range g.Data {
			// Written so that what is not a number differs.
			if d := v - w.Data[k]; !(d <= tolerance && d >= -tolerance) {
				return fmt.Errorf("value %d of %s is %v, want %v within %v", k, w.Name, v, w.Data[k], tolerance)
			}
		}
	}
	return nil
}

// keepsMemory: the tensors stay where they are.
func keepsMemory(t *testing.T, open network.Opener, _ Options, r Recording) {
	s := opened(t, open)
	in, outs := s.Input(), s.Outputs()
	for range 2 {
		r.Draw(in)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	same := &in.Data[0] == &s.Input().Data[0]
	for i, out := range s.Outputs() {
		same = same && out.Name == outs[i].Name && &out.Data[0] == &outs[i].Data[0]
	}
	if !same {
		t.Error("tensors moved")
	}
}

// byName: a session for some outputs gives at least those.
func byName(t *testing.T, open network.Opener, o Options, r Recording) {
	wanted := r.Outputs[len(r.Outputs)/2:][:1]
	s := opened(t, open, wanted[0].Name)
	r.Draw(s.Input())
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := compare(s.Outputs(), wanted, o.Tolerance); err != nil {
		t.Error(err)
	}
}

// cancels: a context that has ended ends a run, and the session goes on working.
func cancels(t *testing.T, open network.Opener, o Options, r Recording) {
	s := opened(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Draw(s.Input())
	err := s.Run(ctx)
	for err == nil { // one that is told of the end by another goroutine
		err = s.Run(ctx)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run ends with %v", err)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := compare(s.Outputs(), r.Outputs, o.Tolerance); err != nil {
		t.Errorf("after a cancelled run: %v", err)
	}
}
