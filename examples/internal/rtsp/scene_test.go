package rtsp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

const (
	width, height  = 320, 192
	user, password = "viewer", "p,a ss@w/ord"
	login          = "viewer:p%2Ca%20ss%40w%2Ford"
)

// camera writes frames to a broadcaster, 25 a second, until the test ends: the lower half
// is a bright pattern that moves, the upper half is hidden with one grey.
func camera(t testing.TB) *stream.Broadcaster {
	tick := time.NewTicker(40 * time.Millisecond)
	t.Cleanup(tick.Stop)
	return pacedCamera(t, 1e6, 0, func(ctx context.Context) {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	})
}

// pacedCamera is camera with noise of up to n-1 on the pattern. After each picture it calls
// pace, which returns when it is time for the next.
func pacedCamera(t testing.TB, bitRate, noise int, pace func(context.Context)) *stream.Broadcaster {
	t.Helper()
	h, err := stream.New(stream.Options{BitRate: bitRate})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := redact.ParsePolicy([]byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"hide":"all","fill":"solid"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(policy, image.Pt(width, height), redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
		for n := 0; ctx.Err() == nil; n++ {
			for i := range pic.Y {
				x, y := i%width, i/width
				pic.Y[i] = byte(150 + 60*math.Sin(float64(x+2*n)/19)*math.Cos(float64(y)/11))
				if noise > 0 {
					pic.Y[i] += byte(rand.IntN(noise))
				}
			}
			for i := range pic.Cb {
				pic.Cb[i], pic.Cr[i] = 90, 170
			}
			f, err := r.Redact(pic, redact.Scene{Time: time.Duration(n) * 40 * time.Millisecond})
			if err != nil {
				t.Error(err)
				return
			}
			err = h.Write(ctx, f)
			f.Release()
			switch {
			case errors.Is(err, stream.ErrClosed): // by the test
				return
			case err != nil && ctx.Err() == nil:
				t.Error(err)
			}
			pace(ctx)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func serve(t testing.TB, h *stream.Broadcaster, o Options) *Server {
	t.Helper()
	o.User, o.Password = user, password
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	if o.Auth == "" {
		o.Auth = Basic // what the clients here know
	}
	s, err := New(h, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

func (s *Server) url(login string) string {
	return "rtsp://" + login + "@" + s.Addr().String() + "/hedge"
}

func program(t *testing.T, name, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("needs the program %s (package %s)", name, pkg)
	}
}

// run runs a program for a bounded time and returns what it wrote to standard
// output and to standard error.
func run(t *testing.T, name string, args ...string) (out, complaints []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.Bytes(), e.Bytes(), err
}

// check checks pictures of 4:2:0 as a client decoded them: the upper half is one
// grey, the lower half bright and coloured, and it moves.
func check(t *testing.T, raw []byte, least int) {
	t.Helper()
	const size = width * height * 3 / 2
	if len(raw)%size != 0 || len(raw)/size < least {
		t.Fatalf("%d bytes, %.1f pictures", len(raw), float64(len(raw))/size)
	}
	moves := 0
	for n := 0; n*size < len(raw); n++ {
		pic := raw[n*size : (n+1)*size]
		luma, cb, cr := pic[:width*height], pic[width*height:width*height*5/4], pic[width*height*5/4:]
		grey := int(luma[8*width+8])
		for i, v := range luma[:width*(height/2-4)] {
			if d := int(v) - grey; d < -3 || d > 3 {
				t.Fatalf("picture %d: outside, luma %d at %d,%d beside %d", n, v, i%width, i/width, grey)
			}
		}
		lo, hi := 255, 0
		for _, v := range luma[width*(height/2+8):] {
			lo, hi = min(lo, int(v)), max(hi, int(v))
		}
		// 90 to 210, encoded.
		if lo < 80 || lo > 105 || hi < 195 || hi > 220 {
			t.Errorf("picture %d: inside, luma from %d to %d", n, lo, hi)
		}
		c := (height/2 - 10) * width / 2
		if b, r := cb[c], cr[c]; b < 86 || b > 94 || r < 166 || r > 174 {
			t.Errorf("picture %d: inside, chroma %d %d", n, b, r)
		}
		if c := cb[8*width/2]; c < 126 || c > 130 {
			t.Errorf("picture %d: outside, chroma %d", n, c)
		}
		if n > 0 && !bytes.Equal(luma, raw[(n-1)*size:(n-1)*size+width*height]) {
			moves++
		}
	}
	if moves < least/2 {
		t.Errorf("only %d pictures differ from the one before", moves)
	}
}

// ask sends one request and returns the status line and the rest of the answer.
func ask(t *testing.T, s *Server, request string) (status, rest string) {
	t.Helper()
	c := dial(t, s)
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	status, err := r.ReadString('\n')
	if err != nil {
		return status, ""
	}
	size := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil || strings.TrimSpace(line) == "" {
			break
		}
		rest += line
		if _, err := fmt.Sscanf(line, "Content-Length: %d", &size); err == nil {
			continue
		}
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(status), rest + string(body)
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// play begins to play over TCP. What comes is to be read from the reader.
// packet returns the next RTP packet of interleaved RTSP.
func packet(r io.Reader) ([]byte, error) {
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(r, head); err != nil {
			return nil, err
		}
		data := make([]byte, binary.BigEndian.Uint16(head[2:]))
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, err
		}
		if head[0] == '$' && head[1] == 0 { // not RTCP
			return data, nil
		}
	}
}

func play(t *testing.T, s *Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	c := dial(t, s)
	const auth = "Authorization: Basic dmlld2VyOnAsYSBzc0B3L29yZA==\r\n"
	r := bufio.NewReader(c)
	session := ""
	for i, request := range []string{
		"SETUP rtsp://%s/hedge/trackID=0 RTSP/1.0\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
		"PLAY rtsp://%s/hedge/ RTSP/1.0\r\nRange: npt=0.000-\r\n",
	} {
		request = fmt.Sprintf(request, s.Addr()) + auth + fmt.Sprintf("CSeq: %d\r\n", i+1) + session + "\r\n"
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		status, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "RTSP/1.0 200 ") {
			t.Fatalf("%q: %q %v", request, status, err)
		}
		for line := status; strings.TrimSpace(line) != ""; {
			if line, err = r.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if id, ok := strings.CutPrefix(line, "Session: "); ok {
				id, _, _ = strings.Cut(strings.TrimSpace(id), ";")
				session = "Session: " + id + "\r\n"
			}
		}
	}
	return c, r
}
