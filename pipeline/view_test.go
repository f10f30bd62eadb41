package pipeline_test

import (
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

const viewW, viewH = 320, 240

// street draws a place of many edges; seed says which place.
func street(seed uint64) []uint8 {
	r := rand.New(rand.NewPCG(seed, 1))
	y := make([]uint8, viewW*viewH)
	for i := range y {
		y[i] = 120
	}
	for range 400 {
		x0, y0, w, h, v := r.IntN(viewW), r.IntN(viewH), 6+r.IntN(30), 6+r.IntN(30), uint8(30+r.IntN(190))
		for j := y0; j < min(y0+h, viewH); j++ {
			for i := x0; i < min(x0+w, viewW); i++ {
				y[j*viewW+i] = v
			}
		}
	}
	return y
}

// watcher is a fixed camera at 25 pictures a second; place says what it shows.
type watcher struct {
	frames int
	place  func(n int) []uint8
	before func(n int)                    // is called first
	size   func(n int) (size image.Point) // native; defaults to that of the picture

	n int
}

func (c *watcher) Read(ctx context.Context, b *pipeline.Buffer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.n == c.frames {
		return io.EOF
	}
	if c.before != nil {
		c.before(c.n)
	}
	pic := b.Resize(viewW, viewH)
	copy(pic.Y, c.place(c.n))
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 128, 128
	}
	if c.size != nil {
		b.Native = c.size(c.n)
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// seen notes which frames were shown at all.
type seenFrames struct {
	mu    sync.Mutex
	shown map[int]bool
	each  func(n int, shown bool)
}

func (s *seenFrames) Write(_ context.Context, f redact.Frame) error {
	n, shown := int(f.Time()/interval), !f.Hidden()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == nil {
		s.shown = map[int]bool{}
	}
	s.shown[n] = shown
	if s.each != nil {
		s.each(n, shown)
	}
	return nil
}

// check fails for each frame that is shown where want says that it must not be, and,
// if all is set, for each that is hidden where it says that it must be shown.
func (s *seenFrames) check(t *testing.T, all bool, want func(n int) bool) {
	t.Helper()
	if len(s.shown) == 0 {
		t.Error("no frames came out")
	}
	for n, shown := range s.shown {
		if shown && !want(n) || all && !shown && want(n) {
			t.Errorf("frame %d: shown %t", n, shown)
		}
	}
}

// paced returns what a source calls before each frame so that a live pipeline, which
// waits for nobody, has taken in all frames before it.
func paced(p *pipeline.Pipeline) func(n int) {
	inspected := func() uint64 { return p.Stats().Stages[0].Count }
	begun := inspected()
	return func(n int) {
		for inspected()-begun < uint64(n) {
			<-time.After(50 * time.Microsecond)
		}
	}
}

// TestViewMoves: with everything outside hidden and no detector, as with others, not
// one frame of another place is shown. A recording is shown again when the place is
// back, a live camera when the owner confirms it.
func TestViewMoves(t *testing.T) {
	race.SkipPixels(t)
	here, there := street(1), street(2)
	for _, hide := range []string{hideAll, hideFound} {
		for _, mode := range modes {
			for _, lookAhead := range []int{0, 8} {
				var events []pipeline.Event
				p := newFixed(t, pipeline.Config{Policy: policy(t, hide), Mode: mode, LookAhead: time.Duration(lookAhead) * interval, Every: 1,
					Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())},
					OnEvent:   func(e pipeline.Event) { events = append(events, e) }})
				sink := &seenFrames{}
				src := &watcher{frames: 260, before: paced(p), place: func(n int) []uint8 {
					if n >= 80 && n < 200 {
						return there
					}
					return here
				}}
				if err := p.Run(t.Context(), src, sink); err != nil {
					t.Fatal(err)
				}
				sink.check(t, mode == pipeline.File && hide == hideAll, func(n int) bool { return n < 80 || n >= 200 && mode == pipeline.File })
				moved := 0
				for _, e := range events {
					if e.Kind == pipeline.CameraMoved {
						moved++
					}
				}
				if mode == pipeline.File && moved != 1 {
					t.Errorf("%v: %d events of a moved camera: %v", mode, moved, events)
				}
			}
		}
	}
}

// TestViewTurnsSlowly: the frames held back in which the camera had begun to turn are
// hidden too.
func TestViewTurnsSlowly(t *testing.T) {
	wide := street(3)
	p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: 8 * interval})
	sink := &seenFrames{}
	src := &watcher{frames: 120, place: func(n int) []uint8 {
		dx := max(n-80, 0) * 4
		out := make([]uint8, len(wide))
		for y := range viewH {
			for x := range viewW {
				out[y*viewW+x] = wide[y*viewW+(x+dx)%viewW]
			}
		}
		return out
	}}
	if err := p.Run(t.Context(), src, sink); err != nil {
		t.Fatal(err)
	}
	// A shift of one hundredth, in frame 81, may be sway.
	sink.check(t, false, func(n int) bool { return n < 82 })
	for n := range 80 {
		if !sink.shown[n] {
			t.Errorf("frame %d: hidden", n)
		}
	}
}

// TestViewConfirm: while the view is not confirmed neither a policy, nor a preview,
// nor another Run, nor a restart of the program shows anything; Confirm does.
func TestViewConfirm(t *testing.T) {
	here, there := street(1), street(2)
	var kept pipeline.View
	var saves []pipeline.View
	var hiddenBefore int
	config := func() pipeline.Config {
		return pipeline.Config{Policy: policy(t, hideAll), View: kept, SaveView: func(v pipeline.View) error {
			kept = v
			saves = append(saves, v)
			return nil
		}}
	}
	live := func(p *pipeline.Pipeline, frames int, place func(int) []uint8, before func(n int)) *seenFrames {
		t.Helper()
		sink := &seenFrames{}
		if err := p.Run(t.Context(), &watcher{frames: frames, place: place, before: before}, sink); err != nil {
			t.Fatal(err)
		}
		return sink
	}
	always := func(place []uint8) func(int) []uint8 { return func(int) []uint8 { return place } }
	nothing := func(int) bool { return false }
	c := config()
	c.Mode = pipeline.Live
	var p *pipeline.Pipeline
	c.OnEvent = func(e pipeline.Event) {
		if e.Kind == pipeline.CameraMoved && kept.Unconfirmed != pipeline.ReasonCameraMoved {
			hiddenBefore++
		}
	}
	p = newFixed(t, c)
	live(p, 200, func(n int) []uint8 {
		if n >= 60 {
			return there
		}
		return here
	}, paced(p)).check(t, false, func(n int) bool { return n < 60 })
	if kept.Unconfirmed != pipeline.ReasonCameraMoved || len(kept.Structure) == 0 || kept.Native != image.Pt(viewW, viewH) || hiddenBefore > 0 {
		t.Fatalf("kept %v, %d bytes of structure, size %v; told before it was kept: %d", kept.Unconfirmed, len(kept.Structure), kept.Native, hiddenBefore)
	}
	live(p, 40, always(here), paced(p)).check(t, false, nothing)
	pace := paced(p)
	live(p, 40, always(here), func(n int) {
		pace(n)
		if err := p.SetPolicy(policy(t, hideFound)); err != nil {
			t.Error(err)
		}
		if err := p.SetPreview(policy(t, hideAll), &seenFrames{}); err != nil {
			t.Error(err)
		}
	}).check(t, false, nothing)
	c = config()
	c.Mode = pipeline.Live
	q := newFixed(t, c)
	live(q, 40, always(here), paced(q)).check(t, false, nothing)
	q.Confirm()
	live(q, 60, always(there), paced(q)).check(t, true, func(int) bool { return true })
	if kept.Unconfirmed != pipeline.NoReason || len(kept.Structure) == 0 {
		t.Errorf("after Confirm: %v, %d bytes of structure", kept.Unconfirmed, len(kept.Structure))
	}
	// The program is off while the camera is turned back.
	live(newFixed(t, config()), 40, always(here), nil).check(t, true, nothing)
	live(newFixed(t, config()), 40, always(there), nil).check(t, true, func(int) bool { return true })
	if n := len(saves); n > 8 {
		t.Errorf("kept %d times", n)
	}
}

// TestViewOfAnotherSize: a camera of another aspect ratio is hidden, before and after
// a restart, until the owner confirms it; a view that cannot be read is, too.
func TestViewOfAnotherSize(t *testing.T) {
	here := street(1)
	wide := func(int) image.Point { return image.Pt(1280, 720) }
	for name, v := range map[string]pipeline.View{
		"another aspect ratio": {Native: image.Pt(640, 480)},
		"no structure":         {Native: image.Pt(1280, 720), Structure: []byte("hello")},
		"unconfirmed":          {Native: image.Pt(1280, 720), Unconfirmed: pipeline.ReasonCameraMoved},
	} {
		for _, moving := range []bool{false, true} {
			if moving && name == "no structure" {
				continue // is not compared
			}
			p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), View: v, Moving: moving})
			sink := &seenFrames{}
			src := &watcher{frames: 60, place: func(int) []uint8 { return here }, size: wide}
			if err := p.Run(t.Context(), src, sink); err != nil {
				t.Fatal(err)
			}
			sink.check(t, true, func(int) bool { return false })
			if why := p.Stats().FailedClosed; !why.AwaitsOwner() {
				t.Errorf("%s: hidden for %v", name, why)
			}
			p.Confirm()
			sink = &seenFrames{}
			if err := p.Run(t.Context(), &watcher{frames: 60, place: src.place, size: wide}, sink); err != nil {
				t.Fatal(err)
			}
			sink.check(t, true, func(int) bool { return true })
		}
	}
}

// TestViewNotSaved: the owner is told that a restart would not know.
func TestViewNotSaved(t *testing.T) {
	full := errors.New("disk full")
	var told []pipeline.Event
	p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), SaveView: func(pipeline.View) error { return full },
		OnEvent: func(e pipeline.Event) { told = append(told, e) }})
	if err := p.Run(t.Context(), &watcher{frames: 5, place: func(int) []uint8 { return street(1) }}, &seenFrames{}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0].Kind != pipeline.ViewNotSaved || !errors.Is(told[0].Err, full) {
		t.Errorf("told of %v", told)
	}
}
