package pipeline

import (
	"context"
	"image"
	"time"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/redact"
)

// Source delivers pictures in presentation order. The pipeline calls it on one
// goroutine at a time, and does not close it: who opened it does.
type Source interface {
	// Read fills b with the next picture. It calls b.Resize with the picture's size in
	// pixels, writes the planes and sets b.Time, which rises strictly. It sets b.Native
	// if the picture was scaled on its way. It borrows b until it returns and keeps no
	// reference to it. The end of the source is io.EOF. A picture that cannot be decoded
	// is ErrPicture; Read may be called again after it. Any other error is final. A
	// cancelled ctx ends the call with ctx.Err().
	Read(ctx context.Context, b *Buffer) error
}

// SourceFunc is a func that is a [Source].
type SourceFunc func(ctx context.Context, b *Buffer) error

// Read calls f.
func (f SourceFunc) Read(ctx context.Context, b *Buffer) error { return f(ctx, b) }

// Sink takes redacted frames: an encoder, a preview, a stream. The pipeline calls it
// on one goroutine at a time, and does not close it: who opened it does.
type Sink interface {
	// Write takes one frame. It borrows f until it returns: a sink that needs
	// the pixels for longer copies them. An error is final in File mode. In Live mode
	// the frame is dropped, and Config.MaxFailures errors in a row are final. A
	// cancelled ctx ends the call with ctx.Err().
	Write(ctx context.Context, f redact.Frame) error
}

// SinkFunc is a func that is a [Sink].
type SinkFunc func(ctx context.Context, f redact.Frame) error

// Write calls f.
func (s SinkFunc) Write(ctx context.Context, f redact.Frame) error { return s(ctx, f) }

// Finisher is the optional ability of a [Sink] whose output has an end, such as
// a file. Run calls Finish once after the last Write, and only if nothing failed:
// Finish makes the output complete and visible. Its error is Run's.
type Finisher interface {
	Finish(ctx context.Context) error
}

// Buffer is one raw picture of the pipeline's pool. A Source fills it. Nobody else
// outside of the pipeline sees it.
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
// only when the size changes. Until it is written it holds an earlier picture. It
// belongs to the pipeline; a source writes to it only in Read. Its memory is left out
// of core dumps.
func (b *Buffer) Resize(w, h int) *image.YCbCr {
	if b.pic == nil || b.pic.Rect.Dx() != w || b.pic.Rect.Dy() != h {
		b.pic = nodump.Picture(w, h)
	}
	return b.pic
}
