package camera

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// kind is a way to read a camera.
type kind int

const (
	kindDevice kind = iota
	kindNetwork
	kindFile
	kindLibcamera
)

// name is a camera as the owner named it.
type name struct {
	kind   kind
	device int    // of kindDevice: the N of /dev/videoN; of kindLibcamera: the camera's number
	arg    string // what ffmpeg gets: an address or a file's name
	shown  string // for messages: without credentials
	secret *strings.Replacer
}

func parse(s string) (name, error) {
	if n, ok := strings.CutPrefix(s, "camera:"); ok {
		i, err := strconv.ParseUint(n, 10, 8)
		if err != nil {
			return name{}, fmt.Errorf("camera: %q: %w: the part after camera: is a number, 0 for /dev/video0", s, ErrName)
		}
		return name{kind: kindDevice, device: int(i), shown: s, secret: strings.NewReplacer()}, nil
	}
	if n, ok := strings.CutPrefix(s, "libcamera:"); ok {
		i, err := strconv.ParseUint(n, 10, 8)
		if err != nil {
			return name{}, fmt.Errorf("camera: %q: %w: the part after libcamera: is a number, 0 for the first camera that rpicam-hello --list-cameras lists", s, ErrName)
		}
		return name{kind: kindLibcamera, device: int(i), shown: s, secret: strings.NewReplacer()}, nil
	}
	if f, ok := strings.CutPrefix(s, "file:"); ok {
		if f == "" {
			return name{}, fmt.Errorf("camera: %w: file: needs the name of a recording, as in file:clip.mp4", ErrName)
		}
		return name{kind: kindFile, arg: f, shown: s, secret: strings.NewReplacer()}, nil
	}
	for _, scheme := range []string{"rtsp://", "rtsps://", "http://", "https://"} {
		if strings.HasPrefix(s, scheme) {
			return parseAddress(s)
		}
	}
	// It may be an address with a password in it, so it is not repeated.
	return name{}, fmt.Errorf("camera: %w: use camera:0, libcamera:0, rtsp://user:password@host/path, http://user:password@host/path or file:clip.mp4", ErrName)
}

func parseAddress(s string) (name, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The text of url.Error repeats the address.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		why := err.Error()
		if strings.Contains(why, "invalid userinfo") || strings.Contains(why, "port") || strings.Contains(why, "escape") {
			why = "write characters of the password other than letters and digits as %XX, such as %40 for @"
		}
		return name{}, fmt.Errorf("camera: %w: the address cannot be read: %s", ErrName, why)
	}
	if u.Hostname() == "" {
		return name{}, fmt.Errorf("camera: %w: the address has no host, use rtsp://user:password@host/path or http://user:password@host/path", ErrName)
	}
	n := name{kind: kindNetwork, arg: s, shown: ffmpeg.ShownAddress(s), secret: ffmpeg.HideAddress(s)}
	return n, nil
}

// with returns the name with the camera's password in it.
func (n name) with(password string) (name, error) {
	u, err := url.Parse(n.arg)
	if n.kind != kindNetwork || err != nil || u.User == nil {
		return name{}, fmt.Errorf("camera: %w: a password needs an address with a user name, as in rtsp://user@host/path", ErrName)
	}
	if _, ok := u.User.Password(); ok {
		return name{}, fmt.Errorf("camera: %w: there is a password in the address and another one beside it; leave one away", ErrName)
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return parseAddress(u.String())
}
