package mediadev

import (
	"errors"
	"fmt"
	"image"
)

var (
	// ErrNotRead says that pictures held back at the camera's end were thrown
	// away, because nobody called Read for Options.Drain.
	ErrNotRead = errors.New("mediadev: the last pictures were not read")

	// ErrBlocked is returned by Close when the Read of the reader below does
	// not return. Its goroutine ends when it does: close the camera.
	ErrBlocked = errors.New("mediadev: the camera's Read does not return; close the camera")

	// ErrClosed is returned by a Source that was closed.
	ErrClosed = errors.New("mediadev: source is closed")
)

// FormatError says that pictures have a format that cannot be passed on.
type FormatError struct {
	// Format says what came, such as "*image.RGBA" or "640x480".
	Format string
	// Was is the size of the pictures so far, if it is the size that is wrong.
	Was image.Point
}

func (e *FormatError) Error() string {
	if e.Was != (image.Point{}) {
		return fmt.Sprintf("mediadev: pictures are %s now and were %dx%d; open the camera and its encoder anew", e.Format, e.Was.X, e.Was.Y)
	}
	return fmt.Sprintf("mediadev: pictures are %s; choose a camera format that mediadevices decodes to *image.YCbCr (I420, NV12, NV21, YUYV, UYVY, MJPEG)", e.Format)
}
