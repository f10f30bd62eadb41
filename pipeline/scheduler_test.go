package pipeline

import (
	"context"
	"errors"
	"image"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
)

// newScheduler returns a scheduler of workers for the detectors, which are all needed.
func newScheduler(t *testing.T, live bool, detectors ...detect.Detector) *scheduler {
	t.Helper()
	st := &stats{}
	names := make([]string, len(detectors))
	st.init(names)
	s := &scheduler{live: live, timeout: time.Hour, stats: st, copies: &copies{}, trust: &trust{}, budget: budget{cores: 1}, backlog: func() int { return 0 }}
	s.start(t.Context(), detectors, names)
	for i, d := range detectors {
		s.trust.detectors = append(s.trust.detectors, detectorTrust{finds: d.Classes()})
		s.require(i, d.Classes())
	}
	t.Cleanup(func() {
		if err := s.stop(names); err != nil {
			t.Error(err)
		}
	})
	return s
}

func pictureAt(i int) *frame {
	f := &frame{index: i, at: time.Duration(i) * 40 * time.Millisecond, step: 40 * time.Millisecond}
	f.buf.pic = image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	return f
}

// TestSchedulerFile: in File mode an inference is made of every frame that is due, by
// every detector, and waited for.
func TestSchedulerFile(t *testing.T) {
	for _, tt := range []struct{ every, want int }{{0, 5}, {1, 10}, {5, 2}} {
		faces := detecttest.New(detect.Classes(detect.Face), detecttest.Find())
		people := detecttest.New(detect.Classes(detect.Person), detecttest.Find())
		s := newScheduler(t, false, faces, people)
		s.every = tt.every
		a := &activity{}
		for i := range 10 {
			s.copies.next()
			if err := s.schedule(pictureAt(i), a); err != nil {
				t.Fatal(err)
			}
			for s.waits() {
				job := <-s.results
				if !s.take(t.Context(), job, a) || !s.covers(job) || job.at != pictureAt(i).at {
					t.Errorf("every %d, frame %d: an answer of %v that nobody wants", tt.every, i, job.at)
				}
				s.recycle(job)
			}
		}
		for _, d := range []*detecttest.Fake{faces, people} {
			if d.Calls() != tt.want {
				t.Errorf("every %d: %d inferences of 10 frames, want %d", tt.every, d.Calls(), tt.want)
			}
		}
		if len(s.spare) != 2 {
			t.Errorf("memory of %d inferences, want one for each detector", len(s.spare))
		}
	}
}

// TestSchedulerLive: a busy detector has one frame in flight and one waiting, which a
// newer frame replaces; the answer is of the frame that was looked at, and is not wanted
// when the format has changed.
func TestSchedulerLive(t *testing.T) {
	leave := make(chan struct{})
	d := detecttest.New(detect.Classes(detect.Person), func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		<-leave
		return dst, nil
	})
	s := newScheduler(t, true, d)
	a := &activity{jumped: true} // every frame is due
	for i := range 5 {
		s.copies.next()
		if err := s.schedule(pictureAt(i), a); err != nil {
			t.Fatal(err)
		}
	}
	k := s.slots[0]
	if !k.busy || k.waiting == nil || k.waiting.at != pictureAt(4).at || s.stats.s.Detectors[0].Replaced != 3 {
		t.Errorf("busy %t, waiting %v, %d replaced", k.busy, k.waiting, s.stats.s.Detectors[0].Replaced)
	}
	leave <- struct{}{}
	job := <-s.results
	if job.at != 0 {
		t.Errorf("the first answer is of %v", job.at)
	}
	if !s.take(t.Context(), job, a) {
		t.Error("the answer is not wanted")
	}
	s.recycle(job)
	s.reformat()
	if !k.busy || k.waiting != nil {
		t.Error("the waiting frame was not started")
	}
	leave <- struct{}{}
	job = <-s.results
	if s.take(t.Context(), job, a) {
		t.Error("an answer of another format is wanted")
	}
	s.recycle(job)
}

// TestSchedulerExpires: a detector that does not return is given up once, fails for each
// further timeout, and is refused frames until it returns, which nobody waits for then.
func TestSchedulerExpires(t *testing.T) {
	begun, leave := make(chan struct{}), make(chan struct{})
	d := detecttest.New(detect.Classes(detect.Person), func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
		close(begun)
		<-leave
		return dst, nil
	})
	s := newScheduler(t, false, d)
	s.timeout = time.Second
	a := &activity{}
	if err := s.schedule(pictureAt(0), a); err != nil {
		t.Fatal(err)
	}
	<-begun
	began, failures := s.slots[0].startedAt, 0
	failed := func(int) error { failures++; return nil }
	for _, tt := range []struct {
		after time.Duration
		want  int
	}{{time.Second, 0}, {1100 * time.Millisecond, 0}, {1600 * time.Millisecond, 1}, {1700 * time.Millisecond, 1}, {2600 * time.Millisecond, 2}} {
		if err := s.expire(began.Add(tt.after), failed); err != nil || failures != tt.want {
			t.Errorf("after %v: %d failures, want %d; %v", tt.after, failures, tt.want, err)
		}
	}
	if s.waits() {
		t.Error("File mode still waits for it")
	}
	if !errors.Is(context.Cause(s.slots[0].ctx), ErrTimeout) {
		t.Errorf("its context ended with %v", context.Cause(s.slots[0].ctx))
	}
	s.copies.next()
	if err := s.schedule(pictureAt(10), a); err != nil || len(s.refused) != 1 {
		t.Errorf("refused %d, %v", len(s.refused), err)
	}
	leave <- struct{}{}
	if job := <-s.results; s.take(t.Context(), job, a) {
		t.Error("an answer that was given up is wanted")
	}
	if s.slots[0].ctx.Err() != nil || s.pending != 0 {
		t.Errorf("the context %v, %d pending", s.slots[0].ctx.Err(), s.pending)
	}
}

// TestSchedulerYields: while frames wait for the sink no inference is started, but for the
// first, and for one that has waited for 300 ms of the source's time; then as ever.
func TestSchedulerYields(t *testing.T) {
	d := detecttest.New(detect.Classes(detect.Person), detecttest.Find())
	s := newScheduler(t, true, d)
	waiting := behind
	s.backlog = func() int { return waiting }
	a := &activity{watched: true, unexplained: true}
	look := func(i int) (looked bool) {
		t.Helper()
		s.budget.tokens = burst
		s.copies.next()
		if err := s.schedule(pictureAt(i), a); err != nil {
			t.Fatal(err)
		}
		if !s.slots[0].busy {
			return false
		}
		s.recycle(func() *inference { job := <-s.results; s.take(t.Context(), job, a); return job }())
		return true
	}
	var looked []int
	for i := range 12 {
		if look(i) {
			looked = append(looked, i)
		}
	}
	// Frames are 40 ms apart.
	if !slices.Equal(looked, []int{0, 8}) {
		t.Errorf("looked at %d while the sink was behind", looked)
	}
	waiting = behind - 1
	if !look(12) {
		t.Error("did not look although the sink had caught up")
	}
}

// TestSchedulerIntervals: how long a detector of 50 ms leaves a scene alone.
func TestSchedulerIntervals(t *testing.T) {
	plates := detecttest.New(detect.Classes(detect.Plate), detecttest.Find())
	vehicles := detecttest.New(detect.Classes(detect.Vehicle), detecttest.Find())
	s := newScheduler(t, true, plates, vehicles)
	for _, k := range s.slots {
		k.cost = 50 * time.Millisecond
	}
	s.trust.succeeded(1, 0, true)
	car := []detect.Object{{Class: detect.Vehicle, Box: detect.Box{X1: 40, Y1: 20}}}
	f, wide := &frame{}, &slot{detector: small{plates}, classes: detect.Classes(detect.Plate)}
	f.buf.Resize(1280, 768)
	for _, tt := range []struct {
		name string
		a    activity
		want time.Duration
	}{
		{"no motion is watched", activity{static: true}, 100 * time.Millisecond},
		{"static", activity{watched: true, static: true}, staticInterval},
		{"unexplained", activity{watched: true, unexplained: true}, 0},
		{"a car moves", activity{watched: true, objects: car}, 100 * time.Millisecond},
		{"something without a plate moves", activity{watched: true}, staticInterval},
	} {
		if got := s.interval(s.slots[0], f, &tt.a); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	for want, a := range map[time.Duration]activity{
		staticInterval:     {watched: true, static: true},
		staticInterval / 2: {watched: true, static: true, objects: car}, // every second time at the car
	} {
		if got := s.interval(wide, f, &a); got != want {
			t.Errorf("static, %d cars whose plates are small: %v, want %v", len(a.objects), got, want)
		}
	}
	s.trust.forget(1)
	if got := s.interval(s.slots[0], f, &activity{watched: true}); got != 100*time.Millisecond {
		t.Errorf("nobody knows of vehicles: %v", got)
	}
}

// TestReplacedTurns: an inference that is replaced before it could start has had no turn: the
// next one is at the whole or at a region as it was to be, and at the same one.
func TestReplacedTurns(t *testing.T) {
	for _, replaced := range []int{0, 1, 2, 3} {
		d := small{detecttest.New(detect.Classes(detect.Person, detect.Face), detecttest.Find())}
		s := newScheduler(t, true, d)
		k := s.slots[0]
		s.trust.detectors[0].support = support{motion: true}
		a := &activity{watched: true, unexplained: true}
		for i := range 3 {
			b := detect.Box{X0: float32(100 + 400*i), Y0: 300, X1: float32(140 + 400*i), Y1: 420}
			a.objects = append(a.objects, detect.Object{ID: uint64(i + 1), Class: detect.Person, Box: b, Padded: b})
		}
		whole, people := 0, map[detect.Box]int{}
		for n := range 24 {
			k.busy = true // until the last of them
			for i := range replaced + 1 {
				f := &frame{at: time.Duration(n*10+i) * time.Second, step: time.Second}
				f.buf.Resize(1280, 768)
				if err := s.schedule(f, a); err != nil {
					t.Fatal(err)
				}
			}
			job := k.waiting
			if job == nil {
				t.Fatal("no inference waits")
			}
			if job.region.Empty() {
				whole++
			}
			for _, o := range a.objects {
				if o.Box.Intersect(job.region) == o.Box {
					people[o.Box]++
				}
			}
			k.waiting, k.busy = nil, false
			s.recycle(job)
		}
		if whole != 12 || len(people) != 3 {
			t.Errorf("replaced %d times each: %d of 24 at the whole, %d of 3 people in regions", replaced, whole, len(people))
		}
	}
}

// TestBudget: the bucket fills with the wall clock, holds no more than a burst, and
// starts no more inferences than there are cores.
func TestBudget(t *testing.T) {
	b := budget{cores: 0.5}
	now := time.Now()
	b.fill(now)
	if b.tokens != burst/2 || !b.allows() {
		t.Errorf("%v to begin with", b.tokens)
	}
	b.tokens = 0
	b.fill(now.Add(100 * time.Millisecond))
	if b.tokens != 50*time.Millisecond {
		t.Errorf("%v after 100 ms on half a core", b.tokens)
	}
	b.fill(now.Add(time.Hour))
	if b.tokens != burst/2 {
		t.Errorf("%v after an hour", b.tokens)
	}
	if b.inFlight = 1; b.allows() {
		t.Error("two at once on half a core")
	}
}
