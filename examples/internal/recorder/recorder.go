package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

const (
	// retry is the time from one attempt to write to the next.
	retry = time.Second
	// maxGap is the longest time without a picture within a file.
	maxGap = 2 * time.Second
	// queueUnits is how many units may wait while the disk is busy: 8 s at 30
	// pictures per second.
	queueUnits = 240
)

// Options say what is recorded where. Dir is required.
type Options struct {
	// Dir is the folder, which is made if need be. It is kept for this recorder until
	// that ends: another Recorder or Ring, in whichever program, gets ErrTaken.
	Dir string
	// Segment is the length of a file, at least a second. It defaults to one
	// minute.
	Segment time.Duration
	// Limits say how much is kept. They default to none.
	Limits Limits
	// OnEvent is called on the recorder's own goroutine and must return soon. It
	// defaults to nothing.
	OnEvent func(Event)
	// Clock tells the time for the names and the age of files. It defaults to
	// time.Now.
	Clock func() time.Time
}

func (o *Options) fill() error {
	if o.Segment == 0 {
		o.Segment = time.Minute
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Dir == "" {
		return fmt.Errorf("%w: no folder for recordings", ErrOptions)
	}
	if o.Segment < time.Second {
		return fmt.Errorf("%w: a segment of %v is shorter than a second", ErrOptions, o.Segment)
	}
	return o.Limits.check()
}

// Recorder writes all that comes from a broadcaster.
type Recorder struct {
	o           Options
	broadcaster *stream.Broadcaster
	sub         *stream.Subscription
	write       func(*os.File, []byte) (int, error)
	ended       chan struct{} // closed when the goroutine has ended
	once        sync.Once
	err         error // of the end; to be read when ended is closed

	// The goroutine's own.

	store   *store
	health  health
	segment *segment
	asked   bool // for a key frame, for the next file
	retryAt time.Duration
	idle    int // timer periods without a unit
	unsaved int // bytes that could not be written the last time

	mu    sync.Mutex
	stats Stats
}

// Stats is a snapshot of what is recorded.
type Stats struct {
	// Files and Bytes are what is kept, with the file that grows.
	Files int
	Bytes int64
	// Path is the file that grows, if there is one.
	Path string
	// Err is why nothing can be written just now, ErrStalled if the disk does not
	// answer, or nil.
	Err error
	// Lost is the number of units that were lost because the disk was slow, or
	// could not be written.
	Lost uint64
}

// New begins to record. It repairs what an earlier run left half written.
//
// Errors: ErrOptions, ErrTaken, or that of the file system.
func New(broadcaster *stream.Broadcaster, o Options) (*Recorder, error) {
	r, err := newRecorder(broadcaster, o)
	if err != nil {
		return nil, err
	}
	go r.run()
	return r, nil
}

func newRecorder(broadcaster *stream.Broadcaster, o Options) (*Recorder, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	s, err := openStore(o.Dir, o.Limits, o.Clock, o.OnEvent)
	if err != nil {
		return nil, err
	}
	return &Recorder{o: o, broadcaster: broadcaster, sub: broadcaster.Subscribe(queueUnits), write: (*os.File).Write, ended: make(chan struct{}),
		store: s, health: health{onEvent: o.OnEvent}}, nil
}

// Close writes what waits, completes the file and ends the recording. It returns
// what went wrong with that. It may be called more than once. The broadcaster's Close
// does the same.
func (r *Recorder) Close() error {
	r.once.Do(r.sub.Close)
	<-r.ended
	return r.err
}

// Stats returns the counters.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Err = r.health.err()
	s.Lost += r.sub.Lost()
	return s
}

func (r *Recorder) run() {
	defer close(r.ended)
	defer r.store.close()
	// What waits goes to the disk also when nothing more comes.
	quiet := time.NewTimer(fragment)
	defer quiet.Stop()
	for {
		select {
		case u, ok := <-r.sub.C:
			r.health.busy(true)
			if !ok {
				r.drop()
				r.err = r.finish(0)
				r.abandon()
				r.health.busy(false)
				r.report()
				return
			}
			r.idle = 0
			if r.drop(); !r.sub.Stale(u) {
				r.take(u)
			}
		case <-r.sub.Flushed:
			r.health.busy(true)
			r.drop()
		case <-quiet.C:
			r.health.busy(true)
			r.idle++
			r.drop()
			r.rest()
		}
		r.retain()
		r.health.busy(false)
		r.report()
		quiet.Reset(fragment)
	}
}

// drop gives up what waits to be written and was thrown away by the broadcaster. What is in
// the file stays there.
func (r *Recorder) drop() {
	c := r.segment
	if c == nil || len(c.pending) == 0 || !r.sub.Stale(c.pending[0]) {
		return
	}
	r.abandon()
	r.asked = false
	if c.named {
		r.o.OnEvent(Event{Kind: Saved, Path: c.path})
	}
}

// take records a unit.
func (r *Recorder) take(u *stream.Unit) {
	if c := r.segment; c != nil {
		long := u.Time-c.begin >= r.o.Segment || r.o.Limits.Bytes > 0 && c.size > r.o.Limits.Bytes/4
		gap := u.Time-c.last > maxGap
		if u.Key && (long || gap || c.differs(u)) {
			next := u.Time
			if gap {
				next = 0
			}
			r.fail(u.Time, r.finish(next))
		} else if long && !r.asked {
			r.asked = true
			r.broadcaster.KeyFrame()
		}
	}
	if r.segment == nil {
		if u.Time < r.retryAt {
			r.lose(1)
			return
		}
		if !u.Key {
			r.lose(1)
			if !r.asked {
				r.asked = true
				r.broadcaster.KeyFrame()
			}
			return
		}
		r.asked = false
		r.segment = newSegment(r.store.dir, r.store.name(), u, r.write)
	}
	before := r.segment.number
	err := r.segment.add(u)
	if err == nil && r.segment.number != before {
		r.health.wrote(r.segment.path)
		r.store.enforceRetention(r.segment.size)
	}
	r.fail(u.Time, err)
}

// rest is called after each second in which nothing came.
func (r *Recorder) rest() {
	c := r.segment
	if c == nil {
		r.tryRoom()
		return
	}
	at := c.last
	if time.Duration(r.idle)*fragment >= maxGap {
		r.fail(at, r.finish(0))
		return
	}
	before := c.number
	err := c.flush(0)
	if err == nil && c.number != before {
		r.health.wrote(c.path)
	}
	r.fail(at, err)
}

// tryRoom is the attempt of a recorder that could not write and has nothing to write: for as
// much as there was then.
func (r *Recorder) tryRoom() {
	if r.health.err() == nil {
		return
	}
	// Of a name that is removed at the next start, should this one be cut off here.
	path := filepath.Join(r.store.dir, partPrefix+r.store.nextName())
	if err := r.writeOnce(path, make([]byte, r.unsaved)); err != nil {
		r.health.failed(fmt.Errorf("recorder: %w", err))
		return
	}
	r.health.wrote(r.store.dir)
}

// writeOnce writes a file and removes it.
func (r *Recorder) writeOnce(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = r.write(f, data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(path))
}

// retain keeps to the limits, whatever becomes of what is to be written: nobody comes for
// days, or the disk is full.
func (r *Recorder) retain() {
	growing := int64(0)
	if r.segment != nil {
		growing = r.segment.size
	}
	r.store.keepRetention(growing)
}

// finish completes the file, if there is one.
func (r *Recorder) finish(next time.Duration) error {
	c := r.segment
	if c == nil {
		return nil
	}
	if err := c.finish(next); err != nil {
		return err
	}
	r.segment = nil
	r.health.wrote(c.path)
	r.store.put(c.path, c.size)
	r.o.OnEvent(Event{Kind: Saved, Path: c.path})
	return nil
}

// abandon gives the file up, but keeps its complete part.
func (r *Recorder) abandon() {
	c := r.segment
	if c == nil {
		return
	}
	r.segment = nil
	r.lose(len(c.pending))
	// That this fails too adds nothing: the disk is known to be in trouble, and
	// what is in excess is cut off at the next start.
	_ = c.abandon()
	if c.named {
		r.store.put(c.path, c.size)
	}
}

// fail deals with an error that came up at a time.
func (r *Recorder) fail(at time.Duration, err error) {
	if err == nil {
		return
	}
	if c := r.segment; c != nil {
		r.unsaved = 1 // whatever else it was
		for _, u := range c.pending {
			r.unsaved += u.Len()
		}
	}
	r.abandon()
	r.retryAt, r.asked = at+retry, false
	r.health.failed(err)
}

func (r *Recorder) lose(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Lost += uint64(n)
}

func (r *Recorder) report() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Path = ""
	r.stats.Files, r.stats.Bytes = r.store.holds()
	if c := r.segment; c != nil && c.named {
		r.stats.Files++
		r.stats.Bytes += c.size
		r.stats.Path = c.path
	}
}

// differs reports whether a key unit needs another header than the file has.
func (c *segment) differs(key *stream.Unit) bool {
	sps, pps := key.ParameterSets()
	return !bytes.Equal(sps, c.sps) || !bytes.Equal(pps, c.pps)
}
