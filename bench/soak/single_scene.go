package main

import (
	"context"
	"image"
	"io"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// spread is how much the samples of a place differ from picture to picture.
const spread = 8

// bases are the least values of the samples of luma: what lies from there on, less than
// spread above, is raw. Neighbours have nothing to do with each other.
var bases = func() (b [singleHeight][singleWidth]uint8) {
	for i := range singleWidth * singleHeight {
		v := uint32(i)*2654435761 + 12345
		v ^= v >> 15
		v *= 2246822519
		v ^= v >> 13
		b[i/singleWidth][i%singleWidth] = uint8(20 + v%190)
	}
	return b
}()

// draw draws picture n: the same place, whatever the size.
func draw(pic *image.YCbCr, n int) {
	size, noise := pic.Rect.Size(), uint32(n)*2654435761+1
	for y := range size.Y {
		for x := range size.X {
			noise = noise*1664525 + 1013904223
			pic.Y[y*pic.YStride+x] = bases[y*singleHeight/size.Y][x*singleWidth/size.X] + uint8(noise>>24%spread)
		}
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 100+uint8(i%60), 160-uint8(i%60)
	}
}

// read is the trial's camera.
func (t *trial) read(ctx context.Context, b *pipeline.Buffer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := int(t.n.Load())
	if n >= t.end {
		return io.EOF
	}
	t.n.Add(1)
	if t.mode == pipeline.Live {
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	t.run(n)
	size, at := image.Pt(singleWidth, singleHeight), time.Duration(n)*interval
	if t.kind.source != nil && t.bad() {
		if err := t.kind.source(ctx, t, &size, &at); err != nil {
			return err
		}
	} else if n >= t.till && t.kind.leap > 0 {
		at += t.kind.leap
	}
	draw(b.Resize(size.X, size.Y), n)
	b.Time = at
	t.times.Store(at, n)
	return nil
}

// take is the trial's sink: it looks at every pixel.
func (t *trial) take(ctx context.Context, f redact.Frame) error {
	if t.kind.sink != nil && t.bad() {
		if err := t.kind.sink(ctx, t); err != nil {
			return err
		}
	}
	raw, zone := t.look(f)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.frames++
	t.raw += raw
	if t.begun && f.Time() <= t.last {
		t.back++
	}
	t.last, t.begun = f.Time(), true
	n, ok := t.times.Load(f.Time())
	if !ok {
		t.back++ // a time that no picture had
		return nil
	}
	if zone && t.restored < 0 && n.(int) >= t.till {
		t.restored = n.(int)
	}
	return nil
}

// fine is the side of what is compared, in pixels.
const fine = 4

// look compares a frame with what the camera sees. raw is the number of squares of 4x4
// pixels that are shown and must not be; zone is whether most of the property is shown.
func (t *trial) look(f redact.Frame) (raw int, zone bool) {
	pic := f.Picture()
	size := pic.Rect.Size()
	usual := size == image.Pt(singleWidth, singleHeight)
	shown, of := 0, 0
	for y := 0; y+fine <= size.Y; y += fine {
		for x := 0; x+fine <= size.X; x += fine {
			at := image.Rect(x, y, x+fine, y+fine)
			inside := y >= size.Y/2
			must := !inside && t.all || usual && (at.Overlaps(face) || at.Overlaps(person)) || t.closed.Load()
			is := isRaw(pic, at)
			if inside {
				if of++; is {
					shown++
				}
			}
			if must && is {
				raw++
			}
		}
	}
	return raw, 2*shown > of
}

// isRaw reports whether the luma of a square is as the camera's, and not all of one value as
// in a fill.
func isRaw(pic *image.YCbCr, r image.Rectangle) bool {
	size := pic.Rect.Size()
	flat, first := true, pic.Y[pic.YOffset(r.Min.X, r.Min.Y)]
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := pic.Y[pic.YOffset(x, y)]
			if v-bases[y*singleHeight/size.Y][x*singleWidth/size.X] >= spread {
				return false
			}
			flat = flat && v == first
		}
	}
	return !flat
}
