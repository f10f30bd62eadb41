package pipeline_test

import (
	"context"
	"errors"
	"image"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// place is a camera that sees the same noise in every frame, and a person in white
// who stands first in one place and then in another, until it is told to end.
type place struct {
	end, moved atomic.Bool
	native     func(n int) image.Point // defaults to none
	n          int
}

// standing is where the person stands, in pixels.
func standing(moved bool) detect.Box {
	b := detect.Box{X0: 50, Y0: 34, X1: 62, Y1: 62}
	if moved {
		return b.Shift(-40, 0)
	}
	return b
}

func (c *place) Read(ctx context.Context, b *pipeline.Buffer) error {
	if c.end.Load() || c.n == 100_000 {
		return (&camera{}).Read(ctx, b)
	}
	pic := b.Resize(width, height)
	raw(pic, 0)
	at := standing(c.moved.Load())
	for y := int(at.Y0); y < int(at.Y1); y++ {
		for x := int(at.X0); x < int(at.X1); x++ {
			pic.Y[pic.YOffset(x, y)] = 235
		}
	}
	if c.native != nil {
		b.Native = c.native(c.n)
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// TestStill: while everything outside is hidden in what goes out, the owner sees
// the place with the people hidden, masks included, and detectors that the policy
// does not need run only for that.
func TestStill(t *testing.T) {
	const masked = `{"version": 1, "mask": [[[0.8,0],[1,0],[1,0.2],[0.8,0.2]]]}`
	cam := &place{}
	d := detecttest.New(everything, func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		return append(dst, detect.Detection{Class: detect.Person, Score: 0.9, Box: standing(cam.moved.Load())}), nil
	})
	p := newPipeline(t, pipeline.Config{Policy: policy(t, masked), Detectors: []detect.Detector{d}, Every: 1, PlateSpan: plateSpan})
	if _, err := p.BackgroundPlate(t.Context()); !errors.Is(err, pipeline.ErrNotRunning) {
		t.Fatalf("before Run: %v", err)
	}

	ran := make(chan error, 1)
	var out atomic.Int64
	sink := sinkFunc(func(f redact.Frame) {
		if !f.Hidden() {
			t.Error("a frame went out that is not hidden as the policy asks")
		}
		out.Add(1)
	})
	go func() { ran <- p.Run(t.Context(), cam, sink) }()
	begun(p)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if d.Calls() != 0 {
		t.Error("the detector ran before anybody asked for a still")
	}
	// The tracker is not sure at first how large the person is.
	still := stillAfter(ctx, t, p, d, 150)
	checkStill(t, still, map[image.Point]bool{{3, 3}: true, {1, 3}: false, {7, 0}: true, {0, 0}: false, {7, 5}: false})
	still.Release()

	// The person goes elsewhere: where they stand now the place is known from
	// before, and where they stood it comes to be known.
	cam.moved.Store(true)
	still = stillAfter(ctx, t, p, d, 200)
	checkStill(t, still, map[image.Point]bool{{3, 3}: false, {1, 3}: false, {7, 0}: true, {0, 0}: false, {7, 5}: false})
	still.Release()

	cam.end.Store(true)
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
	if out.Load() == 0 {
		t.Error("no frame went out")
	}
	if _, err := p.BackgroundPlate(t.Context()); !errors.Is(err, pipeline.ErrNotRunning) {
		t.Errorf("after Run: %v", err)
	}
}

// stillAfter asks for stills until the detector has looked n times more.
func stillAfter(ctx context.Context, t *testing.T, p *pipeline.Pipeline, d *detecttest.Fake, n int) (still redact.Frame) {
	t.Helper()
	for from := d.Calls(); d.Calls() < from+n; {
		still.Release()
		var err error
		if still, err = p.BackgroundPlate(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return still
}

// begun waits for the first frame.
func begun(p *pipeline.Pipeline) {
	for p.Stats().FramesIn == 0 {
		<-time.After(time.Millisecond)
	}
}

// plateSpan is short, for short tests.
const plateSpan = 2 * time.Second

// shows reports whether a still shows the place, and is not hidden as a whole.
func shows(f redact.Frame) bool { return f.Mask().At(0, 0) == redact.Background }

// checkStill compares the blocks named with the raw picture: hidden or not.
func checkStill(t *testing.T, f redact.Frame, want map[image.Point]bool) {
	t.Helper()
	ref := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	raw(ref, 0)
	pic := f.Picture()
	for at, hidden := range want {
		same := 0
		for y := range 16 {
			for x := range 16 {
				if i := pic.YOffset(at.X*16+x, at.Y*16+y); pic.Y[i] == ref.Y[i] {
					same++
				}
			}
		}
		// A flat colour meets noise of 200 values now and then.
		if got := same < 32; got != hidden {
			t.Errorf("block %v: hidden %t, want %t (%d of 256 samples are raw)", at, got, hidden, same)
		}
	}
}

// TestStillWithoutDetector: nobody can promise an empty place.
func TestStillWithoutDetector(t *testing.T) {
	faces := detecttest.New(detect.Classes(detect.Face), detecttest.Find())
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Detectors: []detect.Detector{faces}})
	cam := &place{}
	ran := make(chan error, 1)
	go func() { ran <- p.Run(t.Context(), cam, discard{}) }()
	begun(p)
	f, err := p.BackgroundPlate(t.Context())
	if !errors.Is(err, pipeline.ErrNoDetector) || f.Valid() {
		t.Errorf("%v, %v", f.Valid(), err)
	}
	cam.end.Store(true)
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
}

// TestStillUnfit: where the zones may not fit what the camera sees, its masks may
// not either, and a still shows nothing.
func TestStillUnfit(t *testing.T) {
	nobody := detecttest.New(everything, detecttest.Find())
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Detectors: []detect.Detector{nobody}, Every: 1, PlateSpan: plateSpan})
	cam := &place{native: func(n int) image.Point {
		if n > 0 {
			return image.Pt(width, 2*height)
		}
		return image.Pt(width, height)
	}}
	ran := make(chan error, 1)
	go func() { ran <- p.Run(t.Context(), cam, discard{}) }()
	begun(p)
	still := stillAfter(t.Context(), t, p, nobody, 200)
	if shows(still) {
		t.Error("a still of another aspect ratio is shown")
	}
	still.Release()
	p.Confirm()
	if still = stillAfter(t.Context(), t, p, nobody, 200); !shows(still) {
		t.Error("a still is hidden after Confirm")
	}
	still.Release()
	cam.end.Store(true)
	if err := <-ran; err != nil {
		t.Fatal(err)
	}
}

// TestStillGivesUp: a context that ends frees its caller, and so does the end of
// the Run.
func TestStillGivesUp(t *testing.T) {
	hang := detecttest.New(everything, detecttest.Hang())
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: pipeline.Live, Detectors: []detect.Detector{hang}, Timeout: time.Minute})
	cam := &camera{frames: 1 << 20, pace: time.Millisecond}
	ran := make(chan error, 1)
	runCtx, stop := context.WithCancel(t.Context())
	go func() { ran <- p.Run(runCtx, cam, discard{}) }()
	begun(p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.BackgroundPlate(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging detector: %v", err)
	}
	waits := make(chan error, 1)
	go func() { _, err := p.BackgroundPlate(context.WithoutCancel(t.Context())); waits <- err }()
	stop()
	if err := <-waits; !errors.Is(err, pipeline.ErrNotRunning) {
		t.Errorf("the Run ended: %v", err)
	}
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}
