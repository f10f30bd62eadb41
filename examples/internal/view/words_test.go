package view

import (
	"errors"
	"image"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// TestWords: each reason has a sentence of its own, and so has each kind of event.
func TestWords(t *testing.T) {
	seen := map[string]pipeline.Reason{}
	for r := range pipeline.NumReasons {
		text := Words(r)
		if !strings.HasSuffix(text, ".") {
			t.Errorf("%v has no sentence: %q", r, text)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%v and %v are both %q", r, other, text)
		}
		seen[text] = r
		// Only what says so asks something of the owner.
		if asks := strings.Contains(text, "until you"); asks != r.AwaitsOwner() {
			t.Errorf("%v: awaits the owner: %t, and the words are %q", r, r.AwaitsOwner(), text)
		}
	}
	for k := range pipeline.NumEventKinds {
		e := pipeline.Event{Kind: k, Reason: pipeline.ReasonCameraMoved, Detector: "hedge-n", Size: image.Pt(640, 480), Err: errors.New("the cause")}
		if text := EventWords(e); len(text) <= len(": the cause") || !strings.HasSuffix(text, ": the cause") {
			t.Errorf("%v: %q", k, text)
		}
	}
	if Words(pipeline.NumReasons) != "" || EventWords(pipeline.Event{Kind: pipeline.NumEventKinds}) != "" {
		t.Error("what there is not has words")
	}
}
