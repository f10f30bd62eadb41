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

// TestOutlinesAttach: a frame goes out with its own silhouettes; without them with what is
// common to the nearest before and after it, moved with the boxes; with one alone if that is
// near. Those of others, of long ago, of before a cut or of another format, and of somebody
// whose box is another by now are none.
func TestOutlinesAttach(t *testing.T) {
	seg := &middle{}
	o, pic, stats := newOutlines(t, seg)
	looked := []detect.Object{near(1, 20, 100), near(2, 251, 121), near(3, 0, 0)}
	look := func(at time.Duration) {
		o.rest = 0
		o.look(outlineFrame(pic, at), looked)
		o.look(outlineFrame(pic, at+time.Second), looked) // while that one is under way
		o.take(<-o.results)
	}
	look(time.Second)
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
	move := func(_ *frame, who *detect.Object) { who.Box = who.Box.Shift(30, -8) }
	moved := looked[0].Box.Shift(30, -8)
	if s := at(0, move); s == nil || s.Region != looked[0].Box {
		t.Fatalf("in the same frame %+v", s)
	}
	for _, d := range []time.Duration{-outlineAlone, outlineAlone} {
		if s := at(d, move); s == nil || s.Region != moved || s.Cells[0] != 255 {
			t.Errorf("%v after the only one %+v", d, s)
		}
	}
	for name, s := range map[string]*detect.Silhouette{
		"long after":   at(outlineAlone+1, nil),
		"long before":  at(-outlineAlone-1, nil),
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
	// Of four cells the second look has one that the first has not, and the first one more.
	seg.fail = func(s *detect.Silhouette) error { s.Cells[0], s.Cells[1] = 9, 7; return nil }
	look(time.Second + 2*outlineAge)
	s := at(outlineAge, move)
	if s == nil || s.Region != moved || [4]uint8(s.Cells) != [4]uint8{9, 7, 255, 255} {
		t.Errorf("between two looks %+v", s)
	}
	if s := at(outlineAge+1, move); s != nil {
		t.Errorf("with one look too long ago and the other one not near %+v", s)
	}
	if o.forget(); at(0, nil) != nil {
		t.Error("a silhouette of another format is attached")
	}
}

// TestCommon: what is common to two silhouettes is the least of both, and nothing beyond
// either.
func TestCommon(t *testing.T) {
	a := detect.Silhouette{Region: detect.Box{X0: 10, Y0: 10, X1: 50, Y1: 30}, Columns: 4, Rows: 2, Cells: []uint8{1, 2, 3, 4, 5, 6, 7, 8}}
	b := detect.Silhouette{Region: detect.Box{X0: 20, Y0: 0, X1: 40, Y1: 20}, Columns: 4, Rows: 4, Cells: []uint8{
		9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 2}}
	common(&a, &b)
	if want := [8]uint8{0, 2, 2, 0, 0, 0, 0, 0}; [8]uint8(a.Cells) != want {
		t.Errorf("%v, want %v", a.Cells, want)
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
