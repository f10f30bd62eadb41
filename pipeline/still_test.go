package pipeline_test

import (
	"context"
	"fmt"
	"image"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/internal/race"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// willing is a detector that would leave classes out.
type willing struct{ detect.Detector }

// Select implements detect.Selector.
func (willing) Select(detect.ClassSet) error { return nil }

// quarter is one that sees a terrace a quarter as large.
type quarter struct{ willing }

func (quarter) InputSize(image.Point) image.Point { return image.Pt(64, 48) }

// terrace is a camera's view, 256x192, whose chroma tells where in the picture a part of it is.
// Bodies come after three seconds, or are there, and move until the frame still.
type terrace struct {
	frames, still int
	there         bool
	bodies        []detect.Box
	n             int
}

const comes = 75

func (c *terrace) Read(ctx context.Context, b *pipeline.Buffer) error {
	if c.n == c.frames {
		return io.EOF
	}
	select {
	case <-time.After(interval):
	case <-ctx.Done():
		return ctx.Err()
	}
	pic := b.Resize(256, 192)
	for y := range 192 {
		for x := range 256 {
			pic.Y[pic.YOffset(x, y)] = uint8(60 + (x/16+y/16)%2*40)
			o := pic.COffset(x, y)
			pic.Cb[o], pic.Cr[o] = uint8(40+x/2), uint8(40+y/2)
		}
	}
	for _, r := range c.bodies {
		for y := int(r.Y0); y < int(r.Y1) && (c.there || c.n >= comes); y++ {
			for x := int(r.X0); x < int(r.X1); x++ {
				v := uint8(160)
				if c.n < c.still && (c.n/4*7+x/4)%3 == 0 {
					v = 20
				}
				pic.Y[pic.YOffset(x, y)] = v
			}
		}
	}
	b.Time = time.Duration(c.n) * interval
	c.n++
	return nil
}

// TestStillAndSmall: a face or plate that only a region shows at its size stays hidden in every
// frame while nothing moves, and so do those of several, and nothing else is hidden meanwhile.
func TestStillAndSmall(t *testing.T) {
	race.SkipPixels(t)
	const quick = 90 * time.Millisecond
	const whole = `"property": [[[0,0],[1,0],[1,1],[0,1]]]`
	for name, c := range map[string]struct {
		policy         string
		body, part     detect.Class
		size, at, high image.Point // of the body; where in it the part is, and how large
		score          float32
		slow           time.Duration // an inference
		most           int           // of them
	}{
		"faces inside": {`{"version": 1, ` + whole + `, "outside": {"hide": "detected"}, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`,
			detect.Person, detect.Face, image.Pt(16, 40), image.Pt(5, 3), image.Pt(6, 7), 0.9, quick, 6},
		"faces inside, slow": {`{"version": 1, ` + whole + `, "outside": {"hide": "detected"}, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`,
			detect.Person, detect.Face, image.Pt(16, 40), image.Pt(5, 3), image.Pt(6, 7), 0.9, 600 * time.Millisecond, 2},
		"faces alone": {`{"version": 1, ` + whole + `, "inside": {"hide": ["face"]}}`,
			detect.Person, detect.Face, image.Pt(16, 40), image.Pt(5, 3), image.Pt(6, 7), 0.9, quick, 2},
		"faces alone, solid": {`{"version": 1, ` + whole + `, "found": {"fill": "solid"}, "inside": {"hide": ["face"]}}`,
			detect.Person, detect.Face, image.Pt(16, 40), image.Pt(5, 3), image.Pt(6, 7), 0.9, quick, 2},
		"plates alone": {`{"version": 1, ` + whole + `, "inside": {"hide": ["plate"]}}`,
			detect.Vehicle, detect.Plate, image.Pt(32, 24), image.Pt(10, 14), image.Pt(12, 5), 0.65, quick, 6},
		"parked cars": {`{"version": 1, "outside": {"hide": "detected"}, "found": {"fill": "solid"}}`,
			detect.Vehicle, detect.Plate, image.Pt(32, 24), image.Pt(10, 14), image.Pt(12, 5), 0.65, quick, 9},
	} {
		for _, n := range slices.Compact([]int{1, 2, c.most}) {
			t.Run(fmt.Sprint(name, ", ", n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var bodies, parts []detect.Box
					box := func(at, size image.Point) detect.Box {
						return detect.Box{X0: float32(at.X), Y0: float32(at.Y), X1: float32(at.X + size.X), Y1: float32(at.Y + size.Y)}
					}
					for i := range n {
						at := image.Pt(24+80*(i%3), 100)
						if n > 2 { // more than regions show at once
							at.Y = 8 + 60*(i/3)
						}
						bodies, parts = append(bodies, box(at, c.size)), append(parts, box(at.Add(c.at), c.high))
					}
					start := time.Now()
					look := func(_ context.Context, _ int, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
						if n <= 2 && time.Since(start) < comes*interval {
							return dst, nil
						}
						corner := func(x, y int) image.Point {
							o := pic.COffset(x, y)
							return image.Pt(2*(int(pic.Cb[o])-40), 2*(int(pic.Cr[o])-40))
						}
						from := corner(pic.Rect.Min.X, pic.Rect.Min.Y)
						if corner(pic.Rect.Max.X-2, pic.Rect.Min.Y).X-from.X > 120 { // the whole
							for _, b := range bodies {
								dst = append(dst, detect.Detection{Class: c.body, Score: 0.9, Box: b.Scale(0.25, 0.25)})
							}
							return dst, nil
						}
						region := box(from, image.Pt(64, 48))
						for i, b := range bodies {
							if seen := b.Intersect(region); seen.Area() > 0.4*b.Area() {
								dst = append(dst, detect.Detection{Class: c.body, Score: 0.9, Box: seen.Shift(-region.X0, -region.Y0)})
							}
							if seen := parts[i].Intersect(region); seen == parts[i] {
								dst = append(dst, detect.Detection{Class: c.part, Score: c.score, Box: seen.Shift(-region.X0, -region.Y0)})
							}
						}
						return dst, nil
					}
					d := quarter{willing{detecttest.New(everything, detecttest.Slow(c.slow, look))}}
					from, frames, still := 8*time.Second+20*c.slow, 800, 200
					if n > 2 { // all tiles have had their turns
						from, frames, still = 80*time.Second, 3200, 0
					}
					closed := func(e pipeline.Event) {
						// The last frames wait for an inference that does not come.
						if e.Kind == pipeline.FailedClosed && e.Time > from && e.Time < time.Duration(frames-25)*interval {
							t.Errorf("at %v: %v", e.Time, e.Reason)
						}
					}
					p := newFixed(t, pipeline.Config{Mode: pipeline.Live, Policy: policy(t, c.policy), LookAhead: 300 * time.Millisecond,
						Detectors: []detect.Detector{d}, OnEvent: closed})
					seen, shown := 0, 0
					sink := sinkFunc(func(f redact.Frame) {
						if f.Time() < from {
							return
						}
						for _, b := range parts {
							if seen++; f.Mask().HiddenOf(b) < 0.99 {
								shown++
							}
						}
					})
					if err := p.Run(t.Context(), &terrace{frames: frames, still: still, there: n > 2, bodies: bodies}, sink); err != nil {
						t.Fatal(err)
					}
					if seen < n*250 || shown > 0 {
						t.Errorf("shown in %d of %d frames", shown, seen)
					}
				})
			})
		}
	}
}

// TestFacesAloneRest: where nobody but faces is to be hidden the place comes to be known, and
// the networks leave it alone while nothing moves.
func TestFacesAloneRest(t *testing.T) {
	race.SkipPixels(t)
	for name, scaled := range map[string]bool{"whole": false, "scaled": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				late := 0
				w := willing{detecttest.New(everything, detecttest.Slow(20*time.Millisecond, func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
					if time.Since(start) > 15*time.Second {
						late++
					}
					return dst, nil
				}))}
				var d detect.Detector = w
				if scaled {
					d = quarter{w}
				}
				p := newFixed(t, pipeline.Config{Mode: pipeline.Live, Detectors: []detect.Detector{d}, PlateSpan: 8 * time.Second,
					Policy: policy(t, `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "inside": {"hide": ["face"]}}`)})
				known := 0.0
				if err := p.Run(t.Context(), &terrace{frames: 625}, sinkFunc(func(redact.Frame) { known = p.Stats().PlateKnown })); err != nil {
					t.Fatal(err)
				}
				// In a picture so small the whole shows nobody large enough for the plate.
				if !scaled && known < 0.99 {
					t.Errorf("%.2f of the place is known", known)
				}
				if late < 8 || late > 25 {
					t.Errorf("%d inferences in ten seconds in which nothing moves", late)
				}
			})
		})
	}
}

// TestFacesAloneTurns: somebody who has moved in one place for long, with their back to the
// camera, turns round: the face is hidden from the first frame on.
func TestFacesAloneTurns(t *testing.T) {
	race.SkipPixels(t)
	synctest.Test(t, func(t *testing.T) {
		const turns = 20 * time.Second
		body, face := detect.Box{X0: 100, Y0: 60, X1: 140, Y1: 160}, detect.Box{X0: 112, Y0: 64, X1: 128, Y1: 84}
		start := time.Now()
		before := 0
		d := willing{detecttest.New(everything, detecttest.Slow(40*time.Millisecond, func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
			switch at := time.Since(start); {
			case at > turns-5*time.Second && at < turns:
				before++
			case at > turns:
				dst = append(dst, detect.Detection{Class: detect.Face, Score: 0.9, Box: face})
			}
			return dst, nil
		}))}
		p := newFixed(t, pipeline.Config{Mode: pipeline.Live, Detectors: []detect.Detector{d}, LookAhead: 300 * time.Millisecond,
			Policy: policy(t, `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "inside": {"hide": ["face"]}}`)})
		frames, shown := 0, 0
		sink := sinkFunc(func(f redact.Frame) {
			if f.Time() < turns {
				return
			}
			if frames++; f.Mask().HiddenOf(face) < 0.99 {
				shown++
			}
		})
		if err := p.Run(t.Context(), &terrace{frames: 600, still: 600, bodies: []detect.Box{body}}, sink); err != nil {
			t.Fatal(err)
		}
		if frames < 90 || shown > 0 {
			t.Errorf("shown in %d of %d frames", shown, frames)
		}
		if before < 100 {
			t.Errorf("%d inferences in the five seconds before, in which somebody moves", before)
		}
	})
}
