package camera

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// kind is a way to read a camera.
type kind int

const (
	kindDevice kind = iota
	kindNetwork
	kindFile
)

// name is a camera as the owner named it.
type name struct {
	kind   kind
	device int    // of kindDevice: the N of /dev/videoN
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
	return name{}, fmt.Errorf("camera: %w: use camera:0, rtsp://user:password@host/path, http://user:password@host/path or file:clip.mp4", ErrName)
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
	shown := *u
	shown.User, shown.RawQuery, shown.Fragment = nil, "", ""
	n := name{kind: kindNetwork, arg: s, shown: shown.String()}
	secrets := []string{s, n.shown, u.Redacted(), n.shown}
	hide := func(text, by string) {
		if text != "" {
			secrets = append(secrets, text, by)
		}
	}
	if u.User != nil {
		hide(u.User.String()+"@", "")
		hide(u.User.Username()+":xxxxx@", "")
		if password, ok := u.User.Password(); ok {
			_, raw, _ := strings.Cut(u.User.String(), ":")
			hide(raw, "xxxxx")
			hide(password, "xxxxx")
		}
	}
	hide("?"+u.RawQuery, "")
	if u.RawQuery != "" {
		hide(u.RawQuery, "xxxxx")
	}
	n.secret = strings.NewReplacer(secrets...)
	return n, nil
}
