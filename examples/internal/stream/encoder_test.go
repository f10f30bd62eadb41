package stream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/redact"
)

// fake is an encoder that puts out made-up units, late.
type fake struct {
	id     byte // stands in its parameter sets
	delay  int  // how many frames it holds back
	fails  int  // at which frame it fails, 0 for never
	held   []encoder.AccessUnit
	n      int
	opened *int
	closed *int
}

// factory opens copies of an encoder, and counts.
func (f fake) factory(name string) encoder.Factory {
	return encoder.Factory{Name: name, Open: func(encoder.Options) (encoder.Encoder, error) {
		e := f
		*f.opened++
		return &e, nil
	}}
}

func newFake(id byte, delay, fails int) fake {
	return fake{id: id, delay: delay, fails: fails, opened: new(int), closed: new(int)}
}

func (f *fake) Encode(_ redact.Frame, at time.Duration, key bool) ([]encoder.AccessUnit, error) {
	if f.n++; f.n == f.fails {
		return nil, errors.New("broken")
	}
	u := encoder.AccessUnit{Time: at, NALUs: [][]byte{{0x41, byte(f.n)}}}
	if key {
		u.NALUs = [][]byte{{0x67, f.id}, {0x68, f.id}, {0x65, byte(f.n)}}
	}
	f.held = append(f.held, u)
	if len(f.held) <= f.delay {
		return nil, nil
	}
	out := f.held[0]
	f.held = f.held[1:]
	return []encoder.AccessUnit{out}, nil
}

func (f *fake) Close() error { *f.closed++; return nil }

// TestDelayedEncoder: units have the time of their frame; what an encoder still holds when
// the broadcaster is flushed or paused never comes out, and what comes after begins with a key unit.
func TestDelayedEncoder(t *testing.T) {
	for name, end := range map[string]func(*Broadcaster){
		"flush": (*Broadcaster).Flush,
		"pause": func(h *Broadcaster) { h.Pause(true); h.Pause(false) },
	} {
		h := newBroadcaster(t, Options{Encoder: newFake(1, 3, 0).factory("late")})
		s := newScene(t, 64, 48)
		sub := h.Subscribe(100)
		for range 10 {
			s.write(h)
		}
		before := take(sub)
		if len(before) != 7 || before[6].Time != 6*40*time.Millisecond || !before[0].Key {
			t.Fatalf("%s: %d units", name, len(before))
		}
		end(h)
		for range 5 {
			s.write(h)
		}
		after := take(sub)
		if len(after) != 2 || !after[0].Key || after[0].Time != 10*40*time.Millisecond || sub.Stale(after[0]) {
			t.Errorf("%s: %d units after it, the first at %v", name, len(after), after[0].Time)
		}
		if sub.Lost() != 0 {
			t.Errorf("%s: %d units count as lost", name, sub.Lost())
		}
	}
}

// TestUseEncoder: another kind takes over with the next frame, as a key unit with its own
// parameter sets, and the one before it is closed.
func TestUseEncoder(t *testing.T) {
	first, second := newFake(1, 0, 0), newFake(2, 0, 0)
	h := newBroadcaster(t, Options{Encoder: first.factory("first")})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(100)
	s.write(h)
	s.write(h)
	if name := h.Stats().Encoder; name != "first" {
		t.Errorf("encoded with %q", name)
	}
	h.UseEncoder(second.factory("second"))
	s.write(h)
	s.write(h)
	units := take(sub)
	if len(units) != 4 || !units[2].Key || units[3].Key || units[2].Time != 80*time.Millisecond {
		t.Fatalf("%d units", len(units))
	}
	if sps, pps := units[2].ParameterSets(); sps[1] != 2 || pps[1] != 2 {
		t.Errorf("parameter sets %x, %x", sps, pps)
	}
	if *first.closed != 1 || *second.opened != 1 || h.Stats().Encoder != "second" {
		t.Errorf("first closed %d times, second opened %d times, now %q", *first.closed, *second.opened, h.Stats().Encoder)
	}
}

// TestEncoderFails: Write says so, the encoder is closed, and the next frame is the key frame
// of another one.
func TestEncoderFails(t *testing.T) {
	f := newFake(1, 0, 3)
	h := newBroadcaster(t, Options{Encoder: f.factory("breaks"), Fallback: f.factory("breaks")})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(100)
	s.write(h)
	s.write(h)
	frame, _ := s.frame(2, 80*time.Millisecond)
	defer frame.Release()
	if err := h.Write(context.Background(), frame); err == nil {
		t.Error("an encoder failed without a word")
	}
	s.n++
	s.write(h)
	units := take(sub)
	if len(units) != 3 || !units[2].Key || *f.opened != 2 || *f.closed != 1 {
		t.Errorf("%d units, opened %d times, closed %d times", len(units), *f.opened, *f.closed)
	}
}
