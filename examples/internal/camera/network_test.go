package camera

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/internal/closedport"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func needFFmpeg(t *testing.T) {
	t.Helper()
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs the program %s (package ffmpeg)", name)
		}
	}
}

// networkCamera is an RTSP camera on a port of its own: 25 pictures per second,
// the upper half grey, the lower half bright.
type networkCamera struct {
	t           *testing.T
	broadcaster *stream.Broadcaster
	server      *rtsp.Server
	addr        string
	large       atomic.Bool // 320x192 instead of 160x96
	mute        atomic.Bool
}

func newNetworkCamera(t *testing.T) *networkCamera {
	t.Helper()
	needFFmpeg(t)
	broadcaster, err := stream.New(stream.Options{KeyInterval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c := &networkCamera{t: t, broadcaster: broadcaster, addr: closedport.Hold(t)}
	c.on()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.film(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		c.off()
		if err := broadcaster.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *networkCamera) film(ctx context.Context) {
	policy, err := redact.ParsePolicy([]byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"hide":"all","fill":"solid"}}`))
	if err != nil {
		c.t.Error(err)
		return
	}
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		size := image.Pt(160, 96)
		if c.large.Load() {
			size = image.Pt(320, 192)
		}
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for i := range pic.Y {
			pic.Y[i] = byte(200 + (i+n)%size.X/16)
		}
		for i := range pic.Cb {
			pic.Cb[i], pic.Cr[i] = 100, 160
		}
		r, err := redact.New(policy, size, redact.DefaultOptions())
		if err != nil {
			c.t.Error(err)
			return
		}
		f, err := r.Redact(pic, redact.Scene{Time: time.Duration(n) * 40 * time.Millisecond})
		if err != nil {
			c.t.Error(err)
			return
		}
		if !c.mute.Load() {
			if err := c.broadcaster.Write(ctx, f); err != nil && ctx.Err() == nil {
				c.t.Error(err)
			}
		}
		f.Release()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *networkCamera) on() {
	c.t.Helper()
	s, err := rtsp.New(c.broadcaster, rtsp.Options{Address: c.addr, UDPPort: -1, User: "admin", Password: "s3cret", Auth: rtsp.MD5})
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = s
}

func (c *networkCamera) off() {
	c.t.Helper()
	if err := c.server.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *networkCamera) open(password string) *Source {
	c.t.Helper()
	s, err := Open("rtsp://admin:"+password+"@"+c.addr+"/hedge", Options{Timeout: 1500 * time.Millisecond})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			c.t.Error(err)
		}
	})
	return s
}

// reader reads pictures of a network camera and checks each.
type reader struct {
	t    *testing.T
	s    *Source
	b    pipeline.Buffer
	last time.Duration
	n    int
	lost uint64 // how often the camera was, when it was broken
}

// next reads a picture and returns its native size, zero if it was not scaled.
func (r *reader) next() image.Point {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	for {
		err := r.s.Read(ctx, &r.b)
		if errors.Is(err, pipeline.ErrPicture) {
			continue
		}
		if err != nil {
			r.t.Fatalf("picture %d: %v; %v", r.n, err, r.s.State())
		}
		break
	}
	if r.n > 0 && r.b.Time <= r.last {
		r.t.Errorf("picture %d: %v after %v", r.n, r.b.Time, r.last)
	}
	r.last = r.b.Time
	r.n++
	if st := r.s.State(); !st.Connected {
		r.t.Errorf("%+v", st)
	}
	return r.b.Native
}

// check compares samples of the newest picture.
func (r *reader) check(w, h int) {
	r.t.Helper()
	pic := r.b.Resize(w, h)
	if up, down, cb := int(pic.YCbCrAt(w/2, h/4).Y), int(pic.YCbCrAt(w/2, h*3/4).Y), int(pic.YCbCrAt(w/2, h*3/4).Cb); up < 100 || up > 150 || down < 190 || down > 225 || cb < 95 || cb > 105 {
		r.t.Errorf("luma %d above and %d below, chroma %d", up, down, cb)
	}
}

// background reads on until the first picture after the camera was lost, for
// which the function returned waits.
func (r *reader) background() (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b pipeline.Buffer
		for {
			err := r.s.Read(context.Background(), &b)
			if errors.Is(err, pipeline.ErrPicture) {
				continue
			}
			if err != nil {
				r.t.Errorf("read: %v", err)
				break
			}
			// What was under way when the camera went comes at once.
			if r.s.State().Lost > r.lost {
				break
			}
		}
	}()
	return func() { <-done }
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// recovers breaks a camera, waits until it is lost, mends it and checks that pictures come.
func recovers(t *testing.T, c *networkCamera, s *Source, breakIt, mend func()) {
	t.Helper()
	r := &reader{t: t, s: s}
	for range 5 {
		r.next()
	}
	r.check(160, 96)
	r.lost = s.State().Lost // a busy machine may have stood still for as long as a camera may not
	breakIt()
	back := r.background()
	waitFor(t, "the loss", func() bool { return !s.State().Connected })
	st := s.State()
	if st.Lost <= r.lost || strings.Contains(st.String(), "s3cret") || !strings.Contains(st.String(), c.addr) {
		t.Errorf("%v", st)
	}
	// For a while, so that attempts to come back fail.
	waitFor(t, "an attempt", func() bool { return time.Since(st.Since) > 1200*time.Millisecond })
	mend()
	begin := time.Now()
	back()
	t.Logf("%v; back after %v", st, time.Since(begin).Round(10*time.Millisecond))
	r.next()
	r.check(160, 96)
}

// TestCameraStops: the camera is switched off and on.
func TestCameraStops(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	recovers(t, c, c.open("s3cret"), c.off, c.on)
}

// TestCameraStalls: the camera stays connected and sends nothing.
func TestCameraStalls(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	recovers(t, c, c.open("s3cret"), func() { c.mute.Store(true) }, func() { c.mute.Store(false) })
}

// TestCameraHalted: the program that reads the camera is halted by a signal. No
// silence has to be waited for: it is ended and started again.
func TestCameraHalted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells that a program is halted")
	}
	c := newNetworkCamera(t)
	s, err := Open("rtsp://admin:s3cret@"+c.addr+"/hedge", Options{Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &reader{t: t, s: s}
	for range 2 {
		lost := s.State().Lost
		for range 5 {
			r.next()
		}
		pid := child(t, c.addr)
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for s.State().Lost == lost {
			r.next()
		}
		t.Logf("pictures again after %v", time.Since(begin).Round(10*time.Millisecond))
	}
}

// child returns the process of ffmpeg that reads from an address, which is not among
// its arguments.
func child(t *testing.T, addr string) int {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		// It may be gone by now.
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		status, _ := os.ReadFile(filepath.Join(dir, "status"))
		if !strings.Contains(string(line), "ffmpeg") || !strings.Contains(string(status), fmt.Sprintf("PPid:\t%d\n", os.Getpid())) {
			continue
		}
		if strings.Contains(string(line), "rawvideo") && !strings.Contains(string(line), addr) {
			if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
				return pid
			}
		}
	}
	t.Fatal("no such process")
	return 0
}

// TestCameraGarbage: in the camera's place something sends garbage.
func TestCameraGarbage(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	var l net.Listener
	done := make(chan struct{})
	breakIt := func() {
		c.off()
		var err error
		if l, err = net.Listen("tcp", c.addr); err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				// Until the caller hangs up, or has had 4 MB.
				_, _ = io.CopyN(conn, rand.Reader, 4<<20)
				_ = conn.Close()
			}
		}()
	}
	mend := func() {
		_ = l.Close()
		<-done
		c.on()
	}
	recovers(t, c, c.open("s3cret"), breakIt, mend)
}

// TestCameraRefuses: wrong credentials end the first attempt with an error that
// says what to do.
func TestCameraRefuses(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	s, err := Open("rtsp://admin:wrong-one@"+c.addr+"/hedge", Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer closeIt(t, s)
	err = s.Read(t.Context(), &pipeline.Buffer{})
	if !errors.Is(err, ErrCredentials) || strings.Contains(err.Error(), "wrong-one") || !strings.Contains(err.Error(), "correct them in the address") {
		t.Errorf("%v", err)
	}
	s2, err := Open("rtsp://admin:s3cret@"+c.addr+"/other", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s2.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s2.Read(ctx, &pipeline.Buffer{}) }()
	waitFor(t, "an answer", func() bool { return s2.State().Err != nil })
	if err := s2.State().Err; !errors.Is(err, ErrNoStream) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCameraFormat: the aspect of pixels and the colours come through, and so does
// that they have changed.
func TestCameraFormat(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	for _, want := range []ffmpeg.Format{
		{SampleAspect: ffmpeg.Rational{Num: 12, Den: 11}, Color: ffmpeg.Color{Range: "tv", Matrix: "bt470bg", Primaries: "bt470bg", Transfer: "smpte170m"}},
		{SampleAspect: ffmpeg.Rational{Num: 3, Den: 4}, Color: ffmpeg.Color{Range: "tv", Matrix: "bt709", Primaries: "bt709", Transfer: "bt709"}},
	} {
		c.broadcaster.Describe(want)
		r := &reader{t: t, s: c.open("s3cret")}
		// The first key frame may be one from before.
		for i := 0; r.s.State().Format != want; i++ {
			if i == 5 {
				t.Fatalf("%+v, want %+v", r.s.State().Format, want)
			}
			r = &reader{t: t, s: c.open("s3cret")}
			r.next()
		}
	}
}

// TestCameraChanges: another resolution comes through as another native size.
func TestCameraChanges(t *testing.T) {
	t.Parallel()
	c := newNetworkCamera(t)
	r := &reader{t: t, s: c.open("s3cret")}
	for range 5 {
		if native := r.next(); native != (image.Point{}) {
			t.Fatalf("native size %v", native)
		}
	}
	c.large.Store(true)
	for i := 0; r.next() != image.Pt(320, 192); i++ {
		if i > 200 {
			t.Fatal("the change does not come through")
		}
	}
	for range 5 {
		r.next()
	}
	r.check(160, 96)
}
