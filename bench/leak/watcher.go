package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// maxHeld bounds the pictures that a live run keeps for later, in bytes.
const maxHeld = 2 << 30

// watcher lets a judge compare the pictures that go through a pipeline. In live mode it
// keeps them until the run is over, because judging would take core time from the
// pipeline.
type watcher struct {
	judges *judges
	labels map[int]*labels.Label
	size   image.Point // of the source's pictures
	later  bool

	mu      sync.Mutex
	sources map[int]*image.YCbCr // of frames that have not come out
	held    []pair
	bytes   int
}

type pair struct {
	label          *labels.Label
	source, output *image.YCbCr
}

// in takes the source's picture of a frame.
func (w *watcher) in(frame int, b *pipeline.Buffer) {
	if w == nil || w.labels[frame] == nil {
		return
	}
	// Resizing to the buffer's own size changes nothing.
	pic := grey(b.Resize(w.size.X, w.size.Y))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sources[frame] = pic
}

// out judges the frame that came out.
func (w *watcher) out(frame int, f redact.Frame) error {
	if w == nil || w.labels[frame] == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	source := w.sources[frame]
	for n := range w.sources {
		if n <= frame {
			delete(w.sources, n)
		}
	}
	p := pair{w.labels[frame], source, f.Picture()}
	if !w.later || w.bytes > maxHeld {
		return w.judges.add(p.label, p.source, p.output)
	}
	p.output = grey(p.output)
	w.bytes += 2 * len(p.output.Y)
	w.held = append(w.held, p)
	return nil
}

// end judges what was kept.
func (w *watcher) end() error {
	if w == nil {
		return nil
	}
	for _, p := range w.held {
		if err := w.judges.add(p.label, p.source, p.output); err != nil {
			return err
		}
	}
	w.held = nil
	return nil
}

// grey copies a picture's luma.
func grey(pic *image.YCbCr) *image.YCbCr {
	c := &image.YCbCr{YStride: pic.Rect.Dx(), Rect: image.Rectangle{Max: pic.Rect.Size()}, SubsampleRatio: image.YCbCrSubsampleRatio420}
	for y := pic.Rect.Min.Y; y < pic.Rect.Max.Y; y++ {
		c.Y = append(c.Y, pic.Y[pic.YOffset(pic.Rect.Min.X, y):][:c.YStride]...)
	}
	return c
}

// judges measure the recordings of a set, one after the other: without their empty
// scene, and with it where there is one.
type judges struct{ plain, fixed pictureJudge }

// begin begins a recording, which is read for its empty scene if its camera is fixed.
func (j *judges) begin(ctx context.Context, path string, r *labels.Recording, fixed bool) (err error) {
	j.plain.recordings++
	j.fixed.recordings++
	j.fixed.empty = nil
	if fixed && r.Clip {
		j.fixed.empty, err = readEmptyScene(ctx, path, r)
	}
	return err
}

func (j *judges) add(l *labels.Label, source, output *image.YCbCr) error {
	if j.fixed.empty != nil {
		if err := j.fixed.add(l, source, output); err != nil {
			return err
		}
	}
	return j.plain.add(l, source, output)
}

// file compares a redacted recording, whatever program made it, with its source,
// picture by picture in the order of decoding.
func (j *judges) file(ctx context.Context, source, redacted string, r *labels.Recording, fixed bool) error {
	if err := j.begin(ctx, source, r, fixed); err != nil {
		return err
	}
	return open(ctx, source, func(src *ffmpeg.Source) error {
		return open(ctx, redacted, func(out *ffmpeg.Source) error { return j.compare(ctx, src, out, r) })
	})
}

func (j *judges) compare(ctx context.Context, src, out *ffmpeg.Source, r *labels.Recording) error {
	labels := r.ByFrame()
	last := r.Labels[len(r.Labels)-1]
	var a, b pipeline.Buffer
	for n := 1; n <= last.Frame; n++ {
		errA, errB := src.Read(ctx, &a), out.Read(ctx, &b)
		if errors.Is(errA, io.EOF) || errors.Is(errB, io.EOF) {
			return fmt.Errorf("%w: line %d labels frame %d, and one of the two has %d", errJudge, last.Line, last.Frame, n-1)
		}
		if err := errors.Join(errA, errB); err != nil {
			return fmt.Errorf("frame %d: %w", n, err)
		}
		if l := labels[n]; l != nil {
			if err := j.add(l, a.Resize(src.Info().Size.X, src.Info().Size.Y), b.Resize(out.Info().Size.X, out.Info().Size.Y)); err != nil {
				return err
			}
		}
	}
	return nil
}
