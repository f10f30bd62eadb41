package mediadev_test

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/io/video"
	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// endless is a camera that goes on for longer than any test.
func endless() *camera {
	return &camera{frames: -1, pace: time.Millisecond, ratio: image.YCbCrSubsampleRatio420}
}

func noLeak(t *testing.T) {
	t.Helper()
	// Whoever is to end ends without help from the test.
	if err := goleak.Find(); err != nil {
		t.Error(err)
	}
}

// TestClose: at any point it ends the goroutines, and Read says io.EOF.
func TestClose(t *testing.T) {
	for _, mode := range modes {
		for reads := range 4 {
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: interval})
			r := mediadev.NewReader(p, endless(), mediadev.DefaultOptions())
			for range reads {
				if _, _, err := r.Read(); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Errorf("%v after %d reads: %v", mode, reads, err)
				}
			}
			if _, _, err := r.Read(); !errors.Is(err, io.EOF) {
				t.Errorf("%v after Close: %v", mode, err)
			}
			noLeak(t)
		}
	}
}

// TestPipelineEnds: Stop is an end like the camera's, Close of the pipeline an
// error; both end the goroutines.
func TestPipelineEnds(t *testing.T) {
	for _, mode := range modes {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode})
		r := mediadev.Transform(p)(endless())
		if _, _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		p.Stop()
		if _, err := drain(t, r); !errors.Is(err, io.EOF) {
			t.Errorf("%v: after Stop %v", mode, err)
		}
		noLeak(t)
		r = mediadev.Transform(p)(endless())
		if _, _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := drain(t, r); !errors.Is(err, pipeline.ErrClosed) {
			t.Errorf("%v: after Close of the pipeline %v", mode, err)
		}
		noLeak(t)
		if _, err := drain(t, mediadev.Transform(p)(endless())); !errors.Is(err, pipeline.ErrClosed) {
			t.Errorf("%v: of a closed pipeline %v", mode, err)
		}
	}
}

// TestBlockedCamera: Close does not wait for ever, and says so; a Read under way
// ends at once.
func TestBlockedCamera(t *testing.T) {
	asked, unblock, released := make(chan struct{}), make(chan struct{}), make(chan struct{})
	cam := video.ReaderFunc(func() (image.Image, func(), error) {
		close(asked)
		<-unblock
		return image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420), func() { close(released) }, nil
	})
	p := newPipeline(t, pipeline.Config{})
	r := mediadev.NewReader(p, cam, mediadev.DefaultOptions())
	read := make(chan error)
	go func() {
		_, _, err := r.Read()
		read <- err
	}()
	go func() {
		<-asked // a camera that is asked for nothing blocks nobody
		if err := r.Close(); !errors.Is(err, mediadev.ErrBlocked) {
			t.Errorf("Close: %v", err)
		}
		close(unblock)
	}()
	if err := <-read; !errors.Is(err, io.EOF) {
		t.Errorf("Read: %v", err)
	}
	<-released
	noLeak(t)
}

// TestNobodyReads: once the camera has ended nothing stays behind, though the
// encoder was closed before it and pictures are left.
func TestNobodyReads(t *testing.T) {
	for _, mode := range modes {
		cam := endless()
		if mode == pipeline.File {
			// A file's pipeline waits for its reader: its camera ends by itself.
			cam.frames = 6
		}
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: 2 * interval})
		r := mediadev.TransformWith(p, mediadev.Options{Drain: 20 * time.Millisecond})(cam)
		for range 3 {
			if _, _, err := r.Read(); err != nil {
				t.Fatal(err)
			}
		}
		cam.close()
		noLeak(t)
		_, _, err := r.Read()
		if mode == pipeline.File && !errors.Is(err, mediadev.ErrNotRead) || mode == pipeline.Live && !errors.Is(err, io.EOF) {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

// TestSecondReader: a pipeline serves one camera at a time, and the next one as
// soon as the first has ended, even if nobody reads what is left of it.
func TestSecondReader(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: pipeline.Live, LookAhead: 2 * interval})
	transform := mediadev.TransformWith(p, mediadev.Options{Drain: time.Hour})
	first := endless()
	r := transform(first)
	if _, _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := transform(endless()).Read(); !errors.Is(err, pipeline.ErrRunning) {
		t.Errorf("while another runs: %v", err)
	}
	if _, _, err := r.Read(); err != nil {
		t.Errorf("the first one: %v", err)
	}
	if err := r.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}

	over := make(chan struct{})
	r = transform(video.ReaderFunc(func() (image.Image, func(), error) {
		select {
		case <-over:
			return nil, nil, io.EOF
		default:
			return image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio420), nil, nil
		}
	}))
	if _, _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	in := p.Stats().FramesIn
	close(over)
	// It may take the camera's end a moment to be seen.
	for deadline := time.Now().Add(5 * time.Second); ; {
		cam := &camera{frames: 3, ratio: image.YCbCrSubsampleRatio420}
		shots, err := drain(t, transform(cam))
		if errors.Is(err, io.EOF) && len(shots) > 0 && shots[len(shots)-1].n == 2 {
			break // live, the first ones may have been dropped
		}
		if !errors.Is(err, pipeline.ErrRunning) || time.Now().After(deadline) {
			t.Fatalf("%d pictures, then %v (%d frames before)", len(shots), err, in)
		}
	}
	noLeak(t)
}

// TestConcurrent: reads, a change of policy and the end at the same time. The
// race detector looks on.
func TestConcurrent(t *testing.T) {
	for _, mode := range modes {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: 2 * interval})
		r := mediadev.NewReader(p, endless(), mediadev.DefaultOptions())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					_, release, err := r.Read()
					if errors.Is(err, io.EOF) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					release()
				}
			})
		}
		for range 10 {
			if err := p.SetPolicy(policy(t, hideAll)); err != nil {
				t.Error(err)
			}
			<-time.After(2 * time.Millisecond)
		}
		for range 2 {
			wg.Go(func() {
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		noLeak(t)
	}
}

// TestSource: times rise strictly whatever the clock does; a Read that was
// cancelled loses no picture; the end stays the end.
func TestSource(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ticks := []time.Duration{0, 40 * time.Millisecond, 40 * time.Millisecond, 10 * time.Millisecond, 80 * time.Millisecond}
	want := []time.Duration{0, 40 * time.Millisecond, 40*time.Millisecond + time.Microsecond,
		40*time.Millisecond + 2*time.Microsecond, 80 * time.Millisecond}
	n, gate := 0, make(chan struct{}, len(ticks)+1)
	cam := &camera{frames: len(ticks), ratio: image.YCbCrSubsampleRatio420}
	s := mediadev.NewSource(video.ReaderFunc(func() (image.Image, func(), error) {
		<-gate
		return cam.Read()
	}), mediadev.SourceOptions{Clock: func() time.Time {
		at := start.Add(ticks[min(n, len(ticks)-1)])
		n++
		return at
	}})
	var b pipeline.Buffer
	for i := range ticks {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if err := s.Read(ctx, &b); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while the camera waits: %v", err)
		}
		cancel()
		gate <- struct{}{}
		if err := s.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if got := number(b.Resize(width, height)); got != i || b.Time != want[i] {
			t.Errorf("picture %d at %v, want %d at %v", got, b.Time, i, want[i])
		}
	}
	close(gate)
	for range 2 {
		if err := s.Read(t.Context(), &b); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
	noLeak(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.Read(t.Context(), &b); !errors.Is(err, mediadev.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
