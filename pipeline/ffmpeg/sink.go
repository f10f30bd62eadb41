package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// OutOptions say how a file is written. Size is required. A picture has encoders of
// its own, for which Codec, LowPower, Preset, CRF, Lossless and Threads say nothing: JPEG
// of ffmpeg's quality 2 (its best is 1), WebP of 90 in 100, PNG without loss.
type OutOptions struct {
	// Size is that of every frame.
	Size image.Point
	// Inputs are files that the output must not be, whatever Overwrite says.
	Inputs []string
	// Overwrite allows a file of that name to be replaced. It defaults to an
	// error.
	Overwrite bool

	// SampleAspect is the width of a pixel over its height. It defaults to
	// square pixels.
	SampleAspect Rational
	// TimeBase is the unit of the file's time stamps; frame times are rounded
	// to it. It defaults to a microsecond, which is also the finest.
	TimeBase Rational
	// Rate is the average number of frames per second, a hint for the encoder.
	// It defaults to 25.
	Rate Rational
	// Color says how the samples are to be understood. Range is not used: a
	// frame's samples are of limited range.
	Color Color

	// Codec is ffmpeg's name of an encoder for H.264, of those in hardware one for
	// which [HasDevice] is true. It defaults to "libx264".
	Codec string
	// LowPower is for encoders by VA-API that have no other mode.
	LowPower bool
	// Preset trades the encoder's time for bytes, from "ultrafast" to
	// "veryslow". It defaults to "veryfast" for libx264.
	Preset string
	// CRF is the quality aimed at, from 1 (best) to 51. It defaults to 21 for
	// libx264. Other encoders take it for the quantiser, and those that have no
	// constant quality (libopenh264, h264_v4l2m2m) spend a tenth of a bit for each pixel.
	CRF float64
	// Lossless keeps every sample as it is; CRF is not used then. Browsers do
	// not play such a file. It is for libx264 only.
	Lossless bool
	// Threads is the number of the encoder's threads. It defaults to ffmpeg's
	// choice, which is about one per core.
	Threads int
	// Room is as that of [Options].
	Room func(Room) []string
}

// OutOptions returns options for an output that has the size, times and colours
// of the source, and that cannot be the source's own file.
func (i Info) OutOptions() OutOptions {
	o := OutOptions{Size: i.Size, SampleAspect: i.SampleAspect, TimeBase: i.TimeBase, Rate: i.Rate, Color: i.Color}
	if i.Path != "" {
		o.Inputs = []string{i.Path}
	}
	return o
}

// Sink writes redacted frames to an MP4 file (H.264, 4:2:0, 8 bits, index at
// the front) through the ffmpeg program, or, where the name ends in .jpg, .png or
// .webp, one frame to a picture of exactly its size. It is a [pipeline.Sink] and a
// [pipeline.Finisher].
//
// H.264 with 4:2:0 has even sizes only: an odd width or height gets one more
// column or row of luma, a copy of the last; no sample is moved or scaled.
//
// The file has no sound, no metadata and no creation time; the encoder's name
// and settings stand in it. It grows under another name in the same folder,
// ".<name>.<random>.part" (a long name is cut), and gets its own when Finish has
// returned without error. If this process is killed, ffmpeg ends by itself, and the
// part file stays behind; it holds redacted frames only.
type Sink struct {
	opts OutOptions
	out  *output
	proc *process
	pipe *os.File
	// base is the unit that times are rounded to.
	base Rational
	// still is set for a picture: it takes one frame.
	still  bool
	frames frameWriter
	closed atomic.Bool

	// mu is held by a Write or Finish under way.
	mu       sync.Mutex
	watch    watch
	started  bool
	finished bool
	failed   error
	// last is the time of the last frame, and tick that time in units of the
	// time base; origin is the tick of the first frame.
	last         time.Duration
	tick, origin int64

	closeOnce sync.Once
	closeErr  error
}

// Create starts an encoder that writes the file with the name given. ctx ends
// Create, and nothing later.
//
// Errors: [ErrNotInstalled], [ErrOptions], [ErrExists], [ErrSameFile], those of
// the file system (fs.ErrNotExist for a missing folder, fs.ErrPermission,
// syscall.EROFS), or ctx.Err(). Write or Finish report what the encoder
// refuses.
func Create(ctx context.Context, name string, o OutOptions) (*Sink, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := o.defaults(); err != nil {
		return nil, err
	}
	if _, err := find("ffmpeg"); err != nil {
		return nil, err
	}
	out, err := newOutput(name, o.Inputs, o.Overwrite)
	if err != nil {
		return nil, err
	}
	v, err := installed(ctx)
	if err != nil {
		return nil, errors.Join(err, out.discard())
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ffmpeg: pipe for frames: %w", err), out.discard())
	}
	widen(w)
	s := &Sink{opts: o, out: out, pipe: w, base: o.TimeBase, watch: watch{pipe: w}}
	c := codecOf(o.Codec)
	device, ok := c.device()
	if !ok {
		return nil, errors.Join(noDevice(o.Codec), out.discard(), w.Close(), r.Close())
	}
	args := sinkArgs(o, device, v, out.part)
	kind, _ := containerOf(name)
	if s.still = kind.still; s.still {
		args = pictureArgs(kind, o, v, out.part)
	}
	s.proc, err = start(c.roomOf(out.part, o.Room), "ffmpeg", args, r, nil, strings.NewReplacer(out.part, name), nil)
	err = errors.Join(err, r.Close())
	if s.proc == nil {
		return nil, errors.Join(err, w.Close(), out.discard())
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.frames = newFrameWriter(w, o.Size, o.period(), o.Color)
	return s, nil
}

// shortestPeriod is the shortest time between two frames that ffmpeg takes for a
// rate. With 1000 a second or more it gives the last frame no duration, and players
// then leave that frame out.
const shortestPeriod = time.Second/1000 + matroskaTick

// period returns the average time from one frame to the next, a hint.
func (o *OutOptions) period() time.Duration {
	period, ok := (Rational{o.Rate.Den, o.Rate.Num}).duration(1)
	if !ok {
		period = 40 * time.Millisecond
	}
	return max(period, shortestPeriod)
}

// defaults fills in what is not set and checks the rest.
func (o *OutOptions) defaults() error {
	if o.Size.X <= 0 || o.Size.Y <= 0 || o.Size.X > MaxPixels/o.Size.Y {
		return fmt.Errorf("ffmpeg: %w: size %v", ErrOptions, o.Size)
	}
	if o.Codec == "" {
		o.Codec = "libx264"
	}
	x264 := o.Codec == "libx264"
	if o.Preset == "" && x264 {
		o.Preset = "veryfast"
	}
	if o.CRF < 0 || o.CRF > 51 || o.CRF != o.CRF {
		return fmt.Errorf("ffmpeg: %w: CRF %v is not between 1 and 51", ErrOptions, o.CRF)
	}
	if o.CRF == 0 && codecOf(o.Codec).known() {
		o.CRF = 21
	}
	if hdr(o.Color.Transfer) {
		return fmt.Errorf("ffmpeg: %w: transfer %s is for more than the 8 bits that are written", ErrOptions, o.Color.Transfer)
	}
	if o.Lossless && !x264 {
		return fmt.Errorf("ffmpeg: %w: Lossless needs libx264", ErrOptions)
	}
	if o.Threads < 0 {
		return fmt.Errorf("ffmpeg: %w: Threads %d is negative", ErrOptions, o.Threads)
	}
	if !o.Rate.Known() {
		o.Rate = Rational{25, 1}
	}
	// Time stamps pass to ffmpeg in microseconds, and an MP4 file counts in
	// whole parts of a second. Players expect fine parts.
	if d, ok := o.TimeBase.duration(1); !ok || d < 2*matroskaTick || o.TimeBase.Num != 1 {
		o.TimeBase = Rational{1, int64(time.Second / matroskaTick)}
	}
	for o.TimeBase.Den < 10000 {
		o.TimeBase.Den *= 2
	}
	return nil
}

// encoderArgs returns the arguments that come before the input.
func encoderArgs() []string {
	// -xerror: without it some versions end without an error when the disk was full.
	return []string{"-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+warning", "-xerror"}
}

// framesInput returns the arguments that say what is encoded.
func framesInput() []string {
	return []string{"-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-an", "-sn", "-dn",
		"-map_metadata", "-1", "-map_chapters", "-1"}
}

// sinkArgs returns the arguments of the encoder of a recording.
func sinkArgs(o OutOptions, device string, v version, path string) []string {
	c := codecOf(o.Codec)
	a := slices.Concat(encoderArgs(), c.setup(device), framesInput(), c.fileArgs(o))
	if o.Threads > 0 {
		a = append(a, "-threads", strconv.Itoa(o.Threads))
	}
	for _, tag := range [...]struct {
		option, value string
		code          uint64
	}{
		{"-colorspace", o.Color.Matrix, h273Matrix[o.Color.Matrix]},
		{"-color_primaries", o.Color.Primaries, h273Primaries[o.Color.Primaries]},
		{"-color_trc", o.Color.Transfer, h273Transfer[o.Color.Transfer]},
	} {
		if tag.code != 0 {
			a = append(a, tag.option, strconv.FormatUint(tag.code, 10))
		}
	}
	return append(a, "-color_range", "tv", v.frameSync(), "passthrough",
		"-enc_time_base", o.TimeBase.String(), "-video_track_timescale", strconv.FormatInt(o.TimeBase.Den, 10),
		"-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart",
		"-f", "mp4", "-y", "file:"+path)
}

// Write implements [pipeline.Sink]. Frames of another size or with a time that
// does not rise are [ErrFrame]; the file is not harmed by them. The first
// frame's time is the beginning of the file. After any other error, also that
// of a ctx that is cancelled while the frame is being written, the file cannot
// be finished.
func (s *Sink) Write(ctx context.Context, f redact.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	pic := f.Picture()
	if pic == nil {
		return fmt.Errorf("ffmpeg: output %q: %w: it is empty or released", s.out.name, ErrFrame)
	}
	if pic.Rect.Size() != s.opts.Size || pic.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("ffmpeg: output %q: %w: it is %v, not %v", s.out.name, ErrFrame, f.Size(), s.opts.Size)
	}
	at := f.Time()
	tick, ok := s.base.ticks(at)
	if s.still && s.started {
		return fmt.Errorf("ffmpeg: output %q: %w: a picture is one frame", s.out.name, ErrFrame)
	}
	if !ok || s.started && at <= s.last {
		return fmt.Errorf("ffmpeg: output %q: %w: its time %v comes after %v", s.out.name, ErrFrame, at, s.last)
	}
	if !s.started {
		s.origin = tick
	} else {
		// Frames that are nearer than the time base can tell are moved apart.
		tick = max(tick, s.tick+1)
	}
	if err := s.watch.on(ctx); err != nil {
		return err
	}
	since, ok := s.base.duration(tick - s.origin)
	if !ok {
		s.failed = fmt.Errorf("ffmpeg: output %q: time %d is out of range", s.out.name, tick-s.origin)
		return s.failed
	}
	if err := s.frames.write(pic, since); err != nil {
		s.failed = s.reason(ctx, err)
		return s.failed
	}
	s.last, s.tick, s.started = at, tick, true
	return nil
}

func (s *Sink) usable() error {
	switch {
	case s.closed.Load():
		return ErrClosed
	case s.finished:
		return fmt.Errorf("ffmpeg: output %q is finished: %w", s.out.name, ErrClosed)
	}
	return s.failed
}

// patience is how long an encoder that takes no more frames has to report why.
const patience = 5 * time.Second

// reason explains why frames cannot be written.
func (s *Sink) reason(ctx context.Context, err error) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-s.proc.done:
		return fmt.Errorf("ffmpeg: output %q: %w", s.out.name, s.proc.exitError())
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return fmt.Errorf("ffmpeg: output %q: write to ffmpeg: %w", s.out.name, err)
	}
}

// Finish implements [pipeline.Finisher]: it waits for the encoder and gives the
// file its name. On error, also that of a cancelled ctx, no file appears.
func (s *Sink) Finish(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.started {
		s.failed = fmt.Errorf("ffmpeg: output %q: %w", s.out.name, ErrNoFrames)
		return s.failed
	}
	s.failed = s.finish(ctx)
	s.finished = s.failed == nil
	return s.failed
}

func (s *Sink) finish(ctx context.Context) error {
	err := errors.Join(s.watch.off(), s.pipe.Close())
	select {
	case <-s.proc.done:
	case <-ctx.Done():
		s.proc.kill()
		<-s.proc.done
		return ctx.Err()
	}
	switch {
	case s.closed.Load():
		return ErrClosed
	// Some versions report a failed write, and end without an error.
	case s.proc.status != nil, s.proc.messages.errorCount() > 0:
		return fmt.Errorf("ffmpeg: output %q: %w", s.out.name, s.proc.exitError())
	case err != nil:
		return fmt.Errorf("ffmpeg: output %q: %w", s.out.name, err)
	}
	return s.out.publish()
}

// Close ends the encoder and a Write or Finish under way. Unless Finish
// succeeded, it deletes what was written. It may be called more than once and
// by any goroutine.
func (s *Sink) Close() error {
	s.closeOnce.Do(func() {
		s.closed.Store(true)
		s.proc.kill()
		<-s.proc.done
		s.mu.Lock()
		defer s.mu.Unlock()
		err := s.watch.off()
		if cerr := s.pipe.Close(); cerr != nil && !errors.Is(cerr, os.ErrClosed) {
			err = errors.Join(err, cerr)
		}
		if !s.finished {
			err = errors.Join(err, s.out.discard())
		}
		s.closeErr = err
	})
	return s.closeErr
}
