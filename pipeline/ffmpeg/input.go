package ffmpeg

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// kind is a way to read an input.
type kind int

const (
	kindFile kind = iota
	kindDevice
	kindRTSP
	kindHTTP
)

// input is what the caller asked to read.
type input struct {
	kind kind
	// name is for messages and reports, see ShownAddress.
	name string
	// arg is what ffmpeg gets after -i.
	arg string
	// path is the file's name as the caller gave it.
	path string
	// untimed is set when the input has no time stamps. A picture gets the time at
	// which it arrives.
	untimed bool
	// known is set when an earlier connection has shown what the input sends.
	known bool
	// secret is set when arg must not be among the arguments, which others can see.
	secret bool
	// hide takes an address's secrets out of messages; nil for files and devices.
	hide *strings.Replacer
	// before is put before the commands of ffmpeg and ffprobe, see Options.Room.
	before []string
	// relay is the way to a camera over TLS, nil for others.
	relay *relay
}

// newInput finds out what s is. An existing file wins over an address.
func newInput(s string) (input, error) {
	if s == "" {
		return input{}, fmt.Errorf("ffmpeg: input: %w: the name is empty", ErrAddress)
	}
	st, err := os.Stat(s)
	if err == nil {
		return newFile(s, st)
	}
	if u, uerr := url.Parse(s); uerr == nil && u.Host != "" {
		switch u.Scheme {
		case "rtsp", "rtsps":
			return input{kind: kindRTSP, name: shownURL(u), arg: s, secret: secretive(u)}, nil
		case "http", "https":
			return input{kind: kindHTTP, name: shownURL(u), arg: s, secret: secretive(u)}, nil
		default:
			return input{}, fmt.Errorf("ffmpeg: input %s: %w: use a file, /dev/video*, rtsp:// or http://", shownURL(u), ErrAddress)
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return input{}, fmt.Errorf("ffmpeg: input %q: %w", ShownAddress(s), err)
}

func newFile(path string, st fs.FileInfo) (input, error) {
	in := input{kind: kindFile, name: path, path: path}
	abs, err := filepath.Abs(path)
	if err != nil {
		return input{}, fmt.Errorf("ffmpeg: input %q: %w", path, err)
	}
	switch {
	case st.IsDir():
		return input{}, fmt.Errorf("ffmpeg: input %q: %w: it is a folder, name the files in it", path, ErrAddress)
	case st.Mode()&fs.ModeCharDevice != 0 && strings.HasPrefix(abs, "/dev/video"):
		in.kind, in.arg, in.path = kindDevice, abs, ""
		return in, nil
	case !st.Mode().IsRegular():
		return input{}, fmt.Errorf("ffmpeg: input %q: %w: it is neither a file nor a camera in /dev/video*", path, ErrAddress)
	case st.Size() == 0:
		return input{}, fmt.Errorf("ffmpeg: input %q: %w", path, ErrEmpty)
	}
	f, err := os.Open(path)
	if err != nil {
		return input{}, fmt.Errorf("ffmpeg: input: %w", err)
	}
	// It was opened only to see whether it can be read.
	_ = f.Close()
	// The prefix keeps names such as "-x.mp4" and "concat:a" from being taken
	// for options and protocols.
	in.arg = "file:" + path
	return in, nil
}

// live reports whether the input has no end and does not wait.
func (in input) live() bool { return in.kind != kindFile }

// args returns the options for the input and the input. They suit ffprobe and
// ffmpeg.
func (in input) args(o Options, v version) []string {
	var a []string
	switch in.kind {
	case kindFile:
		// A playlist may otherwise fetch what it names from anywhere.
		a = append(a, "-protocol_whitelist", "file")
		if strings.Contains(in.path, "%") && stillImage(in.path) {
			// Else the name is a pattern for a series of files.
			a = append(a, "-f", "image2", "-pattern_type", "none")
		}
	case kindDevice:
		a = append(a, "-f", "v4l2")
		if o.Device.Format != "" {
			a = append(a, "-input_format", o.Device.Format)
		}
		if s := o.Device.Size; s.X > 0 && s.Y > 0 {
			a = append(a, "-video_size", fmt.Sprintf("%dx%d", s.X, s.Y))
		}
		if o.Device.Rate > 0 {
			a = append(a, "-framerate", number64(o.Device.Rate))
		}
	case kindRTSP, kindHTTP:
		return in.networkArgs(o, v)
	}
	return append(a, "-i", in.arg)
}

// untimed reports whether a container of that name has no time stamps, as a stream of
// JPEGs has none. ffmpeg would assume 25 a second.
func untimed(container string) bool {
	switch container {
	case "mpjpeg", "mjpeg", "jpeg_pipe", "image2pipe":
		return true
	}
	return false
}

// stillImage reports whether ffmpeg takes the file for a picture by its name.
func stillImage(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm", ".tga", ".jp2", ".jxl", ".exr":
		return true
	}
	return false
}

func microseconds(d time.Duration) string {
	return strconv.FormatInt(d.Microseconds(), 10)
}

func number64(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// version is that of the installed ffmpeg.
type version struct {
	major, minor int
}

// parseVersion reads "5.1.9-0+deb12u1" or "n7.1". Builds from the development
// branch, which have no such number, count as new.
func parseVersion(s string) version {
	s = strings.TrimPrefix(s, "n")
	first, rest, _ := strings.Cut(s, ".")
	major, err := strconv.Atoi(first)
	if err != nil || major > 1000 {
		return version{major: 1000}
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	minor, err := strconv.Atoi(rest)
	if err != nil {
		minor = 0
	}
	return version{major, minor}
}

func (v version) before(major, minor int) bool {
	return v.major < major || v.major == major && v.minor < minor
}

// frameSync returns the option that says whether pictures are left out or
// repeated to get an even rate.
func (v version) frameSync() string {
	if v.before(5, 1) {
		return "-vsync"
	}
	return "-fps_mode"
}
