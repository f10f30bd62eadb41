package view

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// TestStore: what is kept comes back, nothing is no view, and what cannot be read has
// to be confirmed.
func TestStore(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.json")
	if v, err := Load(policy); err != nil || v.Native != (image.Point{}) || v.Unconfirmed != pipeline.NoReason {
		t.Errorf("no file: %+v, %v", v, err)
	}
	for _, want := range []pipeline.View{
		{Native: image.Pt(1920, 1080), Structure: []byte{1, 2, 3}},
		{Native: image.Pt(640, 480), Unconfirmed: pipeline.ReasonCameraMoved},
	} {
		if err := Saver(policy)(want); err != nil {
			t.Fatal(err)
		}
		got, err := Load(policy)
		if err != nil || got.Native != want.Native || got.Unconfirmed != want.Unconfirmed || !bytes.Equal(got.Structure, want.Structure) {
			t.Errorf("kept %+v, got %+v, %v", want, got, err)
		}
	}
	for _, text := range []string{"", "{", "{}", `{"width": 640}`, "[]"} {
		if err := os.WriteFile(policy+suffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := Load(policy); err == nil || !v.Unconfirmed.AwaitsOwner() {
			t.Errorf("%q: %+v, %v", text, v, err)
		}
	}
	if err := Saver(filepath.Join(policy, "nowhere"))(pipeline.View{}); err == nil {
		t.Error("kept in a folder that is none")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(policy), "*")); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
