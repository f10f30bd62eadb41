package motion

import (
	"image"
	"math"
	"math/cmplx"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// mosaicSide is the mosaic's longer side in samples, and mosaicSpan how many pictures
	// of the size of its first one that is.
	mosaicSide, mosaicSpan = 512, 2
	// mosaicFits is the share of a keyframe's blocks that must look as in the picture for
	// its place in the mosaic to be known. Where the camera goes on, near things move past
	// far ones, and less fits: of a window of PETS09-S2L1 that pans, zooms and shakes 0.57 to
	// 0.74, of a walk through Paris 0.6 at first and 0.25 later, of a drive through Tokyo 0.4
	// and less.
	mosaicFits = 0.5
	// mosaicGrow is Config.Grow: places in the mosaic are a sample wrong, and what that
	// explains is no motion, so that somebody's outline is missed beside edges.
	mosaicGrow = 2
	// mosaicSettles is how long a mosaic is looked at until its patches count.
	mosaicSettles = time.Second
	// keyframeOverlap is the share of the nearest keyframe's points in the picture below
	// which that becomes a keyframe, keyframeApart the least number of pictures between two,
	// and mostKeyframes how many are kept.
	keyframeOverlap, keyframeApart, mostKeyframes = 0.7, 5, 32
	// mosaicLost is after how many pictures in a row without a place a mosaic begins anew,
	// and mosaicInside the share of the picture that must lie in it. mosaicZoom is how much
	// larger or smaller than its first picture's a picture's scale may be.
	mosaicLost, mosaicInside, mosaicZoom = 10, 0.75, 4
	// leastMosaic is the least side of a picture, in samples, that a mosaic is made of.
	leastMosaic = 64
)

// Mosaic is the place that a camera sees which turns, tilts and zooms, and does not go
// anywhere: its pictures laid over each other. In the mosaic they are those of a fixed
// camera, and a [Model] tells what moves. It is used by one goroutine at a time. The zero
// value is ready.
type Mosaic struct {
	full      image.Point // size of the frame
	unit      float64     // frame's pixels in a sample of the pyramid
	pic       pyramid
	scratch   alignScratch
	keyframes []placedKeyframe
	pose      Similarity // from the mosaic to the newest picture, in samples from their middles
	known     bool       // it is
	lost      int        // pictures in a row for which it was not
	apart     int        // pictures since the newest keyframe
	number    int
	begun     time.Duration // time of the mosaic's first picture
	model     *Model
	scale     float64 // the mosaic's samples in one of the pyramid
	samples   []uint8 // what is known of each of the mosaic's samples
	poses     [historyFrames]pastPose
	next      int // of poses
	last      time.Duration
	mapped    []detect.Object
}

// What is known of a sample of the mosaic.
const (
	sampleUnseen uint8 = iota // nothing: what comes next is its background
	sampleSeen                // it was seen, but nobody has looked what was there
	sampleEmpty               // and nobody was found there
)

// occupying is the least score of a find in whose place the background has not been seen
// yet if nothing else ever was: who is there when a part of the place is first seen leaves
// no hole in it.
const occupying = 0.3

type placedKeyframe struct {
	*keyframe
	pose Similarity // from the mosaic to it
}

// pastPose is where a picture of the past lies.
type pastPose struct {
	at     time.Duration
	number int // of the mosaic; 0 if it was not known
	pose   Similarity
}

// Update takes the next picture, of time tm, of which only the luma is read and nothing is
// kept but points. full is the size of the frame in whose pixels boxes are given and taken,
// and dx and dy how far its content has shifted since the last picture, as [Pan] has it, or
// 0. It reports whether the picture's place in the mosaic is known. It allocates when the
// size changes, and for keyframes.
func (m *Mosaic) Update(tm time.Duration, pic *image.YCbCr, full image.Point, dx, dy float64) bool {
	in := pic.Rect.Size()
	if min(in.X, in.Y) < leastMosaic {
		m.known = false
		return false
	}
	if full != m.full || in != m.pic.in || tm < m.last {
		m.full, m.keyframes = full, nil
	}
	m.last = tm
	m.pic.set(pic)
	m.unit = float64(full.X) / float64(in.X) * float64(m.pic.step)
	if m.model == nil {
		c := DefaultConfig()
		c.Grow = mosaicGrow
		m.model = New(c)
		m.model.longest, m.model.tolerant = mosaicSide, true
	}
	if len(m.keyframes) > 0 {
		m.find(dx/m.unit, dy/m.unit)
	}
	if len(m.keyframes) == 0 || m.lost >= mosaicLost || m.known && !m.holds() {
		m.begin()
		m.begun = tm
	}
	past := pastPose{at: tm}
	if m.known {
		past.number, past.pose = m.number, m.pose
		m.add(tm)
	}
	m.poses[m.next] = past
	m.next = (m.next + 1) % historyFrames
	return m.known
}

// Number returns which mosaic the newest picture is part of, from 1 on.
func (m *Mosaic) Number() int { return m.number }

// Pose returns the movement from the mosaic to the newest picture, in pixels of the frame
// from its upper left corner; those of the mosaic are the pixels of its first picture.
func (m *Mosaic) Pose() Similarity {
	center := complex(float64(m.full.X)/2, float64(m.full.Y)/2)
	return Similarity{m.pose.Turn, m.pose.Shift*complex(m.unit, 0) + center - m.pose.Turn*center}
}

// begin begins a mosaic with the picture in its middle.
func (m *Mosaic) begin() {
	l := &m.pic.levels[0]
	m.scale = mosaicSide / (mosaicSpan * float64(max(l.w, l.h)))
	size := image.Pt(int(mosaicSpan*float64(l.w)*m.scale), int(mosaicSpan*float64(l.h)*m.scale))
	m.model.setSize(size, size)
	clear(m.model.tiny)
	m.samples = make([]uint8, size.X*size.Y)
	m.number++
	m.keyframes = m.keyframes[:0]
	m.pose, m.known, m.lost = Unmoved, true, 0
	m.addKeyframe()
}

func (m *Mosaic) addKeyframe() {
	if len(m.keyframes) == mostKeyframes {
		m.keyframes = append(m.keyframes[:0], m.keyframes[1:]...)
	}
	m.keyframes = append(m.keyframes, placedKeyframe{newKeyframe(&m.pic), m.pose})
	m.apart = 0
}

// find finds where the picture lies. dx and dy are how far it has shifted.
func (m *Mosaic) find(dx, dy float64) {
	m.apart++
	moved := Similarity{m.pose.Turn, m.pose.Shift + complex(dx, dy)}
	k := m.nearest(moved)
	back := k.pose.Inverse()
	s, fit, overlap := k.align(&m.pic, moved.After(back), &m.scratch)
	if fit < mosaicFits && (dx != 0 || dy != 0) {
		if t, f, o := k.align(&m.pic, m.pose.After(back), &m.scratch); f > fit {
			s, fit, overlap = t, f, o
		}
	}
	if m.known = fit >= mosaicFits; !m.known {
		m.pose = moved
		m.lost++
		return
	}
	m.pose, m.lost = s.After(k.pose), 0
	if m.apart >= keyframeApart && overlap < keyframeOverlap {
		m.addKeyframe()
	}
}

// nearest returns the keyframe that is most like a picture with that pose.
func (m *Mosaic) nearest(pose Similarity) *placedKeyframe {
	best, least := 0, math.Inf(1)
	side := float64(m.pic.levels[0].w+m.pic.levels[0].h) / 2
	for i := range m.keyframes {
		s := pose.After(m.keyframes[i].pose.Inverse())
		if far := cmplx.Abs(s.Shift)/side + cmplx.Abs(cmplx.Log(s.Turn)); far <= least {
			best, least = i, far
		}
	}
	return &m.keyframes[best]
}

// holds reports whether the mosaic has room for the picture, and detail for it.
func (m *Mosaic) holds() bool {
	view, zoom := m.view(m.pose), cmplx.Abs(m.pose.Turn)
	if view.Empty() || zoom > mosaicZoom || zoom < 1./mosaicZoom {
		return false
	}
	in := view.Intersect(detect.Box{X1: float32(m.model.in.X), Y1: float32(m.model.in.Y)})
	return in.Area() >= mosaicInside*view.Area()
}

// fromMosaic is the movement from the mosaic's samples, from its upper left corner, to those
// of the picture with a pose, from the upper left corner.
func (m *Mosaic) fromMosaic(pose Similarity) Similarity {
	l, size := &m.pic.levels[0], m.model.in
	k := complex(1/m.scale, 0)
	from := Similarity{k, -k * complex(float64(size.X)/2, float64(size.Y)/2)}
	s := pose.After(from)
	s.Shift += complex(float64(l.w)/2, float64(l.h)/2)
	return s
}

// view returns the smallest box, in the mosaic's samples, that holds the picture with a pose.
func (m *Mosaic) view(pose Similarity) detect.Box {
	l := &m.pic.levels[0]
	return m.fromMosaic(pose).Inverse().Box(detect.Box{X1: float32(l.w), Y1: float32(l.h)})
}

// add lays the picture into the mosaic, and looks what moves there.
func (m *Mosaic) add(tm time.Duration) {
	c, l := m.model, &m.pic.levels[0]
	s := m.fromMosaic(m.pose)
	view := m.view(m.pose)
	x0, x1 := max(int(view.X0), 0), min(int(view.X1)+1, c.w)
	y0, y1 := max(int(view.Y0), 0), min(int(view.Y1)+1, c.h)
	// A sample is the mean of four of the picture, in 1/256 of a sample.
	const one = 256
	fixed := func(v float64) int { return int(math.Floor(v * one * one)) }
	stepX, stepY := fixed(real(s.Turn)), fixed(imag(s.Turn))
	var taps [4][2]int
	for i, t := range [4]complex128{-0.25 - 0.25i, 0.25 - 0.25i, -0.25 + 0.25i, 0.25 + 0.25i} {
		t *= s.Turn
		taps[i] = [2]int{fixed(real(t)) / one, fixed(imag(t)) / one}
	}
	// The picture's edge is left out, and what the taps reach.
	edge := one + int(cmplx.Abs(s.Turn)*one/2)
	right, bottom := (l.w-1)*one-edge, (l.h-1)*one-edge
	first := c.frames == 0
	for y := y0; y < y1; y++ {
		at := s.Turn*complex(float64(x0)+0.5, float64(y)+0.5) + s.Shift - 0.5 - 0.5i
		u, v := fixed(real(at)), fixed(imag(at))
		for x := x0; x < x1; x, u, v = x+1, u+stepX, v+stepY {
			px, py := u/one, v/one
			if px < edge || py < edge || px >= right || py >= bottom {
				continue
			}
			sum := 0
			for _, t := range taps {
				sum += l.mixed(px+t[0], py+t[1])
			}
			i := y*c.w + x
			c.tiny[i] = uint16(sum >> 18)
			if m.samples[i] == sampleUnseen {
				m.samples[i] = sampleSeen
				if !first {
					c.uncover(i)
				}
			}
		}
	}
	c.update(tm)
}

// mixed returns the luma at a point, in 1/256 of a sample from the middle of the upper left
// one and in 1/65536 of its unit.
func (l *alignLevel) mixed(x, y int) int {
	i := y>>8*l.w + x>>8
	fx, fy := x&255, y&255
	a, b := l.luma[i:i+2], l.luma[i+l.w:i+l.w+2]
	top := int(a[0])*(256-fx) + int(a[1])*fx
	bottom := int(b[0])*(256-fx) + int(b[1])*fx
	return top*(256-fy) + bottom*fy
}

// Patches appends the patches of the newest picture that differ from the known background
// of the mosaic to dst, in pixels of the frame and cut to it. There are none where the
// picture's place is not known, and in the first second of a mosaic.
func (m *Mosaic) Patches(dst []detect.Box) []detect.Box {
	if !m.known || m.last-m.begun < mosaicSettles {
		return dst
	}
	n := len(dst)
	dst = m.model.Patches(dst)
	s := m.toFrame(m.pose)
	whole := detect.Box{X1: float32(m.full.X), Y1: float32(m.full.Y)}
	kept := n
	for _, b := range dst[n:] {
		if b = s.Box(b).Intersect(whole); !b.Empty() {
			dst[kept] = b
			kept++
		}
	}
	return dst[:kept]
}

// toFrame is the movement from the mosaic's samples to pixels of the frame with a pose.
func (m *Mosaic) toFrame(pose Similarity) Similarity {
	s, unit := m.fromMosaic(pose), complex(m.unit, 0)
	return Similarity{unit * s.Turn, unit * s.Shift}
}

// Observe is [Model.Observe] of the mosaic: all detectors that count have looked at the
// whole picture of time tm, and objects are what was there.
func (m *Mosaic) Observe(tm time.Duration, objects []detect.Object) {
	for i := range m.poses {
		p := &m.poses[i]
		if p.at != tm || p.number != m.number || p.number == 0 {
			continue
		}
		back := m.toFrame(p.pose).Inverse()
		view := back.inner(detect.Box{X1: float32(m.full.X), Y1: float32(m.full.Y)})
		m.mapped = append(m.mapped[:0], objects...)
		for k := range m.mapped {
			o := &m.mapped[k]
			o.Box, o.Padded = back.Box(o.Box), back.Box(o.Padded)
			if o.Score >= occupying {
				m.mark(o.Padded, sampleSeen, sampleUnseen)
			}
		}
		m.mark(view, sampleSeen, sampleEmpty)
		m.model.Observe(tm, view, m.mapped)
		return
	}
}

// mark makes those samples in a box that are from to.
func (m *Mosaic) mark(b detect.Box, from, to uint8) {
	w, h := m.model.w, m.model.h
	b = b.Intersect(detect.Box{X1: float32(w), Y1: float32(h)})
	if b.Empty() {
		return
	}
	x0, x1 := int(b.X0), min(int(b.X1)+1, w)
	for y := int(b.Y0); y < min(int(b.Y1)+1, h); y++ {
		row := m.samples[y*w+x0 : y*w+x1]
		for i, v := range row {
			if v == from {
				row[i] = to
			}
		}
	}
}
