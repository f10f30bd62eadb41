// Package motion says of a fixed camera where the picture differs from the known
// background, and which of these patches no detector has looked at yet: what moves and
// is explained by no object is hidden.
//
// A [Model] works on a tiny luma picture (long side at most 256 samples, area
// averages) on every frame:
//
//   - The luma goes to a logarithmic scale, where a change of light is an
//     offset. The offset of the whole picture (its median) takes out automatic
//     exposure and flicker, the local mean takes out head-lights, clouds and
//     shadows; what remains is a change of structure (the homomorphic idea of
//     Toth, Aach and Metzler, "Illumination-invariant change detection", 2000).
//   - The background is a running mean with a running mean absolute deviation
//     for each sample (Wren et al., "Pfinder", 1997, and Manzanera and Richefeu,
//     "Sigma-delta background subtraction", 2007), updated only where nothing
//     moves (Haritaoglu et al., "W4", 2000): what has come and stands still does
//     not fade into it.
//   - Samples are gathered into cells of 2x2 (16x16 luma of a 1080p frame) and
//     cells into patches. A patch of a single frame is not believed unless it is
//     large (rain, snow).
//   - [Model.Observe] tells what a detector saw. Only repeated inferences without an
//     object let a cell be ignored: a thing that stands (a parked bicycle, an
//     uncovered floor) then becomes background, and a thing that waves (a tree) is
//     ignored for a time. A walker enters cells that were not observed yet,
//     and so stays unexplained even if a detector keeps missing him.
//
// Before the first inference, after a change of size and when time runs backwards,
// nothing is known and everything is unexplained.
//
// Beside it, a [View] tells whether a fixed camera was moved. A [Mosaic] lays the
// pictures of a camera that turns over each other, so that a Model can work on them. A
// [Pan] estimates how the picture of a moving camera shifts, and [Continuity] tells a
// picture that follows the one before it from a jump or a cut.
package motion

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// longSide bounds the tiny picture. 1080p gives 240x135 with blocks of 8.
	longSide = 256
	// cellSize is the side of a cell in samples of the tiny picture.
	cellSize = 2
	// meanRadius is that of the local mean, in samples: wider than an edge,
	// narrower than the soft border of a pool of light.
	meanRadius = 6
	// lumaSteps is the number of values of the tiny picture, 1/16 of a luma step.
	lumaSteps = 256 * 16
	// logScale is the number of units in which a factor of e is counted.
	logScale = 1024
	// blackLevel and logOffset shape the logarithm: limited-range black, and an
	// offset that keeps sensor noise in the dark from growing without bounds.
	blackLevel, logOffset = 16, 32
	// maxNoise caps the deviation that is learnt, so that a bush in the wind does
	// not become blind for a person.
	maxNoise = 120
	// firstNoise is the deviation assumed before any was seen.
	firstNoise = 24
)

// Config sets up a [Model]. It begins as [DefaultConfig]. A zero means zero; negative
// values count as zero.
type Config struct {
	// Contrast is the least change of light, as a share, that counts where there
	// is no noise. It defaults to 0.05.
	Contrast float32
	// Noise is how many mean absolute deviations a change must exceed on top of
	// Contrast. It defaults to 4.
	Noise float32
	// MinCells is the size of the smallest patch, in cells. It defaults to 2.
	MinCells int
	// Grow is by how many cells patches are grown. It defaults to 1.
	Grow int
	// Hold is how long a cell stays in its patch after it was last seen to
	// differ. It defaults to 150 ms.
	Hold time.Duration
	// Inferences is how many inferences must find nothing until a moving cell is ignored.
	// It defaults to 5.
	Inferences int
	// InferenceSpan is the least time between the first and the last of these inferences.
	// It defaults to 3 s.
	InferenceSpan time.Duration
	// IgnoreFor is how long a cell that waves stays ignored after the last inference
	// that found nothing. It defaults to 20 s.
	IgnoreFor time.Duration
	// Learn is the time constant of the background. It defaults to 3 s.
	Learn time.Duration
	// StaticAfter is how long nothing must have moved for the scene to be static. It
	// defaults to 300 ms.
	StaticAfter time.Duration
}

// DefaultConfig returns the configuration to begin with.
func DefaultConfig() Config {
	return Config{
		// With patches that are not grown 0.2 % of the people on PETS09-S2L1 leaked, and 0.9
		// points less were hidden for nothing.
		Contrast: 0.05, Noise: 4, MinCells: 2, Grow: 1, Hold: 150 * time.Millisecond,
		Inferences: 5, InferenceSpan: 3 * time.Second, IgnoreFor: 20 * time.Second,
		Learn: 3 * time.Second, StaticAfter: 300 * time.Millisecond,
	}
}

// Model is the background model of one fixed camera. It is used by one goroutine
// at a time.
type Model struct {
	cfg      Config
	floor, k int // thresholds as classify takes them
	table    [lumaSteps]int16

	longest     int         // longer side of the tiny picture at most: longSide
	tolerant    bool        // what a shift by a sample explains is no difference
	in, full    image.Point // size of the picture, and of the frame that boxes refer to
	step        int         // block of the tiny picture in samples of the picture
	w, h        int         // tiny picture
	frames      int         // since the last reset
	now         time.Duration
	gain        int // log offset of the whole picture
	noiseFactor int // noise of this picture over the learnt one, 8 fraction bits

	acc         []uint16
	tiny        []uint16
	d, mean     []int16
	px, pxLast  []uint8
	code        []uint8
	bg, noise   []int32
	col, row    []int32
	around      []int32 // scratch of tolerate
	hist        [2 * histSpan]int32
	noiseHist   [noiseBins]int32
	learntNoise [noiseBins]int32

	grid    cellGrid
	history history
	start   time.Duration // of the first picture since the last reset
}

// New returns a model that has seen nothing.
func New(c Config) *Model {
	m := &Model{cfg: c, longest: longSide}
	m.floor = max(1, int(math.Log1p(float64(max(c.Contrast, 0)))*logScale))
	m.k = int(max(c.Noise, 0) * 16)
	for i := range m.table {
		l := max(float64(i)/16-blackLevel, 0) + logOffset
		m.table[i] = int16(math.Round(logScale * math.Log(l/logOffset)))
	}
	return m
}

// Reset forgets everything; until inferences say otherwise, all is unexplained.
func (m *Model) Reset() { m.in = image.Point{} }

// setSize prepares for pictures of size in, in frames of size full.
func (m *Model) setSize(in, full image.Point) {
	m.in, m.full = in, full
	m.step = max(1, (max(in.X, in.Y)+m.longest-1)/m.longest)
	m.w, m.h = (in.X+m.step-1)/m.step, (in.Y+m.step-1)/m.step
	m.frames, m.gain, m.noiseFactor = 0, 0, 256
	n := m.w * m.h
	if len(m.tiny) != n || len(m.acc) != in.X {
		m.acc = make([]uint16, in.X)
		m.tiny = make([]uint16, n)
		m.d, m.mean = make([]int16, n), make([]int16, n)
		m.px, m.pxLast, m.code = make([]uint8, n), make([]uint8, n), make([]uint8, m.w)
		m.bg, m.noise = make([]int32, n), make([]int32, n)
		m.col, m.row = make([]int32, m.w), make([]int32, m.w+2*meanRadius)
	}
	m.grid.setSize((m.w+cellSize-1)/cellSize, (m.h+cellSize-1)/cellSize)
	m.history.setSize(m.grid.size())
	m.start = never
}

// Update looks at the picture of time tm and learns from it. pic may be the
// frame or a smaller copy of it, always of the same size; only its luma is read,
// and not kept. full is the size of the frame in whose pixels boxes are given
// and taken; zero means that of pic. Update allocates only when a size changes.
// An empty picture leaves nothing known.
func (m *Model) Update(tm time.Duration, pic *image.YCbCr, full image.Point) {
	in := pic.Rect.Size()
	if in.X <= 0 || in.Y <= 0 {
		m.Reset()
		return
	}
	if full.X <= 0 || full.Y <= 0 {
		full = in
	}
	if in != m.in || full != m.full || tm < m.now {
		m.setSize(in, full)
	}
	src := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y):]
	shrink(m.tiny, src, pic.YStride, in.X, in.Y, m.step, rowStep(m.step), m.acc)
	m.update(tm)
}

// update looks at the tiny picture.
func (m *Model) update(tm time.Duration) {
	dt := time.Duration(0)
	if m.frames > 0 {
		dt = min(tm-m.now, time.Second)
	}
	m.now = tm
	m.frames++
	if m.frames == 1 {
		clear(m.px)
		for i := range m.tiny {
			m.uncover(i)
		}
	}
	diff(m.d, m.tiny, &m.table, m.bg)
	if m.tolerant {
		m.tolerate()
	}
	m.gain = m.medianDiff()
	boxMean(m.mean, m.d, m.w, m.h, m.col, m.row)
	m.noiseFactor = m.excessNoise()
	m.px, m.pxLast = m.pxLast, m.px
	classify(m.px, m.d, m.mean, m.noise, m.gain, m.floor*m.noiseFactor>>8, m.k*m.noiseFactor>>8)

	g := &m.grid
	gather(g.in, m.px, m.pxLast, m.d, m.mean, m.w, m.h, m.gain, g.cw, g.stride)
	m.findTicks(dt)
	m.findPatches(dt)
	m.history.push(tm, &m.grid)
	if m.start == never {
		m.start = tm
	}

	// Half of the rows learn from a picture, for twice the time; all of them when
	// something becomes background.
	odd, a := m.frames&1, max(share(2*dt, m.cfg.Learn), 2*65536/(m.frames+1))
	absorbs := m.planLearning()
	cells := g.learn[g.at(0, 0):]
	learn(m.bg, m.noise, m.d, m.mean, m.w, m.h, odd, cells, g.stride, m.gain, a, a, maxNoise, m.code)
	if absorbs {
		learn(m.bg, m.noise, m.d, m.mean, m.w, m.h, 1-odd, cells, g.stride, m.gain, a, a, maxNoise, m.code)
	}
}

// tolerate takes out of the differences what a shift by a sample in any direction explains:
// what the background has around.
func (m *Model) tolerate() {
	w, h := m.w, m.h
	if len(m.around) != 6*w {
		m.around = make([]int32, 6*w)
	}
	// The lowest and the highest of three samples of a row, of three rows in turn.
	row := func(y int) (low, high []int32) {
		k := y % 3 * 2 * w
		return m.around[k:][:w], m.around[k+w:][:w]
	}
	extremes := func(y int) {
		low, high := row(y)
		bg := m.bg[y*w:][:w]
		before := bg[0]
		for x, v := range bg {
			after := bg[min(x+1, w-1)]
			low[x], high[x] = min(before, v, after), max(before, v, after)
			before = v
		}
	}
	extremes(0)
	for y := range h {
		if y+1 < h {
			extremes(y + 1)
		}
		low, high := row(y)
		lowUp, highUp := row(max(y-1, 0))
		lowDown, highDown := row(min(y+1, h-1))
		d, bg := m.d[y*w:][:w], m.bg[y*w:][:w]
		for x, v := range d {
			if v > 0 {
				d[x] = max(v-int16((max(high[x], highUp[x], highDown[x])-bg[x])>>8), 0)
			} else if v < 0 {
				d[x] = min(v+int16((bg[x]-min(low[x], lowUp[x], lowDown[x]))>>8), 0)
			}
		}
	}
}

// uncover has a sample of the tiny picture count as background: nothing was seen there
// before.
func (m *Model) uncover(i int) {
	m.bg[i] = int32(m.table[m.tiny[i]]) << 8
	m.noise[i] = firstNoise << 8
}

// rowStep says which rows of a block of k are read: at most 5 of them, which
// are enough for a mean and keep the sums of shrink within 16 bits.
func rowStep(k int) int { return (k + 4) / 5 }

// share returns the part of a difference that a first-order filter of time
// constant tau makes up for in dt, with 16 fraction bits.
func share(dt, tau time.Duration) int {
	if dt <= 0 {
		return 0
	}
	return int(65536 * (1 - math.Exp(-float64(dt)/float64(max(tau, 1)))))
}

const (
	histSpan  = 256 // bins on each side of zero
	histShift = 3   // units of a bin, as a shift
	noiseBins = 256
)

// sampling is the distance of the samples that the medians are taken of; it
// shares no factor with common widths, so that all columns are seen.
const sampling = 13

// medianDiff returns the median of d, interpolated within its bin: the change of
// light of the whole picture. As long as most of the picture is background, what
// moves does not change it.
func (m *Model) medianDiff() int {
	clear(m.hist[:])
	n := 0
	for i := 0; i < len(m.d); i += sampling {
		m.hist[min(max(int(m.d[i])>>histShift+histSpan, 0), 2*histSpan-1)]++
		n++
	}
	seen := 0
	for i, c := range m.hist {
		if c > 0 && (seen+int(c))*2 >= n {
			within := (n - 2*seen) << histShift / (2 * int(c))
			return (i-histSpan)<<histShift + within
		}
		seen += int(c)
	}
	return 0
}

// excessNoise returns by what factor the median deviation of this picture
// exceeds the learnt one, 8 fraction bits, 256..1024. Noise that rises at once
// in the whole picture (the camera's amplifier, rain) raises the thresholds
// before each sample has learnt it.
func (m *Model) excessNoise() int {
	if m.frames < 3 {
		return 256
	}
	clear(m.noiseHist[:])
	clear(m.learntNoise[:])
	n := 0
	for i := 0; i < len(m.d); i += sampling {
		r := int(m.d[i]) - int(m.mean[i])
		m.noiseHist[min(max(r, -r)>>1, noiseBins-1)]++
		m.learntNoise[min(int(m.noise[i]>>9), noiseBins-1)]++
		n++
	}
	// The median of a normal deviation is 0.84 of its mean; the offset of the
	// floor keeps a picture without noise from being all ratio.
	now := median(&m.noiseHist, n)*2*19/16 + m.floor/8
	learnt := median(&m.learntNoise, n)*2 + m.floor/8
	return min(max(256*now/max(learnt, 1), 256), 1024)
}

func median(hist *[noiseBins]int32, n int) int {
	seen := 0
	for i, c := range hist {
		seen += int(c)
		if 2*seen >= n {
			return i
		}
	}
	return noiseBins - 1
}

// Static reports whether no inference is needed: for Config.StaticAfter no cell has changed
// except ignored ones, and no patch waits to be observed. A standing thing that was found
// to be an object needs no inference until it changes.
func (m *Model) Static() bool {
	return m.in != (image.Point{}) && m.grid.pendingCells == 0 && m.now-m.grid.lastChange >= m.cfg.StaticAfter
}

// Patches appends the patches of the newest picture that differ from the known
// background, ignored or not, to dst, in pixels of the frame. Patches of odd
// shape give several boxes that do not overlap.
func (m *Model) Patches(dst []detect.Box) []detect.Box {
	if m.in == (image.Point{}) {
		return dst
	}
	g := &m.grid
	for i, v := range g.foreground {
		g.out[i] = min(v, 1)
	}
	g.growOut(m.cfg.Grow)
	return m.boxes(dst)
}

// Unexplained appends what must be hidden for its motion to dst: the patches of
// the newest picture, and places never looked at, less what is ignored and less
// the cells that lie wholly in the padded box of one of objects. These are the
// tracked objects as they are in the newest picture; the caller hides them, or knows that
// they may be seen. The boxes are in pixels of the
// frame and do not overlap. While nothing is known this is the whole frame.
func (m *Model) Unexplained(dst []detect.Box, objects []detect.Object) []detect.Box {
	if m.in == (image.Point{}) {
		const all = 1 << 24 // any frame
		return append(dst, detect.Box{X1: all, Y1: all})
	}
	g := &m.grid
	copy(g.out, g.active)
	g.growOut(m.cfg.Grow)
	for i, v := range g.unknown {
		g.out[i] |= v
	}
	for i := range objects {
		x0, y0, x1, y1 := m.inner(objects[i].Padded)
		for y := y0; y < y1; y++ {
			clear(g.out[g.at(x0, y):g.at(max(x1, x0), y)])
		}
	}
	return m.boxes(dst)
}
