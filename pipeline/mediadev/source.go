package mediadev

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"sync"
	"time"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/pipeline"
)

// SourceOptions say how a reader's pictures are understood. The zero value is
// fine.
type SourceOptions struct {
	// FullRange says that samples go from 0 to 255, as those of MJPEG do, and
	// are to be converted to limited range. It defaults to limited range.
	FullRange bool
	// Rotate is the angle in degrees clockwise by which pictures are turned: 0,
	// 90, 180 or 270. It defaults to 0.
	Rotate int
	// Clock tells the time. It is called after each picture was read, on one
	// goroutine. It defaults to time.Now.
	Clock func() time.Time
}

// Source takes the pictures of a mediadevices reader into a pipeline. It is a
// [pipeline.Source].
//
// A picture's time is that of the clock when it had been read, counted from the
// first picture; two pictures are at least a microsecond apart.
type Source struct {
	r    video.Reader
	opts SourceOptions

	start    sync.Once
	ask      chan struct{} // to the pump: read the next picture
	pictures chan picture  // from the pump
	quit     chan struct{} // closed by Close
	pumped   chan struct{} // closed when the pump has ended, or never started
	over     chan struct{} // closed when the last picture was delivered
	close    sync.Once

	// mu is held by a Read under way.
	mu      sync.Mutex
	asked   bool // the pump owes a picture
	started bool // a picture was delivered
	first   time.Time
	last    time.Duration
	end     error           // what ended the source
	raw     pipeline.Buffer // a picture before it is turned
}

// picture is what one Read of the reader returned.
type picture struct {
	img     image.Image
	release func()
	at      time.Time
	err     error
}

// NewSource returns a source of r's pictures. Nobody else may read from r. It
// reads nothing before the first Read; once that was called, Close is needed,
// or r's end. It panics if Rotate is not 0, 90, 180 or 270.
func NewSource(r video.Reader, o SourceOptions) *Source {
	switch o.Rotate {
	case 0, 90, 180, 270:
	default:
		panic(fmt.Sprintf("mediadev: Rotate %d is not 0, 90, 180 or 270 degrees", o.Rotate))
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Source{r: r, opts: o, ask: make(chan struct{}), pictures: make(chan picture),
		quit: make(chan struct{}), pumped: make(chan struct{}), over: make(chan struct{})}
}

// Read implements [pipeline.Source]. The reader's picture is released before
// Read returns. An error by which image/jpeg refuses a picture, or that is a
// pipeline.ErrPicture, loses that picture; every other error of the reader is
// the end, as is a *FormatError.
//
// A Read whose ctx ends leaves the reader's Read under way; its picture is that
// of the next Read.
func (s *Source) Read(ctx context.Context, b *pipeline.Buffer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.quit:
		return ErrClosed
	default:
	}
	if s.end != nil {
		return s.end
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.start.Do(func() { go s.pump() })
	if !s.asked {
		select {
		case s.ask <- struct{}{}:
			s.asked = true
		case <-s.quit:
			return ErrClosed
		}
	}
	select {
	case p := <-s.pictures:
		s.asked = false
		return s.take(p, b)
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take copies a picture into the buffer and releases it.
func (s *Source) take(p picture, b *pipeline.Buffer) error {
	if p.err != nil {
		if lost(p.err) {
			return fmt.Errorf("%w: %w", pipeline.ErrPicture, p.err)
		}
		if errors.Is(p.err, io.EOF) {
			return s.finish(io.EOF)
		}
		return s.finish(fmt.Errorf("mediadev: read from the camera: %w", p.err))
	}
	defer p.free()
	pic, err := checkImage(p.img)
	if err != nil {
		if errors.Is(err, pipeline.ErrPicture) {
			return err
		}
		return s.finish(err)
	}
	s.copy(b, pic)
	if !s.started {
		s.started, s.first = true, p.at
		b.Time = 0
	} else {
		// A pipeline's sinks tell times apart that differ by this much.
		b.Time = max(p.at.Sub(s.first), s.last+time.Microsecond)
	}
	s.last = b.Time
	return nil
}

// checkImage returns a picture that can be brought to 4:2:0; see checkPicture.
func checkImage(img image.Image) (image.Image, error) {
	if p, ok := img.(*Packed); ok && p != nil {
		if err := p.check(); err != nil {
			return nil, err
		}
		return p, nil
	}
	return checkPicture(img)
}

// copy fills the buffer with a checked picture, turned upright.
func (s *Source) copy(b *pipeline.Buffer, pic image.Image) {
	fill := func(dst *image.YCbCr) {
		switch pic := pic.(type) {
		case *Packed:
			pic.to420(dst, s.opts.FullRange)
		case *image.YCbCr:
			to420(dst, pic, s.opts.FullRange)
		}
	}
	w, h := pic.Bounds().Dx(), pic.Bounds().Dy()
	if s.opts.Rotate == 0 {
		fill(b.Resize(w, h))
		return
	}
	raw := s.raw.Resize(w, h)
	fill(raw)
	if s.opts.Rotate != 180 {
		w, h = h, w
	}
	rotate(b.Resize(w, h), raw, s.opts.Rotate)
}

func (s *Source) finish(err error) error {
	s.end = err
	close(s.over)
	return err
}

// lost reports whether an error concerns one picture only. mediadevices passes
// on what image/jpeg says of a damaged picture.
func lost(err error) bool {
	var format jpeg.FormatError
	var unsupported jpeg.UnsupportedError
	return errors.Is(err, pipeline.ErrPicture) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &format) || errors.As(err, &unsupported)
}

// pump calls the reader, whose Read takes no context, on a goroutine of its
// own. It reads the next picture only when asked, because most readers write it
// over the last one.
func (s *Source) pump() {
	defer close(s.pumped)
	for {
		select {
		case <-s.ask:
		case <-s.quit:
			return
		}
		p := s.next()
		select {
		case s.pictures <- p:
		case <-s.quit:
			p.free()
			return
		}
		if p.err != nil && !lost(p.err) {
			return
		}
	}
}

func (s *Source) next() (p picture) {
	defer func() {
		if v := recover(); v != nil {
			p = picture{err: fmt.Errorf("panic: %v", v)}
		}
	}()
	p.img, p.release, p.err = s.r.Read()
	p.at = s.opts.Clock()
	return p
}

// free gives the picture back. By mediadevices' contract there is nothing to
// give back after an error.
func (p picture) free() {
	if p.err == nil && p.release != nil {
		p.release()
	}
}

// patience is how long Close waits for the reader's Read to return.
const patience = time.Second

// Close ends a Read under way and waits for the goroutine that reads. It does
// not close the reader. If the reader's Read does not return within a second
// Close returns [ErrBlocked]; the goroutine ends when it returns. Close may be
// called more than once.
func (s *Source) Close() error {
	s.close.Do(func() { close(s.quit) })
	s.start.Do(func() { close(s.pumped) })
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.pumped:
		return nil
	case <-late.C:
		return ErrBlocked
	}
}
