package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"

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
	judge  *judges
	labels map[int]*label
	size   image.Point // of the source's pictures
	later  bool

	mu      sync.Mutex
	sources map[int]*image.YCbCr // of frames that have not come out
	held    []pair
	bytes   int
}

type pair struct {
	label          *label
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
		return w.judge.add(p.label, p.source, p.output)
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
		if err := w.judge.add(p.label, p.source, p.output); err != nil {
			return err
		}
	}
	w.held = nil
	return nil
}

// grey copies a picture's luma.
func grey(pic *image.YCbCr) *image.YCbCr {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	c := &image.YCbCr{Y: make([]byte, w*h), YStride: w, Rect: image.Rect(0, 0, w, h), SubsampleRatio: image.YCbCrSubsampleRatio420}
	for y := range h {
		copy(c.Y[y*w:][:w], pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y+y):])
	}
	return c
}

// judges measure one recording, without and with its empty scene.
type judges struct{ plain, fixed *pictureJudge }

// newJudges reads the recording for its empty scene if its camera is fixed.
func newJudges(ctx context.Context, path string, r *recording, fixed bool) (*judges, error) {
	j := &judges{plain: &pictureJudge{}}
	if !fixed || !r.clip {
		return j, nil
	}
	empty, err := readEmptyScene(ctx, path, r)
	if empty != nil {
		j.fixed = &pictureJudge{empty: empty}
	}
	return j, err
}

// judgeFile compares a redacted recording, whatever program made it, with its
// source, picture by picture in the order of decoding.
func judgeFile(ctx context.Context, source, redacted string, r *recording, fixed bool) (j *judges, err error) {
	if j, err = newJudges(ctx, source, r, fixed); err != nil {
		return nil, err
	}
	src, err := ffmpeg.Open(ctx, source, ffmpeg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	out, err := ffmpeg.Open(ctx, redacted, ffmpeg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	labels := byFrame(r)
	last := r.labels[len(r.labels)-1].frame
	var a, b pipeline.Buffer
	for n := 1; n <= last; n++ {
		errA, errB := src.Read(ctx, &a), out.Read(ctx, &b)
		if errors.Is(errA, io.EOF) || errors.Is(errB, io.EOF) {
			return nil, fmt.Errorf("%w: line %d labels frame %d, and one of the two has %d", errJudge, r.labels[len(r.labels)-1].line, last, n-1)
		}
		if err := errors.Join(errA, errB); err != nil {
			return nil, fmt.Errorf("frame %d: %w", n, err)
		}
		l := labels[n]
		if l == nil {
			continue
		}
		if err := j.add(l, a.Resize(src.Info().Size.X, src.Info().Size.Y), b.Resize(out.Info().Size.X, out.Info().Size.Y)); err != nil {
			return nil, err
		}
	}
	return j, nil
}

func (j *judges) add(l *label, source, output *image.YCbCr) error {
	if j.fixed != nil {
		if err := j.fixed.add(l, source, output); err != nil {
			return err
		}
	}
	return j.plain.add(l, source, output)
}

func (j *judges) merge(o *judges) {
	j.plain.merge(o.plain)
	if o.fixed != nil {
		if j.fixed == nil {
			j.fixed = &pictureJudge{}
		}
		j.fixed.merge(o.fixed)
	}
}
