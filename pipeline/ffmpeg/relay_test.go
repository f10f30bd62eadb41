package ffmpeg

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// trusting are options for a camera whose certificate nobody has signed.
var trusting = Options{Timeout: 5 * time.Second, Trust: func(string, *x509.Certificate) error { return nil }}

// TestRelayLeavesNothing: of a camera that could not be opened no connection stays.
func TestRelayLeavesNothing(t *testing.T) {
	needFFmpeg(t)
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	changed := make(chan struct{}, 1)
	camera := httptest.NewUnstartedServer(http.NotFoundHandler())
	camera.Config.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if open[c] = true; s == http.StateClosed {
			delete(open, c)
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	camera.StartTLS()
	t.Cleanup(camera.Close)
	for range 5 {
		if s, err := Open(testContext(t), camera.URL+"/video", trusting); err == nil {
			_ = s.Close()
			t.Error("opened")
		}
	}
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for {
		mu.Lock()
		n := len(open)
		mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%d connections are open", n)
		}
	}
}

// TestRedirect: a camera over TLS cannot send ffmpeg elsewhere.
func TestRedirect(t *testing.T) {
	needFFmpeg(t)
	// One connection at a time: the camera's, and those to where it sends.
	listen := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
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
				serve(c)
				_ = c.Close()
			}
		})
		return l.Addr().String()
	}
	went := make(chan struct{}, 100)
	elsewhere := listen(func(net.Conn) { went <- struct{}{} })
	asked := make(chan struct{}, 100)
	camera := listen(func(c net.Conn) {
		r := bufio.NewReader(c)
		for seq := 1; ; seq++ {
			method, err := r.ReadString('\n')
			for line := method; strings.TrimSpace(line) != ""; {
				line, err = r.ReadString('\n')
			}
			if err != nil {
				return
			}
			answer := "RTSP/1.0 200 OK\r\nCSeq: %d\r\n\r\n"
			if strings.HasPrefix(method, "DESCRIBE") {
				asked <- struct{}{}
				answer = "RTSP/1.0 302 Found\r\nCSeq: %d\r\nLocation: rtsp://" + elsewhere + "/1\r\n\r\n"
			}
			if _, err := fmt.Fprintf(c, answer, seq); err != nil {
				return
			}
		}
	})
	s, err := Open(testContext(t), "rtsps://user:s3cret@"+tlsFront(t, camera)+"/1", trusting)
	if err == nil {
		_ = s.Close()
		t.Fatal("opened")
	}
	wantOneLine(t, err, "another address")
	if len(asked) == 0 || len(went) > 0 {
		t.Errorf("the camera was asked %d times, and sent ffmpeg elsewhere %d times: %v", len(asked), len(went), err)
	}
}

// TestReplies: whatever the pieces in which it comes, all is passed on unchanged up to an
// answer that sends elsewhere, and nothing of that one's end.
func TestReplies(t *testing.T) {
	const (
		fine  = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
		found = "RTSP/1.0 302 Found\r\nLocation: rtsp://other/\r\n\r\n"
		frame = "$\x00\x00\x05\r\n\r\n$"
		asks  = "OPTIONS * RTSP/1.0\r\nCSeq: 302\r\n\r\n"
	)
	body := "RTSP/1.0 200 OK\r\ncontent-length: " + fmt.Sprint(len(found)+1) + "\r\n\r\n$" + found
	long := "RTSP/1.0 401 " + strings.Repeat("x", 10000) + "\r\n\r\n"
	for _, whole := range []string{
		fine, body, frame, asks, long, fine + body + fine, fine + frame + frame + asks + fine, long + frame + body,
		"RTSP/1.0 200 OK\n" + frame + "Content-Length: 2\n\n$$" + fine, "\r\n" + fine, "Content-Length: 9\r\n\r\n" + fine,
		"RTSP/1.0 200 OK\r\nContent-Length: -9\r\n\r\n" + fine, "RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n" + fine,
	} {
		for _, size := range []int{1, 2, 3, 7, 100, len(whole)} {
			var got bytes.Buffer
			if err := pieces(&replies{to: &got}, whole, size); err != nil || got.String() != whole {
				t.Errorf("%.60q in pieces of %d becomes %.60q, %v", whole, size, got.String(), err)
			}
			for _, away := range []string{found, "RTSP/1.0\t+301 \n\n", " RTSP/2.0 0307 x\r\n\r\n", "RTSP/1.0 3O2 x\r\n\r\n"} {
				got.Reset()
				err := pieces(&replies{to: &got}, whole+away+fine, size)
				if !errors.Is(err, errRedirect) || !strings.HasPrefix(whole+strings.SplitAfter(away, "\n")[0], got.String()) {
					t.Errorf("%.60q and %q in pieces of %d becomes %.60q, %v", whole, away, size, got.String(), err)
				}
			}
		}
	}
}

// TestRepliesLength: a length that ffmpeg reads as none hides no answer that sends elsewhere.
func TestRepliesLength(t *testing.T) {
	for _, length := range []string{"0x40", "4294967296", "99999999999999999999", "-64", "0_64", "x"} {
		var got bytes.Buffer
		err := pieces(&replies{to: &got}, "RTSP/1.0 200 OK\r\nContent-Length: "+length+"\r\n\r\nRTSP/1.0 302 Found\r\nLocation: rtsp://other/\r\n\r\n", 1)
		if !errors.Is(err, errRedirect) || strings.Contains(got.String(), "Location") {
			t.Errorf("%s: %q, %v", length, got.String(), err)
		}
	}
}

// pieces writes text in pieces of a size, at most.
func pieces(w io.Writer, text string, size int) error {
	for len(text) > 0 {
		n := min(size, len(text))
		if _, err := io.WriteString(w, text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}
