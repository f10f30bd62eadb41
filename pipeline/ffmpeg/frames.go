package ffmpeg

import (
	"image"
	"os"
	"time"
)

// frameWriter writes frames of one size to an encoder, as a Matroska stream.
type frameWriter struct {
	pipe *os.File
	size image.Point
	// head is the space for what stands before a picture; at first it has the
	// beginning of the stream. edge is that for a row with its last sample repeated.
	head, edge []byte
}

func newFrameWriter(pipe *os.File, size image.Point, period time.Duration, c Color) frameWriter {
	return frameWriter{pipe: pipe, size: size,
		head: matroskaHeader(even(size.X), even(size.Y), period, c), edge: make([]byte, even(size.X))}
}

func even(n int) int { return n + n&1 }

// write writes one frame with its time since the first.
func (w *frameWriter) write(pic *image.YCbCr, at time.Duration) error {
	size := w.size
	cw, ch := (size.X+1)/2, (size.Y+1)/2
	us := int64((at + matroskaTick/2) / matroskaTick)
	w.head = appendPicture(w.head, us, even(size.X)*even(size.Y)+2*cw*ch)
	if _, err := w.pipe.Write(w.head); err != nil {
		return err
	}
	w.head = w.head[:0]
	if err := w.luma(pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y):], pic.YStride); err != nil {
		return err
	}
	c := pic.COffset(pic.Rect.Min.X, pic.Rect.Min.Y)
	if err := w.rows(pic.Cb[c:], pic.CStride, cw, ch); err != nil {
		return err
	}
	if err := w.rows(pic.Cr[c:], pic.CStride, cw, ch); err != nil {
		return err
	}
	_, err := w.pipe.Write(matroskaPadding)
	return err
}

// luma writes luma, made even by repeating its last column and row.
func (w *frameWriter) luma(p []byte, stride int) error {
	width, height := w.size.X, w.size.Y
	if width&1 == 0 {
		if err := w.rows(p, stride, width, height); err != nil || height&1 == 0 {
			return err
		}
		return w.rows(p[(height-1)*stride:], stride, width, 1)
	}
	for y := range even(height) {
		row := p[min(y, height-1)*stride:]
		copy(w.edge, row[:width])
		w.edge[width] = row[width-1]
		if _, err := w.pipe.Write(w.edge); err != nil {
			return err
		}
	}
	return nil
}

func (w *frameWriter) rows(p []byte, stride, width, height int) error {
	if stride == width {
		_, err := w.pipe.Write(p[:width*height])
		return err
	}
	for y := range height {
		if _, err := w.pipe.Write(p[y*stride:][:width]); err != nil {
			return err
		}
	}
	return nil
}
