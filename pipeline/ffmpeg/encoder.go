package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// EncoderOptions say how frames are encoded as they come. All but LowPower, Patience
// and Room are required.
type EncoderOptions struct {
	// Codec is ffmpeg's name of an encoder for H.264, such as "h264_vaapi". It does not begin
	// with "-".
	Codec string
	// Size is that of the frames. Where a side is odd, the coded picture has one
	// more column or row, a copy of the last.
	Size image.Point
	// BitRate is in bits per second, more than 0.
	BitRate int
	// Rate is in pictures per second, more than 0 and at most 1000, for the control of the bit
	// rate only.
	Rate float64
	// Group is the most pictures from one key picture to the next, 1 or more.
	Group int
	// LowPower is for encoders by VA-API that have no other mode, such as those of
	// Intel's N100.
	LowPower bool
	// Patience is how long the encoder may take no frame or give no picture. Of a
	// pause between two frames a quarter of it counts at most. It defaults to 3
	// seconds.
	Patience time.Duration
	// Room is as that of [Options].
	Room func(Room) []string
}

// Packet is an encoded picture: an access unit as a byte stream (ITU-T H.264, annex B).
type Packet struct {
	// Time is the one that Encode was given with the frame.
	Time time.Duration
	// Data is the caller's.
	Data []byte
}

// Encoder encodes redacted frames to H.264 as they come, through an ffmpeg process:
// also with encoders in hardware, whose libraries this process does not need. The
// process gets redacted frames and nothing else. Its environment is AV_LOG_FORCE_NOCOLOR
// alone; it writes no file, and leaves no core dump.
type Encoder struct {
	o      EncoderOptions
	proc   *process
	frames frameWriter

	// What follows is the caller's goroutine's.
	inside []inside // frames that the encoder still has, the oldest first
	began  bool
	last   time.Duration    // time of the newest frame
	origin time.Duration    // what tick counts from: the first frame, later by what was left out of pauses
	tick   int64            // that of the newest frame, in microseconds
	now    func() time.Time // time.Now
	seen   time.Time        // when waited was brought up to date
	waited time.Duration    // how long the caller has waited for pictures, in all
	failed error

	// out passes what the process puts out; it is closed when there is no more,
	// and then lost says why if it is not because the process has ended.
	out  chan unit
	lost error
	quit chan struct{}

	pipes     [2]*os.File // what the reader reads
	closeOnce sync.Once
	closeErr  error
}

// inside is a frame that was written.
type inside struct {
	tick int64
	at   time.Duration
	when time.Duration // what waited was when it was written
}

// unit is a picture as it comes out.
type unit struct {
	tick int64
	data []byte
}

// outputs is how many units may wait for the next Encode.
const outputs = 256

// NewEncoder starts an encoder. ctx ends NewEncoder, and nothing later. Encode reports
// what the encoder refuses.
//
// Errors: [ErrNotInstalled], [ErrOptions], fs.ErrNotExist if a device that it needs is
// not there, or ctx.Err().
func NewEncoder(ctx context.Context, o EncoderOptions) (*Encoder, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if _, err := find("ffmpeg"); err != nil {
		return nil, err
	}
	c := codecOf(o.Codec)
	device, ok := c.device()
	if !ok {
		return nil, noDevice(o.Codec)
	}
	v, err := installed(ctx)
	if err != nil {
		return nil, err
	}
	e := encoderOf(o)
	if err := e.start(c.liveArgs(o, device, v)); err != nil {
		return nil, err
	}
	return e, nil
}

// encoderOf returns an encoder that was not started.
func encoderOf(o EncoderOptions) *Encoder {
	return &Encoder{o: o, now: time.Now, out: make(chan unit, outputs), quit: make(chan struct{})}
}

func (o *EncoderOptions) fill() error {
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	switch {
	case o.Codec == "" || strings.HasPrefix(o.Codec, "-"):
		return fmt.Errorf("ffmpeg: %w: Codec %q is no encoder", ErrOptions, o.Codec)
	case o.Size.X <= 0 || o.Size.Y <= 0 || o.Size.X > MaxPixels/o.Size.Y:
		return fmt.Errorf("ffmpeg: %w: size %v", ErrOptions, o.Size)
	case o.BitRate <= 0:
		return fmt.Errorf("ffmpeg: %w: BitRate %d is not a number of bits per second", ErrOptions, o.BitRate)
	case !(o.Rate > 0 && o.Rate <= 1000):
		return fmt.Errorf("ffmpeg: %w: Rate %v is not a number of pictures per second", ErrOptions, o.Rate)
	case o.Group <= 0:
		return fmt.Errorf("ffmpeg: %w: Group %d is not a number of pictures", ErrOptions, o.Group)
	}
	return nil
}

// start starts the process and what reads from it.
func (e *Encoder) start(args []string) (err error) {
	var files []*os.File
	defer func() { err = errors.Join(err, closeAll(files)) }()
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	stdin, frames := pipe()
	data, stdout := pipe()
	index, third := pipe()
	files = []*os.File{stdin, stdout, third}
	if err != nil {
		files = append(files, frames, data, index)
		return fmt.Errorf("ffmpeg: pipe for an encoder: %w", err)
	}
	widen(frames)
	widen(data)
	e.pipes = [2]*os.File{index, data}
	e.frames = newFrameWriter(frames, e.o.Size, max(time.Duration(float64(time.Second)/e.o.Rate), shortestPeriod), Color{})
	e.proc, err = start(codecOf(e.o.Codec).roomOf("", e.o.Room), "ffmpeg", args, stdin, stdout, nil, nil, third)
	if err != nil {
		files = append(files, frames, data, index)
		return err
	}
	go e.read()
	return nil
}

func closeAll(files []*os.File) error {
	var errs []error
	for _, f := range files {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// wait is how long Encode waits for the picture of its frame. A later picture comes out
// with the next frame.
const wait = 20 * time.Millisecond

// Encode takes a frame, which it borrows until it returns, with the time under which it
// is handed out, and returns the pictures that have come out by then, in the order of
// their frames: none as long as the encoder delays, and several if it caught up. Times
// rise. key asks for a key picture, which some encoders cannot make when they are asked.
//
// Errors: [ErrFrame], after which the encoder is as it was; and [ErrStalled], [ErrUnit],
// [ErrClosed] and *[ExitError], after which it is of no more use.
func (e *Encoder) Encode(f redact.Frame, at time.Duration, key bool) ([]Packet, error) {
	if e.failed != nil {
		return nil, e.failed
	}
	pic := f.Picture()
	if pic == nil || pic.Rect.Size() != e.o.Size || pic.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return nil, fmt.Errorf("ffmpeg: encoder %s: %w: it is %v, not %v", e.o.Codec, ErrFrame, f.Size(), e.o.Size)
	}
	if e.began && at <= e.last {
		return nil, fmt.Errorf("ffmpeg: encoder %s: %w: its time %v does not rise", e.o.Codec, ErrFrame, at)
	}
	held := len(e.inside)
	e.note(at, key)
	packets, err := e.exchange(pic, held)
	if err != nil {
		e.failed = fmt.Errorf("ffmpeg: encoder %s: %w", e.o.Codec, err)
		return nil, e.failed
	}
	return packets, nil
}

// longestStep is the most time from one frame to the next that the encoder is told of.
// ffmpeg drops a time stamp that is more than 30 hours behind the one before, and rates
// are controlled by the time that has passed.
const longestStep = 10 * time.Second

// note enters a frame that is written now, and says in its time whether it is to be a
// key picture.
func (e *Encoder) note(at time.Duration, key bool) {
	if !e.began {
		// The first is a key picture anyway. Its time is 0, since ffmpeg counts from it.
		e.began, e.origin, e.tick = true, at, 0
	} else {
		e.origin += max(at-e.last-longestStep, 0)
		e.tick = max(int64((at-e.origin)/matroskaTick), e.tick+2) &^ 1
		if key {
			e.tick |= 1
		}
	}
	e.last = at
	// As long as the caller gives no frames, the encoder may keep what it holds back.
	e.count(e.o.Patience / 4)
	e.inside = append(e.inside, inside{e.tick, at, e.waited})
}

// count adds to waited what has passed since the last time, and no more than most.
func (e *Encoder) count(most time.Duration) {
	now := e.now()
	e.waited += min(now.Sub(e.seen), most)
	e.seen = now
}

// exchange writes a frame and returns what has come out. held is how many frames the
// encoder had: if it delays by some, it gives no more before it gets the next one.
func (e *Encoder) exchange(pic *image.YCbCr, held int) ([]Packet, error) {
	pipe := e.frames.pipe
	if err := pipe.SetWriteDeadline(time.Now().Add(e.o.Patience)); err != nil {
		return nil, e.reason(err)
	}
	if err := e.frames.write(pic, time.Duration(e.tick)*matroskaTick); err != nil {
		return nil, e.reason(err)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var packets []Packet
	for len(e.inside) > held {
		select {
		case u, ok := <-e.out:
			p, err := e.take(u, ok)
			if err != nil {
				return nil, err
			}
			packets = append(packets, p)
			continue
		case <-timer.C:
		}
		break
	}
	for len(e.inside) > 0 {
		select {
		case u, ok := <-e.out:
			p, err := e.take(u, ok)
			if err != nil {
				return nil, err
			}
			packets = append(packets, p)
			continue
		default:
		}
		break
	}
	e.count(math.MaxInt64)
	if len(e.inside) > 0 && e.waited-e.inside[0].when > e.o.Patience {
		return nil, fmt.Errorf("%w: no picture came for %v", ErrStalled, e.o.Patience)
	}
	return packets, nil
}

// tolerance is how far the time of a picture may be from that of its frame, in
// microseconds: some encoders count in 90,000ths of a second.
const tolerance = 500

// take finds the frame of a picture that has come out. Frames before it were left out
// by the encoder.
func (e *Encoder) take(u unit, ok bool) (Packet, error) {
	if !ok {
		return Packet{}, e.reason(e.lost)
	}
	for i, in := range e.inside {
		if d := u.tick - in.tick; d > -tolerance && d < tolerance {
			e.inside = e.inside[i+1:]
			return Packet{Time: in.at, Data: u.data}, nil
		}
	}
	return Packet{}, fmt.Errorf("%w: a picture with the time %v, which no frame has", ErrUnit, time.Duration(u.tick)*matroskaTick)
}

// reason explains an error of the pipes, or that the output has ended if err is nil.
func (e *Encoder) reason(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w: it takes no frame for %v", ErrStalled, e.o.Patience)
	}
	if errors.Is(err, ErrUnit) {
		return err
	}
	select {
	case <-e.quit: // whatever else that brought about
		return ErrClosed
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-e.proc.done:
		return e.proc.exitError()
	case <-e.quit:
		return ErrClosed
	case <-t.C:
		return fmt.Errorf("%w: its output has ended: %w", ErrStalled, err)
	}
}

// Close ends the encoder and waits for it. What it still holds is thrown away. It may be
// called more than once, and by another goroutine than Encode.
func (e *Encoder) Close() error {
	e.closeOnce.Do(func() {
		close(e.quit)
		e.proc.kill()
		<-e.proc.done
		e.closeErr = e.frames.pipe.Close()
		for range e.out { // until the reader has ended
		}
		e.closeErr = errors.Join(e.closeErr, closeAll(e.pipes[:]))
	})
	return e.closeErr
}
