package videoout

import (
	"fmt"
	"image"
	"io"

	"github.com/hedgecam/hedge/internal/i420"
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
	pic := f.Picture()
	if err := i420.Check(pic); err != nil {
		return err
	}
	if _, err := io.WriteString(w, "FRAME\n"); err != nil {
		return err
	}
	for _, p := range i420.Planes(pic) {
		err := p.Rows(func(row []byte) error {
			_, err := w.Write(row)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
