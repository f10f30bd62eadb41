package stream

import (
	"errors"
	"testing"
)

// TestFlush: what waits, and the snapshot, are gone; subscribers are told, and begin
// anew with a key unit; what they hold is stale.
func TestFlush(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(100)
	for range 5 {
		s.write(h)
	}
	held := <-sub.C
	h.Flush()
	if got := take(sub); len(got) != 0 {
		t.Errorf("%d units still wait", len(got))
	}
	if err := noSnapshot(h); !errors.Is(err, ErrNoPicture) {
		t.Errorf("snapshot: %v", err)
	}
	if !sub.Stale(held) {
		t.Error("a unit from before is not stale")
	}
	select {
	case <-sub.Flushed:
	default:
		t.Error("the subscriber was not told")
	}
	s.write(h)
	s.write(h)
	got := take(sub)
	if len(got) != 2 || !got[0].Key || got[0].Time <= held.Time || sub.Stale(got[0]) || sub.Lost() != 0 {
		t.Errorf("%d units after it, %d lost", len(got), sub.Lost())
	}
	s.snapshot(h)
}
