package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// places are what a stage shows when nobody is there.
var places = [2]*image.YCbCr{placeOf(0), placeOf(1)}

func placeOf(seed int) *image.YCbCr {
	pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	rawScene(pic, seed, 0)
	return pic
}

// stage is a fixed camera on one of two places, both noise, and what stands or
// walks there in white, which nothing else is. It ends when it is told to.
type stage struct {
	walker func(n int) image.Rectangle // empty for nobody
	pace   time.Duration
	other  atomic.Bool // it was turned to the other place
	end    atomic.Bool
	n      int
}

func (c *stage) Read(ctx context.Context, b *pipeline.Buffer) error {
	if c.end.Load() || c.n == 1e6 {
		return io.EOF
	}
	if c.pace > 0 {
		select {
		case <-time.After(c.pace):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	pic, place := b.Resize(width, height), places[0]
	if c.other.Load() {
		place = places[1]
	}
	copy(pic.Y, place.Y)
	copy(pic.Cb, place.Cb)
	copy(pic.Cr, place.Cr)
	if c.walker != nil {
		at := c.walker(c.n)
		for y := at.Min.Y; y < at.Max.Y; y++ {
			for x := at.Min.X; x < at.Max.X; x++ {
				pic.Y[pic.YOffset(x, y)] = 235
			}
		}
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// white returns the bounds of what is white in a picture. Noise and fills are
// darker.
func white(pic *image.YCbCr) (r image.Rectangle) {
	for i, v := range pic.Y {
		if v >= 225 {
			r = r.Union(image.Rect(0, 0, 1, 1).Add(image.Pt(i%pic.YStride, i/pic.YStride)))
		}
	}
	return r
}

// sees is a detector that reports as a person what is white.
func sees(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	r := white(pic)
	if r.Empty() {
		return dst, nil
	}
	return append(dst, detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{
		X0: float32(r.Min.X), Y0: float32(r.Min.Y), X1: float32(r.Max.X), Y1: float32(r.Max.Y)}}), nil
}

// walking goes to and fro over the whole width, a pixel a frame.
func walking(n int) image.Rectangle {
	const way = width - 12
	x := n % (2 * way)
	if x > way {
		x = 2*way - x
	}
	return image.Rect(x, 30, x+12, 58)
}

// start runs p, and returns what ends the run and waits for it.
func start(t *testing.T, p *pipeline.Pipeline, c *stage, sink pipeline.Sink) (end func()) {
	t.Helper()
	ran := make(chan error, 1)
	go func() { ran <- p.Run(t.Context(), c, sink) }()
	begun(p)
	return func() {
		c.end.Store(true)
		if err := <-ran; err != nil {
			t.Errorf("the Run ended with %v", err)
		}
	}
}

// TestStillFaults: whatever a detector does while stills are asked, none shows
// anything of who walks through the place meanwhile. If only stills need it, the
// Run goes on as if nothing were wrong.
func TestStillFaults(t *testing.T) {
	const bad, mixed, most = 50, 20, 20
	for name, fault := range faults {
		for _, mode := range modes {
			for _, vital := range []bool{false, true} {
				if mode == pipeline.Live && (vital || !slices.Contains([]string{"error", "hang", "panic"}, name)) {
					continue // takes a while, and in File mode every look counts
				}
				t.Run(fmt.Sprintf("%s/%v/vital=%t", name, mode, vital), func(t *testing.T) {
					t.Parallel()
					steps := slices.Repeat([]detecttest.Func{fault}, bad)
					// At last every second look fails.
					for range mixed {
						steps = append(steps, fault, sees)
					}
					faulty := detecttest.Steps(steps...)
					var shown atomic.Bool // a still: the faults begin
					var taken atomic.Int64
					does := func(ctx context.Context, call int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
						if !shown.Load() {
							return sees(ctx, call, pic, dst)
						}
						return faulty(ctx, int(taken.Add(1)-1), pic, dst)
					}
					d := detecttest.New(everything, does)
					c := pipeline.Config{Policy: policy(t, hideAll), Mode: mode, Detectors: []detect.Detector{d}, Every: 1, PlateSpan: plateSpan,
						Timeout: patience(name), MaxFailures: most}
					if vital {
						c.Policy, c.MaxFailures = policy(t, hideFound), 1e6
					}
					p := newFixed(t, c)
					cam := &stage{walker: walking}
					if mode == pipeline.Live {
						cam.pace = time.Millisecond
					}
					end := start(t, p, cam, sinkFunc(func(f redact.Frame) {
						if !vital && f.Hidden() {
							t.Error("a frame is hidden as a whole")
						}
					}))
					stills, failed := 0, 0
					for int(taken.Load()) < len(steps) && !t.Failed() {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						f, err := p.BackgroundPlate(ctx)
						cancel()
						var stage *pipeline.StageError
						switch {
						case err == nil:
							stills++
							shown.Store(true)
							if r := white(f.Picture()); !r.Empty() {
								t.Errorf("the walker is in still %d: %v", stills, r)
							}
							f.Release()
						case errors.As(err, &stage) && stage.Count == most && !vital:
							failed++
						case !errors.Is(err, context.DeadlineExceeded):
							t.Fatal(err)
						}
					}
					end()
					if mode == pipeline.File && failed == 0 && !vital {
						t.Errorf("%d stills, and nobody was told of the failures", stills)
					}
					if s := p.Stats(); !vital && (s.FramesFailedClosed != 0 || s.FailedClosed != pipeline.NoReason) {
						t.Errorf("%d of %d frames failed closed for a detector that the policy does not need", s.FramesFailedClosed, s.FramesOut)
					}
				})
			}
		}
	}
}

// TestStillOfFailedDetector: who waits for a still is told which detector failed,
// another that the policy needs is not disturbed, and once the failed one works
// again there are stills.
func TestStillOfFailedDetector(t *testing.T) {
	const most = 30 // the default
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			faces := detecttest.New(detect.Classes(detect.Face), detecttest.Find())
			steps := append(slices.Repeat([]detecttest.Func{detecttest.Fail(errFake)}, most), sees)
			rest := detecttest.New(detect.Classes(detect.Person, detect.Plate), detecttest.Steps(steps...))
			p := newFixed(t, pipeline.Config{Policy: policy(t, hideAllFace), Mode: mode, Every: 1, PlateSpan: plateSpan, TimeToLive: time.Hour,
				Detectors: []detect.Detector{faces, rest}})
			end := start(t, p, &stage{pace: time.Millisecond}, discard{})
			var stage *pipeline.StageError
			_, err := p.BackgroundPlate(t.Context())
			if !errors.As(err, &stage) || stage.Stage != "fake-person-plate" || stage.Count != most || !errors.Is(err, errFake) {
				t.Errorf("failing detector: %v", err)
			}
			hidden := p.Stats().FramesFailedClosed
			f, err := p.BackgroundPlate(t.Context())
			if err != nil {
				t.Errorf("detector that works again: %v", err)
			}
			f.Release()
			end()
			s := p.Stats()
			// Live, the first frames may go out before the first look for faces.
			if s.FramesFailedClosed != hidden || mode == pipeline.File && hidden != 0 {
				t.Errorf("%d frames failed closed, %d of them at first", s.FramesFailedClosed, hidden)
			}
			if k := s.Detectors[1]; k.Failures != most {
				t.Errorf("%d failures counted", k.Failures)
			}
		})
	}
}

// TestStillDoubted: a frame whose look failed does not count as watched because a
// later one's was good.
func TestStillDoubted(t *testing.T) {
	cam := &stage{}
	d := detecttest.New(everything, func(_ context.Context, call int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		cam.end.Store(call > 300)
		if call%2 == 0 {
			return dst, errFake
		}
		return dst, nil
	})
	p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), Every: 1, PlateSpan: plateSpan, Detectors: []detect.Detector{d}})
	end := start(t, p, cam, discard{})
	if f, err := p.BackgroundPlate(t.Context()); !errors.Is(err, pipeline.ErrNotRunning) {
		t.Errorf("a still of a place that was not watched for three seconds: %v", err)
		f.Release()
	}
	end()
}

// TestStillHeldBack: frames that were held back when stills were first asked for
// were not watched for them, and no pixels come from them.
func TestStillHeldBack(t *testing.T) {
	const held = 100
	var gone atomic.Bool
	cam := &stage{pace: time.Millisecond, walker: func(int) image.Rectangle {
		if gone.Load() {
			return image.Rectangle{}
		}
		return walking(50)
	}}
	d := detecttest.New(everything, sees)
	p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: time.Duration(held) * interval, Every: 1, PlateSpan: plateSpan, Detectors: []detect.Detector{d}})
	end := start(t, p, cam, discard{})
	for p.Stats().FramesIn < held+10 {
		<-time.After(time.Millisecond)
	}
	gone.Store(true)
	for range 3 {
		f, err := p.BackgroundPlate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r := white(f.Picture()); !r.Empty() {
			t.Errorf("who stood there before is in the still: %v", r)
		}
		f.Release()
	}
	end()
}

// TestStillCameraMoved: after the camera was moved a still is hidden as a whole
// until Confirm, and then shows nothing of the place before.
func TestStillCameraMoved(t *testing.T) {
	for _, lookAhead := range []int{0, 8, 100} {
		t.Run(fmt.Sprintf("look-ahead %d", lookAhead), func(t *testing.T) {
			t.Parallel()
			var moved atomic.Bool
			cam := &stage{}
			p := newFixed(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: time.Duration(lookAhead) * interval, Every: 1, PlateSpan: plateSpan,
				Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())},
				OnEvent: func(e pipeline.Event) {
					if e.Kind == pipeline.CameraMoved {
						moved.Store(true)
					}
				}})
			end := start(t, p, cam, discard{})
			first, second := places[0], places[1]
			still := func() redact.Frame {
				f, err := p.BackgroundPlate(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			for shown := 0; shown < 48; {
				f := still()
				shown = alike(f, first)
				f.Release()
			}
			cam.other.Store(true)
			for n := 0; n < 20; {
				was := moved.Load()
				f := still()
				if was {
					n++
					if shows(f) {
						t.Fatalf("still %d after the camera was moved: %d blocks of the first place and %d of the second",
							n, alike(f, first), alike(f, second))
					}
				}
				f.Release()
			}
			p.Confirm()
			for shown := 0; shown < 48; {
				f := still()
				shown = alike(f, second)
				if n := alike(f, first); n != 0 {
					t.Fatalf("after Confirm: %d blocks of the first place", n)
				}
				f.Release()
			}
			end()
		})
	}
}

// alike counts the blocks in which a frame has a place's luma.
func alike(f redact.Frame, place *image.YCbCr) (n int) {
	pic := f.Picture()
	for y := 0; y < height; y += 16 {
	blocks:
		for x := 0; x < width; x += 16 {
			for row := range 16 {
				i := place.YOffset(x, y+row)
				if !slices.Equal(pic.Y[i:i+16], place.Y[i:i+16]) {
					continue blocks
				}
			}
			n++
		}
	}
	return n
}

// TestPlateOfAnotherPlace: what a camera showed while it was elsewhere is no background of the
// place that it comes back to.
func TestPlateOfAnotherPlace(t *testing.T) {
	race.SkipPixels(t)
	here, there := street(1), street(2)
	p := newFixed(t, pipeline.Config{Policy: policy(t, `{"version": 1, `+zones+`, "outside": {"hide": "all", "fill": "background"}}`),
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}, Every: 1, PlateSpan: 600 * time.Millisecond})
	src := &watcher{frames: 320, place: func(n int) []uint8 {
		if n >= 80 && n < 240 {
			return there
		}
		return here
	}}
	elsewhere, known := 0, 0
	chance := map[image.Point]bool{} // blocks that look like the other place before anybody was there
	sink := pipeline.SinkFunc(func(_ context.Context, f redact.Frame) error {
		n, pic := int(f.Time()/interval), f.Picture()
		if n >= 75 && n < 240 {
			return nil
		}
		for y := 0; y < viewH/2-16; y += 8 {
			for x := 0; x < viewW; x += 8 {
				var a, b, c int // how far it is from the other place and from this one, and they from another
				for k := range 64 {
					i := (y+k/8)*viewW + x + k%8
					v := int(pic.Y[(y+k/8)*pic.YStride+x+k%8])
					a, b, c = a+apart(v, int(there[i])), b+apart(v, int(here[i])), c+apart(int(here[i]), int(there[i]))
				}
				if c < 64*30 {
					continue
				}
				if b < 64*4 {
					known++
				}
				switch at := image.Pt(x, y); {
				case a >= 64*4:
				case n < 75:
					chance[at] = true
				case !chance[at]:
					elsewhere++
				}
			}
		}
		return nil
	})
	if err := p.Run(t.Context(), src, sink); err != nil {
		t.Fatal(err)
	}
	if elsewhere > 0 || known == 0 {
		t.Errorf("%d blocks of another place are shown, and %d of this one", elsewhere, known)
	}
}

func apart(a, b int) int { return max(a-b, b-a) }
