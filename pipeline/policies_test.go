package pipeline_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestHeldUnderBoth: a frame that came before a change of policy goes out hidden
// under the old one as well, however much the new one would show of it, and nobody
// looked for what that one asks to hide.
func TestHeldUnderBoth(t *testing.T) {
	const change = 30
	const hideLeft = `{"version": 1, "property": [[[0.5,0],[1,0],[1,1],[0.5,1]]], "outside": {"fill": "solid"}, "found": {"fill": "solid"}}`
	for _, tt := range []struct {
		name, from, to string
		shown          func(shot) int // what neither or only one of the policies shows
	}{
		{"all to detected", hideAll, hideFound, shot.outsideShown},
		{"all to detected, faces", hideAllFace, hideFound, func(s shot) int { return s.outsideShown() + s.insideShown() }},
		{"detected to all", hideFound, hideAll, shot.outsideShown},
		{"other zones", hideAll, hideLeft, func(s shot) int { return s.outsideShown() + count(leftOf(s)) }},
		{"other zones, back", hideLeft, hideAll, func(s shot) int { return s.outsideShown() + count(leftOf(s)) }},
	} {
		for _, mode := range modes {
			for _, held := range []int{1, 8, 40} {
				t.Run(tt.name+"/"+mode.String(), func(t *testing.T) {
					t.Parallel()
					p := newPipeline(t, pipeline.Config{Policy: policy(t, tt.from), Mode: mode, LookAhead: time.Duration(held) * interval, TimeToLive: time.Minute,
						Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
					c := &camera{frames: change + 2*held + 20, pace: time.Millisecond, fault: func(_ context.Context, n int) error {
						if n == change {
							return p.SetPolicy(policy(t, tt.to))
						}
						return nil
					}}
					sink := &album{t: t}
					if err := p.Run(t.Context(), c, sink); err != nil {
						t.Fatal(err)
					}
					// Frames that were let go before the change are no matter.
					for _, s := range sink.seen() {
						if s.n < change && s.n >= change-held && tt.shown(s) > 0 {
							t.Errorf("held %d: frame %d of %d: %d blocks shown that one policy hides", held, s.n, change, tt.shown(s))
						}
					}
				})
			}
		}
	}
}

// TestPolicyEdited: a policy whose owner goes on to change it is in force as it was handed
// over, until it is handed over again; and then as it is.
func TestPolicyEdited(t *testing.T) {
	own, floor := policy(t, hideFound), policy(t, all)
	p := newPipeline(t, pipeline.Config{Policy: own, Floor: []*redact.Policy{floor}, LookAhead: 3 * interval,
		Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find())}})
	sink := &album{t: t}
	c := &camera{frames: 100, fault: func(_ context.Context, n int) error {
		switch n {
		case 20:
			own.Outside.Hide = redact.HideAll
			return p.SetPolicy(own)
		case 40:
			own.Property, floor.Property = nil, nil
			p.Confirm() // another ruling, with the policies of before
		case 60:
			return p.SetFloor(nil) // hides everything
		case 80:
			return p.SetFloor()
		}
		return nil
	}}
	if err := p.Run(t.Context(), c, sink); err != nil {
		t.Fatal(err)
	}
	for _, s := range sink.seen() {
		up, down := s.outsideShown(), s.insideShown()
		switch {
		case s.n >= 20 && up > 0:
			t.Errorf("picture %d: %d blocks shown that the changed policy hides", s.n, up)
		case s.n > 5 && s.n < 10 && up == 0:
			t.Errorf("picture %d: hidden before the policy was changed", s.n)
		case s.n >= 60 && s.n < 70 && down > 0:
			t.Errorf("picture %d: %d blocks shown under a floor that hides everything", s.n, down)
		case s.n > 5 && s.n < 50 && down == 0, s.n >= 90 && down == 0:
			t.Errorf("picture %d: what was handed over shows nothing", s.n)
		}
	}
}

func leftOf(s shot) [][]bool {
	rows := make([][]bool, len(s.shown))
	for i, row := range s.shown {
		rows[i] = row[:len(row)/2]
	}
	return rows
}

// flushed is a sink that counts its flushes.
type flushed struct {
	album
	flushes atomic.Int64
}

func (f *flushed) Flush() { f.flushes.Add(1) }

// TestTighterPolicyEmptiesQueues: what waits redacted for a slow sink is gone once
// SetPolicy has returned, though the camera brings nothing more; a looser policy
// costs nothing.
func TestTighterPolicyEmptiesQueues(t *testing.T) {
	const nothing = `{"version": 1, "outside": {"fill": "solid"}, "found": {"fill": "solid"}}`
	for _, tt := range []struct {
		name, from, to string
		flushes        int64
	}{
		{"tighter", hideAll, nothing, 1},
		{"looser", nothing, hideAll, 0},
		{"the same", hideAll, hideAll, 0},
		{"faces too", hideAll, hideAllFace, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const frames = 30
			busy, free, away := make(chan struct{}), make(chan struct{}), make(chan struct{})
			var returned atomic.Bool
			sink := &flushed{album: album{t: t}}
			late := -1 // the first frame written once SetPolicy had returned
			sink.fault = func(_ context.Context, n int) error {
				if late < 0 && returned.Load() {
					late = n
				}
				if n == 3 {
					close(busy)
					<-free
				}
				return nil
			}
			c := &camera{frames: 1e6, pace: time.Millisecond, fault: func(ctx context.Context, n int) error {
				if n == frames {
					select {
					case <-away:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			}}
			p := newPipeline(t, pipeline.Config{Policy: policy(t, tt.from), Mode: pipeline.Live})
			ran := make(chan error, 1)
			go func() { ran <- p.Run(t.Context(), c, sink) }()
			<-busy
			for p.Stats().FramesIn < frames { // now the queue is full
				runtime.Gosched()
			}
			set := make(chan error, 1)
			go func() { set <- p.SetPolicy(policy(t, tt.to)); returned.Store(true) }()
			if tt.flushes == 0 {
				if err := <-set; err != nil {
					t.Fatal(err)
				}
				close(free)
			} else {
				close(free)
				if err := <-set; err != nil {
					t.Fatal(err)
				}
			}
			p.Stop()
			close(away)
			if err := <-ran; err != nil {
				t.Fatal(err)
			}
			if got := sink.flushes.Load(); got != tt.flushes {
				t.Errorf("flushed %d times, want %d", got, tt.flushes)
			}
			shots := sink.seen()
			if tt.from == hideAll && shots[0].insideShown() == 0 {
				t.Error("the policy before shows nothing: the test cannot tell")
			}
			// What had not been redacted yet goes out under both policies at the
			// Run's end, however many frames that are on a busy machine.
			for i := late; tt.flushes > 0 && late >= 0 && i < len(shots); i++ {
				if shown := shots[i].outsideShown() + shots[i].insideShown(); shown > 0 {
					t.Errorf("write %d, of frame %d, after SetPolicy had returned: %d blocks shown that only the policy before shows", i, shots[i].n, shown)
				}
			}
		})
	}
}

// previews is a sink that notes what a preview shows.
type previews struct{ album }

// TestPreview: while somebody draws, the sink gets what neither the policy in force
// nor the preview hides, and who draws gets the preview alone.
func TestPreview(t *testing.T) {
	const upper = `{"version": 1, "property": [[[0,0],[1,0],[1,0.5],[0,0.5]]], "outside": {"fill": "solid"}, "found": {"fill": "solid"}}`
	const left = `{"version": 1, "property": [[[0,0],[0.5,0],[0.5,1],[0,1]]], "outside": {"fill": "solid"}, "found": {"fill": "solid"}}`
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			sink, own := &album{t: t}, &previews{album{t: t}}
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: 3 * interval})
			var from, to int
			c := &camera{frames: 200, pace: time.Millisecond, fault: func(_ context.Context, n int) error {
				switch n {
				case 40:
					return p.SetPreview(policy(t, upper), own)
				case 80:
					return p.SetPreview(policy(t, left), own)
				case 150:
					to = len(own.seen())
					return p.SetPreview(nil, nil)
				case 180:
					from = len(own.seen())
				}
				return nil
			}}
			if err := p.Run(t.Context(), c, sink); err != nil {
				t.Fatal(err)
			}
			for _, s := range sink.seen() {
				if s.outsideShown() > 0 {
					t.Errorf("frame %d: what the policy hides is shown", s.n)
				}
				inside := s.insideShown()
				switch {
				case s.n < 30 || s.n >= 160:
					if inside == 0 {
						t.Errorf("frame %d: nothing shown without a preview", s.n)
					}
				case s.n >= 40 && s.n < 80 && inside > 0:
					t.Errorf("frame %d: %d blocks shown that the preview hides", s.n, inside)
				case s.n >= 80 && s.n < 150 && count(leftOf(s)) < inside:
					t.Errorf("frame %d: what the second preview hides is shown", s.n)
				}
			}
			shown := map[bool]int{}
			for _, s := range own.seen() {
				first := s.n < 80
				shown[first]++
				if got, want := s.outsideShown(), s.insideShown(); first && (got == 0 || want != 0) || !first && got != want {
					t.Errorf("preview of frame %d: %d blocks of the upper half and %d of the lower shown", s.n, got, want)
				}
			}
			if shown[true] == 0 || shown[false] == 0 || from > to+1 {
				t.Errorf("%v pictures of the previews, %d after their end", shown, from-to)
			}
		})
	}
	p := newPipeline(t, pipeline.Config{})
	if err := p.SetPreview(&redact.Policy{Version: 9}, discard{}); err == nil {
		t.Error("an invalid preview was taken")
	}
}
