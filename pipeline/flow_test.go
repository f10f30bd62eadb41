package pipeline_test

import (
	"context"
	"errors"
	"image"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestEveryFrameOnce: in File mode every frame comes out, in order, at its own
// time, whatever the look-ahead.
func TestEveryFrameOnce(t *testing.T) {
	for _, lookAhead := range []int{0, 1, 8, 100} {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), LookAhead: time.Duration(lookAhead) * interval,
			Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
		sink := &album{t: t}
		if err := p.Run(t.Context(), &camera{frames: 50}, sink); err != nil {
			t.Fatal(err)
		}
		shots := sink.seen()
		if len(shots) != 50 || sink.finished != 1 {
			t.Fatalf("look-ahead %d: %d frames, finished %d times", lookAhead, len(shots), sink.finished)
		}
		for i, s := range shots {
			if s.n != i || s.at != time.Duration(i)*interval {
				t.Fatalf("look-ahead %d: frame %d came out as number %d", lookAhead, s.n, i)
			}
		}
	}
}

// TestBackFill: an object first found in frame 12 is hidden in the frames that
// were still held back, and not in those that had gone out.
func TestBackFill(t *testing.T) {
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
	const first = 12
	for _, lookAhead := range []int{0, 4} {
		script := make([][]detect.Detection, 30)
		for i := first; i < len(script); i++ {
			script[i] = []detect.Detection{person}
		}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), LookAhead: time.Duration(lookAhead) * interval, Every: 1,
			Detectors: []detect.Detector{detecttest.New(everything, detecttest.Script(script...))}})
		sink := &album{t: t}
		if err := p.Run(t.Context(), &camera{frames: 30}, sink); err != nil {
			t.Fatal(err)
		}
		from := first - max(lookAhead, 0)
		for i, s := range sink.seen() {
			// The block in the middle of the person: 56, 25.
			if hidden := !s.shown[3][7]; hidden != (i >= from) {
				t.Errorf("look-ahead %d, frame %d: person hidden %t", lookAhead, i, hidden)
			}
			if !s.shown[0][15] {
				t.Errorf("look-ahead %d, frame %d: scenery far from the person is hidden", lookAhead, i)
			}
		}
	}
}

// TestSlowSink: a file source waits, a live one loses the oldest waiting frames,
// counted, and what comes out stays in order.
func TestSlowSink(t *testing.T) {
	for _, mode := range modes {
		var p *pipeline.Pipeline
		sink := &album{t: t, fault: func(context.Context, int) error {
			for in := p.Stats().FramesIn; mode == pipeline.Live && p.Stats().FramesIn < min(in+10, 100); {
				<-time.After(time.Millisecond)
			}
			return nil
		}}
		p = newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: 2 * interval})
		if err := p.Run(t.Context(), &camera{frames: 100, pace: time.Millisecond}, sink); err != nil {
			t.Fatal(err)
		}
		shots, st := sink.seen(), p.Stats()
		for i := 1; i < len(shots); i++ {
			if shots[i].at <= shots[i-1].at {
				t.Fatalf("%v: frame %d after %d", mode, shots[i].n, shots[i-1].n)
			}
		}
		if mode == pipeline.File && (len(shots) != 100 || st.FramesDropped != 0) {
			t.Errorf("file: %d frames out, %d dropped", len(shots), st.FramesDropped)
		}
		if mode == pipeline.Live && st.FramesDropped < 30 {
			t.Errorf("live: only %d dropped before a sink ten times too slow", st.FramesDropped)
		}
		if st.FramesIn != 100 || st.FramesOut != uint64(len(shots)) || st.FramesOut+st.FramesDropped != 100 {
			t.Errorf("%v: in %d, out %d, dropped %d do not add up", mode, st.FramesIn, st.FramesOut, st.FramesDropped)
		}
		if last := shots[len(shots)-1].n; last != 99 {
			t.Errorf("%v: the last frame out is %d", mode, last)
		}
	}
}

// TestLiveEnd: the frames held back at the end of a live source all go out, though
// they come faster than the sink takes them.
// TestSinkFails: a file is not finished without one of its frames; a live sink
// may fail now and then.
func TestSinkFails(t *testing.T) {
	once := func(_ context.Context, n int) error {
		if n == 5 {
			return errFake
		}
		return nil
	}
	always := func(context.Context, int) error { return errFake }
	panics := func(context.Context, int) error { panic("fake") }
	for _, tt := range []struct {
		name  string
		mode  pipeline.Mode
		fault func(context.Context, int) error
		fails bool
	}{
		{"file, once", pipeline.File, once, true},
		{"live, once", pipeline.Live, once, false},
		{"live, always", pipeline.Live, always, true},
		{"file, panic", pipeline.File, panics, true},
		{"live, panic", pipeline.Live, panics, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sink := &album{t: t, fault: tt.fault}
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: tt.mode, MaxFailures: 10})
			err := p.Run(t.Context(), &camera{frames: 60, pace: time.Millisecond}, sink)
			var stage *pipeline.StageError
			if fails := errors.As(err, &stage) && stage.Stage == "sink"; fails != tt.fails {
				t.Errorf("got %v", err)
			}
			if (sink.finished == 1) == tt.fails {
				t.Errorf("finished %d times", sink.finished)
			}
		})
	}
}

// TestNearestFrame: a detector looks at the frame nearest to its beat, not only at
// one that comes after it. The camera moves, so the beat is 100 ms.
// TestStop writes what is held back, TestClose and a cancelled context throw it
// away; each in bounded time and under load.
func TestStop(t *testing.T) {
	for _, mode := range modes {
		for _, how := range []string{"stop", "cancel", "close"} {
			t.Run(mode.String()+"/"+how, func(t *testing.T) {
				d := detecttest.New(everything, detecttest.Slow(30*time.Millisecond, detecttest.Find()))
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, LookAhead: 20 * interval,
					Detectors: []detect.Detector{d}})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sink := &album{t: t}
				ended := make(chan error, 1)
				go func() { ended <- p.Run(ctx, &camera{frames: 1e6, pace: time.Millisecond}, sink) }()
				for p.Stats().FramesOut < 5 {
					runtime.Gosched()
				}
				switch how {
				case "stop":
					p.Stop()
				case "cancel":
					cancel()
				case "close":
					if err := p.Close(); err != nil {
						t.Error(err)
					}
				}
				err := <-ended
				st := p.Stats()
				if how == "stop" {
					if err != nil || sink.finished != 1 || st.FramesOut+st.FramesDropped != st.FramesIn {
						t.Errorf("error %v, finished %d, in %d, out %d, dropped %d", err, sink.finished, st.FramesIn, st.FramesOut, st.FramesDropped)
					}
				} else if !errors.Is(err, context.Canceled) || sink.finished != 0 {
					t.Errorf("error %v, finished %d", err, sink.finished)
				}
			})
		}
	}
}

// TestSecondRun: one Run at a time, several after each other, none after Close.
func TestSecondRun(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	started := make(chan struct{})
	first := make(chan error, 1)
	c := &camera{frames: 3, fault: func(ctx context.Context, n int) error {
		if n == 1 {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}}
	go func() { first <- p.Run(t.Context(), c, &album{t: t}) }()
	<-started
	if err := p.Run(t.Context(), &camera{frames: 1}, &album{t: t}); !errors.Is(err, pipeline.ErrRunning) {
		t.Errorf("second run: %v", err)
	}
	p.Stop()
	if err := <-first; err != nil {
		t.Errorf("first run: %v", err)
	}
	if err := p.Run(t.Context(), &camera{frames: 1}, &album{t: t}); err != nil {
		t.Errorf("third run: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := p.Run(t.Context(), &camera{frames: 1}, &album{t: t}); !errors.Is(err, pipeline.ErrClosed) {
		t.Errorf("run after close: %v", err)
	}
}

// TestSetPolicy: a new policy holds from the next frame on, an invalid one
// changes nothing.
func TestSetPolicy(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	c := &camera{frames: 30, fault: func(_ context.Context, n int) error {
		switch n {
		case 10:
			bad := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 2, Y: 0}, {X: 1, Y: 1}}}}
			var wrong *redact.PolicyError
			if err := p.SetPolicy(bad); !errors.As(err, &wrong) {
				t.Errorf("bad policy: %v", err)
			}
		case 20:
			if err := p.SetPolicy(policy(t, `{"version": 1, "outside": {"fill": "solid"}}`)); err != nil {
				t.Error(err)
			}
		}
		return nil
	}}
	sink := &album{t: t}
	if err := p.Run(t.Context(), c, sink); err != nil {
		t.Fatal(err)
	}
	for _, s := range sink.seen() {
		// Frames read before the change may go out after it, hidden under both: five wait
		// for the event loop or are in its hand.
		if shown := s.insideShown() > 0; s.n < 14 && !shown || s.n >= 20 && shown {
			t.Errorf("frame %d: property shown %t", s.n, shown)
		}
		if s.outsideShown() != 0 {
			t.Errorf("frame %d: outside shown", s.n)
		}
	}
}

// TestConfirm: zones drawn for one aspect ratio hold for another once the owner
// says so.
func TestConfirm(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	c := &camera{frames: 40,
		size: func(n int) image.Point {
			if n >= 10 {
				return image.Pt(height, width)
			}
			return image.Pt(width, height)
		},
		fault: func(_ context.Context, n int) error {
			if n == 25 {
				p.Confirm()
			}
			return nil
		}}
	sink := &album{t: t}
	if err := p.Run(t.Context(), c, sink); err != nil {
		t.Fatal(err)
	}
	for i, s := range sink.seen() {
		blocks := s.insideShown() + s.outsideShown()
		if i >= 10 && i < 20 && blocks != 0 {
			t.Errorf("frame %d: %d blocks shown", i, blocks)
		}
		if (i < 10 || i > 26) && blocks == 0 {
			t.Errorf("frame %d: nothing shown", i)
		}
	}
}

// TestLiveDoesNotWait: a detector far too slow for the frame rate delays no
// frame, newer offers replace older ones, and late results still count.
// TestBudget: the detectors never use more core time than they are given.
// TestSteadyStateAllocates nothing per frame, with a detector at work.
func TestSteadyStateAllocates(t *testing.T) {
	race.SkipPixels(t)
	person := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 50, Y0: 10, X1: 62, Y1: 40}}
	for _, mode := range modes {
		measure := func(frames int) uint64 {
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: mode, Every: 2,
				Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find(person))}})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err := p.Run(t.Context(), &camera{frames: frames}, discard{}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			return after.Mallocs - before.Mallocs
		}
		few, many := measure(1000), measure(5000)
		if extra := int64(many) - int64(few); extra > 400 {
			t.Errorf("%v: 4000 more frames cost %d more allocations", mode, extra)
		}
	}
}

// discard is a sink that takes everything.
type discard struct{}

func (discard) Write(context.Context, redact.Frame) error { return nil }

// TestConfig refuses what makes no sense.
func TestConfig(t *testing.T) {
	for name, c := range map[string]pipeline.Config{
		"look-ahead":     {LookAhead: 121 * interval},
		"negative":       {LookAhead: -2},
		"negative every": {Every: -1},
		"nil detector":   {Detectors: []detect.Detector{nil}},
		"policy":         {Policy: &redact.Policy{Version: 2}},
	} {
		if _, err := pipeline.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	p, err := pipeline.New(pipeline.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), &camera{frames: 3}, discard{}); err != nil {
		t.Fatal(err)
	}
	if st := p.Stats(); st.FramesHidden != 3 || st.HiddenShare != 1 {
		t.Errorf("without a policy %d of 3 frames were hidden, share %v", st.FramesHidden, st.HiddenShare)
	}
}

// TestMovingCamera: an object that stands still in the world stays hidden while
// the camera pans between two looks.
func TestMovingCamera(t *testing.T) {
	const w, h, step, every = 320, 192, 8, 6
	// The person is at 40 in the first frame, and step further in each.
	at := func(n int) detect.Box {
		x := float32(40 + step*n)
		return detect.Box{X0: x, Y0: 60, X1: x + 24, Y1: 130}
	}
	calls := 0
	d := detecttest.New(everything, func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		n := calls * every
		calls++
		return append(dst, detect.Detection{Class: detect.Person, Score: 0.9, Box: at(n)}), nil
	})
	p := newPipeline(t, pipeline.Config{Policy: policy(t, `{"version": 1, "outside": {"hide": "detected", "fill": "solid"}}`),
		LookAhead: 0, Every: every, Detectors: []detect.Detector{d}})
	src := &panning{w: w, h: h, step: step, frames: 4*every - 1}
	var covered []float64
	sink := sinkFunc(func(f redact.Frame) {
		n := int(f.Time() / interval)
		covered = append(covered, f.Mask().HiddenOf(at(n)))
	})
	if err := p.Run(t.Context(), src, sink); err != nil {
		t.Fatal(err)
	}
	for n, c := range covered {
		// At 25 frames a second the tracker alone cannot know, after one
		// sighting, that the person moves by 200 pixels a second.
		if c < 0.9 {
			t.Errorf("frame %d: %.0f %% of the person hidden", n, 100*c)
		}
	}
}

// panning is a camera that turns over a world of blocks.
type panning struct{ w, h, step, frames, n int }

func (c *panning) Read(_ context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	pic := b.Resize(c.w, c.h)
	for y := range c.h {
		for x := range c.w {
			// A hash of the world's 12x12 block.
			wx, wy := uint32(x+1000-c.step*c.n)/12, uint32(y)/12
			v := (wx*2654435761 ^ wy*40503) * 2246822519
			pic.Y[y*pic.YStride+x] = uint8(40 + v>>24%160)
		}
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// sinkFunc is a sink that looks at each frame.
type sinkFunc func(redact.Frame)

func (s sinkFunc) Write(_ context.Context, f redact.Frame) error { s(f); return nil }
