package rtsp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestFFmpeg: ffmpeg decodes the redacted picture over TCP and UDP, without one
// line of complaint, from the first picture on; and again, when the description
// already has the parameter sets.
func TestFFmpeg(t *testing.T) {
	program(t, "ffmpeg", "ffmpeg")
	s := serve(t, camera(t), Options{})
	for _, transport := range []string{"tcp", "udp", "tcp"} {
		out, complaints, err := run(t, "ffmpeg", "-nostdin", "-v", "warning", "-rtsp_transport", transport, "-i", s.url(login),
			"-t", "2", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
		if err != nil || len(complaints) > 0 {
			t.Errorf("%s: %v: %s", transport, err, complaints)
		}
		check(t, out, 30)
	}
	if s.sps == nil || s.pps == nil {
		t.Error("no parameter sets for descriptions")
	}
	wait(t, "viewers to leave", func() bool { return s.Viewers() == 0 && s.broadcaster.Stats().Subscribers == 0 })
}

// TestGStreamer: the same with GStreamer.
func TestGStreamer(t *testing.T) {
	program(t, "gst-launch-1.0", "gstreamer1.0-tools, with gstreamer1.0-plugins-good and gstreamer1.0-libav")
	s := serve(t, camera(t), Options{})
	for _, transport := range []string{"tcp", "udp"} {
		file := filepath.Join(t.TempDir(), "out.yuv")
		// Of the 100 ms that it gives its TEARDOWN otherwise, a busy machine needs more: it then
		// sends a second one to a connection that the first has closed, and fails.
		_, complaints, err := run(t, "gst-launch-1.0", "-q", "rtspsrc", "location=rtsp://"+s.Addr().String()+"/hedge", "user-id="+user, "user-pw="+password,
			"protocols="+transport, "latency=100", "teardown-timeout=20000000000", "!", "rtph264depay", "!", "h264parse", "!", "avdec_h264", "!", "videoconvert", "!",
			"video/x-raw,format=I420", "!", "identity", "eos-after=40", "!", "filesink", "location="+file)
		if err != nil || bytes.Contains(complaints, []byte("ERROR")) {
			t.Fatalf("%s: %v: %s", transport, err, complaints)
		}
		out, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(t, out, 35)
	}
}

// TestWrongPassword: 401, for Basic and Digest, and nothing is told.
func TestWrongPassword(t *testing.T) {
	program(t, "ffmpeg", "ffmpeg")
	s := serve(t, camera(t), Options{Auth: Basic})
	var wg sync.WaitGroup
	for _, wrong := range []string{"viewer:wrong", "other:p%2Ca%20ss%40w%2Ford", "viewer:"} {
		wg.Go(func() {
			_, complaints, err := run(t, "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", s.url(wrong), "-t", "1", "-f", "null", "-")
			if err == nil || !bytes.Contains(complaints, []byte(" 401 ")) {
				t.Errorf("%s: %v: %s", wrong, err, complaints)
			}
		})
	}
	wg.Wait()
	for _, request := range []string{
		"DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"DESCRIBE rtsp://%s/other RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"SETUP rtsp://%s/hedge/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
		"DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic dmlld2VyOndyb25n\r\n\r\n",
	} {
		status, body := ask(t, s, fmt.Sprintf(request, s.Addr()))
		if !strings.HasPrefix(status, "RTSP/1.0 401 ") || strings.Contains(body, "m=video") {
			t.Errorf("%q: %s %s", request, status, body)
		}
	}
	for _, request := range []string{
		"PLAY rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nSession: 1\r\n\r\n",
		"ANNOUNCE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"RECORD rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nSession: 1\r\n\r\n",
		// dmlld2VyOnAsYSBzc0B3L29yZA== is the right one.
		"DESCRIBE rtsp://%s/other RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic dmlld2VyOnAsYSBzc0B3L29yZA==\r\n\r\n",
	} {
		if status, _ := ask(t, s, fmt.Sprintf(request, s.Addr())); strings.HasPrefix(status, "RTSP/1.0 2") {
			t.Errorf("%q: %s", request, status)
		}
	}
	if status, body := ask(t, s, fmt.Sprintf("DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic dmlld2VyOnAsYSBzc0B3L29yZA==\r\n\r\n", s.Addr())); !strings.HasPrefix(status, "RTSP/1.0 200 ") || !strings.Contains(body, "m=video") || strings.Contains(body, "m=audio") {
		t.Errorf("right: %s %s", status, body)
	}
}

// TestAuth: without a word from the owner nothing weaker than SHA-256 is offered or
// taken, not even with the right password.
func TestAuth(t *testing.T) {
	basic := "DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic dmlld2VyOnAsYSBzc0B3L29yZA==\r\n\r\n"
	for a, want := range map[Auth]string{SHA256: "401", MD5: "401", Basic: "200"} {
		s := serve(t, camera(t), Options{Auth: a})
		if status, _ := ask(t, s, fmt.Sprintf(basic, s.Addr())); !strings.HasPrefix(status, "RTSP/1.0 "+want) {
			t.Errorf("%s: the right password by Basic: %s", a, status)
		}
		_, head := ask(t, s, fmt.Sprintf("DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\n\r\n", s.Addr()))
		if strings.Contains(head, "MD5") != (a != SHA256) || strings.Contains(head, "Basic") != (a == Basic) || !strings.Contains(head, "SHA-256") {
			t.Errorf("%s offers %s", a, head)
		}
	}
	if _, err := New(camera(t), Options{Address: "127.0.0.1:0", User: user, Password: password, Auth: "none"}); !errors.Is(err, ErrOptions) {
		t.Error(err)
	}
}

// TestGuessing: an address that has tried too many passwords is refused, with the
// right one too, and each of its tries was told of.
func TestGuessing(t *testing.T) {
	var told atomic.Int64
	s := serve(t, camera(t), Options{Auth: Basic, OnRefused: func(client string) {
		if client == "127.0.0.1" {
			told.Add(1)
		}
	}})
	wrong := fmt.Sprintf("DESCRIBE rtsp://%s/hedge RTSP/1.0\r\nCSeq: 1\r\nAuthorization: Basic dmlld2VyOndyb25n\r\n\r\n", s.Addr())
	if status, _ := ask(t, s, wrong); !strings.HasPrefix(status, "RTSP/1.0 401 ") || told.Load() != 1 {
		t.Errorf("%s, told of %d tries", status, told.Load())
	}
	right := strings.Replace(wrong, "dmlld2VyOndyb25n", "dmlld2VyOnAsYSBzc0B3L29yZA==", 1)
	for range 1000 {
		// One more is allowed every second, which may have been between.
		for s.wrong.Allow("127.0.0.1") {
		}
		if status, body := ask(t, s, right); !strings.HasPrefix(status, "RTSP/1.0 200 ") && !strings.Contains(body, "m=video") {
			return
		}
	}
	t.Error("the right password was never refused")
}

// TestSlowViewer: a viewer who does not read loses pictures up to a key frame
// and delays nobody.
func TestSlowViewer(t *testing.T) {
	// The camera waits for the one who reads: nothing here counts on how fast that is.
	var pictures, gaps atomic.Int64
	came := make(chan struct{}, 1) // a picture
	turn := int64(0)               // after so many the next one is made; 0: none has come yet
	h := pacedCamera(t, 5e6, 90, func(ctx context.Context) {
		if turn == 0 {
			select {
			case <-came:
				turn = pictures.Load()
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
			return
		}
		for turn++; pictures.Load() < turn; {
			select {
			case <-came:
			case <-ctx.Done():
				return
			}
		}
	})
	s := serve(t, h, Options{queue: 128})
	other := h.Subscribe(5000)
	c, r := play(t, s)
	defer func() { _ = c.Close() }()
	quick, quickReader := play(t, s)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for last := -1; ; {
			p, err := packet(quickReader)
			if err != nil {
				return
			}
			seq := int(binary.BigEndian.Uint16(p[2:]))
			if last >= 0 && seq != (last+1)&0xffff {
				gaps.Add(1)
			}
			if last = seq; p[1]&0x80 != 0 { // the marker: the last packet of a picture
				pictures.Add(1)
				select {
				case came <- struct{}{}:
				default:
				}
			}
		}
	}()
	defer func() {
		_ = quick.Close()
		<-read
	}()
	wait(t, "more than the queues hold", func() bool { return s.Lost() > 0 })
	n := pictures.Load()
	wait(t, "pictures for the one who reads", func() bool { return pictures.Load() >= n+25 })

	// Now the other one reads, up to the gap and the first packet behind it.
	for last := -1; ; {
		p, err := packet(r)
		if err != nil {
			t.Fatal(err)
		}
		seq := int(binary.BigEndian.Uint16(p[2:]))
		if last >= 0 && seq != (last+1)&0xffff {
			// STAP-A (RFC 6184, 5.7.1), first of all with the sequence parameter set.
			if p[12]&0x1f != 24 || p[15]&0x1f != 7 {
				t.Errorf("behind the gap: % x", p[:20])
			}
			break
		}
		last = seq
	}
	if gaps.Load() > 0 {
		t.Errorf("the one who reads has %d gaps in %d pictures", gaps.Load(), pictures.Load())
	}
	other.Close()
	if other.Lost() != 0 {
		t.Errorf("another subscription lost %d units", other.Lost())
	}
}

// TestIdle: a thousand connections that say nothing keep no viewer out, and only
// a bounded number of them stays.
func TestIdle(t *testing.T) {
	program(t, "ffmpeg", "ffmpeg")
	s := serve(t, camera(t), Options{MaxConns: 32})
	first, firstReader := play(t, s)
	defer func() { _ = first.Close() }()
	for range 1000 {
		c, err := net.Dial("tcp", s.Addr().String())
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	out, complaints, err := run(t, "ffmpeg", "-nostdin", "-v", "warning", "-rtsp_transport", "tcp", "-i", s.url(login),
		"-t", "1", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
	if err != nil || len(complaints) > 0 {
		t.Errorf("%v: %s", err, complaints)
	}
	check(t, out, 15)
	s.gate.mu.Lock()
	connections, unauthenticated := s.gate.connections, s.gate.unauthenticated.Len()
	s.gate.mu.Unlock()
	if connections > 32 || unauthenticated > connections-1 {
		t.Errorf("%d connections, %d unauthenticated", connections, unauthenticated)
	}
	// Who gave the password stays.
	buf := make([]byte, 4)
	if _, err := io.ReadFull(firstReader, buf); err != nil || buf[0] != '$' {
		t.Errorf("the first viewer: %q, %v", buf, err)
	}
}

// TestGateFull: when all have given the password nobody new is let in.
func TestGateFull(t *testing.T) {
	s := serve(t, camera(t), Options{MaxConns: 2})
	for range 2 {
		c, _ := play(t, s)
		t.Cleanup(func() { _ = c.Close() })
	}
	c := dial(t, s)
	defer func() { _ = c.Close() }()
	if n, err := c.Read(make([]byte, 1)); err == nil || n > 0 {
		t.Error("a third was let in")
	}
	if s.Viewers() != 2 {
		t.Errorf("%d viewers", s.Viewers())
	}
}

// TestClosed: Close ends viewers, and the end of the broadcaster does too.
func TestClosed(t *testing.T) {
	h := camera(t)
	for _, end := range []func(*Server){
		func(s *Server) {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		},
		func(s *Server) {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		},
	} {
		s := serve(t, h, Options{})
		c, _ := play(t, s)
		end(s)
		if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Error(err)
		}
		wait(t, "viewer to leave", func() bool { return s.Viewers() == 0 })
		_ = c.Close()
	}
}

func TestPortTaken(t *testing.T) {
	h := camera(t)
	s := serve(t, h, Options{})
	_, err := New(h, Options{Address: s.Addr().String(), User: user, Password: password})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "choose another port") || !strings.Contains(err.Error(), s.Addr().String()) {
		t.Errorf("%v", err)
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = u.Close() }()
	port := u.LocalAddr().(*net.UDPAddr).Port &^ 1
	if _, err := New(h, Options{Address: "127.0.0.1:0", UDPPort: port, User: user, Password: password}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("UDP: %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	h := camera(t)
	for _, tt := range []struct {
		o    Options
		want error
	}{
		{Options{}, ErrCredentials},
		{Options{User: "a"}, ErrCredentials},
		{Options{Password: "a"}, ErrCredentials},
		{Options{User: "a:b", Password: "c"}, ErrCredentials},
		{Options{User: "a", Password: "b:c"}, ErrCredentials},
		{Options{Address: "0.0.0.0:0", User: "a", Password: "1234567"}, ErrCredentials},
		{Options{Address: ":0", User: "a", Password: "1234567"}, ErrCredentials},
		{Options{Address: "[::]:0", User: "a", Password: "1234567"}, ErrCredentials},
		{Options{Address: "example:0", User: "a", Password: "1234567"}, ErrCredentials},
		{Options{Address: "1", User: "a", Password: "b"}, ErrOptions},
		{Options{Path: "/a", User: "a", Password: "b"}, ErrOptions},
		{Options{UDPPort: 8001, User: "a", Password: "b"}, ErrOptions},
		{Options{MaxConns: -1, User: "a", Password: "b"}, ErrOptions},
	} {
		if _, err := New(h, tt.o); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
}

// TestFlushed: pictures that wait for a viewer over TCP go with its connection when
// the broadcaster throws them away; who comes again is served.
func TestFlushed(t *testing.T) {
	h := camera(t)
	s := serve(t, h, Options{})
	for range 2 {
		c, _ := play(t, s)
		wait(t, "the viewer", func() bool { return s.Viewers() == 1 })
		h.Flush()
		wait(t, "the end", func() bool { return s.Viewers() == 0 })
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("not closed: %v", err)
		}
		_ = c.Close()
	}
}
