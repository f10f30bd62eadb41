package pipeline

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// writes is a sink whose n-th Write does what is said.
type writes func(ctx context.Context, n int) error

type writesSink struct {
	do    writes
	n     int
	times []time.Duration
}

func (s *writesSink) Write(ctx context.Context, f redact.Frame) error {
	s.n++
	if s.do != nil {
		if err := s.do(ctx, s.n); err != nil {
			return err
		}
	}
	s.times = append(s.times, f.Time())
	return nil
}

// writerFor returns a writer, and a func that makes its n-th frame.
func writerFor(t *testing.T, sink Sink, live bool) (w *writer, frameOf func(n int) *frame) {
	t.Helper()
	red, err := redact.New(nil, image.Pt(32, 32), redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	rulings := newRulings(redact.HideEverything(), nil)
	w = &writer{sink: sink, live: live, maxFailures: 3, pool: newFramePool(10), gate: newGate(rulings), stats: &stats{}}
	return w, func(n int) *frame {
		f := w.pool.get(t.Context())
		at := time.Duration(n) * time.Millisecond
		if f.out, err = red.Redact(f.buf.Resize(32, 32), redact.Scene{Time: at}); err != nil {
			t.Fatal(err)
		}
		f.ruled = rulings.newest()
		return f
	}
}

// TestWriter: how many frames reach a sink that fails, and how the writer ends.
func TestWriter(t *testing.T) {
	fails := func(from, to int) writes {
		return func(_ context.Context, n int) error {
			if n >= from && n <= to {
				return errScript
			}
			return nil
		}
	}
	for _, tt := range []struct {
		name    string
		live    bool
		do      writes
		written int
		count   int
	}{
		{"file", false, nil, 8, 0},
		{"file, one failure", false, fails(3, 3), 2, 1},
		{"live, one failure", true, fails(3, 3), 7, 0},
		{"live, two in a row, twice", true, func(_ context.Context, n int) error {
			return map[bool]error{true: errScript}[n == 2 || n == 3 || n == 5 || n == 6]
		}, 4, 0},
		{"live, all", true, fails(1, 100), 0, 3},
		{"panic", false, func(context.Context, int) error { panic("boom") }, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sink := &writesSink{do: tt.do}
			w, frameOf := writerFor(t, sink, tt.live)
			w.start(t.Context())
			var err error
			for n := 0; n < 8 && err == nil; n++ {
				// As at the end of a source: none is dropped for a slow sink.
				err = w.put(t.Context(), frameOf(n), true)
			}
			w.close()
			err = firstError(err, w.join(t.Context()))
			var stage *StageError
			if errors.As(err, &stage); (stage != nil) != (tt.count > 0) || stage != nil && (stage.Stage != "sink" || stage.Count != tt.count) {
				t.Errorf("ended with %v", err)
			}
			if len(sink.times) != tt.written || w.stats.s.FramesOut != uint64(tt.written) {
				t.Errorf("%d written, %d counted", len(sink.times), w.stats.s.FramesOut)
			}
		})
	}
}

// TestWriterGate: frames redacted under a looser policy than the one in force do not go
// out, and what is done between frames sees no Write under way.
func TestWriterGate(t *testing.T) {
	begun, leave := make(chan struct{}), make(chan struct{})
	sink := &writesSink{do: func(_ context.Context, n int) error {
		if n == 1 {
			close(begun)
			<-leave
		}
		return nil
	}}
	w, frameOf := writerFor(t, sink, false)
	shows := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}}
	w.gate.rulings.setPolicy(shows)
	w.start(t.Context())
	for n := range 3 {
		if err := w.put(t.Context(), frameOf(n), false); err != nil {
			t.Fatal(err)
		}
	}
	<-begun
	if !w.gate.rulings.setPolicy(redact.HideEverything()) {
		t.Fatal("hiding everything is no tighter policy")
	}
	close(leave)
	w.gate.between(func() {
		if len(sink.times) > 1 {
			t.Errorf("%d frames of the looser policy went out", len(sink.times))
		}
	})
	if err := w.put(t.Context(), frameOf(3), false); err != nil {
		t.Fatal(err)
	}
	w.close()
	if err := w.join(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(sink.times) != 2 || sink.times[0] != 0 || sink.times[1] != 3*time.Millisecond {
		t.Errorf("frames of %v went out, want the first and the last", sink.times)
	}
	if w.stats.s.FramesDropped != 2 || len(w.pool.left) != 10 {
		t.Errorf("%d dropped, %d of 10 frames are back", w.stats.s.FramesDropped, len(w.pool.left))
	}
}

// TestWriterAbsorbs: a live sink that stands still loses no frame until 150 ms of them
// wait, and then the oldest.
func TestWriterAbsorbs(t *testing.T) {
	for rate, wait := range map[int]int{5: 3, 15: 3, 25: 4, 30: 5, 60: 6, 1000: 6} {
		begun, leave := make(chan struct{}), make(chan struct{})
		sink := &writesSink{do: func(_ context.Context, n int) error {
			if n == 1 {
				close(begun)
				<-leave
			}
			return nil
		}}
		w, frameOf := writerFor(t, sink, true)
		w.start(t.Context())
		for n := range 1 + wait + 2 {
			f := frameOf(n)
			f.step = time.Second / time.Duration(rate)
			if err := w.put(t.Context(), f, false); err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				<-begun // the sink has it
			}
			if got, want := w.stats.s.FramesDropped, uint64(max(n-wait, 0)); got != want || w.backlog() != min(n, wait) {
				t.Errorf("%d a second: frame %d: %d dropped, want %d; %d wait", rate, n, got, want, w.backlog())
			}
		}
		close(leave)
		w.close()
		if err := w.join(t.Context()); err != nil {
			t.Error(err)
		}
		if len(sink.times) != 1+wait || sink.times[1] != 3*time.Millisecond {
			t.Errorf("%d a second: written %v", rate, sink.times)
		}
	}
}
