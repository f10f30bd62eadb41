package ffmpeg

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rtspCamera is the smallest server of RTSP (RFC 2326) over one TCP connection
// that plays a list of H.264 access units (RFC 6184, one NAL unit per packet)
// and then ends the connection. It returns the camera's host and port.
func rtspCamera(t *testing.T, units [][][]byte, silent bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if silent {
				// Until the caller goes away.
				_, _ = io.Copy(io.Discard, c)
			} else {
				serveRTSP(c, units)
			}
			_ = c.Close() // the caller may have closed it before
		}
	}()
	return l.Addr().String()
}

// serveRTSP answers one caller until it hangs up or all is played.
func serveRTSP(c net.Conn, units [][][]byte) {
	r := bufio.NewReader(c)
	for {
		method, seq := "", ""
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimSpace(line)
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if v, ok := strings.CutPrefix(line, "CSeq: "); ok {
				seq = v
			}
		}
		head, body := "Session: 1\r\n", ""
		switch method {
		case "DESCRIBE":
			body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n" +
				"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:0\r\n"
			head = fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(body))
		case "SETUP":
			head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
		}
		if _, err := fmt.Fprintf(c, "RTSP/1.0 200 OK\r\nCSeq: %s\r\n%s\r\n%s", seq, head, body); err != nil {
			return
		}
		if method == "PLAY" {
			play(c, units)
			return
		}
	}
}

// play sends the access units, 25 a second by their time stamps.
func play(w io.Writer, units [][][]byte) {
	seq := uint16(0)
	for i, unit := range units {
		for j, nal := range unit {
			seq++
			p := []byte{'$', 0, 0, 0, 0x80, 96}
			binary.BigEndian.PutUint16(p[2:], uint16(12+len(nal)))
			if j == len(unit)-1 {
				p[5] |= 0x80
			}
			p = binary.BigEndian.AppendUint16(p, seq)
			p = binary.BigEndian.AppendUint32(p, uint32(i*3600))
			p = append(append(p, 0, 0, 0, 7), nal...)
			if _, err := w.Write(p); err != nil {
				return
			}
		}
	}
}

// accessUnits splits a stream of Annex B at its delimiters.
func accessUnits(data []byte) (units [][][]byte) {
	for _, nal := range bytes.Split(data, []byte{0, 0, 1}) {
		nal = bytes.TrimRight(nal, "\x00")
		if len(nal) == 0 {
			continue
		}
		if nal[0]&0x1f == 9 {
			units = append(units, nil)
			continue
		}
		units[len(units)-1] = append(units[len(units)-1], nal)
	}
	return units
}

func TestCamera(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "a.h264")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=8", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-x264-params", "aud=1:slices=1:repeat-headers=1", path)
	units := accessUnits(read(t, path))
	if len(units) != 200 {
		t.Fatalf("%d access units", len(units))
	}
	s := open(t, "rtsp://user:secret@"+rtspCamera(t, units, false)+"/1", Options{Timeout: 5 * time.Second})
	info := s.Info()
	if info.Size != image.Pt(128, 96) || !info.Live || info.Codec != "h264" || info.Frames != 0 || strings.Contains(info.Input, "secret") {
		t.Errorf("info: %+v", info)
	}
	r := &reader{t: t, s: s, ctx: testContext(t)}
	last := r.next()
	n := 1
	var err error
	for ; ; n++ {
		if err = s.Read(r.ctx, &r.buf); err != nil {
			break
		}
		if r.buf.Time <= last {
			t.Errorf("picture %d at %v after %v", n, r.buf.Time, last)
		}
		last = r.buf.Time
	}
	// The server does not say where the count of its time stamps begins, which
	// may cost a period at the beginning.
	if missing := time.Duration(n-1)*40*time.Millisecond - last; n < 190 || n > 200 || missing < 0 || missing > 40*time.Millisecond {
		t.Errorf("%d pictures, the last at %v", n, last)
	}
	// A camera has no end, so that it went away is an error.
	var exit *ExitError
	if !errors.As(err, &exit) {
		t.Errorf("at the end: %v", err)
	}
	wantOneLine(t, err, "rtsp://user:xxxxx@127.0.0.1", "stopped")
}

func TestCameraDoesNotAnswer(t *testing.T) {
	needFFmpeg(t)
	begin := time.Now()
	_, err := Open(testContext(t), "rtsp://user:secret@"+rtspCamera(t, nil, true)+"/1", Options{Timeout: time.Second})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("open: %v", err)
	}
	wantOneLine(t, err, "rtsp://user:xxxxx@127.0.0.1")
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("it took %v", d)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err = Open(testContext(t), "rtsp://"+addr+"/1", Options{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("open: %v", err)
	}
	t.Log(err)
}
