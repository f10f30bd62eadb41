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
	// ErrClosed is returned by a Hub that was closed.
	ErrClosed = errors.New("stream: hub is closed")
	// ErrPaused is returned by Snapshot while the hub is paused.
	ErrPaused = errors.New("stream: paused, nothing is shown")
	// ErrNoPicture is returned by Snapshot when no frame comes.
	ErrNoPicture = errors.New("stream: no picture comes")
	// ErrFrame says that a frame cannot be encoded.
	ErrFrame = errors.New("frame cannot be encoded")
	// ErrOptions says that an option is out of its range.
	ErrOptions = errors.New("stream: bad option")
)

// Options say how a Hub encodes. The zero value is fine.
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
	// KeyInterval is the longest time from one key frame to the next, at least
	// 100 ms. It defaults to 2 seconds.
	KeyInterval time.Duration
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
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Encoder.Open == nil {
		o.Encoder = encoder.Default()
	}
	switch {
	case o.BitRate != 0 && (o.BitRate < minBitRate || o.BitRate > maxBitRate):
		return fmt.Errorf("%w: BitRate %d is not from %d to %d bits per second", ErrOptions, o.BitRate, minBitRate, maxBitRate)
	case !(o.Rate >= 1 && o.Rate <= 240):
		return fmt.Errorf("%w: Rate %v is not from 1 to 240 pictures per second", ErrOptions, o.Rate)
	case o.KeyInterval < 100*time.Millisecond:
		return fmt.Errorf("%w: KeyInterval %v is less than 100ms", ErrOptions, o.KeyInterval)
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

// Hub encodes redacted frames and hands them out. It is a pipeline.Sink. Its
// methods may be called by any goroutine; Write by one at a time.
type Hub struct {
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
	breaks  uint64 // and of Flush and Pause together: no frame from before may come out
	format  ffmpeg.Format
	factory encoder.Factory
	kinds   uint64    // how many calls of UseEncoder there were
	wanted  *snapshot // nil: nobody asks for one
}

// New returns a Hub. Its only error is ErrOptions.
func New(o Options) (*Hub, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	return &Hub{o: o, subs: map[*Subscription]struct{}{}, wantKey: true, factory: o.Encoder}, nil
}

// Write implements pipeline.Sink: it encodes the frame, if anybody has
// subscribed, and hands it to all who have. A frame whose time does not rise is
// taken for the beginning of another run: times go on from where they were.
//
// Errors: ErrClosed, ErrFrame, ctx's, or that of the encoder; the next frame
// then gets a new encoder.
func (h *Hub) Write(ctx context.Context, f redact.Frame) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.writing.Lock()
	defer h.writing.Unlock()
	m, err := h.now()
	if err != nil || m.paused {
		return err
	}
	at, err := h.advance(f)
	if err != nil {
		return err
	}
	if m.subscribers > 0 {
		err = h.encode(f, at, m)
	} else {
		// Whoever comes next begins with a key frame.
		h.KeyFrame()
	}
	h.answer(f, m.flushes)
	return err
}

// moment is what a Write has to know of the hub, all of one time.
type moment struct {
	paused          bool
	subscribers     int
	wantKey         bool
	flushes, breaks uint64
	format          ffmpeg.Format
	factory         encoder.Factory
	kinds           uint64
}

func (h *Hub) now() (moment, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return moment{}, ErrClosed
	}
	return moment{h.paused, len(h.subs), h.wantKey, h.flushes, h.breaks, h.format, h.factory, h.kinds}, nil
}

// advance returns the time under which the frame is handed out.
func (h *Hub) advance(f redact.Frame) (time.Duration, error) {
	if !f.Valid() {
		return 0, fmt.Errorf("stream: %w: it is empty or was released", ErrFrame)
	}
	at := f.Time() + h.base
	if h.began && at <= h.last {
		h.base += h.last - at + time.Duration(float64(time.Second)/h.o.Rate)
		at = f.Time() + h.base
	}
	h.began, h.last = true, at
	return at, nil
}

// encode encodes the frame, and publishes the units that are complete.
func (h *Hub) encode(f redact.Frame, at time.Duration, m moment) error {
	begin := time.Now()
	must := m.format != h.coded || m.breaks != h.broken
	if m.breaks != h.broken {
		// An encoder that delays may still hold frames from before.
		h.since = at
	}
	h.coded, h.broken = m.format, m.breaks
	if h.enc == nil || h.encSize != f.Size() || h.encKind != m.kinds {
		if err := h.openEncoder(m.factory, m.kinds, f.Size()); err != nil {
			return err
		}
		must = true
	}
	since := at - h.lastKey
	key := must || m.wantKey && since >= keyGap || since >= h.o.KeyInterval
	if key {
		h.lastKey = at
		h.mu.Lock()
		h.wantKey = false // whoever subscribes from now on gets this one, too
		h.mu.Unlock()
	}
	units, err := h.enc.Encode(f, at, key)
	if err != nil {
		return fmt.Errorf("stream: %w", errors.Join(err, h.dropEncoder()))
	}
	size := encoder.Options{Size: f.Size()}.CodedSize()
	for _, a := range units {
		if a.Time < h.since {
			continue
		}
		u := collect(a.NALUs, h.sps, h.pps, m.format)
		u.Time, u.Size, u.flushes = a.Time, size, m.flushes
		if sps, pps := u.ParameterSets(); sps != nil && pps != nil {
			h.sps, h.pps = sps, pps
		}
		h.publish(u)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.EncodeTime += time.Since(begin)
	h.stats.Encoder = m.factory.Name
	return nil
}

// openEncoder opens an encoder in place of the one that there is.
func (h *Hub) openEncoder(factory encoder.Factory, kinds uint64, size image.Point) error {
	if err := h.dropEncoder(); err != nil {
		return err
	}
	enc, err := factory.Open(encoder.Options{Size: size, BitRate: h.o.bitRate(size), Rate: h.o.Rate, Fast: h.o.Fast})
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	h.enc, h.encSize, h.encKind, h.sps, h.pps = enc, size, kinds, nil, nil
	return nil
}

func (h *Hub) dropEncoder() error {
	if h.enc == nil {
		return nil
	}
	err := h.enc.Close()
	h.enc = nil
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// UseEncoder has the next frame encoded by another kind of encoder, as a key frame.
func (h *Hub) UseEncoder(f encoder.Factory) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.factory = f
	h.kinds++
}

// publish hands a unit to all subscriptions, waiting for none.
func (h *Hub) publish(u *Unit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.paused || u.flushes != h.flushes {
		return
	}
	if u.Key {
		h.stats.Keys++
	}
	h.stats.Frames++
	h.stats.Bytes += uint64(u.Len())
	h.stats.Size = u.Size
	for s := range h.subs {
		s.offer(u)
	}
}

// Subscribe adds a subscriber whose channel holds up to queue units, at least one.
// Its first unit is a key unit, which is encoded for it. Of a closed hub the
// channel is closed.
func (h *Hub) Subscribe(queue int) *Subscription {
	c, flushed := make(chan *Unit, max(queue, 1)), make(chan struct{}, 1)
	s := &Subscription{C: c, c: c, Flushed: flushed, flushed: flushed, hub: h, waiting: true}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		s.end()
		return s
	}
	h.subs[s] = struct{}{}
	h.wantKey = true
	return s
}

// KeyFrame asks for a key frame: the next frame becomes one, unless the last
// was less than 200 ms ago; then a frame soon after.
func (h *Hub) KeyFrame() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wantKey = true
}

// Describe says how the pictures from the next one on are to be understood: subscribers
// are told with it, in a key frame, if that is news.
func (h *Hub) Describe(f ffmpeg.Format) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.format = f
}

// Pause stops and starts the hub. While it is paused frames are thrown away as
// they come; what a subscription's channel holds may still be taken. Afterwards
// subscribers begin with a key unit.
func (h *Hub) Pause(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused = on
	h.wantKey = true
	h.breaks++
	for s := range h.subs {
		s.waiting, s.began = true, false
	}
	if on {
		h.refuse(ErrPaused)
	}
}

// Flush throws away all that has not gone out: what subscriptions' channels hold,
// a snapshot that is being made, and frames that are being encoded. Subscribers begin
// anew with a key unit; those that keep units are told by Subscription.Flushed. It is
// pipeline.Flusher, for a policy that hides more.
func (h *Hub) Flush() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.flushes++
	h.breaks++
	h.wantKey = true
	for s := range h.subs {
		s.flush()
	}
}

// Close ends all subscriptions and frees the encoder. It may be called more
// than once.
func (h *Hub) Close() error {
	h.mu.Lock()
	h.closed = true
	for s := range h.subs {
		s.end()
	}
	clear(h.subs)
	h.refuse(ErrClosed)
	h.mu.Unlock()

	h.writing.Lock()
	defer h.writing.Unlock()
	return h.dropEncoder()
}

// Stats is a snapshot of what a hub has done since it was made.
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
	// Paused says whether the hub is paused.
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
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Subscribers, s.Paused, s.Format = len(h.subs), h.paused, h.format
	return s
}
