package pipeline

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"
)

// script is a source of pictures at the given times; what is not a time is an error.
type script struct {
	steps []any
	n     int
}

func (s *script) Read(_ context.Context, b *Buffer) error {
	if s.n == len(s.steps) {
		return io.EOF
	}
	step := s.steps[s.n]
	s.n++
	switch v := step.(type) {
	case error:
		return v
	case int:
		b.Resize(16, 16)
		b.Time = time.Duration(v) * time.Millisecond
	case string:
		panic(v)
	}
	return nil
}

var errScript = errors.New("script")

// TestReader: what the reader hands on, what it counts as lost, and how it ends.
func TestReader(t *testing.T) {
	for _, tt := range []struct {
		name  string
		live  bool
		steps []any
		times []int
		lost  uint64
		want  error
		count int // of the StageError
	}{
		{"all", false, []any{1, 2, 3}, []int{1, 2, 3}, 0, nil, 0},
		{"nothing", false, nil, nil, 0, nil, 0},
		{"damage", false, []any{1, ErrPicture, ErrPicture, 4}, []int{1, 4}, 2, nil, 0},
		{"time that does not rise", false, []any{5, 5, 4, 6}, []int{5, 6}, 2, nil, 0},
		{"not one good picture", false, []any{ErrPicture, ErrPicture}, nil, 2, ErrPicture, 2},
		{"failure", false, []any{1, errScript, 3}, []int{1}, 0, errScript, 1},
		{"panic", false, []any{1, "boom", 3}, []int{1}, 0, nil, 1},
		{"recording with much damage", false, []any{1, ErrPicture, ErrPicture, ErrPicture, ErrPicture, 6}, []int{1, 6}, 4, nil, 0},
		{"camera with much damage", true, []any{1, ErrPicture, ErrPicture, ErrPicture, 6}, []int{1}, 3, ErrPicture, 3},
		{"camera with some damage", true, []any{1, ErrPicture, ErrPicture, 4, ErrPicture, 6}, []int{1, 4, 6}, 3, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var st stats
			r := &reader{src: &script{steps: tt.steps}, live: tt.live, maxFailures: 3, pool: newFramePool(4), ruling: func() uint64 { return 7 }, stats: &st}
			r.start(t.Context())
			var times []int
			for f := range r.frames {
				times = append(times, int(f.buf.Time/time.Millisecond))
				if f.ruling != 7 {
					t.Errorf("ruling %d", f.ruling)
				}
				r.pool.put(f)
			}
			err := r.join()
			var stage *StageError
			if errors.As(err, &stage) != (tt.count > 0) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("ended with %v", err)
			}
			if stage != nil && (stage.Count != tt.count || stage.Stage != "source") {
				t.Errorf("ended with %v, want %d failures of the source", err, tt.count)
			}
			if len(times) != len(tt.times) {
				t.Fatalf("pictures at %v, want %v", times, tt.times)
			}
			for i := range times {
				if times[i] != tt.times[i] {
					t.Fatalf("pictures at %v, want %v", times, tt.times)
				}
			}
			if st.s.FramesLost != tt.lost || st.s.FramesIn != uint64(len(times)) {
				t.Errorf("%d in, %d lost", st.s.FramesIn, st.s.FramesLost)
			}
			if got := len(r.pool.left); got != 4 {
				t.Errorf("%d of 4 frames are back in the pool", got)
			}
		})
	}
}

// TestReaderDropsOldest: frames of a camera that nobody takes are dropped, the oldest
// first; a file waits, and its frame goes back when the run ends.
func TestReaderDropsOldest(t *testing.T) {
	var st stats
	pool := newFramePool(arrived + 3)
	var steps []any
	for i := range 20 {
		steps = append(steps, i+1)
	}
	r := &reader{src: &script{steps: steps}, live: true, maxFailures: 3, pool: pool, ruling: func() uint64 { return 0 }, stats: &st}
	r.start(t.Context())
	if err := r.join(); err != nil {
		t.Fatal(err)
	}
	first := (<-r.frames).buf.Time
	if want := time.Duration(20-arrived+1) * time.Millisecond; first != want || st.s.FramesDropped != 20-arrived {
		t.Errorf("the oldest frame left is of %v, want %v; %d dropped", first, want, st.s.FramesDropped)
	}

	ctx, cancel := context.WithCancel(t.Context())
	pool, st = newFramePool(arrived+3), stats{}
	r = &reader{src: &script{steps: steps}, maxFailures: 3, pool: pool, ruling: func() uint64 { return 0 }, stats: &st}
	r.start(ctx)
	for len(r.frames) < arrived || len(pool.left) > 2 {
		<-time.After(time.Millisecond)
	}
	cancel()
	if err := r.join(); err != nil {
		t.Fatal(err)
	}
	if got := (<-r.frames).buf.Time; got != time.Millisecond {
		t.Errorf("a file lost its first frames: the oldest left is of %v", got)
	}
}
