package pipeline

import (
	"image"
	"testing"

	"github.com/hedgecam/hedge/redact"
)

// TestPrepares: the zones of a policy and of a preview are drawn by who sets them,
// for the size of the frames, and wait for the owner loop; one that is wrong leaves
// nothing.
func TestPrepares(t *testing.T) {
	p, err := New(Config{Policy: redact.HideEverything()})
	if err != nil {
		t.Fatal(err)
	}
	square := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}}}}
	set := func() {
		t.Helper()
		if err := p.SetPolicy(square); err != nil {
			t.Fatal(err)
		}
	}
	if set(); len(p.prepared) != 0 {
		t.Error("prepared for no size")
	}
	red, err := redact.New(nil, image.Pt(64, 48), redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if p.equip(red); p.size != image.Pt(64, 48) {
		t.Errorf("size %v", p.size)
	}
	set()
	if err := p.SetPreview(square, nil); err != nil {
		t.Fatal(err)
	}
	if len(p.prepared) != 2 {
		t.Errorf("%d prepared", len(p.prepared))
	}
	if err := p.SetPolicy(&redact.Policy{Version: 2}); err == nil || len(p.prepared) != 2 {
		t.Errorf("%d prepared, %v", len(p.prepared), err)
	}
	for range 3 * maxRulings {
		set()
	}
	if len(p.prepared) != maxRulings {
		t.Errorf("%d prepared", len(p.prepared))
	}
	if p.equip(red); len(p.prepared) != 0 {
		t.Errorf("%d stay", len(p.prepared))
	}
}
