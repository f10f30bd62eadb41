package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// MaxPixels is the largest number of pixels of a picture that is read: a
// little more than 8192x8192.
const MaxPixels = 1 << 26

// Options say how an input is read. The zero value is fine.
type Options struct {
	// MaxRate limits the pictures per second; pictures beyond it are left out
	// before they reach this process. A source that has no more is left as it is,
	// however its time stamps are rounded or shaken: 2 % more pictures pass, and
	// pictures that come up to 150 ms early. It defaults to no limit.
	MaxRate float64
	// Rotate is the angle in degrees clockwise by which pictures are turned after
	// they were turned as the input says: 0, 90, 180 or 270. It defaults to 0.
	Rotate int
	// Track is which of the input's video tracks is read, counted from 1. It
	// defaults to the first.
	Track int
	// RealTime reads a file at the speed at which it was recorded, like a
	// camera. It defaults to as fast as pictures are asked for.
	RealTime bool
	// Loop begins again at the end of a file, without end.
	Loop bool
	// From begins a file at about that time; times still count from the file's first
	// picture. In some files the first key frame before it cannot be found, and reading
	// begins later. It defaults to the beginning.
	From time.Duration
	// Threads is the number of the decoder's threads. It defaults to ffmpeg's
	// choice, which is about one per core.
	Threads int
	// Decoder is "v4l2m2m", "rkmpp" or "vaapi", for H.264 and H.265 in hardware; what
	// an input has of another kind is decoded in software all the same. None of them
	// tells of pictures that are damaged. It defaults to [SoftwareDecoder].
	Decoder string
	// Timeout is how long a network camera may be silent. It defaults to 10
	// seconds.
	Timeout time.Duration
	// Device says what is asked of a V4L2 camera.
	Device Device
	// Trust is asked about the certificate of a camera over TLS that no authority
	// of this machine has signed. It defaults to a refusal.
	Trust Trust
	// Known is the Info of an earlier Source of the same camera. With it Open does not
	// probe the camera first, which halves the time. If the size of the pictures has
	// changed, Open probes all the same. It defaults to not known.
	Known *Info
	// Room returns a command to put before those of ffmpeg and ffprobe, which gives up
	// all but what they need for this input, or output, and then becomes the program that follows, in
	// the same process. It defaults to none: they have this process's rights.
	Room func(Room) []string
}

// Device is what is asked of a V4L2 camera. Zero fields leave the camera's own
// setting.
type Device struct {
	// Size is the size of the pictures.
	Size image.Point
	// Rate is the number of pictures per second.
	Rate float64
	// Format is V4L2's name of the format, such as "mjpeg" or "yuyv422".
	Format string
}

// Stats are counters of a [Source].
type Stats struct {
	// Frames is the number of pictures delivered.
	Frames int64
	// Damaged is the number of pictures that the decoder marked as corrupt, or may
	// have, and that Read reported as pipeline.ErrPicture.
	Damaged int64
	// Errors is the number of errors that ffmpeg reported while it decoded.
	Errors int64
	// Rescaled is the number of delivered pictures that had another size than
	// the first one and were scaled to it.
	Rescaled int64
}

// Source reads pictures through the ffmpeg program. It is a [pipeline.Source].
//
// Whatever the format of the input, Read delivers 4:2:0 of 8 bits and limited
// range with the matrix of the input (BT.709 if the input is RGB), turned
// upright as the input's rotation says. High dynamic range (PQ, HLG), which 8 bits
// do not hold, is tone-mapped to BT.709. Interlaced pictures are deinterlaced, one
// for two fields. Time stamps are those of the input, counted from the first
// picture; a missing one is extrapolated.
//
// A picture that the decoder marks as corrupt (it fills in lost parts from
// other pictures) is [pipeline.ErrPicture]. From ffmpeg 7.0 on it is not told which
// of the next ten that is: all of them are. Later pictures that refer to it may
// be damaged without a mark. A file that is cut off ends with io.EOF after the
// last picture that can be decoded, and [Source.Warning] tells of it.
type Source struct {
	info  Info
	loop  bool
	proc  *process
	pipe  *os.File
	first frameInfo
	// frames passes what showinfo tells, one for each picture in the pipe.
	frames chan frameInfo
	// quit is closed by Close: nobody takes from frames any more.
	quit   chan struct{}
	closed atomic.Bool
	// ends is set when the input may come to a good end although it looks live.
	ends bool
	// relay is the way to a camera over TLS, nil for others.
	relay *relay
	// watched is closed when nobody watches the process any more; nil for files.
	watched chan struct{}

	delivered, damaged, rescaled atomic.Int64
	truncated                    atomic.Bool

	// mu is held by a Read under way.
	mu    sync.Mutex
	watch watch
	clock clock
	// peeked is set while first was not yet delivered.
	peeked bool
	// end is the error that ended the source.
	end error

	closeOnce sync.Once
	closeErr  error
}

// queueLen is how many pictures ffmpeg may be ahead in its messages. It is far
// more than what lies in ffmpeg between the filter and the pipe, so that a full
// queue means that there is a picture to read in the pipe.
const queueLen = 1024

// Open starts to read the input: the name of a file, a V4L2 device such as
// /dev/video0, or the address of a network camera (rtsp, rtsps, http, https).
// It waits for the first picture to be decoded. ctx ends Open, and nothing
// later.
//
// A file is always read as a file, whatever its name looks like. What it contains
// cannot make ffmpeg open a network address. RTSP runs over TCP, or over UDP if the
// camera refuses that. JPEGs over HTTP have no time stamps, so they get the time at
// which they arrive. A password or a token in an address is neither among the arguments
// of the ffmpeg process nor in a message. Over TLS (rtsps, https) nothing is sent to a
// camera whose certificate is not verified, see [Trust], nor to another to which it
// would send its viewers.
//
// Errors: [ErrNotInstalled], [ErrAddress], [ErrEmpty], [ErrNotVideo],
// [ErrNoVideo], [ErrTooLarge], [ErrCertificate], [ErrOptions], [ErrFrom], fs.ErrNotExist,
// fs.ErrPermission, *[ExitError], or ctx.Err().
func Open(ctx context.Context, name string, o Options) (*Source, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	in, err := newInput(name)
	if err != nil {
		return nil, err
	}
	if err := o.check(in); err != nil {
		return nil, err
	}
	if _, err := find("ffmpeg"); err != nil {
		return nil, err
	}
	if err := in.network(ctx, o); err != nil {
		return nil, err
	}
	in.before = o.room(in)
	s, err := openInput(ctx, in, o)
	if err != nil {
		return nil, errors.Join(in.relay.explain(err), in.relay.close())
	}
	return s, nil
}

func openInput(ctx context.Context, in input, o Options) (*Source, error) {
	if o.Known != nil && o.Known.Input == in.name && in.live() {
		s, err := openKnown(ctx, in, o)
		if err != nil || s.info.Size == o.Known.Size {
			return s, err
		}
		s.relay = nil // goes on to the next
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	info, err := probe(ctx, in, o)
	if err != nil {
		return nil, err
	}
	return openProbed(ctx, in, o, info)
}

func (o *Options) check(in input) error {
	switch {
	case o.MaxRate < 0 || o.MaxRate > 1e6 || o.MaxRate != o.MaxRate:
		return fmt.Errorf("ffmpeg: %w: MaxRate %v is not a number of pictures per second", ErrOptions, o.MaxRate)
	case o.Threads < 0:
		return fmt.Errorf("ffmpeg: %w: Threads %d is negative", ErrOptions, o.Threads)
	case o.Track < 0:
		return fmt.Errorf("ffmpeg: %w: Track %d: tracks are counted from 1", ErrOptions, o.Track)
	case o.decoder() != nil:
		return o.decoder()
	case o.Timeout < time.Millisecond:
		return fmt.Errorf("ffmpeg: %w: Timeout %v is shorter than a millisecond", ErrOptions, o.Timeout)
	case turns[o.Rotate] == nil:
		return fmt.Errorf("ffmpeg: %w: Rotate %d is not 0, 90, 180 or 270 degrees", ErrOptions, o.Rotate)
	case (o.Loop || o.RealTime || o.From != 0) && in.live():
		return fmt.Errorf("ffmpeg: %w: Loop, RealTime and From are for files, %s is a camera", ErrOptions, in.name)
	case o.From < 0 || o.From > 0 && o.Loop:
		return fmt.Errorf("ffmpeg: %w: From %v must not be negative, and not be together with Loop", ErrOptions, o.From)
	}
	return nil
}

// sourceArgs returns the arguments of the decoder.
func sourceArgs(in input, o Options, info Info) []string {
	v := info.version
	a := []string{"-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+info",
		// The rest of a damaged input is wanted.
		"-max_error_rate", "1"}
	if o.Threads > 0 {
		a = append(a, "-threads", strconv.Itoa(o.Threads))
	}
	if o.RealTime {
		a = append(a, "-re")
	}
	if o.Loop {
		a = append(a, "-stream_loop", "-1")
	}
	if info.Still {
		// EXIF is applied below, because not every version of ffmpeg does.
		a = append(a, "-noautorotate")
	}
	a = append(a, info.decoder.args...)
	if o.From > 0 {
		// The time stamps stay as they are without.
		a = append(a, "-copyts", "-start_at_zero", "-ss", strconv.FormatFloat(o.From.Seconds(), 'f', 6, 64))
	}
	a = append(a, in.args(o, v)...)
	a = append(a, "-map", "0:V:"+strconv.Itoa(info.Track-1), "-an", "-sn", "-dn", "-map_metadata", "-1",
		"-vf", strings.Join(filters(in, o, info), ","), v.frameSync(), "passthrough")
	if info.Still {
		// A preview may follow it.
		a = append(a, "-frames:v", "1")
	}
	return append(a, "-c:v", "rawvideo", "-f", "rawvideo", "-flush_packets", "1", "-avioflags", "direct", "pipe:1")
}

// handler returns the function that takes the decoder's messages.
func (s *Source) handler() func([]byte) {
	parser := newShowinfo(s.info.version)
	return func(line []byte) {
		f, ok := parser.line(line)
		if !ok {
			if isTruncation(line) {
				s.truncated.Store(true)
			}
			return
		}
		select {
		case s.frames <- f:
		case <-s.quit:
		}
	}
}

// waitFirst waits for the first picture, which sets the size.
func (s *Source) waitFirst(ctx context.Context) error {
	select {
	case s.first = <-s.frames:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.proc.done:
		select {
		case s.first = <-s.frames:
		default:
			exit := s.proc.exitError()
			if exit.Err != nil {
				return fmt.Errorf("ffmpeg: input %q: %w", s.info.Input, exit)
			}
			return fmt.Errorf("ffmpeg: input %q: %w: no picture can be decoded: %w", s.info.Input, ErrNotVideo, exit)
		}
	}
	if s.first.w > MaxPixels/s.first.h {
		return fmt.Errorf("ffmpeg: input %q: %w: %dx%d is more than %d pixels",
			s.info.Input, ErrTooLarge, s.first.w, s.first.h, MaxPixels)
	}
	s.peeked = true
	s.info.Size = image.Pt(s.first.w, s.first.h)
	s.info.SampleAspect = s.first.sar
	if s.first.base.Known() {
		s.info.TimeBase = s.first.base
	}
	return nil
}

// Info describes the source.
func (s *Source) Info() Info { return s.info }

// Stats returns the counters. It may be called at any time.
func (s *Source) Stats() Stats {
	return Stats{Frames: s.delivered.Load(), Damaged: s.damaged.Load(),
		Errors: s.proc.messages.errorCount(), Rescaled: s.rescaled.Load()}
}

// Read implements [pipeline.Source]. It allocates nothing once the buffers have
// their size and while ctx stays the same. After a Read that was cancelled
// while it waited, the source is at its end and returns the same error again.
//
// Buffer.Native is the size at which the decoder delivers where that is not
// the size of the first picture, to which all others are scaled.
func (s *Source) Read(ctx context.Context, b *pipeline.Buffer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	if s.end != nil {
		return s.end
	}
	if err := s.watch.on(ctx); err != nil {
		return err
	}
	pic := b.Resize(s.info.Size.X, s.info.Size.Y)
	for i, plane := range [...][]byte{pic.Y, pic.Cb, pic.Cr} {
		if n, err := io.ReadFull(s.pipe, plane); err != nil {
			s.end = s.ended(ctx, err, i == 0 && n == 0)
			return s.end
		}
	}
	f, err := s.takeInfo(ctx)
	if err != nil {
		s.end = err
		return err
	}
	b.Time = s.clock.next(f)
	b.Native = image.Point{}
	if f.damaged {
		s.damaged.Add(1)
		return pipeline.ErrPicture
	}
	if native := image.Pt(f.w, f.h); native != s.info.Size {
		b.Native = native
		s.rescaled.Add(1)
	}
	s.delivered.Add(1)
	return nil
}

// takeInfo returns what showinfo reported about the picture just read. It was written
// before the picture, but may still be on its way.
func (s *Source) takeInfo(ctx context.Context) (frameInfo, error) {
	if s.peeked {
		s.peeked = false
		return s.first, nil
	}
	select {
	case f := <-s.frames:
		return f, nil
	default:
	}
	select {
	case f := <-s.frames:
		return f, nil
	case <-ctx.Done():
		return frameInfo{}, ctx.Err()
	case <-s.quit:
		return frameInfo{}, ErrClosed
	case <-s.proc.done:
	}
	select {
	case f := <-s.frames:
		return f, nil
	default:
		return frameInfo{}, fmt.Errorf("ffmpeg: input %q: a picture came without its time and size: %w", s.info.Input, s.proc.exitError())
	}
}

// ended returns the error for a read of the pipe that ended with err.
func (s *Source) ended(ctx context.Context, err error, boundary bool) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("ffmpeg: input %q: %w", s.info.Input, err)
	}
	select {
	case <-s.proc.done:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.quit:
		return ErrClosed
	}
	exit := s.proc.exitError()
	switch {
	case s.proc.status != nil:
		return fmt.Errorf("ffmpeg: input %q: %w", s.info.Input, exit)
	case !boundary:
		return fmt.Errorf("ffmpeg: input %q: the last picture came in part: %w", s.info.Input, exit)
	case s.info.Live && !s.ends || s.loop:
		return fmt.Errorf("ffmpeg: input %q: it stopped: %w", s.info.Input, exit)
	}
	return io.EOF
}

// Warning returns a *[DamageError] if what was read so far came with errors,
// else nil. It is to be asked after the end.
func (s *Source) Warning() error {
	st := s.Stats()
	truncated := s.truncated.Load()
	if st.Damaged == 0 && st.Errors == 0 && !truncated {
		return nil
	}
	return &DamageError{Input: s.info.Input, Frames: st.Frames, Damaged: st.Damaged, Expected: s.info.Frames,
		Errors: st.Errors, Truncated: truncated, Text: s.proc.messages.last()}
}

// Close ends a Read under way and the decoder, and waits for both. It may be
// called more than once and by any goroutine.
func (s *Source) Close() error {
	s.closeOnce.Do(func() {
		s.closed.Store(true)
		close(s.quit)
		s.proc.kill()
		<-s.proc.done
		if s.watched != nil {
			<-s.watched
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.closeErr = errors.Join(s.watch.off(), s.pipe.Close(), s.relay.close())
	})
	return s.closeErr
}
