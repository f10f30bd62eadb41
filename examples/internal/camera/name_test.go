package camera

import (
	"errors"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/prop"
)

func TestNames(t *testing.T) {
	for in, want := range map[string]name{
		"camera:0":                           {kind: kindDevice, shown: "camera:0"},
		"camera:12":                          {kind: kindDevice, device: 12, shown: "camera:12"},
		"file:a b.mp4":                       {kind: kindFile, arg: "a b.mp4", shown: "file:a b.mp4"},
		"rtsp://host/1":                      {kind: kindNetwork, arg: "rtsp://host/1", shown: "rtsp://host/1"},
		"http://u:p@host:81/v.cgi?pwd=p&x=1": {kind: kindNetwork, arg: "http://u:p@host:81/v.cgi?pwd=p&x=1", shown: "http://host:81/v.cgi"},
		"https://host/video":                 {kind: kindNetwork, arg: "https://host/video", shown: "https://host/video"},
		"rtsps://u:p%40s@host:554/a?password=secret&x=1#f": {kind: kindNetwork, arg: "rtsps://u:p%40s@host:554/a?password=secret&x=1#f", shown: "rtsps://host:554/a"},
	} {
		got, err := parse(in)
		got.secret = nil
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "camera:", "camera:x", "camera:-1", "camera:/dev/video0", "camera:256", "file:", "clip.mp4",
		"rtsp://", "rtsp://:554/1", "ftp://u:secret@host", "http://", "https://u:secret#x@host/", "rtsp://u:secret#x@host/", "rtsp://u:secret^@host:x/", "rtsp://u:sec%ret@host/", "u:secret@host"} {
		if _, err := parse(in); !errors.Is(err, ErrName) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec%") || strings.Contains(err.Error(), "ret@") {
			t.Errorf("%q: %v", in, err)
		}
		if _, err := Open(in, Options{}); err == nil {
			t.Errorf("%q is opened", in)
		}
	}
	for _, o := range []Options{{Size: image.Pt(1, 1)}, {Rate: -1}, {Timeout: 1}} {
		if _, err := Open("camera:0", o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// TestSecrets: no form of the credentials is left in a message.
func TestSecrets(t *testing.T) {
	const address = "rtsp://admin:p%40ss%2Fw@host:554/ch?user=admin&token=t0ken"
	n, err := parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		address, "rtsp://admin:xxxxx@host:554/ch?user=admin&token=t0ken: no", "password p@ss/w is wrong", "p%40ss%2Fw",
		"open ?user=admin&token=t0ken", "user=admin&token=t0ken",
	} {
		got := n.explain(fmt.Errorf("ffmpeg: %w: %s", errFake, text))
		for _, secret := range []string{"p%40", "p@ss", "t0ken", "admin"} {
			if strings.Contains(got.Error(), secret) {
				t.Errorf("%q: %q", text, got)
			}
		}
		if !strings.HasPrefix(got.Error(), "camera rtsp://host:554/ch: ffmpeg: fake: ") || !errors.Is(got, errFake) {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestPassword: a password beside the address is put into it, whatever characters
// it has, and is in no message.
func TestPassword(t *testing.T) {
	s, err := Open("rtsp://admin@host/1", Options{Password: "p@ss/w:d?"})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, s)
	if s.name.arg != "rtsp://admin:p%40ss%2Fw%3Ad%3F@host/1" || s.name.shown != "rtsp://host/1" {
		t.Errorf("%+v", s.name)
	}
	if text := s.name.explain(fmt.Errorf("%w: p@ss/w:d? or p%%40ss%%2Fw%%3Ad%%3F", errFake)).Error(); strings.Contains(text, "ss/w") || strings.Contains(text, "p%40") {
		t.Error(text)
	}
	for _, name := range []string{"rtsp://host/1", "rtsp://admin:other@host/1", "camera:0", "file:x"} {
		if _, err := Open(name, Options{Password: "p@ss/w"}); !errors.Is(err, ErrName) || strings.Contains(err.Error(), "p@ss") || strings.Contains(err.Error(), "other@") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzNames: whatever is given, a password that can be found is in no message.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"camera:0", "rtsp://a:secret@b/c", "rtsp://a:secret@[::1]:99999/c", "rtsp://a:secret@b/%zz", "file:x", "rtsp://secret",
		"rtsp://h:554/x:secret@y", "rtsp://h:1?x:secret@y", "rtsp://h:1#:secret@y", "rtsp://a:secret@b@c/d", "rtsp://:secret@:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parse(s)
		address, ok := strings.CutPrefix(s, "rtsp://")
		if !ok || strings.Count(s, "secret") != 1 {
			return
		}
		// User name and password stand before the path, the query and the fragment
		// (RFC 3986, 3.2): behind them it is no password, and may be shown.
		if end := strings.IndexAny(address, "/?#"); end >= 0 {
			address = address[:end]
		}
		if !strings.Contains(address, ":secret@") {
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		for _, text := range []string{n.shown, n.explain(errors.New("open " + n.arg)).Error()} {
			if strings.Contains(text, "secret") {
				t.Errorf("%q: %q", s, text)
			}
		}
	})
}

func TestChoose(t *testing.T) {
	media := func(w, h int, rate float32, format frame.Format) prop.Media {
		return prop.Media{Video: prop.Video{Width: w, Height: h, FrameRate: rate, FrameFormat: format}}
	}
	webcam := []prop.Media{
		media(640, 480, 30, frame.FormatYUYV), media(1280, 720, 10, frame.FormatYUYV), media(1280, 720, 30, frame.FormatMJPEG),
		media(1280, 720, 60, frame.FormatMJPEG), media(1920, 1080, 5, frame.FormatYUYV), media(1920, 1080, 30, frame.FormatMJPEG),
		media(3840, 2160, 30, frame.FormatMJPEG), media(1920, 1080, 30, frame.FormatZ16),
	}
	for _, tt := range []struct {
		offers []prop.Media
		size   image.Point
		rate   float64
		want   prop.Media
	}{
		{webcam, image.Pt(1920, 1080), 30, media(1920, 1080, 30, frame.FormatMJPEG)},
		{webcam, image.Pt(1280, 1080), 30, media(1280, 720, 30, frame.FormatMJPEG)},
		{webcam, image.Pt(1280, 720), 60, media(1280, 720, 60, frame.FormatMJPEG)},
		{webcam, image.Pt(1920, 1080), 5, media(1920, 1080, 5, frame.FormatYUYV)},
		{webcam, image.Pt(320, 240), 30, media(640, 480, 30, frame.FormatYUYV)},
		{[]prop.Media{media(1920, 1080, 5, frame.FormatYUYV), media(1280, 720, 30, frame.FormatYUYV)}, image.Pt(1920, 1080), 30, media(1280, 720, 30, frame.FormatYUYV)},
		{[]prop.Media{media(640, 480, 0, frame.FormatMJPEG), media(640, 480, 0, frame.FormatNV12)}, image.Pt(1920, 1080), 30, media(640, 480, 0, frame.FormatNV12)},
	} {
		if got, ok := choose(tt.offers, tt.size, tt.rate); !ok || got.Video != tt.want.Video {
			t.Errorf("%v at %v: %+v", tt.size, tt.rate, got.Video)
		}
	}
	if _, ok := choose([]prop.Media{media(640, 480, 30, frame.FormatZ16), media(0, 0, 30, frame.FormatYUYV)}, image.Pt(640, 480), 30); ok {
		t.Error("a depth camera is chosen")
	}
}
