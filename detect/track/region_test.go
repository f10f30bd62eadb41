package track

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// TestWeakInRegion: somebody who is found weakly in the whole picture, and below Low or not at
// all in a region that shows them larger, is hidden all the time; the whole picture ends that,
// and a region ends what was seen in regions alone.
func TestWeakInRegion(t *testing.T) {
	who := detect.Box{X0: 500, Y0: 200, X1: 560, Y1: 340}
	found := func(score float32, b detect.Box) []detect.Detection {
		return []detect.Detection{{Class: detect.Person, Score: score, Box: b}}
	}
	region := detect.Box{X0: 300, Y0: 100, X1: 800, Y1: 500}
	c := config(4096)
	c.Class[detect.Person].Low = 0.15
	for _, score := range []float32{0.16, 0.2, 0.3} {
		tr, gaps := New(c), 0
		larger := found(0.1, who.Shift(4, 0))
		if score > 0.25 {
			larger = nil
		}
		for n := range 100 {
			at := time.Duration(n) * time.Second // nothing moves
			if n%2 == 0 {
				tr.Update(Inference{Time: at, Classes: people, Detections: found(score, who)})
			} else {
				tr.Update(Inference{Time: at, Classes: people, Region: region, Detections: larger})
			}
			for ahead := range 10 { // frames that go out until the next one
				if tm := at - 300*ms + time.Duration(ahead)*100*ms; tm >= 0 && len(tr.At(tm, nil)) == 0 {
					gaps++
				}
			}
		}
		if gaps > 0 {
			t.Errorf("found with %.2f: shown in %d frames of 1,000", score, gaps)
		}
	}
	// held returns for how many inferences somebody is held who was seen by the first, three times.
	held := func(first, then Inference) (n int) {
		tr := New(c)
		first.Classes, first.Detections = people, found(0.2, who)
		for range 3 {
			tr.Update(first)
			first.Time += 200 * ms
		}
		for then.Classes = people; n < 40; n++ {
			then.Time = first.Time + time.Duration(n)*100*ms
			tr.Update(then)
			if len(tr.At(then.Time, nil)) == 0 {
				break
			}
		}
		return n
	}
	part := Inference{Region: region}
	gone := held(Inference{}, Inference{})
	if gone > 20 {
		t.Errorf("missed by the whole picture, held for %d inferences", gone)
	}
	if got := held(part, part); got != gone {
		t.Errorf("seen and missed in regions, held for %d inferences; for %d in the whole picture", got, gone)
	}
	if got := held(part, Inference{}); got != gone {
		t.Errorf("seen in regions and missed by the whole picture, held for %d inferences", got)
	}
	if got := held(Inference{}, part); got <= 2*gone {
		t.Errorf("seen in the whole picture and missed by regions, held for %d inferences; for %d when that misses", got, gone)
	}
}

// TestSmallInRegion: a face that a region shows, and the whole picture never, is hidden until
// the region's next turn, which may be seconds later, and a region ends that.
func TestSmallInRegion(t *testing.T) {
	face := detect.Box{X0: 500, Y0: 200, X1: 516, Y1: 220}
	region := detect.Box{X0: 300, Y0: 100, X1: 800, Y1: 500}
	faces := detect.Classes(detect.Face)
	tr := newTracker()
	for n := range 20 {
		l := Inference{Time: time.Duration(n) * time.Second, Classes: faces}
		if n%4 == 0 {
			l.Region, l.Detections = region, []detect.Detection{{Class: detect.Face, Score: 0.4, Box: face}}
		}
		tr.Update(l)
		if len(tr.At(l.Time, nil)) != 1 {
			t.Errorf("after %v the face is shown", l.Time)
		}
	}
	for n := range 10 {
		tr.Update(Inference{Time: 20*time.Second + time.Duration(n)*200*ms, Classes: faces, Region: region})
	}
	if len(tr.At(22*time.Second, nil)) != 0 {
		t.Error("a region that misses it does not end it")
	}
}

// TestCutByRegion: a box that a region's edge cuts shows a part of somebody, and takes nothing
// from what is known of the whole of them.
func TestCutByRegion(t *testing.T) {
	who := detect.Box{X0: 100, Y0: 200, X1: 200, Y1: 500}
	for name, region := range map[string]detect.Box{
		"upper part": {X0: 0, Y0: 30, X1: 640, Y1: 390}, "lower part": {X0: 0, Y0: 300, X1: 640, Y1: 660},
		"left part": {X0: 0, Y0: 150, X1: 160, Y1: 560}, "right part": {X0: 150, Y0: 150, X1: 700, Y1: 560},
	} {
		tr := newTracker()
		for n := range 12 {
			l := Inference{Time: time.Duration(n) * time.Second, Classes: people}
			b := who
			if n%2 == 1 {
				l.Region, b = region, who.Intersect(region)
			}
			l.Detections = []detect.Detection{{Class: detect.Person, Score: 0.8, Box: b}}
			tr.Update(l)
			for _, o := range tr.At(l.Time, nil) {
				if o.Box.X0 > who.X0+3 || o.Box.Y0 > who.Y0+3 || o.Box.X1 < who.X1-3 || o.Box.Y1 < who.Y1-3 || o.Padded.Intersect(who) != who {
					t.Errorf("%s, after %v: box %v, hidden %v of %v", name, l.Time, o.Box, o.Padded, who)
				}
			}
		}
	}
}

// TestAwaitsRegion: where each face that a region alone shows has its turn, it is hidden until
// then, however long that takes: one miss ends what leaves doubt, two what does not. One that
// has left the picture is dropped.
func TestAwaitsRegion(t *testing.T) {
	region := detect.Box{X0: 300, Y0: 100, X1: 800, Y1: 500}
	faces := detect.Classes(detect.Face)
	c := config(4096)
	c.Size, c.AwaitRegions = image.Pt(1920, 1080), true
	// seen returns a tracker and the time of the last of n sightings.
	seen := func(n int, score, from, per float32) (*Tracker, time.Duration) {
		tr, at := New(c), time.Duration(0)
		for i := range n {
			at = time.Duration(i) * time.Second
			x := from + float32(i)*per
			tr.Update(Inference{Time: at, Classes: faces, Region: region.Shift(from-500, 0), Detections: []detect.Detection{{Class: detect.Face, Score: score, Box: detect.Box{X0: x, Y0: 200, X1: x + 16, Y1: 220}}}})
		}
		return tr, at
	}
	whole := func(tr *Tracker, from, to time.Duration) (gaps int) {
		for at := from; at < to; at += time.Second {
			tr.Update(Inference{Time: at, Classes: faces})
			if len(tr.At(at, nil)) != 1 {
				gaps++
			}
		}
		return gaps
	}
	for score, misses := range map[float32]int{0.4: 1, 0.9: 2} {
		tr, last := seen(5, score, 500, 0)
		now := last + time.Minute
		if gaps := whole(tr, last, now); gaps > 0 {
			t.Errorf("found with %.1f: shown %d times in a minute in which no region looked", score, gaps)
		}
		for i := range misses {
			if len(tr.At(now, nil)) != 1 {
				t.Errorf("found with %.1f: shown after %d misses", score, i)
			}
			tr.Update(Inference{Time: now, Classes: faces, Region: region})
			now += time.Second
		}
		if got := tr.At(now, nil); len(got) != 0 {
			t.Errorf("found with %.1f: %v is held after %d misses", score, got, misses)
		}
	}
	// One that is seen again counts its misses anew.
	tr, last := seen(5, 0.9, 500, 0)
	for i := range 20 {
		at := last + time.Duration(i+1)*10*time.Second
		l := Inference{Time: at, Classes: faces, Region: region}
		if i%2 == 1 {
			l.Detections = []detect.Detection{{Class: detect.Face, Score: 0.9, Box: detect.Box{X0: 500, Y0: 200, X1: 516, Y1: 220}}}
		}
		tr.Update(l)
		if len(tr.At(at+5*time.Second, nil)) != 1 {
			t.Errorf("missed every second time: shown after %v", at)
		}
	}
	tr, last = seen(8, 0.9, 1880, 5) // on its way out
	whole(tr, last+time.Second, last+20*time.Second)
	if len(tr.objects) != 0 {
		t.Errorf("%d tracks of a face that has left", len(tr.objects))
	}
}

// TestFirstInRegion: nobody could have seen before what the first region that looked shows: it
// is hidden in the frames that are held back, too.
func TestFirstInRegion(t *testing.T) {
	box := detect.Box{X0: 500, Y0: 200, X1: 516, Y1: 220}
	region := detect.Box{X0: 300, Y0: 100, X1: 800, Y1: 500}
	faces := detect.Classes(detect.Face)
	for _, misses := range []int{0, 6} {
		c := config(4096)
		c.Class[detect.Face].Misses = misses
		tr := New(c)
		for n := range 10 {
			tr.Update(Inference{Time: time.Duration(n) * 100 * ms, Classes: faces})
		}
		tr.Update(Inference{Time: time.Second, Classes: faces, Region: region, Detections: []detect.Detection{{Class: detect.Face, Score: 0.31, Box: box}}})
		if len(tr.At(0, nil)) != 1 {
			t.Errorf("Misses %d: shown a second before the first region that looked", misses)
		}
		// A camera that moves gives it no turn: wholes that overlook it end what leaves doubt.
		held := 0
		for ; held < 100 && len(tr.At(time.Second+time.Duration(held)*100*ms, nil)) == 1; held++ {
			tr.Update(Inference{Time: time.Second + time.Duration(held+1)*100*ms, Classes: faces})
		}
		if most := 3*misses + 1; misses > 0 && held > most || misses == 0 && held < 40 {
			t.Errorf("Misses %d: held for %d inferences on the whole", misses, held)
		}
	}
}
