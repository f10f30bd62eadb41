package camera

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// Options say how a camera is read. The zero value is fine.
type Options struct {
	// Size is the largest picture asked of a V4L2 camera. It defaults to
	// 1920x1080.
	Size image.Point
	// Rate is the number of pictures per second asked of a V4L2 camera, and the
	// most that is taken from others. It defaults to 30.
	Rate float64
	// Rotate is the angle in degrees clockwise by which pictures are turned, for a
	// camera mounted upside down or sideways: 0, 90, 180 or 270. It defaults to 0.
	Rotate int
	// Decoder decodes the H.264 and H.265 of network cameras and files: AutoDecoder,
	// ffmpeg.SoftwareDecoder, or one of ffmpeg.Decoders. One in hardware that fails
	// where software does not is given up, and State says so. It defaults to software.
	Decoder string
	// Timeout is how long a camera may send no picture before it counts as lost,
	// at least 100 ms. It defaults to 3 seconds.
	Timeout time.Duration
	// OnChange is called when the camera is connected or lost, when its time
	// stamps begin or cease to be believed, when its format changes, and when an
	// attempt to open it fails for another reason than the one before. Of a camera
	// that is lost again and again within 10 seconds it tells a few times, and then
	// only of another reason, until a connection lasts. It is called by the goroutine
	// that reads; it must return soon, and not call Read or Close. It defaults to
	// nothing.
	OnChange func(State)
	// Password is that of a network camera, if it is not in the address, where it
	// would be seen among the arguments of this process. It defaults to none.
	Password string
	// Pins is the file in which the certificates of cameras over TLS are kept that
	// no authority vouches for: the first one that a camera shows is taken, and no
	// other from then on. It defaults to none: such a camera is refused.
	Pins string
	// Room is that of ffmpeg.Options. It defaults to none.
	Room func(ffmpeg.Room) []string
	// OnPin is called, as OnChange is, when a camera's certificate is kept, with the
	// camera's host and the certificate's SHA-256, which the owner should compare
	// with what the camera shows of itself. It defaults to nothing.
	OnPin func(host, fingerprint string)
}

const (
	// firstWait and maxWait are the least and the longest time between two
	// attempts to open a camera. To open a network camera takes ffmpeg two to
	// four seconds, and it is to be back within five.
	firstWait, maxWait = 250 * time.Millisecond, time.Second
	// openTimeout is how long one attempt may take. A camera with a key frame
	// every ten seconds needs twice that: ffmpeg waits for one to learn the
	// format, and for another to decode.
	openTimeout = 30 * time.Second
	// damagedShown is how many damaged pictures in a row are reported to the pipeline.
	// More would make it give up, and that is decided by Timeout here.
	damagedShown = 5
	// steadyAfter is how long pictures must come until a connection counts as one that
	// lasts, and briefTold how many in a row that do not are told of.
	steadyAfter, briefTold = 10 * time.Second, 3
)

// connection is a camera that was opened.
type connection interface {
	pipeline.Source
	// Close ends a Read under way and frees what the connection holds.
	Close() error
}

// Source reads a camera. It is a pipeline.Source without an end.
type Source struct {
	name name
	o    Options
	open func(context.Context) (connection, error)

	life context.Context // ends with Close
	end  context.CancelFunc

	// mu is held by a Read under way. It guards what follows.
	mu       sync.Mutex
	conn     connection
	link     link
	wait     time.Duration // before the next attempt to open; 0: none was made
	began    time.Time     // when the connection's first picture came; zero: none has
	brief    int           // connections in a row that had pictures and did not last
	stamps   stamps
	damaged  int // pictures in a row
	decoding decoding
	ended    error // why the last connection ended, until that is reported
	// known is what the last good connection said of a network camera.
	known *ffmpeg.Info

	stateMu     sync.Mutex
	state, told State // told is the one that OnChange got last
}

// Open returns a source for the camera with the name given; the first Read opens
// it. The error is ErrName or one about Options.
func Open(camera string, o Options) (*Source, error) {
	n, err := parse(camera)
	if err == nil && o.Password != "" {
		n, err = n.with(o.Password)
	}
	if err != nil {
		return nil, err
	}
	if o.Size == (image.Point{}) {
		o.Size = image.Pt(1920, 1080)
	}
	if o.Rate == 0 {
		o.Rate = 30
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	switch {
	case o.Size.X < 16 || o.Size.Y < 16:
		return nil, fmt.Errorf("camera: size %dx%d is too small", o.Size.X, o.Size.Y)
	case !(o.Rate >= 0.1 && o.Rate <= 240):
		return nil, fmt.Errorf("camera: rate %v is not from 0.1 to 240 pictures per second", o.Rate)
	case o.Rotate != 0 && o.Rotate != 90 && o.Rotate != 180 && o.Rotate != 270:
		return nil, fmt.Errorf("camera: rotate by %d degrees: must be 0, 90, 180 or 270, clockwise", o.Rotate)
	case o.Timeout < 100*time.Millisecond:
		return nil, fmt.Errorf("camera: timeout %v is less than 100ms", o.Timeout)
	}
	s := newSource(n, o)
	if s.decoding.hardware, err = chooseDecoder(o.Decoder, ffmpeg.HasDecoder); err != nil {
		return nil, err
	}
	switch n.kind {
	case kindDevice:
		s.open = func(ctx context.Context) (connection, error) { return openDevice(ctx, n.device, o) }
	case kindLibcamera:
		s.open = func(ctx context.Context) (connection, error) { return openLibcamera(ctx, n.device, o) }
	case kindNetwork:
		var trust ffmpeg.Trust
		if o.Pins != "" {
			trust = (&pins{path: o.Pins, pinned: o.OnPin}).trust
		}
		s.open = func(ctx context.Context) (connection, error) {
			return openFFmpeg(ctx, n.arg, ffmpeg.Options{MaxRate: o.Rate, Rotate: o.Rotate, Timeout: o.Timeout, Known: s.known, Trust: trust, Decoder: s.decoding.name(), Room: o.Room})
		}
	case kindFile:
		s.open = func(ctx context.Context) (connection, error) {
			return openFFmpeg(ctx, n.arg, ffmpeg.Options{MaxRate: o.Rate, Rotate: o.Rotate, RealTime: true, Loop: true, Decoder: s.decoding.name(), Room: o.Room})
		}
	}
	return s, nil
}

func newSource(n name, o Options) *Source {
	s := &Source{name: n, o: o}
	s.life, s.end = context.WithCancel(context.Background())
	s.stamps.live = n.kind != kindFile
	return s
}

// openFFmpeg keeps a nil *ffmpeg.Source out of the interface.
func openFFmpeg(ctx context.Context, arg string, o ffmpeg.Options) (connection, error) {
	src, err := ffmpeg.Open(ctx, arg, o)
	if err != nil {
		return nil, err
	}
	return src, nil
}

// Read implements pipeline.Source: it waits for the next picture, for as long as
// it takes to get the camera back. Times count from the first picture and follow
// the clock while the camera is away.
//
// Errors: pipeline.ErrPicture; ctx's; ErrClosed; and an *Error from the first
// attempt to open the camera, if another one would end in the same way.
func (s *Source) Read(ctx context.Context, b *pipeline.Buffer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if err := s.over(ctx); err != nil {
			return err
		}
		if s.conn == nil {
			if err := s.connect(ctx); err != nil {
				return err
			}
		}
		err := s.conn.Read(s.link.begin(ctx, s.life, s.o.Timeout), b)
		silent := s.link.pause()
		switch {
		case err == nil:
			s.stamps.put(b)
			s.lasts()
			s.delivered(s.stamps.fault)
			s.damaged = 0
			s.decoding.pictures++
			s.link.feed()
			return nil
		case s.over(ctx) != nil:
			// Nobody lost the camera: nobody wants it any more.
			return errors.Join(s.over(ctx), s.disconnect())
		case errors.Is(err, pipeline.ErrPicture) && !silent:
			s.stateMu.Lock()
			s.state.Damaged++
			s.stateMu.Unlock()
			if s.damaged++; s.damaged <= damagedShown {
				return err
			}
		default:
			if silent {
				err = fmt.Errorf("%w for %v", ErrSilent, s.o.Timeout)
			}
			s.drop(err)
		}
	}
}

// lasts notes that a picture came, and whether the connection counts as one that lasts.
func (s *Source) lasts() {
	if s.began.IsZero() {
		s.began = time.Now()
		s.brief++
	}
	if s.brief > 0 && time.Since(s.began) >= steadyAfter {
		s.brief, s.wait = 0, firstWait
	}
}

// over returns why nothing more is to be read, or nil.
func (s *Source) over(ctx context.Context) error {
	if s.life.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// disconnect closes the connection.
func (s *Source) disconnect() error {
	s.link.cut()
	err := s.conn.Close()
	s.conn = nil
	s.stamps.interrupted()
	return err
}

// drop closes a connection that ended with an error.
func (s *Source) drop(err error) {
	if errors.Is(err, io.EOF) {
		err = errors.New("it ended")
	}
	if cerr := s.disconnect(); cerr != nil {
		err = fmt.Errorf("%w; closed: %w", err, cerr)
	}
	s.ended = err
	s.decoding.ended(err)
}

// connect opens the camera, however often it takes. It tells of the connection
// that ended before only after it has waited: a signal that ends this program may
// have ended the other end of the connection first.
func (s *Source) connect(ctx context.Context) error {
	for {
		if s.wait > 0 {
			if err := s.sleep(ctx, s.wait); err != nil {
				return err
			}
		}
		if s.ended != nil {
			s.lost(s.ended)
			s.ended = nil
		}
		first := s.wait == 0
		s.wait = min(max(2*s.wait, firstWait), maxWait)
		conn, err := s.attempt(ctx)
		if err == nil {
			s.conn, s.began = conn, time.Time{}
			s.learn(conn)
			return nil
		}
		if errno := syscall.Errno(0); !errors.As(err, &errno) {
			// It is there, and may send something else now.
			s.known = nil
		}
		if end := s.over(ctx); end != nil {
			return end
		}
		explained := s.name.explain(err)
		s.lost(explained)
		if first && s.name.hopeless(explained) {
			// Who reads again tries again.
			s.wait = 0
			return explained
		}
	}
}

// learn takes down what a new connection tells of the camera.
func (s *Source) learn(conn connection) {
	told, ok := conn.(interface{ Info() ffmpeg.Info })
	if !ok {
		return
	}
	info := told.Info()
	s.known = &info
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	s.state.Format, s.state.Decoder = info.Format(), info.Decoder
}

func (s *Source) attempt(ctx context.Context) (connection, error) {
	s.asked()
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout, fmt.Errorf("%w for %v", ErrSilent, openTimeout))
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	conn, err := s.openDecoded(ctx)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return conn, err
}

func (s *Source) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
	case <-s.life.Done():
	}
	return s.over(ctx)
}

// Close ends a Read under way and closes the camera. It may be called more than
// once.
func (s *Source) Close() error {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.cut()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	if err != nil {
		return s.name.explain(err)
	}
	return nil
}
