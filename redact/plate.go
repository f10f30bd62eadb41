package redact

import (
	"image"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/nodump"
)

// PlateConfig sets up a [BackgroundPlate].
type PlateConfig struct {
	// Networks is the number of detectors that must have looked at a block and
	// found nothing: those that together find everybody whom the plate must not
	// show, 1..8.
	Networks int
	// Span is how long the same content must have been seen in a block before it
	// enters: who stays for less leaves nothing. It defaults to 30 s. For a
	// recording that is read twice, use a part of its length.
	Span time.Duration
	// Thorough has every frame worked on in whole, and not a bounded number of its
	// blocks: for recordings, for which nobody waits. It defaults to false.
	Thorough bool
}

const (
	// plateSamples is in how many samples, over Span at least, the same must have
	// been seen, and plateRate how many are taken of a block in that time.
	plateSamples, plateRate = 3, 6
	// plateCalm is the part of Span for which nothing may be found or move in a
	// block before a sample of it and after: who comes is seen late, and so is who
	// goes.
	plateCalm = 30
	// plateGap is the part of Span after which a look is no look before any more.
	plateGap = 6
	// plateVisits is the part of all blocks that one frame visits at most, and
	// plateWork how many of them it copies or compares at most.
	plateVisits, plateWork = 8, 192
	// plateHeight is how high, in pixels of the network's input, a person must be
	// to be found, and plateFar how high somebody is taken to be at least where
	// nobody was seen, as a part of the picture's height.
	plateHeight, plateFar = 20, 8
	maxNetworks           = 8
	// foundCalm is how long at least a block must have been calm for what is found there to have
	// been there before.
	foundCalm = time.Second
)

// never is before all times.
const never = time.Duration(math.MinInt64 / 4)

// BackgroundPlate is the place as it was seen empty (the background plate of film
// makers), of a fixed camera: what the fill Background shows. Pixels of a block
// enter it only when
//
//   - every network looked there before and after, at a scale at which a person of
//     that place's size is found, and found nothing down to its low threshold,
//   - nothing was found or moved there in between, and
//   - the same content was seen in three such samples or more, which span
//     [PlateConfig].Span or more.
//
// So who stays for less than that leaves nothing, and who is found never enters,
// however long they stand. What has entered is replaced by the same rule only, and
// only where something else is seen, but for the light, which is followed in the
// whole picture at once (see plateLight).
// Who is found by nobody, does not move and stays for longer does enter, as a
// parked car does. Once they are found, what is known of their place is dropped.
//
// A plate holds raw pixels. Nothing but a Redactor can read them, and nothing
// writes them anywhere. It is used by one goroutine at a time.
type BackgroundPlate struct {
	cfg  PlateConfig
	size image.Point
	cell int // side of a block

	pic   *image.YCbCr // what has entered
	known blockMask    // where
	drawn int          // rises when it is forgotten, or changed as a whole
	mean  []fieldCell  // of what has entered, for each block
	light plateLight   // since it has entered

	now    time.Duration
	blocks []plateBlock
	looks  [][]plateLook // of each network at each block
	cand   *image.YCbCr  // the content that may enter
	pend   *image.YCbCr  // samples that wait for the look after
	next   int           // the block to visit next
	finds  []find        // of which the frame is to come
	least  []float32     // how high the smaller people are, for each row of blocks
}

// plateBlock is what is known of one block.
type plateBlock struct {
	dirty       time.Duration // when something was last found or moved there
	taken       time.Duration // when the newest sample was taken
	first, last time.Duration // samples of the candidate
	count       int           // of the candidate
	pending     bool          // the newest sample waits for the looks after it
	differs     bool          // what was last proved is something else than the plate
	light       [3]int        // by how much it was lighter, in steps, if the block is known
}

// find is something that was found in the frame of a time.
type find struct {
	box detect.Box
	at  time.Duration
}

// maxFinds bounds how many finds wait for their frames.
const maxFinds = 256

// plateLook is what one network says of one block: that all its looks from the
// first to the last found nothing.
type plateLook struct{ first, last time.Duration }

// NewBackgroundPlate returns an empty plate for pictures of a size.
func NewBackgroundPlate(size image.Point, c PlateConfig) *BackgroundPlate {
	if c.Span <= 0 {
		c.Span = 30 * time.Second
	}
	c.Networks = min(max(c.Networks, 1), maxNetworks)
	p := &BackgroundPlate{cfg: c, size: size, cell: coarseSide(size)}
	p.known = newMaskOf(size, p.cell)
	n := p.known.w * p.known.h
	p.mean, p.blocks, p.least = make([]fieldCell, n), make([]plateBlock, n), make([]float32, p.known.h)
	for range c.Networks {
		p.looks = append(p.looks, make([]plateLook, n))
	}
	for _, pic := range []**image.YCbCr{&p.pic, &p.cand, &p.pend} {
		*pic = nodump.Picture(size.X, size.Y)
	}
	p.Forget()
	return p
}

// Size returns the size of the pictures, in pixels.
func (p *BackgroundPlate) Size() image.Point { return p.size }

// Known returns the share of the place that is known, 0..1.
func (p *BackgroundPlate) Known() float64 {
	return float64(p.known.count()) / float64(len(p.blocks))
}

// Forget drops everything: the camera shows another view.
func (p *BackgroundPlate) Forget() {
	p.known.clear()
	p.drawn++
	p.light = plateLight{}
	p.now = never
	for i := range p.blocks {
		p.blocks[i] = plateBlock{dirty: never, taken: never}
	}
	for _, l := range p.looks {
		for i := range l {
			l[i] = plateLook{never, never}
		}
	}
	p.finds = p.finds[:0]
	clear(p.least)
	clear(p.pic.Y)
	clear(p.cand.Y)
	clear(p.pend.Y)
}

// Inference is what one network found in one frame.
type Inference struct {
	// Network is its number, below [PlateConfig].Networks.
	Network int
	// Time is that of the frame. For one network, times must not fall.
	Time time.Duration
	// Region is the part of the frame that was looked at, in its pixels from its
	// upper left corner; empty for the whole.
	Region detect.Box
	// Scale is how many pixels of the network's input one of the frame's became,
	// along an axis.
	Scale float32
	// Found is everything that was found, down to the network's low threshold, in
	// the frame's pixels from its upper left corner.
	Found []detect.Detection
}

// Looked takes in an inference that is done. It may come later or earlier than its
// frame. A failed one is not told, or with [BackgroundPlate.Doubt].
func (p *BackgroundPlate) Looked(l Inference) {
	if l.Network < 0 || l.Network >= len(p.looks) {
		return
	}
	region := l.Region
	if region.Empty() {
		region = detect.Box{X1: float32(p.size.X), Y1: float32(p.size.Y)}
	}
	for i := range l.Found {
		f := &l.Found[i]
		if f.Class == detect.Vehicle {
			continue
		}
		if f.Class == detect.Person && f.Score >= 0.4 {
			p.learnHeight(f.Box)
		}
		if p.calm(f.Box, l.Time) && len(p.finds) < maxFinds {
			p.finds = append(p.finds, find{f.Box, l.Time})
		}
		p.mark(f.Box, l.Time)
	}
	looks, r := p.looks[l.Network], withinOf(clip(region, p.size), p.size, p.cell)
	for y := r.y0; y < r.y1; y++ {
		if !p.large(y, l.Scale) {
			continue
		}
		for i := y*p.known.w + r.x0; i < y*p.known.w+r.x1; i++ {
			k := &looks[i]
			if l.Time <= p.blocks[i].dirty {
				continue
			}
			if k.first == never || l.Time-k.last > p.cfg.Span/plateGap {
				k.first = l.Time
			}
			k.last = max(k.last, l.Time)
		}
	}
}

// large reports whether somebody at a row of blocks is large enough in the input
// of a network that sees the frame at a scale; at native size nothing is larger.
func (p *BackgroundPlate) large(row int, scale float32) bool {
	h := p.least[row]
	if h == 0 {
		h = float32(p.size.Y) / plateFar
	}
	return scale >= 1 || h*scale >= plateHeight
}

// learnHeight notes how high somebody is in the rows where they are: the value goes
// down fast and up slowly, so that it stays at the smaller people and a single box
// of a part of somebody does not count for long. A box at the picture's edge may be
// cut off.
func (p *BackgroundPlate) learnHeight(b detect.Box) {
	if b.Y0 < 2 || b.Y1 > float32(p.size.Y-2) {
		return
	}
	r := p.touched(b)
	for y := r.y0; y < r.y1; y++ {
		switch v := &p.least[y]; {
		case *v == 0:
			*v = b.H()
		case b.H() < *v:
			*v += (b.H() - *v) / 8
		default:
			*v += (b.H() - *v) / 64
		}
	}
}

// Doubt says that from the time at on nobody knows what the frames show: a network
// failed. Samples that wait are dropped, and looks begin anew.
func (p *BackgroundPlate) Doubt(at time.Duration) {
	p.markBlocks(blockRect{0, 0, p.known.w, p.known.h}, at)
}

// unlearn drops what is known in the box of somebody, or of a license plate, who was found where it was
// calm until then, if the frame pic mostly shows there what is known: they have not come, but
// were there when the blocks entered, and what is known shows them. On PETS09-S2L1 (a recording,
// bench/leak -picture) 0.04 % of the people are shown by a tenth of their middle with it, and 0.56 %
// without; 1.50 and 1.39 % of the rest are hidden for nothing. With people from a score of 0.4 on
// only it is 0.07 and 1.46 %; but who is found weakly first has been found. Wherever the frame
// shows what is known, calm or not, 0 and 1.89 %.
func (p *BackgroundPlate) unlearn(b detect.Box, pic *image.YCbCr) {
	r, known, same := p.touched(b), 0, 0
	for y := r.y0; y < r.y1; y++ {
		for x := r.x0; x < r.x1; x++ {
			if !p.known.has(x, y) {
				continue
			}
			known++
			if i := y*p.known.w + x; sameBlock(pic, p.pic, p.rect(i), p.light.steps) {
				same++
			}
		}
	}
	if 4*same < 3*known {
		return
	}
	for y := r.y0; y < r.y1; y++ {
		for x := r.x0; x < r.x1; x++ {
			k := &p.blocks[y*p.known.w+x]
			k.count = 0
			if p.known.has(x, y) {
				p.known.unset(blockRect{x, y, x + 1, y + 1})
				p.light.vote(k.light, -1)
				k.differs = false
			}
		}
	}
}

// calm reports whether in nearly all of a box nothing was found or moved shortly before a time.
func (p *BackgroundPlate) calm(b detect.Box, at time.Duration) bool {
	r, calm := p.touched(b), 0
	for y := r.y0; y < r.y1; y++ {
		for i := y*p.known.w + r.x0; i < y*p.known.w+r.x1; i++ {
			if p.blocks[i].dirty < at-max(p.cfg.Span/plateCalm, foundCalm) {
				calm++
			}
		}
	}
	return 10*calm >= 9*(r.x1-r.x0)*(r.y1-r.y0)
}

// mark notes that something was found, or moved, in a box of the frame of a time,
// with one more block around: residue of compression sits beside what moves.
func (p *BackgroundPlate) mark(b detect.Box, at time.Duration) {
	r := p.touched(b)
	if r.empty() {
		return
	}
	p.markBlocks(blockRect{max(r.x0-1, 0), max(r.y0-1, 0), min(r.x1+1, p.known.w), min(r.y1+1, p.known.h)}, at)
}

// touched returns the blocks that b touches.
func (p *BackgroundPlate) touched(b detect.Box) blockRect {
	if b = clip(b, p.size); b.Empty() {
		return blockRect{}
	}
	return touchedOf(b, p.cell)
}

func (p *BackgroundPlate) markBlocks(r blockRect, at time.Duration) {
	for y := r.y0; y < r.y1; y++ {
		for i := y*p.known.w + r.x0; i < y*p.known.w+r.x1; i++ {
			b := &p.blocks[i]
			b.dirty, b.pending = max(b.dirty, at), false
			for _, l := range p.looks {
				l[i].first = never
			}
		}
	}
}

// Frame takes samples of a frame's raw picture, which is 4:2:0 and of the plate's
// size, before anything in it is hidden. occupied are the boxes of all that is
// known to be in the frame, tracked or moving, in its pixels from its upper left
// corner. Frames come in the order of their times; one that is older than the last
// makes the plate forget. Of each frame a bounded number of blocks is worked on.
func (p *BackgroundPlate) Frame(pic *image.YCbCr, at time.Duration, occupied []detect.Box) {
	if pic.Rect.Size() != p.size || at < p.now {
		p.Forget()
	}
	if pic.Rect.Size() != p.size {
		return
	}
	p.now = at
	later := p.finds[:0]
	for _, f := range p.finds {
		if f.at > at {
			later = append(later, f)
		} else {
			p.unlearn(f.box, pic)
		}
	}
	p.finds = later
	for _, b := range occupied {
		p.mark(b, at)
	}
	visits, work := (len(p.blocks)+plateVisits-1)/plateVisits, plateWork
	if p.cfg.Thorough {
		visits, work = len(p.blocks), len(p.blocks)
	}
	for range visits {
		if work == 0 {
			return
		}
		if p.visit(p.next, pic) {
			work--
		}
		if p.next++; p.next == len(p.blocks) {
			p.next = 0
			p.follow()
		}
	}
}

// visit enters the sample of a block that waits, if the looks after it are in, and
// takes another, if it is time. It reports whether there was anything to do.
func (p *BackgroundPlate) visit(i int, pic *image.YCbCr) bool {
	b := &p.blocks[i]
	calm := p.cfg.Span / plateCalm
	switch {
	case b.pending:
		if p.now-b.taken < calm || !p.lookedAfter(i, b.taken) {
			return false
		}
		b.pending = false
		p.account(i)
	case b.taken != never && p.now-b.taken < p.cfg.Span/plateRate,
		p.now-b.dirty < calm, !p.lookedBefore(i, p.now):
		return false
	default:
		copyBlock(p.pend, pic, p.rect(i))
		b.pending, b.taken = true, p.now
	}
	return true
}

// lookedBefore reports whether all networks have looked at a block, at the time at
// or not long before, and found nothing since.
func (p *BackgroundPlate) lookedBefore(i int, at time.Duration) bool {
	for _, l := range p.looks {
		if l[i].first == never || l[i].first > at || l[i].last < at-p.cfg.Span/plateGap {
			return false
		}
	}
	return true
}

// lookedAfter reports whether all networks have looked at a block at the time at or
// later, and found nothing.
func (p *BackgroundPlate) lookedAfter(i int, at time.Duration) bool {
	for _, l := range p.looks {
		if l[i].first == never || l[i].first > at || l[i].last < at {
			return false
		}
	}
	return true
}

// account counts a sample that was proved: of the candidate, or of a new one.
func (p *BackgroundPlate) account(i int) {
	b, r := &p.blocks[i], p.rect(i)
	if b.count == 0 || !sameBlock(p.pend, p.cand, r, [3]int{}) {
		b.first, b.count = b.taken, 0
	}
	copyBlock(p.cand, p.pend, r)
	b.last = b.taken
	b.count++
	if b.count < plateSamples || b.last-b.first < p.cfg.Span {
		return
	}
	p.prove(i, r)
}

// prove takes in that a block shows what is in its newest sample when it is empty.
// It enters if the block was not known, and replaces something else if it was proved
// twice: when the light changes all at once, the first proofs tell of the light.
func (p *BackgroundPlate) prove(i int, r image.Rectangle) {
	x, y := i%p.known.w, i/p.known.w
	b := &p.blocks[i]
	if p.known.has(x, y) {
		p.light.vote(b.light, -1)
		b.light = stepsOf(blockMean(p.pend, r).minus(p.mean[i]))
		p.light.vote(b.light, 1)
		was := b.differs
		b.differs = !sameBlock(p.pend, p.pic, r, p.light.steps)
		if !b.differs || !was {
			return
		}
		p.light.vote(b.light, -1)
	}
	blockPlanes(p.pic, p.pend, r, func(plane int, to, from []byte) { shifted(to, from, -p.light.steps[plane]) })
	p.known.set(blockRect{x, y, x + 1, y + 1})
	p.mean[i] = blockMean(p.pic, r)
	b.light, b.differs = p.light.steps, false
	p.light.vote(b.light, 1)
}

// follow has the plate follow the light, once all blocks were visited.
func (p *BackgroundPlate) follow() {
	p.light.settle()
	by := p.light.steps
	if max(by[0], -by[0], by[1], -by[1], by[2], -by[2]) < rebaseAfter {
		return
	}
	p.light = plateLight{}
	p.drawn++ // what was measured against it is void
	p.known.each(func(i int) {
		b, r := &p.blocks[i], p.rect(i)
		blockPlanes(p.pic, p.pic, r, func(plane int, to, from []byte) { shifted(to, from, by[plane]) })
		for k := range b.light {
			b.light[k] = min(max(b.light[k]-by[k], -maxLight), maxLight)
		}
		p.mean[i] = blockMean(p.pic, r)
		p.light.vote(b.light, 1)
	})
}
