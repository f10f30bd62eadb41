package motion

import (
	"image"
	"time"
)

// learn lets blocks become part of the view, and sets how much they count. It runs
// only while the picture shows the view.
func (v *View) learn(dt time.Duration) {
	f := &v.field
	up, down := min(float32(dt)/float32(trustFor), 0.25), min(float32(dt)/float32(distrustFor), 0.25)
	sway := v.sway()
	for i := range v.blocks {
		b := &v.blocks[i]
		if b.occluded || f.dark[i] {
			b.nextSet = false
			continue
		}
		if b.hasFirst || b.blank {
			if v.share >= 0 {
				if v.steady(i, b, sway) {
					b.trust += (1 - b.trust) * up
				} else {
					b.trust -= b.trust * down
				}
			}
			if b.fits {
				b.nextSet = false
				continue
			}
		}
		v.watchNext(i, b)
	}
}

// watchNext looks whether the new appearance of a block stays.
func (v *View) watchNext(i int, b *viewBlock) {
	f := &v.field
	blank := f.energy[i] < blankEnergy/2
	same := b.nextSet && blank == b.nextBlank
	if same && !blank {
		same = v.withinNoise(f.correlation(v.next, f.cur, f.energyOf(v.next, i), i, 0, 0), i)
	}
	if !same {
		b.nextSet, b.nextBlank, b.nextAt, b.nextN = true, blank, v.now, 0
		f.copyBlock(v.next, i)
		return
	}
	b.nextN++
	stay := steadyFor
	if b.hasFirst || b.blank {
		stay = relearnFor
	}
	if v.now-b.nextAt < stay || b.nextN < steadyPictures {
		return
	}
	b.nextSet = false
	switch {
	case b.hasFirst && !blank:
		f.moveBlock(v.second, v.next, i)
		b.hasSecond, b.secondEnergy = true, f.energyOf(v.second, i)
	case b.hasFirst:
		return // nothing is to be seen there any more: it has lost its vote
	case blank:
		b.blank, b.trust = true, 1
	default:
		f.moveBlock(v.first, v.next, i)
		b.hasFirst, b.blank, b.trust = true, false, 1
		b.energy = f.energyOf(v.first, i)
		b.ambiguous = f.ambiguous(v.first, i)
	}
	v.learnt = true
}

// sway returns by how much the whole picture is displaced, a sample at most.
func (v *View) sway() (by image.Point) {
	if v.mean >= 0.8*v.last {
		return by
	}
	best := float32(-1)
	for _, d := range around {
		if c := v.meanAt(d.X, d.Y); c > best {
			by, best = d, c
		}
	}
	if best <= v.mean {
		return image.Point{}
	}
	return by
}

// meanAt returns the mean correlation of the blocks that count, displaced.
func (v *View) meanAt(dx, dy int) float32 {
	var sum, n float32
	for i := range v.blocks {
		b := &v.blocks[i]
		if b.hasFirst && !b.occluded && !v.field.dark[i] {
			sum += b.trust * v.field.correlation(v.first, v.field.cur, b.energy, i, dx, dy)
			n += b.trust
		}
	}
	return sum / max(n, 1)
}

// steady reports whether a block shows what it did, where it did. A person who fills
// the picture does not stay in place.
func (v *View) steady(i int, b *viewBlock, sway image.Point) bool {
	if !b.fits || b.blank {
		return b.fits
	}
	f := &v.field
	here := f.correlation(v.first, f.cur, b.energy, i, sway.X, sway.Y)
	if b.hasSecond && !v.withinNoise(here, i) {
		here = f.correlation(v.second, f.cur, b.secondEnergy, i, sway.X, sway.Y)
	}
	return v.withinNoise(here, i)
}

// withinNoise reports whether a correlation with what a block showed is what its noise
// leaves: not much less than that with the picture just before.
func (v *View) withinNoise(corr float32, i int) bool { return corr >= 0.6*v.field.stability[i] }
