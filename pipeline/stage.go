package pipeline

import (
	"context"
	"image"
	"time"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// Source delivers pictures in presentation order.
type Source interface {
	// Read fills b with the next picture: it calls b.Resize with the picture's
	// size, writes the planes, and sets b.Time (strictly rising) and, where the
	// picture was scaled on its way, b.Native. It keeps no reference to b. The
	// end of the source is io.EOF; a picture that cannot be decoded is
	// ErrPicture, after which Read may be called again; any other error is
	// final. A cancelled ctx ends the call with ctx.Err().
	Read(ctx context.Context, b *Buffer) error

	// Close ends a Read under way and frees what the source holds. It may be
	// called more than once.
	Close() error
}

// Sink takes redacted pictures: an encoder, a preview, a stream.
type Sink interface {
	// Write takes one picture. It borrows f until it returns: a sink that needs
	// the pixels for longer copies them.
	Write(ctx context.Context, f redact.Frame) error

	// Close frees what the sink holds. Without a Finish before it, output that
	// is not complete is thrown away. It may be called more than once.
	Close() error
}

// Finisher is the optional ability of a [Sink] whose output has an end, such as
// a file: Finish is called once after the last Write, and makes the output
// complete and visible.
type Finisher interface {
	Finish(ctx context.Context) error
}

// Buffer is one raw picture of the pipeline's pool. A Source fills it; nobody
// else outside of the pipeline ever sees it.
type Buffer struct {
	// Time is the presentation time, from the first picture on.
	Time time.Duration
	// Native is the size at which the source has the picture, if a stage before
	// the pipeline scaled it to the size handed to Resize; otherwise zero.
	Native image.Point

	pic *image.YCbCr
}

// Resize returns the buffer's picture, 4:2:0 with tight strides, origin (0,0)
// and limited range ("tv") samples, at the given size in pixels. It allocates
// only when the size changes; the pixels are those of an earlier picture. Its
// memory is left out of core dumps.
func (b *Buffer) Resize(w, h int) *image.YCbCr {
	if b.pic == nil || b.pic.Rect.Dx() != w || b.pic.Rect.Dy() != h {
		b.pic = nodump.Picture(w, h)
	}
	return b.pic
}
