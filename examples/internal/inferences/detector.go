package inferences

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"image"
	"sync/atomic"

	"github.com/hedgecam/hedge/detect"
)

// Memory is what a Detector remembers by.
type Memory interface {
	// Find appends to dst what was found, and reports whether it is known.
	Find(k Key, dst []detect.Detection) ([]detect.Detection, bool)
	// Add keeps a copy of what was found.
	Add(k Key, list []detect.Detection)
}

// Counts says how often a memory has helped.
type Counts struct{ Known, Asked atomic.Int64 }

// Detector asks a detector only for what its memory does not know. It has the abilities
// of that detector.
type Detector struct {
	detect.Detector
	memory Memory
	counts *Counts
	head   string // what is in every key
	wanted detect.ClassSet
	closed atomic.Bool
	sum    hash.Hash
	buf    []byte
}

// Remember returns a Detector over d, which it closes when it is closed. network names
// all that decides what d finds in a picture: weights, thresholds, program and kind of
// machine.
func Remember(d detect.Detector, network string, m Memory, c *Counts) *Detector {
	return &Detector{Detector: d, memory: m, counts: c, head: fmt.Sprintf("%d:%s%d:%s", len(network), network, len(d.Name()), d.Name()),
		wanted: d.Classes(), sum: sha256.New()}
}

// Select implements detect.Selector.
func (d *Detector) Select(wanted detect.ClassSet) error {
	if s, ok := d.Detector.(detect.Selector); ok {
		if err := s.Select(wanted); err != nil {
			return err
		}
	}
	d.wanted = wanted
	return nil
}

// Detect implements detect.Detector.
func (d *Detector) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
	if d.closed.Load() || ctx.Err() != nil || pic == nil || pic.Rect.Empty() {
		return d.Detector.Detect(ctx, pic, dst) // which refuses it
	}
	k, ok := d.key(pic)
	if !ok {
		return d.Detector.Detect(ctx, pic, dst)
	}
	if list, known := d.memory.Find(k, dst); known {
		d.counts.Known.Add(1)
		return list, nil
	}
	d.counts.Asked.Add(1)
	n := len(dst)
	list, err := d.Detector.Detect(ctx, pic, dst)
	if err == nil && len(list) >= n {
		d.memory.Add(k, list[n:])
	}
	return list, err
}

// Close implements detect.Detector.
func (d *Detector) Close() error {
	d.closed.Store(true)
	return d.Detector.Close()
}

// key names the inference on a picture. It reports false for one that is not 4:2:0, or
// whose planes are not whole.
func (d *Detector) key(pic *image.YCbCr) (k Key, ok bool) {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	cw, ch := (pic.Rect.Max.X+1)/2-pic.Rect.Min.X/2, (pic.Rect.Max.Y+1)/2-pic.Rect.Min.Y/2
	y, c := pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y), pic.COffset(pic.Rect.Min.X, pic.Rect.Min.Y)
	last := c + (ch-1)*pic.CStride + cw
	if pic.SubsampleRatio != image.YCbCrSubsampleRatio420 || pic.YStride < w || pic.CStride < cw || pic.Rect.Min.X < 0 || pic.Rect.Min.Y < 0 ||
		len(pic.Y) < y+(h-1)*pic.YStride+w || len(pic.Cb) < last || len(pic.Cr) < last {
		return k, false
	}
	d.sum.Reset()
	d.buf = append(append(d.buf[:0], d.head...), byte(d.wanted))
	for _, v := range [4]int{pic.Rect.Min.X, pic.Rect.Min.Y, w, h} {
		d.buf = binary.LittleEndian.AppendUint64(d.buf, uint64(v))
	}
	d.sum.Write(d.buf)
	d.rows(pic.Y[y:], pic.YStride, w, h)
	d.rows(pic.Cb[c:], pic.CStride, cw, ch)
	d.rows(pic.Cr[c:], pic.CStride, cw, ch)
	d.buf = d.sum.Sum(d.buf[:0])
	return Key(d.buf), true
}

// rows sums up a plane.
func (d *Detector) rows(p []byte, stride, w, h int) {
	if stride == w {
		d.sum.Write(p[:w*h])
		return
	}
	for y := range h {
		d.sum.Write(p[y*stride:][:w])
	}
}
