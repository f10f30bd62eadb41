package pipeline

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// middle is a segmenter that says that a person fills their box. It fails if its picture
// is not the part of a noise picture that it should be.
type middle struct {
	t    *testing.T
	of   *image.YCbCr
	fail func(s *detect.Silhouette) error
}

func (m *middle) Name() string { return "middle" }
func (m *middle) Close() error { return nil }

func (m *middle) Segment(_ context.Context, pic *image.YCbCr, box detect.Box, s *detect.Silhouette) error {
	around := box.Grow(0.25, 0.25).Intersect(rectBox(m.of.Rect))
	if !rectBox(pic.Rect).Contains(around) {
		m.t.Errorf("%v is not all that lies around %v", pic.Rect, box)
	}
	for y := pic.Rect.Min.Y; y < pic.Rect.Max.Y; y++ {
		for x := pic.Rect.Min.X; x < pic.Rect.Max.X; x++ {
			if pic.YCbCrAt(x, y) != m.of.YCbCrAt(x, y) {
				m.t.Fatalf("pixel %d,%d is another than in the picture", x, y)
			}
		}
	}
	*s = detect.Silhouette{Region: box, Columns: 2, Rows: 2, Cells: append(s.Cells[:0], 255, 255, 255, 255)}
	if m.fail != nil {
		return m.fail(s)
	}
	return nil
}

// near is somebody who stands in a picture of 300x241.
func near(id uint64, x, y float32) detect.Object {
	return detect.Object{ID: id, Class: detect.Person, Confirmed: true, Box: detect.Box{X0: x, Y0: y, X1: x + 50, Y1: y + 120}}
}

// newOutlines starts outlines over noise, and ends them with the test.
func newOutlines(t *testing.T, seg *middle) (*outlines, *image.YCbCr, *stats) {
	pic := image.NewYCbCr(image.Rect(0, 0, 301, 241), image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range plane {
			plane[i] = uint8(uint32(i) * 2654435761 >> 24)
		}
	}
	seg.t, seg.of = t, pic
	s := &stats{}
	s.init(nil)
	o := &outlines{seg: seg, most: 300 * time.Millisecond, stats: s}
	ctx, cancel := context.WithCancel(t.Context())
	o.start(ctx)
	t.Cleanup(func() {
		cancel()
		if err := o.stop(); err != nil {
			t.Error(err)
		}
	})
	return o, pic, s
}

func outlineFrame(pic *image.YCbCr, at time.Duration) *frame {
	f := &frame{at: at, step: 33 * time.Millisecond, nextCut: forever}
	f.buf.pic = pic
	return f
}

// TestOutlinesAttach: a frame goes out with the silhouettes of just it, or with the nearest
// ones, moved with the boxes; not with those of others, of long ago, of before a cut or of
// another format, nor of somebody whose box is another by now.
func TestOutlinesAttach(t *testing.T) {
	o, pic, stats := newOutlines(t, &middle{})
	looked := []detect.Object{near(1, 20, 100), near(2, 251, 121), near(3, 0, 0)}
	f := outlineFrame(pic, time.Second)
	o.look(f, looked)
	o.look(outlineFrame(pic, 2*time.Second), looked) // while that one is under way
	o.take(<-o.results)
	if o.busy || stats.s.Silhouettes != 3 || stats.s.SilhouettesFailed != 0 {
		t.Fatalf("busy %t, %d silhouettes", o.busy, stats.s.Silhouettes)
	}
	at := func(d time.Duration, change func(f *frame, who *detect.Object)) *detect.Silhouette {
		f, who := outlineFrame(pic, time.Second+d), []detect.Object{near(1, 20, 100)}
		if change != nil {
			change(f, &who[0])
		}
		o.attach(f, who)
		return who[0].Silhouette
	}
	if s := at(0, func(_ *frame, who *detect.Object) { who.Box = who.Box.Shift(3, 0) }); s == nil || s.Region != looked[0].Box {
		t.Fatalf("in the same frame %+v", s)
	}
	for _, d := range []time.Duration{-outlineAge, 100 * time.Millisecond, outlineAge} {
		if s := at(d, func(_ *frame, who *detect.Object) { who.Box = who.Box.Shift(30, -8) }); s == nil || s.Region != looked[0].Box.Shift(30, -8) {
			t.Errorf("%v after %+v", d, s)
		}
	}
	for name, s := range map[string]*detect.Silhouette{
		"long after":   at(outlineAge+1, nil),
		"long before":  at(-outlineAge-1, nil),
		"another one":  at(0, func(_ *frame, who *detect.Object) { who.ID = 9 }),
		"a vehicle":    at(0, func(_ *frame, who *detect.Object) { who.Class = detect.Vehicle }),
		"after a cut":  at(10, func(f *frame, _ *detect.Object) { f.cut = f.at }),
		"before a cut": at(-10, func(f *frame, _ *detect.Object) { f.nextCut = time.Second }),
		"half as high": at(10, func(_ *frame, who *detect.Object) { who.Box.Y0 += 60 }),
		"not a number": at(10, func(_ *frame, who *detect.Object) { who.Box.X0 /= who.Box.X0 - who.Box.X0 }),
	} {
		if s != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	o.forget()
	if s := at(0, nil); s != nil {
		t.Errorf("in another format: %+v", s)
	}
}

// TestOutlinesFail: a look that errs, panics or gives nonsense leaves nothing, not even of
// the look before, and is counted.
func TestOutlinesFail(t *testing.T) {
	for name, fail := range map[string]func(s *detect.Silhouette) error{
		"error":    func(*detect.Silhouette) error { return errors.New("no") },
		"panic":    func(*detect.Silhouette) error { panic("no") },
		"nonsense": func(s *detect.Silhouette) error { s.Rows = 3; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			o, pic, stats := newOutlines(t, &middle{fail: fail})
			who := []detect.Object{near(1, 20, 100)}
			for i := range outlineKept + 2 {
				f := outlineFrame(pic, time.Duration(i)*time.Minute)
				o.look(f, who)
				o.take(<-o.results)
				if o.attach(f, who); who[0].Silhouette != nil {
					t.Fatalf("look %d: %+v", i, who[0].Silhouette)
				}
			}
			if stats.s.SilhouettesFailed != outlineKept+2 || stats.s.Silhouettes != 0 {
				t.Errorf("%d failed, %d did not", stats.s.SilhouettesFailed, stats.s.Silhouettes)
			}
		})
	}
}

// TestOutlinesRest: a look takes a third of a core at most, those that are kept span the
// look-ahead, and in the steady state nothing is allocated.
func TestOutlinesRest(t *testing.T) {
	o, pic, _ := newOutlines(t, &middle{})
	who := []detect.Object{near(1, 20, 100)}
	f := outlineFrame(pic, 0)
	o.look(f, who)
	job := <-o.results
	job.spent = 40 * time.Millisecond
	o.take(job)
	if f.at = 80 * time.Millisecond; o.rest != 120*time.Millisecond {
		t.Fatalf("it rests %v", o.rest)
	}
	if o.look(f, who); o.busy {
		t.Fatal("it looks again after 80 ms")
	}
	if f.at = 110 * time.Millisecond; o.most != 300*time.Millisecond {
		t.Fatal(o.most)
	}
	if o.look(f, who); !o.busy {
		t.Fatal("it does not look again after 110 ms of steps of 33")
	}
	job = <-o.results
	job.spent = time.Hour
	if o.take(job); o.rest != outlinePause {
		t.Fatalf("after a look of an hour it rests %v", o.rest)
	}
	job.spent = 0
	if o.take(job); o.rest < 300*time.Millisecond/outlineKept {
		t.Fatalf("after no time it rests %v", o.rest)
	}
	once := func() {
		f.at += time.Minute
		o.look(f, who)
		o.take(<-o.results)
		o.attach(f, who)
	}
	for range outlineKept {
		once()
	}
	if n := testing.AllocsPerRun(10, once); n > 0 {
		t.Errorf("%v allocations a look", n)
	}
}
