package recorder

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

// RingOptions say what is kept in memory, and where it goes. Dir is required.
type RingOptions struct {
	// Dir is the folder for files, see Options.Dir.
	Dir string
	// Keep is how much is kept in memory, at least a second. It defaults to one
	// minute.
	Keep time.Duration
	// Memory is the largest number of bytes of pictures kept, at least 8 MB. It
	// goes before Keep; the event MemoryFull tells of the first time. It defaults to
	// 256 MiB.
	Memory int64
	// Limits say how much is kept on the disk. They default to none.
	Limits Limits
	// OnEvent and Clock are those of Options.
	OnEvent func(Event)
	Clock   func() time.Time
}

// Ring keeps the newest pictures of a broadcaster in memory. Nothing is written before
// Trigger.
type Ring struct {
	o           RingOptions
	broadcaster *stream.Broadcaster
	sub         *stream.Subscription
	write       func(*os.File, []byte) (int, error)
	silence     time.Duration // without a unit, after which a file is completed
	now         func() time.Time
	wake        chan struct{}
	ended       chan struct{} // closed when the goroutine has ended
	once        sync.Once
	err         error // of the end; to be read when ended is closed

	// The goroutine's own.

	store  *store
	health health
	units  []*stream.Unit // the first is a key unit
	bytes  int64
	full   bool // MemoryFull was told
	job    *job // nil: nothing is to be written

	mu    sync.Mutex
	calls []span        // of Trigger, to be taken by the goroutine
	last  time.Duration // of the newest unit that came
	came  time.Time     // when it did; zero: none has come
	stats RingStats
}

// span is what a call of Trigger asks for.
type span struct{ from, to time.Duration }

// job is what is to be written.
type job struct {
	from, to time.Duration // of the first and the last unit
	segment  *segment      // nil: not begun, or given up
	n        int           // units of the ring that the segment has
	retryAt  time.Duration
	// saved is the last unit's time in a file that silence ended: only what comes after
	// it makes another one. It is negative if there was none.
	saved time.Duration
}

func newJob(from, to time.Duration) *job { return &job{from: from, to: to, saved: -1} }

// RingStats is a snapshot of what a ring holds.
type RingStats struct {
	// Held is from the oldest to the newest picture in memory, Memory their size.
	Held   time.Duration
	Memory int64
	// Saving is set while a file is being written.
	Saving bool
	// Files and Bytes are what is kept on the disk.
	Files int
	Bytes int64
	// Err is why nothing can be written just now, or nil.
	Err error
}

// NewRing begins to keep pictures in memory.
//
// Errors: ErrOptions, ErrTaken, or that of the file system.
func NewRing(broadcaster *stream.Broadcaster, o RingOptions) (*Ring, error) {
	if o.Keep == 0 {
		o.Keep = time.Minute
	}
	if o.Memory == 0 {
		o.Memory = 256 << 20
	}
	if o.Keep < time.Second || o.Memory < 8e6 {
		return nil, fmt.Errorf("%w: keep %v in %d bytes of memory; at least 1s and 8 MB", ErrOptions, o.Keep, o.Memory)
	}
	disk := Options{Dir: o.Dir, Limits: o.Limits, OnEvent: o.OnEvent, Clock: o.Clock}
	if err := disk.fill(); err != nil {
		return nil, err
	}
	o.OnEvent, o.Clock = disk.OnEvent, disk.Clock
	s, err := openStore(o.Dir, o.Limits, o.Clock, o.OnEvent)
	if err != nil {
		return nil, err
	}
	r := newRing(broadcaster, o, s)
	go r.run()
	return r, nil
}

func newRing(broadcaster *stream.Broadcaster, o RingOptions, s *store) *Ring {
	return &Ring{o: o, broadcaster: broadcaster, sub: broadcaster.Subscribe(queueUnits), write: (*os.File).Write, silence: fragment, now: time.Now,
		wake: make(chan struct{}, 1), ended: make(chan struct{}), store: s, health: health{onEvent: o.OnEvent}}
}

// Trigger has a file written that begins the given time before the newest
// picture, or earlier, at a key frame, and ends the given time from now on. If one is
// being written it is made to end later instead. When no picture comes for a second the
// file is completed; what comes after that, within the time, makes another file. Trigger
// returns at once; the event Saved tells of each file. Before the first picture it does
// nothing, and reports false.
func (r *Ring) Trigger(before, after time.Duration) bool {
	r.mu.Lock()
	began := !r.came.IsZero()
	if began {
		// The camera may have been away for a while.
		now := r.last + r.now().Sub(r.came)
		r.calls = append(r.calls, span{r.last - max(before, 0), now + max(after, 0)})
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return began
}

// Close completes a file that is being written and ends the ring. It returns what
// went wrong with that. It may be called more than once. The broadcaster's Close does the
// same.
func (r *Ring) Close() error {
	r.once.Do(r.sub.Close)
	<-r.ended
	return r.err
}

// Stats returns what the ring holds.
func (r *Ring) Stats() RingStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Err = r.health.err()
	return s
}

func (r *Ring) run() {
	defer close(r.ended)
	defer r.store.close()
	quiet := time.NewTimer(r.silence)
	defer quiet.Stop()
	for {
		silent := false
		select {
		case u, ok := <-r.sub.C:
			if !ok {
				r.drop()
				r.triggered()
				r.health.busy(true)
				r.err = r.work(true)
				r.health.busy(false)
				r.report()
				return
			}
			if r.drop(); !r.sub.Stale(u) {
				r.keep(u)
			}
			quiet.Reset(r.silence)
		case <-r.wake:
		case <-r.sub.Flushed:
		case <-quiet.C:
			silent = len(r.sub.C) == 0 // else it was this program that stood still
			quiet.Reset(r.silence)
		}
		r.drop()
		r.triggered()
		r.health.busy(true)
		// It has been reported already.
		_ = r.work(silent)
		r.store.keepRetention(0) // also when nothing happens for days
		r.health.busy(false)
		r.evict()
		r.report()
	}
}

// drop forgets what was thrown away by the broadcaster, and is not in a file yet. What was
// being written ends there, and goes on in another file.
func (r *Ring) drop() {
	if len(r.units) == 0 || !r.sub.Stale(r.units[len(r.units)-1]) {
		return
	}
	j, last := r.job, r.newest()
	r.units, r.bytes, r.job = nil, 0, nil
	if j == nil {
		return
	}
	if j.segment != nil {
		// That this fails adds nothing, see Recorder.abandon.
		_ = j.segment.abandon()
		if j.segment.named {
			r.store.put(j.segment.path, j.segment.size)
			r.o.OnEvent(Event{Kind: Saved, Path: j.segment.path})
		}
	}
	if j.to > last {
		r.job = newJob(last, j.to)
	}
}

// keep takes a unit into memory. Another format begins the ring anew, because a
// file has one header; what is being written goes on in another file.
func (r *Ring) keep(u *stream.Unit) {
	if len(r.units) == 0 && !u.Key {
		r.broadcaster.KeyFrame()
		return
	}
	if u.Key && len(r.units) > 0 {
		sps, pps := u.ParameterSets()
		if s, p := r.units[0].ParameterSets(); !bytes.Equal(s, sps) || !bytes.Equal(p, pps) {
			j := r.job
			_ = r.work(true) // it has been reported already
			r.units, r.bytes, r.job = nil, 0, nil
			if j != nil && j.to > u.Time {
				r.job = newJob(u.Time, j.to)
			}
		}
	}
	r.units = append(r.units, u)
	r.bytes += int64(u.Len())
}

// triggered takes the calls of Trigger.
func (r *Ring) triggered() {
	r.mu.Lock()
	calls := r.calls
	r.calls = nil
	r.mu.Unlock()
	for _, c := range calls {
		switch j := r.job; {
		case j == nil:
			r.job = newJob(c.from, c.to)
		case j.saved >= 0: // nothing is being written
			r.job = newJob(c.from, max(j.to, c.to))
		default:
			j.to = max(j.to, c.to)
		}
	}
}

func (r *Ring) newest() time.Duration { return r.units[len(r.units)-1].Time }

// keyBefore returns the index of the last key unit not after a time, or of the
// first one there is.
func (r *Ring) keyBefore(at time.Duration) int {
	i := 0
	for j, u := range r.units {
		if u.Time > at {
			break
		}
		if u.Key {
			i = j
		}
	}
	return i
}

// work writes what can be written of the job; if final, it ends the job with
// that.
func (r *Ring) work(final bool) error {
	j := r.job
	if j == nil || len(r.units) == 0 || !final && r.newest() < j.retryAt {
		return nil
	}
	if j.saved >= 0 && !r.resume(j) {
		return nil
	}
	if j.segment == nil {
		if j.n = r.keyBefore(j.from); r.units[j.n].Time > j.to {
			r.job = nil // the camera was away until it was over
			return nil
		}
		j.segment = newSegment(r.store.dir, r.store.name(), r.units[j.n], r.write)
	}
	err := r.advance(j, final || r.newest() >= j.to)
	if err == nil {
		return nil
	}
	// What is on the disk stays there, and the rest is tried again, as another
	// file.
	if j.segment.named {
		r.store.put(j.segment.path, j.segment.size)
		if len(j.segment.pending) > 0 {
			j.from = j.segment.pending[0].Time
		}
	}
	// That this fails too adds nothing, see Recorder.abandon.
	_ = j.segment.abandon()
	j.segment, j.retryAt = nil, r.newest()+retry
	r.health.failed(err)
	return err
}

// resume has a job that silence ended go on with the first unit after it. It reports
// whether there is one.
func (r *Ring) resume(j *job) bool {
	i := slices.IndexFunc(r.units, func(u *stream.Unit) bool { return u.Time > j.saved })
	if i >= 0 && r.units[i].Time > j.to {
		r.job = nil
		return false
	}
	if i >= 0 {
		j.from, j.saved = r.units[i].Time, -1
	}
	return i >= 0
}

// advance gives the job's segment what the ring has for it, and completes it if that
// is the last.
func (r *Ring) advance(j *job, last bool) error {
	before := j.segment.number
	for j.n < len(r.units) && r.units[j.n].Time <= j.to {
		u := r.units[j.n]
		j.n++
		if err := j.segment.add(u); err != nil {
			return err
		}
	}
	if last {
		if err := j.segment.finish(0); err != nil {
			return err
		}
	}
	if j.segment.number != before {
		r.health.wrote(j.segment.path)
	}
	if last {
		if r.job = nil; r.newest() < j.to {
			r.job = &job{to: j.to, saved: r.newest()}
		}
		r.store.put(j.segment.path, j.segment.size)
		r.o.OnEvent(Event{Kind: Saved, Path: j.segment.path})
		r.store.enforceRetention(0)
		return nil
	}
	r.store.enforceRetention(j.segment.size)
	return nil
}

// evict forgets the oldest pictures, from key frame to key frame.
func (r *Ring) evict() {
	for len(r.units) > 0 {
		next := 1
		for next < len(r.units) && !r.units[next].Key {
			next++
		}
		if r.bytes <= r.o.Memory {
			if next == len(r.units) || r.units[next].Time > r.needed() {
				return
			}
		} else {
			r.memoryFull(next)
		}
		for i := range next {
			r.bytes -= int64(r.units[i].Len())
		}
		// Into new memory: a subslice would keep the old units alive.
		r.units = append([]*stream.Unit(nil), r.units[next:]...)
		if r.job != nil {
			r.job.n = max(r.job.n-next, 0)
		}
	}
}

// memoryFull tells, once, that pictures before a unit are forgotten that Keep asks for.
func (r *Ring) memoryFull(next int) {
	held := time.Duration(0)
	if next < len(r.units) {
		held = r.newest() - r.units[next].Time
	}
	if r.full || held >= r.o.Keep {
		return
	}
	r.full = true
	r.o.OnEvent(Event{Kind: MemoryFull, Err: fmt.Errorf("%.3g MiB hold %v of this video, and %v are to be kept: allow more memory, or keep less",
		float64(r.o.Memory)/(1<<20), held.Round(time.Second/10), r.o.Keep)})
}

// needed returns the time from which on pictures are needed.
func (r *Ring) needed() time.Duration {
	at := r.newest() - r.o.Keep
	if j := r.job; j != nil && j.saved < 0 {
		from := j.from
		if j.segment != nil && len(j.segment.pending) > 0 {
			from = j.segment.pending[0].Time
		}
		at = min(at, from)
	}
	return at
}

func (r *Ring) report() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats = RingStats{Memory: r.bytes, Saving: r.job != nil && r.job.saved < 0}
	r.stats.Files, r.stats.Bytes = r.store.holds()
	if len(r.units) > 0 {
		if at := r.newest(); at != r.last || r.came.IsZero() {
			r.last, r.came = at, r.now()
		}
		r.stats.Held = r.last - r.units[0].Time
	}
}
