package motion

import (
	"encoding/binary"
	"errors"
	"image"
	"math"
	"math/bits"
)

// sketch is what is kept of a view on the disk: for each block of 8x8 samples, a
// sixteenth of the picture's long side, 64 bits for each of two appearances. Each bit
// says only on which side of a random plane the block's edges lie (Charikar,
// "Similarity estimation techniques from rounding algorithms", 2002). Two blocks can
// be compared by the bits that differ, which gives the angle between them; a
// picture cannot be made of them: 64 bits stand for a block of 120x120 pixels of a
// 1080p picture, and hold neither light nor colour nor the strength of an edge. What
// moved within a second before, or was found to be somebody, is not in it at all.
type sketch struct {
	w, h   int
	blocks []sketchBlock
}

type sketchBlock struct {
	flags         uint8
	first, second uint64
}

const (
	sketchFirst     = 1 << iota // first holds something
	sketchSecond                // second does
	sketchAmbiguous             // the block fits beside itself
)

const (
	sketchVersion = 1
	sketchHead    = 5
	sketchSize    = 17 // bytes of a block
	// sketchFit is the most bits that may differ in a block that fits: of unrelated
	// ones 0.4 % differ in as few.
	sketchFit = 21
)

// errSketch says that a sketch is not one.
var errSketch = errors.New("motion: not the sketch of a view")

// planes are the random planes, by bit; the same in every run.
var planes = func() (p [64][2 * edgeBlock * edgeBlock]float32) {
	s := uint64(0x9E3779B97F4A7C15)
	for i := range p {
		for j := range p[i] {
			// xorshift64
			s ^= s << 13
			s ^= s >> 7
			s ^= s << 17
			p[i][j] = 1 - 2*float32(s>>40&1)
		}
	}
	return p
}()

// bits returns the bits of block i of e displaced by (dx, dy), less its mean. Samples
// outside of the picture are blank.
func (f *field) bits(e edges, i, dx, dy int) (out uint64) {
	var at [2 * edgeBlock * edgeBlock]float32
	x0, y0, x1, y1 := f.block(i)
	var s0, s1, n float32
	for y := max(y0, -dy); y < min(y1, f.h-dy); y++ {
		for x := max(x0, -dx); x < min(x1, f.w-dx); x++ {
			j, o := 2*((y+dy)*f.w+x+dx), 2*((y-y0)*edgeBlock+x-x0)
			at[o], at[o+1] = e[j], e[j+1]
			s0, s1, n = s0+e[j], s1+e[j+1], n+1
		}
	}
	if n == 0 {
		return 0
	}
	for o := 0; o < len(at); o += 2 {
		at[o], at[o+1] = at[o]-s0/n, at[o+1]-s1/n //nolint:gosec // at holds pairs
	}
	for b := range planes {
		// Four sums, so that none waits for another.
		var a0, a1, a2, a3 float32
		for p, j := &planes[b], 0; j < len(at); j += 4 {
			a0, a1, a2, a3 = a0+p[j]*at[j], a1+p[j+1]*at[j+1], a2+p[j+2]*at[j+2], a3+p[j+3]*at[j+3] //nolint:gosec // of both 128
		}
		if a0+a1+a2+a3 > 0 {
			out |= 1 << b
		}
	}
	return out
}

// alike turns the number of differing bits into a correlation.
func alike(a, b uint64) float32 {
	return float32(math.Cos(math.Pi * float64(bits.OnesCount64(a^b)) / 64))
}

// Learnt reports whether the view has changed since the last Sketch, or was taken.
func (v *View) Learnt() bool { return v.learnt }

// Sketch returns what is known of the view, to be kept for [View.Expect]: some
// kilobytes in which nothing and nobody can be recognised. It is nil while too little
// is known. What was expected stays part of it, so that the view does not creep from
// one run to the next.
func (v *View) Sketch() []byte {
	f := &v.field
	known := 0
	out := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{sketchVersion}, uint16(f.w)), uint16(f.h))
	for i := range v.blocks {
		b := &v.blocks[i]
		var s sketchBlock
		if v.origin != nil {
			s = v.origin.blocks[i]
		}
		switch {
		case s.flags&sketchFirst == 0 && b.hasFirst:
			s.flags, s.first = sketchFirst, f.bits(v.first, i, 0, 0)
			if b.ambiguous {
				s.flags |= sketchAmbiguous
			}
		case b.hasFirst && v.origin != nil && !b.hasSecond:
			s.flags, s.second = s.flags|sketchSecond, f.bits(v.first, i, 0, 0)
		}
		if b.hasSecond {
			s.flags, s.second = s.flags|sketchSecond, f.bits(v.second, i, 0, 0)
		}
		if s.flags&sketchFirst != 0 {
			known++
		}
		out = append(out, s.flags)
		out = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(out, s.first), s.second)
	}
	v.learnt = false
	if known < leastBlocks {
		return nil
	}
	return out
}

// Expect has the next pictures compared with a view of an earlier run. Until one of
// them shows it, they differ; only then the view is learnt again. The error is about
// data that is no sketch: everything differs then, until Reset.
func (v *View) Expect(data []byte) error {
	v.expected = &sketch{}
	if len(data) < sketchHead || data[0] != sketchVersion {
		return errSketch
	}
	s := &sketch{w: int(binary.BigEndian.Uint16(data[1:])), h: int(binary.BigEndian.Uint16(data[3:]))}
	if n := (s.w + edgeBlock - 1) / edgeBlock * ((s.h + edgeBlock - 1) / edgeBlock); n == 0 || len(data) != sketchHead+sketchSize*n {
		return errSketch
	}
	for at := data[sketchHead:]; len(at) > 0; at = at[sketchSize:] {
		s.blocks = append(s.blocks, sketchBlock{at[0], binary.BigEndian.Uint64(at[1:]), binary.BigEndian.Uint64(at[9:])})
	}
	v.expected = s
	return nil
}

// matchExpected compares the newest picture with the expected view.
func (v *View) matchExpected() ViewState {
	f, s := &v.field, v.expected
	if v.state < ViewDiffers {
		v.state, v.bad, v.badN = ViewDiffers, v.now, 0
	}
	v.share, v.mean = -1, 0
	if s.w == f.w && s.h == f.h {
		v.share, v.mean = v.expectedAt(0, 0, false)
		if v.share < 0 {
			return v.state // in the dark, behind objects
		}
		fits := v.mean >= noneAlike
		if fits { // else what lies beside the blocks is not asked, which is dear
			v.share, _ = v.expectedAt(0, 0, true)
			fits = v.share >= fewFit || v.mean >= fewAlike
		}
		if fits && !v.expectedBeside() {
			v.origin, v.expected = s, nil
			v.state, v.badN = ViewFits, 0
			v.learn(0)
			return v.state
		}
	}
	if v.badN++; v.now-v.bad >= movedAfter && v.badN >= movedPictures {
		v.state = ViewMoved
	}
	return v.state
}

// expectedAt returns the share of the expected blocks that fit the newest picture
// displaced by (dx, dy), with a sample's tolerance if near, and their mean
// correlation; -1 if there are too few.
func (v *View) expectedAt(dx, dy int, near bool) (share, mean float32) {
	f := &v.field
	n, fit := 0, 0
	for i, s := range v.expected.blocks {
		if s.flags&sketchFirst == 0 || s.flags&sketchAmbiguous != 0 || v.blocks[i].occluded || f.dark[i] {
			continue
		}
		n++
		here, best := v.alikeTo(s, i, dx, dy)
		mean += here
		for _, d := range around {
			if !near || best <= sketchFit {
				break
			}
			_, b := v.alikeTo(s, i, dx+d.X, dy+d.Y)
			best = min(best, b)
		}
		if best <= sketchFit {
			fit++
		}
	}
	if n < leastBlocks {
		return -1, 0
	}
	return float32(fit) / float32(n), mean / float32(n)
}

// alikeTo compares block i with either appearance: the correlation, and the number of
// bits that differ.
func (v *View) alikeTo(s sketchBlock, i, dx, dy int) (corr float32, differ int) {
	b := v.field.bits(v.field.cur, i, dx, dy)
	corr, differ = alike(b, s.first), bits.OnesCount64(b^s.first)
	if s.flags&sketchSecond != 0 {
		corr, differ = max(corr, alike(b, s.second)), min(differ, bits.OnesCount64(b^s.second))
	}
	return corr, differ
}

// expectedBeside reports whether the expected view fits better displaced.
func (v *View) expectedBeside() bool {
	_, here := v.expectedAt(0, 0, false)
	for _, far := range [...]int{3, 6, 10} {
		for _, d := range around {
			p := image.Pt(d.X*far, d.Y*far)
			if _, there := v.expectedAt(p.X, p.Y, false); there > here+0.15 {
				return true
			}
		}
	}
	return false
}
