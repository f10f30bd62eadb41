package pipeline_test

import (
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// TestNames: each reason and each kind of event has a name of its own, and no
// reason that goes away by itself waits for the owner.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range pipeline.NumReasons {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		} else {
			seen[name] = true
		}
	}
	clear(seen)
	for k := range pipeline.NumEventKinds {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d is called %q", k, name)
		} else {
			seen[name] = true
		}
	}
	if pipeline.NumReasons.String() != "" || pipeline.NumEventKinds.String() != "" {
		t.Error("what there is not has a name")
	}
	for _, r := range []pipeline.Reason{pipeline.NoReason, pipeline.ReasonNoDetector, pipeline.ReasonDetectorFailed,
		pipeline.ReasonDetectorLate, pipeline.ReasonFormatChanged, pipeline.ReasonViewDiffers} {
		if r.AwaitsOwner() {
			t.Errorf("%v waits for the owner", r)
		}
	}
}
