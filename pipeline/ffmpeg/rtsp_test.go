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
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/internal/closedport"
	"github.com/hedgecam/hedge/pipeline"
)

// cameraOptions say what is odd about a camera.
type cameraOptions struct {
	silent bool               // it never answers
	udp    bool               // it refuses to send over the connection
	stamp  func(i int) uint32 // nil: steady
	wait   time.Duration      // before each access unit
}

// rtspCamera is the smallest server of RTSP (RFC 2326) that plays a list of H.264
// access units (RFC 6184, one NAL unit per packet) over the connection, or, if
// that is all it knows, over UDP, and then ends the connection. It returns the
// camera's host and port.
func rtspCamera(t *testing.T, units [][][]byte, o cameraOptions) string {
	t.Helper()
	if o.stamp == nil {
		o.stamp = steady
	}
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
			if o.silent {
				// Until the caller goes away.
				_, _ = io.Copy(io.Discard, c)
			} else {
				serveRTSP(c, units, o)
			}
			_ = c.Close() // the caller may have closed it before
		}
	}()
	return l.Addr().String()
}

// serveRTSP answers one caller until it hangs up or all is played.
func serveRTSP(c net.Conn, units [][][]byte, o cameraOptions) {
	r := bufio.NewReader(c)
	port := ""
	for {
		method, seq, transport := "", "", ""
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
			if v, ok := strings.CutPrefix(line, "Transport: "); ok {
				transport = v
			}
		}
		status, head, body := "200 OK", "Session: 1\r\n", ""
		switch method {
		case "DESCRIBE":
			body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n" +
				"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:0\r\n"
			head = fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n", len(body))
		case "SETUP":
			_, ports, _ := strings.Cut(transport, "client_port=")
			port, _, _ = strings.Cut(ports, "-")
			switch {
			case !o.udp:
				head += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
			case port == "":
				status = "461 Unsupported Transport"
			default:
				head += fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%s;server_port=6970-6971\r\n", ports)
			}
		}
		if _, err := fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n%s\r\n%s", status, seq, head, body); err != nil {
			return
		}
		if method != "PLAY" {
			continue
		}
		if !o.udp {
			play(c, units, o.stamp, o.wait)
			return
		}
		if to, err := net.Dial("udp", "127.0.0.1:"+port); err == nil {
			play(&datagrams{to}, units, o.stamp, o.wait)
			_ = to.Close() // nothing is lost that was not before
		}
		return
	}
}

// steady are time stamps of 25 access units a second, in units of 1/90000 s.
func steady(i int) uint32 { return uint32(i) * 3600 }

// play sends the access units, with time stamps of their own, and between two of
// them waits.
func play(w io.Writer, units [][][]byte, stamp func(i int) uint32, wait time.Duration) {
	seq := uint16(0)
	for i, unit := range units {
		time.Sleep(wait) //nolint:forbidigo // the pace of the camera
		for j, nal := range unit {
			seq++
			p := []byte{'$', 0, 0, 0, 0x80, 96}
			binary.BigEndian.PutUint16(p[2:], uint16(12+len(nal)))
			if j == len(unit)-1 {
				p[5] |= 0x80
			}
			p = binary.BigEndian.AppendUint16(p, seq)
			p = binary.BigEndian.AppendUint32(p, stamp(i))
			p = append(append(p, 0, 0, 0, 7), nal...)
			if _, err := w.Write(p); err != nil {
				return
			}
		}
	}
}

// datagrams sends what play writes over UDP, not faster than it can be read.
type datagrams struct{ to net.Conn }

func (d *datagrams) Write(p []byte) (int, error) {
	time.Sleep(time.Millisecond) //nolint:forbidigo // the pace of the camera
	// The address may be known before the port is open.
	_, _ = d.to.Write(p[4:])
	return len(p), nil
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
	s := open(t, "rtsp://user:secret@"+rtspCamera(t, units, cameraOptions{})+"/1", Options{Timeout: 5 * time.Second})
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
	wantOneLine(t, err, "rtsp://127.0.0.1", "stopped")
}

// TestCameraUDP: a camera that refuses TCP is read over UDP.
func TestCameraUDP(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "a.h264")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=60", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-x264-params", "aud=1:slices=1:repeat-headers=1:slice-max-size=1300", path)
	s := open(t, "rtsp://"+rtspCamera(t, accessUnits(read(t, path)), cameraOptions{udp: true})+"/1", Options{Timeout: 5 * time.Second})
	ctx, b := testContext(t), pipeline.Buffer{}
	for n := 0; n < 20; {
		// A busy machine may lose datagrams.
		switch err := s.Read(ctx, &b); {
		case err == nil:
			n++
		case !errors.Is(err, pipeline.ErrPicture):
			t.Fatal(err)
		}
	}
	if info := s.Info(); info.Size != image.Pt(128, 96) || !info.Live {
		t.Errorf("info: %+v", info)
	}
}

// TestCameraStamps: whatever the time stamps of a camera are, its pictures come, at
// a limit a little above its rate.
func TestCameraStamps(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "a.h264")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=8", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-x264-params", "aud=1:slices=1:repeat-headers=1", path)
	units := accessUnits(read(t, path))
	for name, stamp := range map[string]func(i int) uint32{
		"stand still": func(int) uint32 { return 5000 },
		"far now and then": func(i int) uint32 {
			if i%30 == 29 {
				return steady(i) + 90000*3600
			}
			return steady(i)
		},
		"far back":                    func(i int) uint32 { return steady(i) - uint32(i/60)*90000*600 + 90000*3600 },
		"whole milliseconds of 29.97": func(i int) uint32 { return uint32(i*1001/30) * 90 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := rtspCamera(t, units, cameraOptions{stamp: stamp, wait: 40 * time.Millisecond})
			s := open(t, "rtsp://"+addr+"/1", Options{Timeout: 5 * time.Second, MaxRate: 30})
			ctx, b, n := testContext(t), pipeline.Buffer{}, 0
			for s.Read(ctx, &b) == nil {
				n++
			}
			// Where no stamp tells it the rate ffmpeg listens for seconds, and of
			// what then comes at once the limit passes three seconds' worth.
			if n < 150 {
				t.Errorf("%d pictures of %d", n, len(units))
			}
		})
	}
}

// TestCameraJPEG: pictures without time stamps, over HTTP, have the times at which
// they come.
func TestCameraJPEG(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=4", "-q:v", "5", filepath.Join(dir, "%03d.jpg"))
	for kind, part := range map[string]string{
		"multipart/x-mixed-replace; boundary=frame":   "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n",
		"multipart/x-mixed-replace;boundary=--myline": "--myline\r\nContent-type: image/jpeg\r\nContent-length: %d\r\n\r\n",
		"video/x-motion-jpeg":                         "",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			camera := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				tick := time.NewTicker(100 * time.Millisecond)
				defer tick.Stop()
				for i := 1; ; i++ {
					data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%03d.jpg", (i-1)%100+1)))
					if err != nil {
						t.Error(err)
						return
					}
					head := ""
					if part != "" {
						head, data = fmt.Sprintf(part, len(data)), append(data, "\r\n"...)
					}
					if _, err := w.Write(append([]byte(head), data...)); err != nil {
						return
					}
					w.(http.Flusher).Flush()
					select {
					case <-tick.C:
					case <-r.Context().Done():
						return
					}
				}
			}))
			t.Cleanup(camera.Close)
			// The second is told to ffmpeg in another way.
			for _, path := range []string{"/video", "/video?token=s3cret"} {
				s := open(t, camera.URL+path, Options{Timeout: 5 * time.Second, MaxRate: 30})
				r := &reader{t: t, s: s, ctx: testContext(t)}
				first, begin := r.next(), time.Now()
				for range 20 {
					r.next()
				}
				// Taken for 25 a second these would be 0.8 s.
				if took, told := time.Since(begin), r.buf.Time-first; told < took*3/4 && told < 1600*time.Millisecond {
					t.Errorf("%s: 20 pictures in %v by their stamps, in %v by the clock", path, told, took)
				}
				if info := s.Info(); info.Size != image.Pt(128, 96) || !info.Live {
					t.Errorf("%s: info: %+v", path, info)
				}
			}
		})
	}
}

// TestCameraKnown: a camera that is known is not asked what it sends, unless it
// sends something else now.
func TestCameraKnown(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "a.h264")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=8", "-pix_fmt", "yuv420p", "-g", "25", "-bf", "0", "-colorspace", "bt709", "-x264-params", "aud=1:slices=1:repeat-headers=1", path)
	addr := "rtsp://" + rtspCamera(t, accessUnits(read(t, path)), cameraOptions{}) + "/1"
	first := open(t, addr, Options{Timeout: 5 * time.Second})
	info := first.Info()
	full, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	// Without ffprobe nothing can be asked.
	dir := t.TempDir()
	if err := os.Symlink(full, filepath.Join(dir, "ffmpeg")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	again := open(t, addr, Options{Timeout: 5 * time.Second, Known: &info})
	if got := again.Info(); got.Size != info.Size || got.Color != info.Color || got.Codec != info.Codec || !got.Live {
		t.Errorf("%+v, before %+v", got, info)
	}
	r := &reader{t: t, s: again, ctx: testContext(t)}
	for range 10 {
		r.next()
	}
	other := info
	other.Size = image.Pt(64, 48)
	if _, err := Open(testContext(t), addr, Options{Timeout: 5 * time.Second, Known: &other}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("a camera that sends another size: %v, want it to be asked again", err)
	}
}

func TestCameraDoesNotAnswer(t *testing.T) {
	needFFmpeg(t)
	begin := time.Now()
	_, err := Open(testContext(t), "rtsp://user:secret@"+rtspCamera(t, nil, cameraOptions{silent: true})+"/1", Options{Timeout: time.Second})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("open: %v", err)
	}
	wantOneLine(t, err, "rtsp://127.0.0.1")
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("it took %v", d)
	}
	if _, err = Open(testContext(t), "rtsp://"+closedport.Hold(t)+"/1", Options{}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("open: %v", err)
	}
	t.Log(err)
}
