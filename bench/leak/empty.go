package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

const (
	// emptySamples is about how many pictures make the empty scene.
	emptySamples = 50
	// unseen is the luma taken where no picture shows the scene without a label.
	unseen = 110
)

// emptyScene is what a fixed camera sees when nobody labelled is there.
type emptyScene struct {
	detail  luma
	energy  []float64 // of each block's detail
	unknown []bool    // blocks in which some sample is never seen without a label
}

// readEmptyScene reads a recording and takes, for every sample, the median of
// evenly spread labelled pictures in which no label covers it.
func readEmptyScene(ctx context.Context, path string, r *recording) (e *emptyScene, err error) {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	labels := byFrame(r)
	last := r.labels[len(r.labels)-1].frame
	every := max(1, last/emptySamples)
	m := &medians{}
	var b pipeline.Buffer
	for n := 1; n <= last; n++ {
		if err := src.Read(ctx, &b); err != nil {
			if errors.Is(err, pipeline.ErrPicture) {
				continue
			}
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, fmt.Errorf("frame %d of %s: %w", n, r.file, err)
		}
		l := labels[n]
		if n%every != 0 || l == nil {
			continue
		}
		m.add(b.Resize(l.size.X, l.size.Y), l)
	}
	if len(m.samples) == 0 {
		return nil, nil //nolint:nilnil // no label, no scene
	}
	return m.scene(), nil
}

// medians collects pictures of one size.
type medians struct {
	w, h    int
	samples [][]byte
	hidden  [][]bool // by a label
}

func (m *medians) add(pic *image.YCbCr, l *label) {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	if len(m.samples) > 0 && (w != m.w || h != m.h) {
		return
	}
	m.w, m.h = w, h
	pix, hidden := make([]byte, w*h), make([]bool, w*h)
	for y := range h {
		copy(pix[y*w:][:w], pic.Y[pic.YOffset(0, y):])
	}
	for _, o := range l.objects {
		bw, bh := float64(o.box.X1)-float64(o.box.X0), float64(o.box.Y1)-float64(o.box.Y0)
		x0, x1 := max(int(float64(o.box.X0)-.15*bw), 0), min(max(int(float64(o.box.X0)+1.15*bw), 0), w)
		y0, y1 := max(int(float64(o.box.Y0)-.08*bh), 0), min(max(int(float64(o.box.Y0)+1.08*bh), 0), h)
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				hidden[y*w+x] = true
			}
		}
	}
	m.samples, m.hidden = append(m.samples, pix), append(m.hidden, hidden)
}

// scene returns the medians and what is derived from them.
func (m *medians) scene() *emptyScene {
	e := &emptyScene{}
	var filled luma
	filled.resize(m.w, m.h)
	bw, bh := m.w/judgeSide, m.h/judgeSide
	e.unknown = make([]bool, bw*bh)
	values := make([]float32, 0, len(m.samples))
	for i := range filled.pix {
		values = values[:0]
		for k, s := range m.samples {
			if !m.hidden[k][i] {
				values = append(values, fullRange[s[i]])
			}
		}
		n := len(values)
		if n == 0 {
			filled.pix[i] = unseen
			if x, y := i%m.w/judgeSide, i/m.w/judgeSide; x < bw && y < bh {
				e.unknown[y*bw+x] = true
			}
			continue
		}
		slices.Sort(values)
		filled.pix[i] = (values[(n-1)/2] + values[n/2]) / 2
	}
	e.detail.detail(&filled, nil)
	e.energy = energies(nil, &e.detail, &e.detail)
	return e
}
