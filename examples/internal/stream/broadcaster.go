package stream

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

var (
	// ErrClosed is returned by a Broadcaster that was closed.
	ErrClosed = errors.New("stream: broadcaster is closed")
	// ErrPaused is returned by Snapshot while the broadcaster is paused.
	ErrPaused = errors.New("stream: paused, nothing is shown")
	// ErrNoPicture is returned by Snapshot when no frame comes.
	ErrNoPicture = errors.New("stream: no picture comes")
	// ErrFrame says that a frame cannot be encoded.
	ErrFrame = errors.New("frame cannot be encoded")
	// ErrOptions says that an option is out of its range.
	ErrOptions = errors.New("stream: bad option")
)

// Options say how a Broadcaster encodes. The zero value is fine.
type Options struct {
	// BitRate is in bits per second, from 50e3 to 100e6. It defaults to 0.08 bit
	// for each pixel (4 Mbit/s at 1080p and 25 pictures per second), at least
	// 300 kbit/s.
	BitRate int
	// Rate is how many pictures per second come, from 1 to 240, for the control
	// of the bit rate only. It defaults to 25.
	Rate float64
	// Fast is for weak processors: a faster encoder that needs more bits.
	Fast bool
	// Encoder is the kind of encoder. It defaults to encoder.Default.
	Encoder encoder.Factory
	// Fallback takes the place of a kind of encoder that fails, with the frame at
	// which it failed, and for good. It defaults to encoder.Default.
	Fallback encoder.Factory
	// OnFallback is told of that, by the goroutine that calls Write. It must return
	// soon. It defaults to nothing.
	OnFallback func(from, to string, why error)
	// KeyInterval is the longest time from one key frame to the next, at least
	// 100 ms. It defaults to 2 seconds.
	KeyInterval time.Duration
	// SnapshotAge is how old, in the time of frames and by Clock, a snapshot is at most
	// that is given out again, at least 1 ms. It defaults to 200 ms.
	SnapshotAge time.Duration
	// Clock tells the time of snapshots. It defaults to time.Now.
	Clock func() time.Time
}

const (
	minBitRate, maxBitRate = 50_000, 100_000_000
	// keyGap is the shortest time between two key frames that were asked for, so
	// that subscribers who keep asking do not ruin the picture for all.
	keyGap = 200 * time.Millisecond
)

func (o *Options) fill() error {
	if o.Rate == 0 {
		o.Rate = 25
	}
	if o.KeyInterval == 0 {
		o.KeyInterval = 2 * time.Second
	}
	if o.SnapshotAge == 0 {
		o.SnapshotAge = 200 * time.Millisecond
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Encoder.Open == nil {
		o.Encoder = encoder.Default()
	}
	if o.Fallback.Open == nil {
		o.Fallback = encoder.Default()
	}
	if o.OnFallback == nil {
		o.OnFallback = func(string, string, error) {}
	}
	switch {
	case o.BitRate != 0 && (o.BitRate < minBitRate || o.BitRate > maxBitRate):
		return fmt.Errorf("%w: BitRate %d is not from %d to %d bits per second", ErrOptions, o.BitRate, minBitRate, maxBitRate)
	case !(o.Rate >= 1 && o.Rate <= 240):
		return fmt.Errorf("%w: Rate %v is not from 1 to 240 pictures per second", ErrOptions, o.Rate)
	case o.KeyInterval < 100*time.Millisecond:
		return fmt.Errorf("%w: KeyInterval %v is less than 100ms", ErrOptions, o.KeyInterval)
	case o.SnapshotAge < time.Millisecond:
		return fmt.Errorf("%w: SnapshotAge %v is less than 1ms", ErrOptions, o.SnapshotAge)
	}
	return nil
}

// bitRate returns that for pictures of a size.
func (o Options) bitRate(size image.Point) int {
	if o.BitRate != 0 {
		return o.BitRate
	}
	return min(max(int(0.08*float64(size.X*size.Y)*o.Rate), 300_000), maxBitRate)
}

// Broadcaster encodes redacted frames and hands them out. It is a pipeline.Sink. Its
// methods may be called by any goroutine; Write by one at a time.
type Broadcaster struct {
	o Options

	// writing is held by a Write or a Close under way. It guards what follows.
	writing  sync.Mutex
	enc      encoder.Encoder // nil: none is open
	encSize  image.Point     // of its frames
	encKind  uint64          // counts the calls of UseEncoder
	sps, pps []byte          // the newest parameter sets
	began    bool            // a frame was taken
	base     time.Duration   // is added to the time of frames
	last     time.Duration   // time of the newest frame, as handed out
	lastKey  time.Duration   // when a key frame was last asked for
	coded    ffmpeg.Format   // as subscribers know it
	broken   uint64          // breaks, when a frame was last encoded
	since    time.Duration   // time of the first frame after the newest of them

	// mu guards what follows. It is never held while something is encoded.
	mu      sync.Mutex
	subs    map[*Subscription]struct{}
	wantKey bool
	paused  bool
	closed  bool
	stats   Stats
	flushes uint64 // how many calls of Flush there were
	forgets uint64 // and of Flush and Forget together: no snapshot from before may go out
	breaks  uint64 // and of Flush and Pause together: no frame from before may come out
	format  ffmpeg.Format
	factory encoder.Factory
	kinds   uint64    // how many calls of UseEncoder there were
	wanted  *snapshot // nil: nobody asks for one
	newest  *snapshot // nil: none that may be given out again
}

// New returns a Broadcaster. Its only error is ErrOptions.
func New(o Options) (*Broadcaster, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	return &Broadcaster{o: o, subs: map[*Subscription]struct{}{}, wantKey: true, factory: o.Encoder}, nil
}

// Write implements pipeline.Sink: it encodes the frame, if anybody has
// subscribed, and hands it to all who have. A frame whose time does not rise is
// taken for the beginning of another run: times go on from where they were.
//
// An encoder that fails is replaced by Options.Fallback, and none but the fallback's own
// error is told.
//
// Errors: ErrClosed, ErrFrame, ctx's, or that of the encoder; the next frame
// then gets a new encoder.
func (b *Broadcaster) Write(ctx context.Context, f redact.Frame) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	m, err := b.now()
	if err != nil || m.paused {
		return err
	}
	at, err := b.advance(f)
	if err != nil {
		return err
	}
	if m.subscribers > 0 {
		err = b.encodeOrFallBack(f, at, m)
	} else {
		// The next subscriber begins with a key frame.
		b.KeyFrame()
	}
	b.answer(f, at, m.forgets)
	return err
}

// moment is what a Write has to know of the broadcaster, all of one time.
type moment struct {
	paused          bool
	subscribers     int
	wantKey         bool
	flushes, breaks uint64
	forgets         uint64
	format          ffmpeg.Format
	factory         encoder.Factory
	kinds           uint64
}

func (b *Broadcaster) now() (moment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return moment{}, ErrClosed
	}
	return moment{b.paused, len(b.subs), b.wantKey, b.flushes, b.breaks, b.forgets, b.format, b.factory, b.kinds}, nil
}

// advance returns the time under which the frame is handed out.
func (b *Broadcaster) advance(f redact.Frame) (time.Duration, error) {
	if !f.Valid() {
		return 0, fmt.Errorf("stream: %w: it is empty or was released", ErrFrame)
	}
	at := f.Time() + b.base
	if b.began && at <= b.last {
		b.base += b.last - at + time.Duration(float64(time.Second)/b.o.Rate)
		at = f.Time() + b.base
	}
	b.began, b.last = true, at
	return at, nil
}

// encodeOrFallBack encodes the frame with the kind of encoder in use or, if that fails, with
// the fallback, which begins with a key picture.
func (b *Broadcaster) encodeOrFallBack(f redact.Frame, at time.Duration, m moment) error {
	err := b.encode(f, at, m)
	if err == nil || errors.Is(err, encoder.ErrFrame) || m.factory.Name == b.o.Fallback.Name {
		return err
	}
	from := m.factory.Name
	b.mu.Lock()
	if b.kinds == m.kinds { // else another one was chosen meanwhile
		b.factory = b.o.Fallback
		b.kinds++
	}
	m.factory, m.kinds = b.factory, b.kinds
	b.mu.Unlock()
	if m.factory.Name == b.o.Fallback.Name {
		b.o.OnFallback(from, m.factory.Name, err)
	}
	return b.encode(f, at, m)
}

// encode encodes the frame, and publishes the units that are complete.
func (b *Broadcaster) encode(f redact.Frame, at time.Duration, m moment) error {
	begin := time.Now()
	must := m.format != b.coded || m.breaks != b.broken
	if m.breaks != b.broken {
		// An encoder that delays may still hold frames from before.
		b.since = at
	}
	b.coded, b.broken = m.format, m.breaks
	if b.enc == nil || b.encSize != f.Size() || b.encKind != m.kinds {
		if err := b.openEncoder(m.factory, m.kinds, f.Size()); err != nil {
			return err
		}
		must = true
	}
	since := at - b.lastKey
	key := must || m.wantKey && since >= keyGap || since >= b.o.KeyInterval
	if key {
		b.lastKey = at
		b.mu.Lock()
		b.wantKey = false // a new subscriber also gets this one
		b.mu.Unlock()
	}
	units, err := b.enc.Encode(f, at, key)
	if err != nil {
		return fmt.Errorf("stream: %w", errors.Join(err, b.dropEncoder()))
	}
	size := encoder.Options{Size: f.Size()}.CodedSize()
	for _, a := range units {
		if a.Time < b.since {
			continue
		}
		u := collect(a.NALUs, b.sps, b.pps, m.format)
		u.Time, u.Size, u.flushes = a.Time, size, m.flushes
		if sps, pps := u.ParameterSets(); sps != nil && pps != nil {
			b.sps, b.pps = sps, pps
		}
		b.publish(u)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.EncodeTime += time.Since(begin)
	b.stats.Encoder = m.factory.Name
	return nil
}

// openEncoder replaces the encoder.
func (b *Broadcaster) openEncoder(factory encoder.Factory, kinds uint64, size image.Point) error {
	if err := b.dropEncoder(); err != nil {
		return err
	}
	enc, err := factory.Open(encoder.Options{Size: size, BitRate: b.o.bitRate(size), Rate: b.o.Rate, Fast: b.o.Fast})
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	b.enc, b.encSize, b.encKind, b.sps, b.pps = enc, size, kinds, nil, nil
	return nil
}

func (b *Broadcaster) dropEncoder() error {
	if b.enc == nil {
		return nil
	}
	err := b.enc.Close()
	b.enc = nil
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// UseEncoder has the next frame encoded by another kind of encoder, as a key frame.
func (b *Broadcaster) UseEncoder(f encoder.Factory) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.factory = f
	b.kinds++
}

// publish hands a unit to all subscriptions, waiting for none.
func (b *Broadcaster) publish(u *Unit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.paused || u.flushes != b.flushes {
		return
	}
	if u.Key {
		b.stats.Keys++
	}
	b.stats.Frames++
	b.stats.Bytes += uint64(u.Len())
	b.stats.Size = u.Size
	for s := range b.subs {
		s.offer(u)
	}
}

// Subscribe adds a subscriber whose channel holds up to queue units, at least one.
// Its first unit is a key unit, which is encoded for it. The channel of a closed broadcaster is
// closed.
func (b *Broadcaster) Subscribe(queue int) *Subscription {
	c, flushed := make(chan *Unit, max(queue, 1)), make(chan struct{}, 1)
	s := &Subscription{C: c, c: c, Flushed: flushed, flushed: flushed, broadcaster: b, waiting: true}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.end()
		return s
	}
	b.subs[s] = struct{}{}
	s.breaks, b.wantKey = b.breaks, true
	return s
}

// KeyFrame asks for a key frame: the next frame becomes one, unless the last
// was less than 200 ms ago; then a frame soon after.
func (b *Broadcaster) KeyFrame() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wantKey = true
}

// Describe says how the pictures from the next one on are to be understood: subscribers
// are told with it, in a key frame, if that is news.
func (b *Broadcaster) Describe(f ffmpeg.Format) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.format = f
}

// Pause stops and starts the broadcaster. While it is paused frames are thrown away as
// they come; what a subscription's channel holds may still be taken. Afterwards
// subscribers begin with a key unit.
func (b *Broadcaster) Pause(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = on
	b.newest = nil
	b.wantKey = true
	b.breaks++
	for s := range b.subs {
		s.waiting, s.began = true, false
	}
	if on {
		b.refuse(ErrPaused)
	}
}

// Flush throws away all that has not gone out: what subscriptions' channels hold,
// a snapshot that is there or being made, and frames that are being encoded. Subscribers begin
// anew with a key unit; those that keep units are told by Subscription.Flushed. It is
// pipeline.Flusher, for a policy that hides more.
func (b *Broadcaster) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushes++
	b.breaks++
	b.forget()
	b.wantKey = true
	for s := range b.subs {
		s.flush()
	}
}

// Close ends all subscriptions and frees the encoder. It may be called more
// than once.
func (b *Broadcaster) Close() error {
	b.mu.Lock()
	b.closed = true
	for s := range b.subs {
		s.end()
	}
	clear(b.subs)
	b.refuse(ErrClosed)
	b.mu.Unlock()

	b.writing.Lock()
	defer b.writing.Unlock()
	return b.dropEncoder()
}

// Stats is a snapshot of what a broadcaster has done since it was made.
type Stats struct {
	// Frames counts the encoded frames, Keys the key frames among them.
	Frames, Keys uint64
	// Bytes is the size of all units together.
	Bytes uint64
	// EncodeTime is the wall time of encoding, together.
	EncodeTime time.Duration
	// Subscribers is the number of subscriptions.
	Subscribers int
	// Encoder is the name of the kind of encoder in use, "" before the first frame.
	Encoder string
	// Size is that of the newest unit.
	Size image.Point
	// Format is what Describe said.
	Format ffmpeg.Format
	// Paused says whether the broadcaster is paused.
	Paused bool
}

// Ratio returns how wide the newest picture is to be shown for its height, 0 if
// there is none.
func (s Stats) Ratio() float64 {
	if s.Size.Y == 0 {
		return 0
	}
	ratio := float64(s.Size.X) / float64(s.Size.Y)
	if a := s.Format.SampleAspect; a.Known() {
		ratio *= a.Float()
	}
	return ratio
}

// Stats returns the counters.
func (b *Broadcaster) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.Subscribers, s.Paused, s.Format = len(b.subs), b.paused, b.format
	return s
}
