package camera

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

var (
	// ErrName says that a camera's name has an unknown form.
	ErrName = errors.New("not the name of a camera")
	// ErrCredentials says that the camera wants other credentials.
	ErrCredentials = errors.New("the camera refuses the user name or the password; correct them in the address: rtsp://user:password@host/path")
	// ErrNoStream says that the camera has nothing at the address's path.
	ErrNoStream = errors.New("the camera has no such stream; correct the path of the address, it stands in the camera's manual")
	// ErrNoDevice says that there is no such V4L2 camera.
	ErrNoDevice = errors.New("there is no such camera; plug it in, and look whether this user may read /dev/video* (group video)")
	// ErrSilent says that no picture came for too long.
	ErrSilent = errors.New("no picture came")
	// ErrClosed is returned by a Source that was closed.
	ErrClosed = errors.New("camera: closed")
)

// Error says why a camera cannot be read.
type Error struct {
	// Camera is its name, without credentials.
	Camera string
	// Err is the cause. Unlike that of Error, its text may contain the address's
	// user name and query.
	Err error

	text string
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// explain returns err in words that name the way out and no credentials.
func (n name) explain(err error) *Error {
	// ffmpeg tells of the answers of a camera in text only.
	about := n.shown + ": "
	if n.kind == kindNetwork {
		about = "camera " + about
	}
	for code, known := range map[string]error{"401": ErrCredentials, "403": ErrCredentials, "404": ErrNoStream} {
		if n.kind == kindNetwork && (strings.Contains(err.Error(), "Server returned "+code) || strings.Contains(err.Error(), "failed: "+code)) {
			return &Error{Camera: n.shown, Err: errors.Join(known, err), text: about + known.Error()}
		}
	}
	return &Error{Camera: n.shown, Err: err, text: about + n.secret.Replace(err.Error())}
}

// numbers are those of a text, with the word before it where that is a status.
var numbers = regexp.MustCompile(`(?:returned|failed:|status) [0-9]+|0x[0-9a-f]+|[0-9]+`)

// reason returns an error's text without what differs from attempt to attempt, such as a
// port of this machine, an address in memory, or a place in a picture.
func reason(err error) string {
	return numbers.ReplaceAllStringFunc(err.Error(), func(n string) string {
		if '0' <= n[0] && n[0] <= '9' {
			return "#"
		}
		return n
	})
}

// hopeless reports whether an error of the first attempt to open a camera will
// be the same at the next one. To try again with wrong credentials would also
// make many cameras lock the owner out.
func (n name) hopeless(err error) bool {
	for _, e := range []error{ErrCredentials, ErrNoRpicam, ffmpeg.ErrNotInstalled, ffmpeg.ErrAddress, ffmpeg.ErrTooLarge, ffmpeg.ErrOptions} {
		if errors.Is(err, e) {
			return true
		}
	}
	if n.kind != kindFile {
		return false
	}
	for _, e := range []error{fs.ErrNotExist, fs.ErrPermission, ffmpeg.ErrEmpty, ffmpeg.ErrNotVideo, ffmpeg.ErrNoVideo} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
