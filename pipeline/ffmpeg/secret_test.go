package ffmpeg

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// spied puts programs into PATH that write their arguments and their environment
// down and then are ffmpeg and ffprobe. It returns what was written.
func spied(t *testing.T) (told func() string) {
	t.Helper()
	needFFmpeg(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		full, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\n{ echo \"%s $*\"; /usr/bin/env; } >> '%s'\nexec '%s' \"$@\"\n", name, log, full)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() string { return string(read(t, log)) }
}

// testUnits returns the access units of a clip of 8 s.
func testUnits(t *testing.T) [][][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.h264")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=8", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-x264-params", "aud=1:slices=1:repeat-headers=1", path)
	return accessUnits(read(t, path))
}

// jpegCamera is a handler that sends JPEGs to who has the token and the password.
func jpegCamera(t *testing.T) http.HandlerFunc {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.jpg")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=0.04", "-q:v", "5", path)
	data := read(t, path)
	return func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "us'er" || password != "pa'ss word" || r.URL.Query().Get("token") != "t0k'en-of-it" {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(data), data); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}
}

// TestSecretsStayInside: neither arguments nor environment of the programs, nor a
// message, have a password, a token or a variable of this process in them.
func TestSecretsStayInside(t *testing.T) {
	units := testUnits(t)
	plain := httptest.NewServer(jpegCamera(t))
	defer plain.Close()
	secure := httptest.NewTLSServer(jpegCamera(t))
	defer secure.Close()
	told := spied(t)
	t.Setenv("HEDGE_TOKEN", "t0ken-of-the-page")
	hidden := []string{"s3cret", "user", "us%27er", "pa%27ss", "pa'ss", "t0k", "HEDGE_TOKEN", "t0ken-of-the-page"}
	trusted := Options{Timeout: 10 * time.Second, Trust: func(string, *x509.Certificate) error { return nil }}
	for _, name := range []string{
		"rtsp://user:s3cret@" + rtspCamera(t, units, cameraOptions{}) + "/1?token=t0ken",
		"rtsps://user:s3cret@" + tlsFront(t, rtspCamera(t, units, cameraOptions{})) + "/1",
		strings.Replace(plain.URL, "//", "//us%27er:pa%27ss%20word@", 1) + "/video?token=t0k%27en-of-it",
		strings.Replace(secure.URL, "//", "//us%27er:pa%27ss%20word@", 1) + "/video?token=t0k%27en-of-it",
	} {
		s := open(t, name, trusted)
		r := &reader{t: t, s: s, ctx: testContext(t)}
		for range 20 {
			r.next()
		}
		info := s.Info()
		if want := strings.SplitN(name, ":", 2)[0] + "://"; !strings.HasPrefix(info.Input, want) || !info.Live {
			t.Errorf("info: %+v", info)
		}
		if strings.HasPrefix(name, "http") && info.Container != "mpjpeg" {
			t.Errorf("%s is %q", info.Input, info.Container)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		bad := strings.NewReplacer("s3cret", "s3cret-2", "pa%27ss", "pa%27ss-2", "/1", "/2").Replace(name)
		_, err := Open(testContext(t), strings.Replace(bad, "127.0.0.1:", "127.0.0.1:1", 1), Options{Timeout: time.Second})
		if err == nil {
			t.Errorf("a camera that is not there: %s", bad)
		}
		for _, text := range append([]string{info.Input, fmt.Sprint(info), fmt.Sprint(err), fmt.Sprint(s.Warning())}, strings.Split(told(), "\n")...) {
			for _, secret := range hidden {
				if strings.Contains(text, secret) && !strings.HasPrefix(text, "ffmpeg: exec") {
					t.Errorf("%q is in %s", secret, text)
				}
			}
		}
	}
	if text := told(); !strings.Contains(text, "ffprobe ") || !strings.Contains(text, "ffmpeg ") {
		t.Errorf("not looked at: %s", text)
	}
}

// TestShownAddress: what is shown of a name has no secret in it, whatever form it
// has.
func TestShownAddress(t *testing.T) {
	for name, want := range map[string]string{
		"rtsp://u:s3cret@host:554/a/b?token=s3cret#s3cret": "rtsp://host:554/a/b",
		"https://host/clip.mp4?sig=s3cret":                 "https://host/clip.mp4",
		"ftp://u:s3cret@host/a":                            "ftp://host/a",
		"rtsp://u:s3cret%zz@host/a":                        "rtsp://...",
		"rtsp:/u:s3cret@host/a":                            "rtsp://...",
		"HTTP:u:s3cret@host/a":                             "HTTP://...",
		"cache:https://u:s3cret@nas/clip.mkv":              "cache:https://...",
		"file:rtsp://u:s3cret@cam/1":                       "file:rtsp://...",
		"/home/a?b/clip.mp4":                               "/home/a?b/clip.mp4",
		"clip 100%.mp4":                                    "clip 100%.mp4",
	} {
		if got := ShownAddress(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

// TestMessagesHide: a secret is taken out of a message before the message is cut.
func TestMessagesHide(t *testing.T) {
	name := "rtsp://us%40er:p%2Fss-word@camera.invalid/1?token=abcdef0123456789"
	u, err := url.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	for pad := range maxMessageSize {
		m := messages{hide: hideAddress(u, name)}
		m.add([]byte("[error] " + strings.Repeat("x", pad) + " " + name + ": p/ss-word, p%2Fss-word, abcdef0123456789: refused"))
		for _, secret := range []string{"p%2F", "p/ss", "abcdef", "us%40er"} {
			if strings.Contains(m.text(), secret) {
				t.Fatalf("after %d characters: %q", pad, m.text())
			}
		}
	}
}

// tlsFront is a camera's TLS: it takes connections and hands what comes on to addr.
func tlsFront(t *testing.T, addr string) string {
	t.Helper()
	web := httptest.NewTLSServer(http.NotFoundHandler())
	config := web.TLS.Clone()
	web.Close()
	config.NextProtos = nil
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if c.(*tls.Conn).Handshake() != nil {
				_ = c.Close()
				continue
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				_ = c.Close()
				return
			}
			group.Go(func() { _, _ = io.Copy(far, c); _, _ = far.Close(), c.Close() })
			group.Go(func() { _, _ = io.Copy(c, far); _, _ = far.Close(), c.Close() })
		}
	})
	return l.Addr().String()
}

// TestCertificate: nothing is sent to a camera whose certificate nobody vouches
// for, and the certificate that is asked about is the one on each connection.
func TestCertificate(t *testing.T) {
	needFFmpeg(t)
	var got atomic.Int64 // bytes that came through the encryption
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, c)
			got.Add(n)
			_ = c.Close()
		}
	}()
	front := tlsFront(t, l.Addr().String())
	for _, scheme := range []string{"rtsps", "https"} {
		name := scheme + "://user:s3cret@" + front + "/1"
		_, err = Open(testContext(t), name, Options{})
		if !errors.Is(err, ErrCertificate) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "SHA-256") {
			t.Errorf("without anybody to ask: %v", err)
		}
		refused := errors.New("another one than last time")
		asked := ""
		_, err = Open(testContext(t), name, Options{Trust: func(host string, c *x509.Certificate) error { asked = host + Fingerprint(c); return refused }})
		if !errors.Is(err, ErrCertificate) || !errors.Is(err, refused) || !strings.HasPrefix(asked, front) || len(asked) != len(front)+95 {
			t.Errorf("asked %q: %v", asked, err)
		}
	}
	_ = l.Close()
	<-done
	if n := got.Load(); n != 0 {
		t.Errorf("%d bytes were sent", n)
	}
	// A camera that changes its certificate after the first look gets nothing either.
	units := testUnits(t)
	looks := 0
	_, err = Open(testContext(t), "rtsps://user:s3cret@"+tlsFront(t, rtspCamera(t, units, cameraOptions{}))+"/1",
		Options{Timeout: time.Minute, Trust: func(string, *x509.Certificate) error {
			if looks++; looks > 1 {
				return errors.New("changed")
			}
			return nil
		}})
	if err == nil || looks < 2 {
		t.Errorf("after %d looks: %v", looks, err)
	}
}

// TestHTTPRecording: a recording behind an address with a secret comes to a good
// end.
func TestHTTPRecording(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=2", "-pix_fmt", "yuv420p", filepath.Join(dir, "a.mp4"))
	for _, serve := range []func(http.Handler) *httptest.Server{httptest.NewServer, httptest.NewTLSServer} {
		server := serve(http.FileServer(http.Dir(dir)))
		s := open(t, server.URL+"/a.mp4?token=s3cret-token", Options{Trust: func(string, *x509.Certificate) error { return nil }})
		var b pipeline.Buffer
		n := 0
		var err error
		for ; err == nil; n++ {
			err = s.Read(testContext(t), &b)
		}
		if !errors.Is(err, io.EOF) || n != 51 || s.Warning() != nil {
			t.Errorf("%d pictures, then %v, %v", n-1, err, s.Warning())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}
}
