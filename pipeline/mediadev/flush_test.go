package mediadev_test

import (
	"image"
	"runtime"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// TestTightened: once a tighter policy is in force, a picture that has waited for the encoder
// since before is not handed out.
func TestTightened(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: pipeline.Live})
	r := mediadev.Transform(p)(&camera{frames: 1 << 20, pace: time.Millisecond, ratio: image.YCbCrSubsampleRatio420})
	defer func() {
		if err := r.(*mediadev.Reader).Close(); err != nil {
			t.Error(err)
		}
	}()
	read := func() shot {
		img, _, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		s, err := look(img)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := read(); !s.inside {
		t.Fatalf("at first: %+v", s)
	}
	// Frames are dropped only while one is being written: nobody reads it.
	for p.Stats().FramesDropped == 0 {
		runtime.Gosched()
	}
	if err := p.SetPolicy(policy(t, hideWhole)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if s := read(); s.inside || s.outside {
			t.Fatalf("after a tighter policy: %+v", s)
		}
	}
}
