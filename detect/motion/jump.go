package motion

import "image"

// Jump says whether a picture is what the one before it has become. After a cut next
// to nothing of it is, in a time-lapse nothing that moves; between pictures that
// follow each other nearly all is, also when the camera turns. It cuts a small
// picture into blocks and looks for each of them near its place in the one before
// (block matching, as video coders do). The zero value is ready. It is used by one
// goroutine at a time.
type Jump struct {
	in       image.Point
	step     int // samples of the picture a sample
	w, h     int
	now, was []uint8
	have     bool
}

const (
	// jumpSide is the largest side of the small picture, and jumpBlock that of a block.
	jumpSide, jumpBlock = 160, 8
	// jumpReach is how far a block is looked for, in samples: an eightieth of the
	// picture's side, which at 25 pictures a second is three seconds across it.
	jumpReach = 2
	// jumpNoise is the mean difference of samples, without that of the block's mean,
	// that noise and coding may make; a third of the block's own contrast may be lost
	// as well.
	jumpNoise = 7
	// leastLost is how many blocks make a jump. Of the blocks that move on a street, a
	// fifth to a third are lost at 25 pictures a second, and seven to nine tenths in a
	// time-lapse of every fourth picture or less.
	leastLost = 3
)

// Leap is how a picture follows the one before it.
type Leap uint8

const (
	// Follows: the picture is what the one before has become.
	Follows Leap = iota
	// Jumps: most of what moves is nowhere near its place in the picture before, as in
	// a time-lapse or after a gap.
	Jumps
	// Cuts: so is most of the picture.
	Cuts
)

// Update takes the next picture, of which only the luma is read, and the shift of the
// whole since the last one in its samples, as Pan has it. The first picture, and the
// first one of another size, follows nothing: it Cuts. Update allocates only when the
// size changes.
func (j *Jump) Update(pic *image.YCbCr, dx, dy float64) Leap {
	if size := pic.Rect.Size(); size != j.in {
		j.setSize(size)
	}
	j.now, j.was = j.was, j.now
	j.shrink(pic)
	if !j.have || len(j.now) == 0 {
		j.have = true
		return Cuts
	}
	sx, sy := round(dx/float64(j.step)), round(dy/float64(j.step))
	lost, moved, blocks := 0, 0, 0
	for y := 0; y+jumpBlock <= j.h; y += jumpBlock {
		for x := 0; x+jumpBlock <= j.w; x += jumpBlock {
			switch j.find(x, y, sx, sy) {
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
		return Cuts
	case lost >= leastLost && lost > moved/2:
		return Jumps
	}
	return Follows
}

func round(v float64) int {
	if v < 0 {
		return -int(-v + 0.5)
	}
	return int(v + 0.5)
}

func (j *Jump) setSize(size image.Point) {
	j.in, j.have = size, false
	j.step = max(1, (max(size.X, size.Y)+jumpSide-1)/jumpSide)
	j.w, j.h = size.X/j.step, size.Y/j.step
	j.now, j.was = make([]uint8, j.w*j.h), make([]uint8, j.w*j.h)
}

// shrink fills now with means of four samples of each block of step.
func (j *Jump) shrink(pic *image.YCbCr) {
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

// What became of a block.
const (
	blockStays = iota
	blockMoved // it is near its place
	blockLost  // it is not
	blockNew   // its place was not in the picture
)

// find says what was before at the block (x, y) of now, if the whole was shifted by
// (sx, sy).
func (j *Jump) find(x, y, sx, sy int) int {
	mean, contrast := j.contrast(x, y)
	limit := (jumpNoise + contrast/3) * jumpBlock * jumpBlock
	judged := false
	for r := range jumpReach + 1 {
		for dy := -r; dy <= r; dy++ {
			for dx := -r; dx <= r; dx++ {
				if max(dx, -dx, dy, -dy) != r {
					continue
				}
				px, py := x-sx+dx, y-sy+dy
				if px < 0 || py < 0 || px+jumpBlock > j.w || py+jumpBlock > j.h {
					continue
				}
				judged = true
				if j.differs(x, y, px, py, mean, limit) <= limit {
					return min(r, blockMoved)
				}
			}
		}
	}
	if !judged {
		return blockNew
	}
	return blockLost
}

// contrast returns the mean of a block of now, and the mean distance from it.
func (j *Jump) contrast(x, y int) (mean, contrast int) {
	for r := range jumpBlock {
		for _, v := range j.now[(y+r)*j.w+x:][:jumpBlock] {
			mean += int(v)
		}
	}
	mean /= jumpBlock * jumpBlock
	for r := range jumpBlock {
		for _, v := range j.now[(y+r)*j.w+x:][:jumpBlock] {
			contrast += max(int(v)-mean, mean-int(v))
		}
	}
	return mean, contrast / (jumpBlock * jumpBlock)
}

// differs returns the sum of the differences of a block of now and one of was, both
// less their means, or a part of it that is above limit.
func (j *Jump) differs(x, y, px, py, mean, limit int) int {
	other := 0
	for r := range jumpBlock {
		for _, v := range j.was[(py+r)*j.w+px:][:jumpBlock] {
			other += int(v)
		}
	}
	by := mean - other/(jumpBlock*jumpBlock)
	sum := 0
	for r := range jumpBlock {
		a, b := j.now[(y+r)*j.w+x:][:jumpBlock], j.was[(py+r)*j.w+px:][:jumpBlock]
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
