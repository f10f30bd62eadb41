package videoout

import (
	"errors"
	"image"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestFFmpegFails: a device that cannot be written is tried again, once a
// second of the stream, and what ffmpeg says about it is told.
func TestFFmpegFails(t *testing.T) {
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	var said strings.Builder
	attempts := 0
	s := testSink(nil, &said, func() (*output, error) {
		if attempts++; attempts == 1 {
			return startFFmpeg(program, "no-such-format", "/dev/null")
		}
		return nil, errors.New("still not")
	})
	// The first ffmpeg ends by itself; the pipe to it breaks soon after.
	n := 0
	for ; attempts < 2 && n < 10000; n++ {
		f, _ := frame(t, image.Pt(64, 64), n, time.Duration(n)*time.Second/30)
		if err := s.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	for range 60 {
		f, _ := frame(t, image.Pt(64, 64), n, time.Duration(n)*time.Second/30)
		if err := s.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		f.Release()
		n++
	}
	if attempts < 3 || attempts > 4 || s.unseen.Load() < 58 {
		t.Errorf("%d attempts and %d frames unseen in two seconds", attempts, s.unseen.Load())
	}
	if !strings.Contains(said.String(), "no-such-format") || !strings.Contains(said.String(), "still not") {
		t.Errorf("said %s", said.String())
	}
}

// TestFirstWriteFails: of a way out that opens and takes no frame there is one start a
// second, and one line for each reason until it works again.
func TestFirstWriteFails(t *testing.T) {
	var said strings.Builder
	starts, broken, why := 0, true, "the device is busy"
	s := testSink(nil, &said, func() (*output, error) {
		starts++
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		if broken {
			return &output{pipe: w, end: func() error { return errors.New(why) }}, r.Close()
		}
		drained := make(chan error, 1)
		go func() { _, err := io.Copy(io.Discard, r); drained <- errors.Join(err, r.Close()) }()
		return &output{pipe: w, end: func() error { return <-drained }}, nil
	})
	at := time.Duration(0)
	pass := func(d time.Duration) {
		t.Helper()
		for end := at + d; at < end; at += time.Second / 30 {
			f, _ := frame(t, image.Pt(64, 64), 0, at)
			if err := s.Write(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			f.Release()
		}
	}
	heard := func(part string, n int) {
		t.Helper()
		if got := strings.Count(said.String(), part); got != n {
			t.Errorf("said %q %d times, want %d:\n%s", part, got, n, said.String())
		}
	}
	pass(10 * time.Second)
	if starts < 9 || starts > 11 {
		t.Errorf("%d starts in 10 seconds", starts)
	}
	heard("\n", 2) // "somebody reads", and why they do not
	heard("the device is busy", 1)
	why = "no such device"
	pass(5 * time.Second)
	heard("\n", 3)
	heard("no such device", 1)

	broken = false
	pass(5 * time.Second)
	heard("\n", 3) // it may fail again
	pass(10 * time.Second)
	heard("can be handed on again", 1)
	began := starts
	pass(time.Minute)
	if starts != began {
		t.Errorf("%d starts of what works", starts-began)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestTail: two runs of ffmpeg that fail in the same way say the same.
func TestTail(t *testing.T) {
	say := func(at string) string {
		var said tail
		for range 20 {
			if _, err := io.WriteString(&said, "[video4linux2,v4l2 @ "+at+"] Device or resource busy\nno header\n"); err != nil {
				t.Fatal(err)
			}
		}
		return string(said.text())
	}
	if a, b := say("0x55b89841c8c0"), say("0x5638fe0428c0"); a != b || !strings.Contains(a, "[video4linux2,v4l2] Device") {
		t.Errorf("said %q and %q", a, b)
	}
}
