package motion

import (
	"image"

	"github.com/hedgecam/hedge/detect"
)

// Continuity says whether a picture is what the one before it has become. After a cut next
// to nothing of it is, in a time-lapse nothing that moves; between pictures that
// follow each other nearly all is, also when the camera turns. It cuts a small
// picture into blocks and looks for each of them near its place in the one before
// (block matching, as video coders do). The zero value is ready. It is used by one
// goroutine at a time.
type Continuity struct {
	// Keep is how many pictures are remembered for MovesAs. It defaults to 2.
	Keep int

	in       image.Point
	step     int // samples of the picture a sample
	w, h     int
	now, was []uint8
	ring     [][]uint8
	n        int // pictures since the size changed
}

const (
	// continuitySide is the largest side of the small picture, and matchBlock that of a
	// block.
	continuitySide, matchBlock = 160, 8
	// matchReach is how far a block is looked for, in samples: an eightieth of the
	// picture's side, which at 25 pictures a second is three seconds across it.
	matchReach = 2
	// matchNoise is the mean difference of samples, without that of the block's mean,
	// that noise and coding may make; a third of the block's own contrast may be lost
	// as well.
	matchNoise = 7
	// leastLost is how many blocks make a jump. Of the blocks that move on a street, a
	// fifth to a third are lost at 25 pictures a second, and seven to nine tenths in a
	// time-lapse of every fourth picture or less.
	leastLost = 3
)

// Transition is how a picture follows the one before it.
type Transition uint8

// What a picture is beside the one before.
const (
	// Continues: the picture is what the one before has become.
	Continues Transition = iota
	// Jump: most of what moves is nowhere near its place in the picture before, as in
	// a time-lapse or after a gap.
	Jump
	// Cut: so is most of the picture.
	Cut
)

// Update takes the next picture, of which only the luma is read, and the shift of the
// whole since the last one in its samples, as Pan has it. The first picture, and the
// first one of another size, continues nothing: it is a Cut. Update allocates only when the
// size changes.
func (j *Continuity) Update(pic *image.YCbCr, dx, dy float64) Transition {
	if size := pic.Rect.Size(); size != j.in {
		j.setSize(size)
	}
	j.was = j.now
	j.now = j.ring[j.n%len(j.ring)]
	j.n++
	j.shrink(pic)
	if j.n == 1 || len(j.now) == 0 {
		return Cut
	}
	sx, sy := round(dx/float64(j.step)), round(dy/float64(j.step))
	v := twoPictures{j.now, j.was, j.w, j.h}
	lost, moved, blocks := 0, 0, 0
	for y := 0; y+matchBlock <= j.h; y += matchBlock {
		for x := 0; x+matchBlock <= j.w; x += matchBlock {
			switch v.find(x, y, sx, sy, matchReach) {
			case blockNew:
				continue
			case blockMoved:
				moved++
			case blockLost:
				moved++
				lost++
			}
			blocks++
		}
	}
	switch {
	case lost > blocks/2:
		return Cut
	case lost >= leastLost && lost > moved/2:
		return Jump
	}
	return Continues
}

func round(v float64) int {
	if v < 0 {
		return -int(-v + 0.5)
	}
	return int(v + 0.5)
}

func (j *Continuity) setSize(size image.Point) {
	j.in, j.n = size, 0
	j.step = max(1, (max(size.X, size.Y)+continuitySide-1)/continuitySide)
	j.w, j.h = size.X/j.step, size.Y/j.step
	j.ring = make([][]uint8, max(j.Keep, 2))
	for i := range j.ring {
		j.ring[i] = make([]uint8, j.w*j.h)
	}
}

// Number returns the number of the newest picture, from 1 on, since the size changed.
func (j *Continuity) Number() int { return j.n }

// MovesAs reports whether what picture number shows in b has moved by (dx, dy) since
// the picture back before it: whether most blocks of b are found that far away, or,
// of what stands, in their very place. b and the way are in pixels of a frame of size
// full. It is false where one of the pictures is not remembered.
func (j *Continuity) MovesAs(number, back int, b detect.Box, dx, dy float64, full image.Point) bool {
	if number > j.n || number-back < 1 || number-back <= j.n-len(j.ring) || full.X < 1 || full.Y < 1 || j.w < matchBlock || j.h < matchBlock {
		return false
	}
	v := twoPictures{j.ring[(number-1)%len(j.ring)], j.ring[(number-back-1)%len(j.ring)], j.w, j.h}
	kx, ky := float64(j.w)/float64(full.X), float64(j.h)/float64(full.Y)
	sx, sy := round(dx*kx), round(dy*ky)
	reach := matchReach
	if sx == 0 && sy == 0 {
		reach = 0
	}
	x0, x1 := span(float64(b.X0)*kx, float64(b.X1)*kx, j.w)
	y0, y1 := span(float64(b.Y0)*ky, float64(b.Y1)*ky, j.h)
	found, blocks := 0, 0
	for y := y0; y <= y1; y += matchBlock / 2 {
		for x := x0; x <= x1; x += matchBlock / 2 {
			blocks++
			if what := v.find(x, y, sx, sy, reach); what == blockStays || what == blockMoved {
				found++
			}
		}
	}
	return float64(found) >= asOne*float64(blocks)
}

// asOne is the share of the blocks of a thing that must be found for it to have moved
// as one: its edges uncover what is behind it.
const asOne = 0.85

// span returns the first and the last place of a block for a..b, within n samples.
func span(a, b float64, n int) (first, last int) {
	most := n - matchBlock
	first = min(max(int(a), 0), most)
	last = min(max(int(b)-matchBlock, 0), most)
	if last < first { // smaller than a block: one around its middle
		first = min(max(int((a+b)/2)-matchBlock/2, 0), most)
		last = first
	}
	return first, last
}

// shrink fills now with means of four samples of each block of step.
func (j *Continuity) shrink(pic *image.YCbCr) {
	half := j.step / 2
	for y := range j.h {
		a := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y+y*j.step):]
		b := pic.Y[pic.YOffset(pic.Rect.Min.X, pic.Rect.Min.Y+y*j.step+half):]
		line := j.now[y*j.w : (y+1)*j.w]
		for x := range line {
			i := x * j.step
			line[x] = uint8((int(a[i]) + int(a[i+half]) + int(b[i]) + int(b[i+half])) / 4)
		}
	}
}

// twoPictures is two small pictures that are compared.
type twoPictures struct {
	now, was []uint8
	w, h     int
}

// What became of a block.
const (
	blockStays = iota
	blockMoved // it is near its place
	blockLost  // it is not
	blockNew   // its place was not in the picture
)

// find says what was before at the block (x, y) of now, if the whole was shifted by
// (sx, sy).
func (j twoPictures) find(x, y, sx, sy, reach int) int {
	mean, contrast := j.contrast(x, y)
	limit := (matchNoise + contrast/3) * matchBlock * matchBlock
	compared := false
	for r := range reach + 1 {
		for dy := -r; dy <= r; dy++ {
			for dx := -r; dx <= r; dx++ {
				if max(dx, -dx, dy, -dy) != r {
					continue
				}
				px, py := x-sx+dx, y-sy+dy
				if px < 0 || py < 0 || px+matchBlock > j.w || py+matchBlock > j.h {
					continue
				}
				compared = true
				if j.differs(x, y, px, py, mean, limit) <= limit {
					return min(r, blockMoved)
				}
			}
		}
	}
	if !compared {
		return blockNew
	}
	return blockLost
}

// contrast returns the mean of a block of now, and the mean distance from it.
func (j twoPictures) contrast(x, y int) (mean, contrast int) {
	for r := range matchBlock {
		for _, v := range j.now[(y+r)*j.w+x:][:matchBlock] {
			mean += int(v)
		}
	}
	mean /= matchBlock * matchBlock
	for r := range matchBlock {
		for _, v := range j.now[(y+r)*j.w+x:][:matchBlock] {
			contrast += max(int(v)-mean, mean-int(v))
		}
	}
	return mean, contrast / (matchBlock * matchBlock)
}

// differs returns the sum of the differences of a block of now and one of was, both
// less their means, or a part of it that is above limit.
func (j twoPictures) differs(x, y, px, py, mean, limit int) int {
	other := 0
	for r := range matchBlock {
		for _, v := range j.was[(py+r)*j.w+px:][:matchBlock] {
			other += int(v)
		}
	}
	by := mean - other/(matchBlock*matchBlock)
	sum := 0
	for r := range matchBlock {
		a, b := j.now[(y+r)*j.w+x:][:matchBlock], j.was[(py+r)*j.w+px:][:matchBlock]
		for i, v := range a {
			d := int(v) - int(b[i]) - by
			sum += max(d, -d)
		}
		if sum > limit {
			break
		}
	}
	return sum
}
