package pipeline

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// TestCandidateRests: an uncertain find that two inferences in a row have not found is looked
// at again after 20 seconds, however often it is found in the whole; one that they find is
// looked at every second.
func TestCandidateRests(t *testing.T) {
	size := image.Pt(640, 480) // no more than the network sees
	k := &passDetector{classes: everybody, first: detecttest.New(everybody, detecttest.Find())}
	uncertain := detect.Detection{Class: detect.Person, Score: 0.3, Box: detect.Box{X0: 300, Y0: 200, X1: 340, Y1: 300}}
	asked := func(found ...detect.Detection) (times []time.Duration) {
		var a regionSelector
		for i := range 400 {
			at := time.Duration(i) * 100 * time.Millisecond
			f := &passFrame{frame: evidence.Frame{Time: at}, inferences: []*passInference{{found: []detect.Detection{uncertain}}}}
			for _, r := range a.parts(k, size, size, 3, f) {
				if rectBox(r.part).Intersect(uncertain.Box) != uncertain.Box || r.part.Dx() == size.X {
					t.Fatalf("region %v is not one around the find", r.part)
				}
				times = append(times, at)
				f.inferences = append(f.inferences, &passInference{part: r.part, candidate: r.candidate, found: found})
			}
			a.learn(f)
		}
		return times
	}
	got := asked()
	if len(got) != 3 || got[1]-got[0] > 2*time.Second || got[2]-got[1] < 20*time.Second || got[2]-got[1] > 21*time.Second {
		t.Errorf("what is empty is looked at again at %v", got)
	}
	if got := asked(uncertain); len(got) < 35 {
		t.Errorf("what is found is looked at again %d times in 40 s", len(got))
	}
}
