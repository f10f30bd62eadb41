package videoout

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/videoout/videoouttest"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// frame returns a redacted frame whose upper half is hidden with one colour,
// and whose lower half has samples that depend on n, and a copy of its planes.
func frame(t *testing.T, size image.Point, n int, at time.Duration) (redact.Frame, []byte) {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(`{"version": 1, "property": [[[0,0.5],[1,0.5],[1,1],[0,1]]], "outside": {"fill": "solid"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(p, size, redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
		for i := range plane {
			plane[i] = byte(16 + (i*7+n*31)%200)
		}
	}
	f, err := r.Redact(pic, redact.Scene{Time: at})
	if err != nil {
		t.Fatal(err)
	}
	pic = f.Picture()
	return f, bytes.Join([][]byte{pic.Y, pic.Cb, pic.Cr}, nil)
}

// pipeSink returns a sink that writes to a new named pipe.
func pipeSink(t *testing.T) (*Sink, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	to, err := Parse("pipe:" + path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(to, Options{Rate: 30, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("the pipe stays behind")
		}
	})
	return s, path
}

// testSink returns a sink with an output of the test's own.
func testSink(aspect func() ffmpeg.Rational, log io.Writer, open func() (*output, error)) *Sink {
	return newSink(open, func() error { return nil }, Options{Rate: 30, Aspect: aspect, Log: slog.New(slog.NewTextHandler(log, nil))})
}

// TestPipe: a reader gets header and frames, sample for sample, and the upper
// half of each is of one colour. Odd sizes too.
func TestPipe(t *testing.T) {
	for _, size := range []image.Point{{64, 64}, {65, 67}} {
		s, path := pipeSink(t)
		r := videoouttest.Reader(t, path)
		var in *videoouttest.Stream
		for n := range 3 {
			f, want := frame(t, size, n, time.Duration(n))
			if err := s.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if in == nil {
				in = videoouttest.NewStream(t, r)
			}
			got := in.Frame(t)
			if in.Size != size || !bytes.Equal(got, want) {
				t.Fatalf("%v: frame %d: %d bytes are not those of the frame (%d)", size, n, len(got), len(want))
			}
			for i, y := range got[:32*size.X] {
				if y != got[0] {
					t.Fatalf("%v: luma %d of the hidden half is %d, others %d", size, i, y, got[0])
				}
			}
			if bytes.Count(got[48*size.X:64*size.X], got[:1]) > 2*size.X {
				t.Fatalf("%v: the shown half is hidden", size)
			}
			f.Release()
		}
	}
}

// TestReaderComesAndGoes: without a reader frames are dropped and counted; each
// new one gets the stream from its header on; one that goes while a frame is
// being written does no harm.
func TestReaderComesAndGoes(t *testing.T) {
	s, path := pipeSink(t)
	size := image.Pt(640, 480) // more than a pipe holds
	at := time.Duration(0)
	write := func() ([]byte, error) {
		f, want := frame(t, size, int(at), at)
		defer f.Release()
		at += 33 * time.Millisecond
		return want, s.Write(t.Context(), f)
	}
	for range 3 {
		if _, err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if s.unseen.Load() != 3 || s.connects.Load() != 0 {
		t.Fatalf("nobody reads: %d unseen, %d readers", s.unseen.Load(), s.connects.Load())
	}
	for round := range 3 {
		r := videoouttest.Reader(t, path)
		got := make(chan []byte)
		go func() {
			defer close(got)
			videoouttest.AwaitWriter(t, r)
			in := videoouttest.NewStream(t, r)
			for range 2 {
				got <- in.Frame(t)
			}
			// The third frame is not read to its end.
			_, _ = io.CopyN(io.Discard, in, 1000) // either way the reader goes
			_ = r.Close()                         // only to make the writer see it
		}()
		for n := range 2 {
			wrote := make(chan error, 1)
			var want []byte
			go func() {
				var err error
				want, err = write()
				wrote <- err
			}()
			frame := <-got
			if err := <-wrote; err != nil || !bytes.Equal(frame, want) {
				t.Fatalf("round %d, frame %d: %v, or other samples", round, n, err)
			}
		}
		if _, err := write(); err != nil { // the reader goes
			t.Fatal(err)
		}
		<-got
		if s.connects.Load() != uint64(round+1) || s.written.Load() != uint64(2*(round+1)) {
			t.Fatalf("round %d: %d readers, %d frames", round, s.connects.Load(), s.written.Load())
		}
	}
	if s.unseen.Load() != 3+3 {
		t.Errorf("%d frames unseen, want 6", s.unseen.Load())
	}
}

// TestStalledReader: one that opens the pipe and reads nothing does not keep
// the program from ending.
func TestStalledReader(t *testing.T) {
	s, path := pipeSink(t)
	videoouttest.Reader(t, path)
	f, _ := frame(t, image.Pt(640, 480), 0, 0)
	defer f.Release()
	ctx, cancel := context.WithCancel(t.Context())
	wrote := make(chan error)
	go func() { wrote <- s.Write(ctx, f) }()
	select {
	case err := <-wrote:
		t.Fatalf("a frame larger than the pipe was taken: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	cancel()
	if err := <-wrote; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// TestNewSize: the stream cannot change its size, so it ends and begins again.
func TestNewSize(t *testing.T) {
	s, path := pipeSink(t)
	r := videoouttest.Reader(t, path)
	a, want := frame(t, image.Pt(64, 64), 1, 0)
	if err := s.Write(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	in := videoouttest.NewStream(t, r)
	if !bytes.Equal(in.Frame(t), want) {
		t.Error("first size: other samples")
	}
	b, want := frame(t, image.Pt(96, 80), 2, 1)
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if in = videoouttest.NewStream(t, r); in.Size != (image.Point{96, 80}) || !bytes.Equal(in.Frame(t), want) {
		t.Errorf("second size: %v, or other samples", in.Size)
	}
}

func TestEmptyFrame(t *testing.T) {
	s, _ := pipeSink(t)
	if err := s.Write(t.Context(), redact.Frame{}); err == nil {
		t.Error("the zero frame is taken")
	}
}

func TestTarget(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, part := range map[string]string{
		"": "must be", "pipe:": "must be", "/tmp/x": "must be", "video9": "must be",
		"/dev/video-none":         "modprobe v4l2loopback",
		"pipe:" + file:            "no named pipe",
		"pipe:" + dir + "/no/dir": "make the pipe",
	} {
		o, err := Parse(text)
		if err == nil {
			_, err = o.prepare()
		}
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v, want %q", text, err, part)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "mine" {
		t.Errorf("the file has %q, %v", got, err)
	}
}

// TestFFmpeg: through ffmpeg every frame arrives as it is. The format stands in
// for v4l2, which needs a kernel module.
func TestFFmpeg(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	path := filepath.Join(t.TempDir(), "out")
	s := testSink(nil, io.Discard, func() (*output, error) { return startFFmpeg(program, "rawvideo", path) })
	var want []byte
	for n := range 20 {
		f, planes := frame(t, image.Pt(64, 64), n, time.Duration(n)*time.Second/30)
		if err := s.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		want = append(want, planes...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d arrived, or other ones; %v", len(got), len(want), err)
	}
}

// TestAspect: a stream says how wide its pixels are; a device, which cannot, gets
// square ones.
func TestAspect(t *testing.T) {
	wide := func() ffmpeg.Rational { return ffmpeg.Rational{Num: 12, Den: 11} }
	f, _ := frame(t, image.Pt(704, 576), 0, 0)
	path := filepath.Join(t.TempDir(), "stream")
	s := testSink(wide, io.Discard, func() (*output, error) {
		file, err := os.Create(path)
		return &output{pipe: file, end: func() error { return nil }}, err
	})
	if err := errors.Join(s.Write(t.Context(), f), s.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(data), "YUV4MPEG2 W704 H576 F30:1 Ip A12:11 ") {
		t.Errorf("%.60q, %v", data, err)
	}
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	s.open = func() (*output, error) { return startFFmpeg(program, "rawvideo", path) }
	if err := errors.Join(s.Write(t.Context(), f), s.Close()); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Size() != 768*576*3/2 {
		t.Errorf("%v, %v: want one picture of 768x576", st, err)
	}
}
