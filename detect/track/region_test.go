package track

import (
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
