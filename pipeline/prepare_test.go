package pipeline

import (
	"context"
	"errors"
	"image"
	"io"
	"math"
	"testing"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// heavy returns a policy that shows all of the picture in as many pieces as there may
// be, with more points than the event loop draws.
func heavy() *redact.Policy {
	p := &redact.Policy{Version: 1, Outside: redact.Outside{Fill: redact.Solid}}
	for range redact.MaxPolygons {
		poly := make(redact.Polygon, 0, redact.MaxPoints)
		for i := range redact.MaxPoints {
			a := 2 * math.Pi * float64(i) / redact.MaxPoints
			poly = append(poly, redact.Point{X: 0.5 + 0.5*math.Cos(a), Y: 0.5 + 0.5*math.Sin(a)})
		}
		p.Property = append(p.Property, poly)
	}
	return p
}

// TestPrepares: the zones of a policy and of a preview are drawn by who sets them,
// for the size of the frames; one that is wrong leaves nothing, and no number of them
// grows.
func TestPrepares(t *testing.T) {
	p, err := New(Config{Policy: redact.HideEverything()})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.SetPolicy(heavy()); err != nil || len(p.prepared.list) != 0 {
		t.Errorf("%d prepared for no size, %v", len(p.prepared.list), err)
	}
	size := image.Pt(64, 48)
	p.prepared.resize(size)
	for i := range 3 * maxPrepared {
		policy, trial := heavy(), heavy()
		// Two heavy ones are enough: light ones are prepared too, and take less time.
		if i > 0 {
			policy.Property, trial.Property = policy.Property[:1], trial.Property[:1]
		}
		policy.Property[0][0].Y, trial.Property[0][0].Y = float64(i)/100, 1-float64(i)/100
		if err := errors.Join(p.SetPolicy(policy), p.SetPreview(trial, nil)); err != nil {
			t.Fatal(err)
		}
		for _, q := range []*redact.Policy{p.rulings.policy, p.rulings.preview.policy} {
			if one := p.prepared.find(q, size); one == nil || one.ready == nil {
				t.Fatalf("round %d: not prepared: %+v", i, one)
			}
		}
	}
	if len(p.prepared.list) != maxPrepared {
		t.Errorf("%d prepared", len(p.prepared.list))
	}
	bad, old := heavy(), p.rulings.policy
	bad.Version = 2
	if err := p.SetPolicy(bad); err == nil || p.rulings.policy != old {
		t.Errorf("a policy that is wrong: %v", err)
	}
}

// steps is a camera that sends a picture whenever it is told to.
type steps struct {
	size image.Point
	next chan struct{}
	n    int
}

func (s *steps) Read(ctx context.Context, b *Buffer) error {
	select {
	case _, ok := <-s.next:
		if !ok {
			return io.EOF
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	pic := b.Resize(s.size.X, s.size.Y)
	for i := range pic.Y {
		pic.Y[i] = byte(40 + i%100)
	}
	s.n++
	b.Time = time.Duration(s.n) * 40 * time.Millisecond
	return nil
}

// whole is a sink that tells of each picture whether all of it is hidden.
type whole chan bool

func (w whole) Write(ctx context.Context, f redact.Frame) error {
	select {
	case w <- f.Hidden():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestDrawsBeside: a camera's first picture under a large policy is not kept waiting
// until the zones are drawn; all of it is hidden, and so are all others until they
// are. A recording waits instead.
func TestDrawsBeside(t *testing.T) {
	for _, mode := range []Mode{Live, File} {
		policy := heavy()
		p, err := New(Config{Policy: policy, Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		src, sink := &steps{size: image.Pt(320, 240), next: make(chan struct{})}, make(whole)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx, src, sink) }()
		first, shown := true, false
		for i := 0; !shown; i++ {
			select {
			case src.next <- struct{}{}:
			case hidden := <-sink:
				if first && hidden != (mode == Live) {
					t.Errorf("%v: the first picture is hidden whole: %v", mode, hidden)
				}
				first, shown = false, !hidden
				if one := p.prepared.find(p.rulings.policy, src.size); mode == Live && shown && (one == nil || one.ready == nil) {
					t.Error("something is shown before the zones are drawn")
				}
			case err := <-ended:
				t.Fatalf("%v: ended: %v", mode, err)
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v", mode, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDrawingEnds: a Run that ends while zones are drawn leaves nothing under way,
// and the next one draws them.
func TestDrawingEnds(t *testing.T) {
	policy := heavy()
	p, err := New(Config{Policy: policy, Mode: Live})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		src, sink := &steps{size: image.Pt(1920, 1080), next: make(chan struct{})}, make(whole)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- p.Run(ctx, src, sink) }()
		src.next <- struct{}{}
		<-sink
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if one := p.prepared.find(policy, src.size); one != nil && one.ready == nil {
			t.Fatalf("left behind: %+v", one)
		}
	}
}
