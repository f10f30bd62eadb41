package web

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

const (
	leftHalf   = `{"version":1,"property":[[[0,0],[0.5,0],[0.5,1],[0,1]]]}`
	rightHalf  = `{"version":1,"property":[[[0.5,0],[1,0],[1,1],[0.5,1]]]}`
	bothHalves = `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`
	crossed    = `{"version":1,"property":[[[0,0],[1,1],[1,0],[0,1]]]}`
)

// zonesScene is Zones with a pipeline that only remembers.
type zonesScene struct {
	confirmed atomic.Int32
	*Zones
	path    string
	applied atomic.Pointer[redact.Policy]
	tried   atomic.Pointer[redact.Policy]
	times   atomic.Int32 // of Apply
	trials  atomic.Int32 // of Try
	moved   atomic.Bool
}

func newZones(t testing.TB, preview time.Duration) *zonesScene {
	t.Helper()
	s := &zonesScene{path: filepath.Join(t.TempDir(), "policy.json")}
	s.Zones = NewZones(ZonesOptions{Path: s.path, PreviewFor: preview, Unconfirmed: s.moved.Load, Confirm: func() { s.confirmed.Add(1) },
		Apply: func(p *redact.Policy) error {
			s.applied.Store(p)
			s.times.Add(1)
			return nil
		},
		Try: func(p *redact.Policy) error {
			s.tried.Store(p)
			s.trials.Add(1)
			return nil
		}})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func policy(t *testing.T, text string) *redact.Policy {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inForce reports whether the policy of a text is in force.
func (s *zonesScene) inForce(t *testing.T, text string) bool {
	t.Helper()
	return is(t, s.applied.Load(), text)
}

// shows reports whether the policy of a text is the preview, none for "".
func (s *zonesScene) shows(t *testing.T, text string) bool {
	t.Helper()
	if text == "" {
		return s.tried.Load() == nil
	}
	return is(t, s.tried.Load(), text)
}

func is(t *testing.T, p *redact.Policy, text string) bool {
	t.Helper()
	return p != nil && p.SHA256() == policy(t, text).SHA256()
}

func TestSave(t *testing.T) {
	s := newZones(t, 0)
	if got := s.State(); got.Revision != noRevision || got.Policy != nil {
		t.Fatalf("at first: %+v", got)
	}
	rev, err := s.Save([]byte(leftHalf), noRevision)
	if err != nil {
		t.Fatal(err)
	}
	onDisk, err := redact.LoadPolicy(s.path)
	if err != nil || onDisk.SHA256() != policy(t, leftHalf).SHA256() || !s.inForce(t, leftHalf) {
		t.Errorf("after Save: on disk %v, %v; in force %v", onDisk, err, s.inForce(t, leftHalf))
	}

	// The second of two editors who began at the same time.
	theirs, err := s.Save([]byte(rightHalf), noRevision)
	if !errors.Is(err, ErrConflict) || theirs != rev {
		t.Errorf("second save: %q, %v", theirs, err)
	}
	if !s.inForce(t, leftHalf) {
		t.Error("the second save is in force")
	}
	if rev, err = s.Save([]byte(rightHalf), theirs); err != nil || !s.inForce(t, rightHalf) {
		t.Errorf("saved over: %v", err)
	}

	var bad *redact.PolicyError
	if _, err := s.Save([]byte(crossed), rev); !errors.As(err, &bad) || bad.Path != "property[0]" {
		t.Errorf("crossed zone: %v", err)
	}
	if !s.inForce(t, rightHalf) || s.State().Revision != rev {
		t.Error("an invalid policy changed something")
	}
}

// TestSaveFails: when the file cannot be written, nothing changes.
func TestSaveFails(t *testing.T) {
	s := newZones(t, 0)
	if err := os.RemoveAll(filepath.Dir(s.path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save([]byte(leftHalf), noRevision); err == nil {
		t.Fatal("saved into a folder that is not there")
	}
	if s.times.Load() != 0 || s.State().Revision != noRevision {
		t.Error("a policy that is not saved is in force")
	}
}

func TestPreview(t *testing.T) {
	s := newZones(t, time.Hour)
	if _, err := s.Save([]byte(leftHalf), noRevision); err != nil {
		t.Fatal(err)
	}
	if err := s.Preview([]byte(rightHalf), "a"); err != nil || !s.shows(t, rightHalf) {
		t.Fatalf("preview: %v", err)
	}
	if err := s.Preview([]byte(crossed), "a"); err == nil || !s.shows(t, rightHalf) {
		t.Error("an invalid preview changed something")
	}
	if err := s.Preview([]byte(leftHalf), "b"); !errors.Is(err, ErrBusy) || !s.shows(t, rightHalf) {
		t.Errorf("preview of a second editor: %v", err)
	}
	if s.IsPreviewOf("b") || s.IsPreviewOf("") || !s.IsPreviewOf("a") {
		t.Error("the preview is not that of its editor")
	}
	if err := s.Discard("b"); err != nil || !s.shows(t, rightHalf) {
		t.Errorf("a second editor took the first one's preview back: %v", err)
	}
	// What is saved meanwhile is in force at once, and the preview goes on.
	if err := s.edited(t, bothHalves); err != nil || !s.inForce(t, bothHalves) || !s.shows(t, rightHalf) {
		t.Errorf("a change of the file: %v", err)
	}
	if err := s.edited(t, leftHalf); err != nil {
		t.Error(err)
	}
	if err := s.Discard("a"); err != nil || !s.shows(t, "") {
		t.Errorf("discard: %v", err)
	}
	if err := s.Preview([]byte(rightHalf), "b"); err != nil {
		t.Errorf("preview after the first editor has gone: %v", err)
	}
	if err := s.Preview([]byte(rightHalf), ""); err == nil {
		t.Error("a preview of nobody is taken")
	}
	if !s.inForce(t, leftHalf) || s.times.Load() != 3 {
		t.Errorf("a preview was put in force: %d changes", s.times.Load())
	}
	if _, err := s.Save([]byte(rightHalf), s.State().Revision); err != nil || !s.shows(t, "") || !s.inForce(t, rightHalf) {
		t.Errorf("save: %v", err)
	}
	if onDisk, err := redact.LoadPolicy(s.path); err != nil || onDisk.SHA256() != policy(t, rightHalf).SHA256() {
		t.Errorf("on disk: %v, %v", onDisk, err)
	}
}

// TestPreviewEnds: an editor that is not heard of any more leaves nothing
// behind.
func TestPreviewEnds(t *testing.T) {
	s := newZones(t, 30*time.Millisecond)
	if _, err := s.Save([]byte(leftHalf), noRevision); err != nil {
		t.Fatal(err)
	}
	if err := s.Draw("a"); err != nil || s.Draws("b") {
		t.Fatal(err)
	}
	if err := s.Preview([]byte(rightHalf), "a"); err != nil {
		t.Fatal(err)
	}
	wait(t, func() bool { return !s.State().Drawing && s.shows(t, "") && !s.Draws("a") })
}

// TestDraw: a page draws from when it says so until it says otherwise; many may.
func TestDraw(t *testing.T) {
	s := newZones(t, time.Hour)
	if s.Draws("") || s.Draws("a") || s.Draw("") == nil {
		t.Error("nobody draws")
	}
	for i := range maxDrawing {
		if err := s.Draw(string(rune('a' + i))); err != nil {
			t.Error(err)
		}
	}
	if err := s.Draw("one more"); !errors.Is(err, ErrBusy) || s.Draws("one more") || !s.Draws("a") {
		t.Errorf("one page too many: %v", err)
	}
	s.Rest("a")
	if err := s.Draw("one more"); err != nil || s.Draws("a") || !s.Draws("one more") {
		t.Errorf("after one page less: %v", err)
	}
}

// TestPreviewMoved: neither what an editor tries out nor its end confirms the
// zones, whether the camera was moved while an editor was open or the pipeline
// began anew.
func TestPreviewMoved(t *testing.T) {
	s := newZones(t, time.Hour)
	if _, err := s.Save([]byte(leftHalf), noRevision); err != nil {
		t.Fatal(err)
	}
	if err := s.Preview([]byte(rightHalf), "a"); err != nil {
		t.Fatal(err)
	}
	n := s.trials.Load()
	if err := s.Preview([]byte(rightHalf), "a"); err != nil || s.trials.Load() != n {
		t.Errorf("the same preview was shown again: %v", err)
	}
	s.moved.Store(true)
	for _, text := range []string{rightHalf, leftHalf} {
		if err := s.Preview([]byte(text), "a"); !errors.Is(err, ErrUnconfirmed) || s.trials.Load() != n {
			t.Errorf("a preview was shown unconfirmed: %v", err)
		}
	}
	s.expire(s.number)
	if s.times.Load() != 1 || !s.shows(t, "") {
		t.Error("the end of the preview put zones in force")
	}
	if _, err := s.Save([]byte(rightHalf), s.State().Revision); err != nil || s.confirmed.Load() != 1 {
		t.Errorf("saving zones confirmed them %d times: %v", s.confirmed.Load()-1, err)
	}
	s.moved.Store(false)
	if err := s.Preview([]byte(leftHalf), "b"); err != nil || !s.shows(t, leftHalf) {
		t.Errorf("a preview after the owner's word: %v", err)
	}
}

// TestFirstSave: the first zones count as drawn on a picture of what the camera sees,
// unless the owner was asked to confirm that; no others do, and no changed file.
func TestFirstSave(t *testing.T) {
	for _, moved := range []bool{false, true} {
		s := newZones(t, time.Hour)
		s.moved.Store(moved)
		want := int32(1)
		if moved {
			want = 0
		}
		for i, text := range []string{leftHalf, rightHalf, leftHalf} {
			if _, err := s.Save([]byte(text), s.State().Revision); err != nil || s.confirmed.Load() != want {
				t.Errorf("moved %t, save %d: confirmed %d times, %v", moved, i+1, s.confirmed.Load(), err)
			}
		}
		if err := errors.Join(s.edited(t, rightHalf), s.edited(t, leftHalf)); err != nil || s.confirmed.Load() != want {
			t.Errorf("moved %t: a changed file confirmed the zones: %v", moved, err)
		}
	}
}

// edited changes the policy's file by hand, and tells of it.
func (s *zonesScene) edited(t *testing.T, text string) error {
	t.Helper()
	if err := os.WriteFile(s.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.Changed(policy(t, text), nil)
}

// TestLateChange: zones that were saved while the watcher had the file of before in
// its hand stay in force.
func TestLateChange(t *testing.T) {
	s := newZones(t, time.Hour)
	before := policy(t, leftHalf)
	if err := s.edited(t, leftHalf); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save([]byte(rightHalf), s.State().Revision); err != nil {
		t.Fatal(err)
	}
	if err := s.Changed(before, nil); err != nil || !s.inForce(t, rightHalf) || s.State().Policy.SHA256() != policy(t, rightHalf).SHA256() {
		t.Errorf("the file of before is in force again, %v", err)
	}
}

func TestChanged(t *testing.T) {
	s := newZones(t, time.Hour)
	if err := s.Changed(nil, os.ErrNotExist); err != nil {
		t.Errorf("no file at the start: %v", err)
	}
	if err := s.edited(t, leftHalf); err != nil || !s.inForce(t, leftHalf) {
		t.Fatalf("file by hand: %v", err)
	}
	rev, n := s.State().Revision, s.times.Load()
	if err := s.edited(t, leftHalf); err != nil || s.times.Load() != n {
		t.Error("a file without a change was put in force again")
	}
	bad := errors.New("policy.json: nonsense")
	if err := s.Changed(nil, bad); err == nil || s.State().Problem == "" || !s.inForce(t, leftHalf) {
		t.Errorf("an invalid file: %+v", s.State())
	}
	if err := s.edited(t, rightHalf); err != nil || s.State().Problem != "" {
		t.Errorf("valid again: %v", err)
	}
	// An editor that began before the change by hand is told.
	if _, err := s.Save([]byte(leftHalf), rev); !errors.Is(err, ErrConflict) {
		t.Errorf("save over a change by hand: %v", err)
	}
}

func wait(t *testing.T, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal("never")
		}
	}
}
