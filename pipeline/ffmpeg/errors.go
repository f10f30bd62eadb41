package ffmpeg

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of this package, to be tested with errors.Is. They come wrapped with
// the name of the file and the way out.
var (
	// ErrNotInstalled: the program ffmpeg or ffprobe is not in PATH.
	ErrNotInstalled = errors.New("program not found")
	// ErrClosed: the Source, Sink or Encoder was closed.
	ErrClosed = errors.New("ffmpeg: closed")

	// ErrAddress: the input is neither a file, nor a device, nor an address of
	// a kind that is read.
	ErrAddress = errors.New("not an input that can be read")
	// ErrEmpty: the input file has no bytes.
	ErrEmpty = errors.New("file is empty")
	// ErrNotVideo: the input is not a recording that ffmpeg can read.
	ErrNotVideo = errors.New("not a readable video")
	// ErrNoVideo: the input has tracks, but none of pictures.
	ErrNoVideo = errors.New("no video track")
	// ErrTooLarge: the pictures have more than [MaxPixels].
	ErrTooLarge = errors.New("picture too large")

	// ErrFrom: the file ends before Options.From.
	ErrFrom = errors.New("the recording ends before the time from which it is to be read")

	// ErrCertificate: a camera's certificate is not trusted, so it gets no password.
	ErrCertificate = errors.New("the camera's certificate is not trusted")

	// ErrOptions: the options make no sense.
	ErrOptions = errors.New("bad options")
	// ErrExists: the output exists already and Overwrite is not set.
	ErrExists = errors.New("output exists already")
	// ErrSameFile: the output is the input.
	ErrSameFile = errors.New("output is the input")
	// ErrFrame: a frame has another size than the output, or an earlier time
	// than the one before it.
	ErrFrame = errors.New("frame does not fit the output")
	// ErrStalled: an encoder takes no frame, or gives no picture, for too long.
	ErrStalled = errors.New("the encoder does not go on")
	// ErrUnit: an encoder's output is not the encoded picture of a frame.
	ErrUnit = errors.New("the encoder's output is not a picture of a frame")
	// ErrNoFrames: Finish was called before any Write.
	ErrNoFrames = errors.New("no frame was written")
)

// ExitError says that the program ended with an error, or reported one.
type ExitError struct {
	// Program is "ffmpeg" or "ffprobe".
	Program string
	// Status is how it ended, such as "exit status 1".
	Status string
	// Text is what it wrote about the reason, on one line, shortened.
	Text string
	// Err is the error of the operating system that the text names, such as
	// syscall.ENOSPC, or nil.
	Err error
}

func (e *ExitError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s and no message", e.Program, e.Status)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Program, e.Text, e.Status)
}

func (e *ExitError) Unwrap() error { return e.Err }

// DamageError says that the source came to its end, but that not all of it
// could be decoded. It is a warning: what was decoded was delivered.
type DamageError struct {
	// Input names the source.
	Input string
	// Frames is the number of pictures delivered, Damaged that of pictures
	// reported as pipeline.ErrPicture.
	Frames, Damaged int64
	// Expected is the number of pictures the container promises; 0 if unknown.
	Expected int64
	// Errors is the number of errors that ffmpeg reported.
	Errors int64
	// Truncated is set when the container refers to bytes that the file does
	// not have.
	Truncated bool
	// Text is the last of what ffmpeg reported.
	Text string
}

func (e *DamageError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Input)
	if e.Truncated {
		b.WriteString("file is cut off or has holes: ")
	} else {
		b.WriteString("recording is damaged: ")
	}
	fmt.Fprintf(&b, "%d pictures delivered", e.Frames)
	if e.Expected > 0 {
		fmt.Fprintf(&b, " of about %d", e.Expected)
	}
	fmt.Fprintf(&b, ", %d damaged and left out, ffmpeg reported %d errors", e.Damaged, e.Errors)
	if e.Text != "" {
		fmt.Fprintf(&b, " (last: %s)", e.Text)
	}
	return b.String()
}
