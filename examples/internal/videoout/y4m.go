package videoout

import (
	"fmt"
	"image"
	"io"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// writeHeader begins a YUV4MPEG2 stream (the format is described in the manual
// page yuv4mpeg(5) of mjpegtools): 4:2:0 with chroma sited as in MPEG-2,
// progressive, limited range, with pixels of the aspect given. The format has no time stamps:
// rate, in pictures per second, is what a reader is told, and pictures come
// when they come.
func writeHeader(w io.Writer, size image.Point, aspect ffmpeg.Rational, rate int) error {
	_, err := fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F%d:1 Ip A%d:%d C420mpeg2 XCOLORRANGE=LIMITED\n", size.X, size.Y, rate, aspect.Num, aspect.Den)
	return err
}

// writeFrame adds one picture to the stream.
func writeFrame(w io.Writer, f redact.Frame) error {
	pic, size := f.Picture(), f.Size()
	if _, err := io.WriteString(w, "FRAME\n"); err != nil {
		return err
	}
	chroma := image.Pt((size.X+1)/2, (size.Y+1)/2)
	y, c := pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y), pic.COffset(pic.Rect.Min.X, pic.Rect.Min.Y)
	for _, p := range [...]struct {
		samples []byte
		stride  int
		size    image.Point
	}{{pic.Y[y:], pic.YStride, size}, {pic.Cb[c:], pic.CStride, chroma}, {pic.Cr[c:], pic.CStride, chroma}} {
		if err := writeRows(w, p.samples, p.stride, p.size); err != nil {
			return err
		}
	}
	return nil
}

func writeRows(w io.Writer, p []byte, stride int, size image.Point) error {
	if stride == size.X {
		_, err := w.Write(p[:size.X*size.Y])
		return err
	}
	for y := range size.Y {
		if _, err := w.Write(p[y*stride:][:size.X]); err != nil {
			return err
		}
	}
	return nil
}
