package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	errFake = errors.New("fake")

	_ pipeline.Source = (*Source)(nil)
)

// conn is a connection that delivers a picture each period, and then ends.
type conn struct {
	pictures int
	period   time.Duration
	first    time.Duration // time of the first picture
	end      error         // nil: goes silent
	damaged  func(n int) bool
	jump     func(n int) time.Duration

	n      int
	once   sync.Once
	closed chan struct{}
}

func newConn(pictures int, end error) *conn {
	return &conn{pictures: pictures, period: 40 * time.Millisecond, end: end, closed: make(chan struct{})}
}

func (c *conn) Read(ctx context.Context, b *pipeline.Buffer) error {
	var tick <-chan time.Time
	if c.n == c.pictures && c.end != nil {
		return c.end
	}
	if c.n < c.pictures {
		tick = time.After(c.period)
	}
	select {
	case <-tick:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return io.ErrClosedPipe
	}
	b.Resize(32, 32)
	b.Time = c.first + time.Duration(c.n)*c.period
	if c.jump != nil {
		b.Time += c.jump(c.n)
	}
	c.n++
	if c.damaged != nil && c.damaged(c.n-1) {
		return pipeline.ErrPicture
	}
	return nil
}

func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// fake is a camera that answers each attempt to open it with the next of its
// answers, then with the last one.
type fake struct {
	answers []any // a *conn or an error
	at      []time.Duration
	begin   time.Time
	states  []string
}

func (f *fake) open(context.Context) (connection, error) {
	f.at = append(f.at, time.Since(f.begin))
	a := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	if err, ok := a.(error); ok {
		return nil, err
	}
	return a.(*conn), nil
}

// source returns a source that opens f. It must be called in a synctest bubble.
func (f *fake) source(t *testing.T, camera string) *Source {
	t.Helper()
	s, err := Open(camera, Options{OnChange: func(st State) { f.states = append(f.states, st.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	s.open = f.open
	f.begin = time.Now()
	return s
}

func read(t *testing.T, s *Source, n int) (times []time.Duration) {
	t.Helper()
	var b pipeline.Buffer
	for range n {
		if err := s.Read(context.Background(), &b); err != nil {
			t.Fatalf("after %v: %v", times, err)
		}
		times = append(times, b.Time.Round(time.Millisecond))
	}
	if !slices.IsSorted(times) || len(slices.Compact(slices.Clone(times))) != len(times) {
		t.Errorf("times do not rise: %v", times)
	}
	return times
}

func closeIt(t *testing.T, s *Source) {
	t.Helper()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Read(context.Background(), &pipeline.Buffer{}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

const ms = time.Millisecond

// TestUnplugged: a camera that goes away is asked for again, soon and then every
// second, until it is back; the clock goes on meanwhile.
func TestUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answers: []any{newConn(3, errFake), errFake, errFake, errFake, errFake, errors.New("other"), errFake, newConn(10, nil)}}
		s := f.source(t, "camera:0")
		defer closeIt(t, s)
		if st := s.State(); st.Connected || st.String() != "connecting" {
			t.Errorf("%+v", st)
		}
		before := read(t, s, 3)
		if !slices.Equal(before, []time.Duration{0, 40 * ms, 80 * ms}) || !s.State().Connected {
			t.Errorf("%v, %+v", before, s.State())
		}
		after := read(t, s, 3)
		want := []time.Duration{0, 370, 870, 1870, 2870, 3870, 4870, 5870}
		for i := range f.at {
			if f.at[i].Milliseconds() != int64(want[i]) {
				t.Errorf("attempt %d at %v, want %v ms", i, f.at[i], int64(want[i]))
			}
		}
		// The first picture came 40 ms after the clock began for the source.
		if !slices.Equal(after, []time.Duration{5870 * ms, 5910 * ms, 5950 * ms}) {
			t.Errorf("after: %v", after)
		}
		if st := s.State(); !st.Connected || st.Lost != 1 || st.Pictures != 6 || st.Err != nil {
			t.Errorf("%+v", st)
		}
		var kinds []string
		for _, st := range f.states {
			kind, _, _ := strings.Cut(st, " ")
			kinds = append(kinds, kind)
		}
		if !slices.Equal(kinds, []string{"connected", "lost", "lost", "lost", "connected"}) {
			t.Errorf("%q", f.states)
		}
	})
}

// TestSilent: a camera that sends nothing, or nothing that can be decoded, is
// lost after the timeout; one that is slow or sends some damaged pictures is not.
func TestSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		garbage := newConn(1000, nil)
		garbage.damaged = func(n int) bool { return n > 0 }
		slow := newConn(3, nil)
		slow.period = 2900 * ms
		some := newConn(20, nil)
		some.damaged = func(n int) bool { return n%4 != 0 }
		f := &fake{answers: []any{newConn(2, nil), garbage, slow, some}}
		s := f.source(t, "rtsp://host/1")
		defer closeIt(t, s)
		var b pipeline.Buffer
		good, damaged := 0, 0
		for good < 2+1+3+5 {
			switch err := s.Read(context.Background(), &b); {
			case err == nil:
				good++
			case errors.Is(err, pipeline.ErrPicture):
				damaged++
			default:
				t.Fatal(err)
			}
		}
		if damaged != damagedShown+4*3 {
			t.Errorf("%d damaged pictures told of", damaged)
		}
		// Two pictures, then 3 s of silence, then 250 ms until the next attempt;
		// one picture, 3 s of garbage, then 500 ms, and so on.
		want := []int64{0, 80 + 3250, 80 + 3250 + 40 + 3500, 80 + 3250 + 40 + 3500 + 3*2900 + 4000}
		for i, at := range f.at {
			if at.Milliseconds() != want[i] {
				t.Errorf("attempt %d at %v, want %d ms", i, at, want[i])
			}
		}
		if st := s.State(); st.Lost != 3 || !st.Connected || st.Damaged < 80 {
			t.Errorf("%+v", st)
		}
		if !strings.Contains(strings.Join(f.states, "\n"), "rtsp://host/1: no picture came for 3s") {
			t.Errorf("%q", f.states)
		}
	})
}

// TestEnds: whatever Read waits for, ctx and Close end it.
func TestEnds(t *testing.T) {
	for name, answers := range map[string][]any{
		"picture": {newConn(0, nil)},
		"retry":   {errFake},
	} {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/close=%t", name, closes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &fake{answers: slices.Clone(answers)}
					if len(answers) == 1 && name == "picture" {
						f.answers = []any{newConn(0, nil)}
					}
					s := f.source(t, "camera:0")
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					done := make(chan error)
					go func() { done <- s.Read(ctx, &pipeline.Buffer{}) }()
					time.Sleep(time.Second) //nolint:forbidigo // time of the bubble
					synctest.Wait()
					begin := time.Now()
					want := context.Canceled
					if closes {
						want = ErrClosed
						closeIt(t, s)
					} else {
						cancel()
					}
					if err := <-done; !errors.Is(err, want) || time.Since(begin) != 0 {
						t.Errorf("%v after %v", err, time.Since(begin))
					}
					closeIt(t, s)
				})
			})
		}
	}
	t.Run("opening", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := (&fake{}).source(t, "camera:0")
			s.open = func(ctx context.Context) (connection, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			done := make(chan error)
			go func() { done <- s.Read(context.Background(), &pipeline.Buffer{}) }()
			time.Sleep(openTimeout + 10*time.Second) //nolint:forbidigo // time of the bubble
			synctest.Wait()
			if st := s.State(); st.Connected || !errors.Is(st.Err, ErrSilent) {
				t.Errorf("%+v", st)
			}
			closeIt(t, s)
			if err := <-done; !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
	})
	t.Run("another context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := (&fake{answers: []any{newConn(10, nil)}}).source(t, "camera:0")
			defer closeIt(t, s)
			for range 5 {
				ctx, cancel := context.WithCancel(context.Background())
				if err := s.Read(ctx, &pipeline.Buffer{}); err != nil {
					t.Error(err)
				}
				cancel()
			}
			if st := s.State(); st.Pictures != 5 || st.Lost != 0 {
				t.Errorf("%+v", st)
			}
		})
	})
}

// TestDrift: a camera whose clock jumps, either way, does not carry the times
// along; a file's times are its own.
func TestDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, jump := range []time.Duration{time.Hour, -time.Hour, 90 * time.Second} {
			c := newConn(20, nil)
			c.first = 7 * time.Second
			c.jump = func(n int) time.Duration {
				if n < 10 {
					return 0
				}
				return jump
			}
			s := (&fake{answers: []any{c}}).source(t, "rtsp://host")
			times := read(t, s, 20)
			if times[0] != 0 || times[9] != 360*ms || times[10] != 400*ms || times[19] != 760*ms {
				t.Errorf("jump of %v: %v", jump, times)
			}
			closeIt(t, s)
		}
		c := newConn(20, nil)
		c.jump = func(n int) time.Duration { return time.Duration(n) * time.Second }
		s := (&fake{answers: []any{c}}).source(t, "file:x")
		if times := read(t, s, 20); times[19] != 19*1040*ms {
			t.Errorf("file: %v", times)
		}
		closeIt(t, s)
	})
}

// TestBadStamps: pictures whose time stamps cannot be right have the time at which
// they came, and the state says so, until the stamps have been right for a minute.
func TestBadStamps(t *testing.T) {
	const period = 40 * time.Millisecond
	for _, tt := range []struct {
		name, says string
		stamp      func(n int) time.Duration
		worst      time.Duration // from the time of a picture to when it came
	}{
		{"right", "", func(n int) time.Duration { return time.Duration(n) * period }, 0},
		{"jitter", "", func(n int) time.Duration { return time.Duration(n)*period + time.Duration(n*7%5)*8*ms }, 40 * ms},
		{"stand still", stampsStand, func(int) time.Duration { return 0 }, time.Second},
		{"creep", stampsStand, func(n int) time.Duration { return time.Duration(n) * 11 * time.Microsecond }, time.Second},
		{"stand still now and then", stampsStand, func(n int) time.Duration { return time.Duration(n/50) * 50 * period }, 2 * time.Second},
		{"a far one now and then", stampsJump, func(n int) time.Duration {
			if n%60 == 59 {
				return time.Duration(n)*period + time.Hour
			}
			return time.Duration(n) * period
		}, 50 * ms},
		{"too fast", stampsDrift, func(n int) time.Duration { return time.Duration(n) * 2 * period }, 2100 * ms},
		{"too slow", stampsDrift, func(n int) time.Duration { return time.Duration(n) * period / 4 }, 2100 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newConn(3000, nil)
				c.jump = func(n int) time.Duration { return tt.stamp(n) - time.Duration(n)*period }
				f := &fake{answers: []any{c}}
				s := f.source(t, "rtsp://host")
				defer closeIt(t, s)
				var worst time.Duration
				for n := range 1000 {
					at := read(t, s, 1)[0]
					worst = max(worst, (at - time.Duration(n)*period).Abs())
				}
				if got := s.State().Stamps; got != tt.says {
					t.Errorf("it says %q, want %q", got, tt.says)
				}
				if worst > tt.worst {
					t.Errorf("a picture is %v away from when it came", worst)
				}
				want := []string{"connected"}
				if tt.says != "" {
					want = append(want, "connected; its time stamps "+tt.says+", so pictures are timed by their arrival")
				}
				if !slices.Equal(f.states, want) {
					t.Errorf("told %q", f.states)
				}
			})
		})
	}
	t.Run("right again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newConn(4000, nil)
			c.jump = func(n int) time.Duration { return -time.Duration(min(n, 100)) * period }
			s := (&fake{answers: []any{c}}).source(t, "rtsp://host")
			defer closeIt(t, s)
			some := func(n int) {
				for range n {
					read(t, s, 1) // at first they are less than a millisecond apart
				}
			}
			some(1000)
			if s.State().Stamps == "" {
				t.Error("believed too soon")
			}
			some(1000)
			if got := s.State(); got.Stamps != "" || got.String() != "connected" {
				t.Errorf("after more than a minute: %v", got)
			}
		})
	})
}

// TestEndIsNoLoss: who stops reading has not lost the camera, also when a signal
// that ends this program has ended the other end of the connection first.
func TestEndIsNoLoss(t *testing.T) {
	for _, first := range []string{"reader", "camera"} {
		synctest.Test(t, func(t *testing.T) {
			c := newConn(3, nil)
			if first == "camera" {
				c.end = errFake
			}
			f := &fake{answers: []any{c}}
			s := f.source(t, "rtsp://host")
			read(t, s, 3)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error)
			go func() { done <- s.Read(ctx, &pipeline.Buffer{}) }()
			time.Sleep(100 * ms) //nolint:forbidigo // time of the bubble
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			closeIt(t, s)
			if !slices.Equal(f.states, []string{"connected"}) || s.State().Lost != 0 {
				t.Errorf("%s first: told %q, lost %d", first, f.states, s.State().Lost)
			}
		})
	}
}

// TestNoAllocations: a read allocates nothing by itself.
func TestNoAllocations(t *testing.T) {
	s, err := Open("camera:0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.open = func(context.Context) (connection, error) { return &quick{}, nil }
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var b pipeline.Buffer
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.Read(ctx, &b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	closeIt(t, s)
}

type quick struct{ n int }

func (q *quick) Read(_ context.Context, b *pipeline.Buffer) error {
	q.n++
	b.Resize(16, 16)
	b.Time = time.Duration(q.n) * time.Microsecond
	return nil
}

func (*quick) Close() error { return nil }

// TestHopeless: wrong credentials at the first attempt are an error that names
// the way out; later they are waited for like any other.
func TestHopeless(t *testing.T) {
	refused := errors.New("[rtsp @ 0x55] method DESCRIBE failed: 401 rtsp://me:secret@host/1?pwd=secret")
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answers: []any{refused, newConn(1, errFake), refused, newConn(1, nil)}}
		s := f.source(t, "rtsp://me:secret@host/1?pwd=secret")
		defer closeIt(t, s)
		err := s.Read(context.Background(), &pipeline.Buffer{})
		var e *Error
		if !errors.Is(err, ErrCredentials) || !errors.As(err, &e) || e.Camera != "rtsp://host/1" || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "rtsp://user:password@host") {
			t.Fatal(err)
		}
		if st := s.State(); st.Connected || !strings.HasPrefix(st.String(), "not found since ") {
			t.Errorf("%v", st)
		}
		read(t, s, 2)
		if s.State().Lost != 1 || strings.Contains(strings.Join(f.states, ""), "secret") {
			t.Errorf("%q", f.states)
		}
	})
}
