package main

import (
	"context"
	"image"
	"io"
	"slices"

	"github.com/hedgecam/hedge/bench/internal/labels"
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
func readEmptyScene(ctx context.Context, path string, r *labels.Recording) (*emptyScene, error) {
	labels := r.ByFrame()
	last := r.Labels[len(r.Labels)-1].Frame
	every := max(1, last/emptySamples)
	m := &medians{}
	err := pictures(ctx, path, func(n int, pic *image.YCbCr) error {
		if l := labels[n]; n%every == 0 && l != nil {
			m.add(pic, l)
		}
		if n >= last {
			return io.EOF
		}
		return nil
	})
	if err != nil || len(m.samples) == 0 {
		return nil, err // no label, no scene
	}
	return m.scene(), nil
}

// medians collects pictures of one size.
type medians struct {
	w, h    int
	samples [][]byte
	hidden  [][]bool // by a label
}

func (m *medians) add(pic *image.YCbCr, l *labels.Label) {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	if len(m.samples) > 0 && (w != m.w || h != m.h) {
		return
	}
	m.w, m.h = w, h
	hidden := make([]bool, w*h)
	for _, o := range l.Objects {
		x, y := float64(o.Box.X0), float64(o.Box.Y0)
		bw, bh := float64(o.Box.X1)-x, float64(o.Box.Y1)-y
		grown := image.Rect(int(x-.15*bw), int(y-.08*bh), int(x+1.15*bw), int(y+1.08*bh))
		mark(hidden, w, grown.Intersect(pic.Rect))
	}
	m.samples, m.hidden = append(m.samples, grey(pic).Y), append(m.hidden, hidden)
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
