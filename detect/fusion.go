package detect

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
)

// FusedIoU is the overlap from which [Fusion] takes two boxes of a class for one
// object (Solovyev et al., "Weighted boxes fusion", Image and Vision Computing 2021).
const FusedIoU = 0.55

// Part is one detector of a [Fusion].
type Part struct {
	// Detector looks. The fusion closes it.
	Detector Detector
	// Tile is the size in pixels of the parts of the picture that the detector also
	// looks at one by one, where the picture is larger: each shares a quarter of its
	// width and height with the next. It defaults to none: the detector looks at the
	// whole picture alone.
	Tile image.Point
}

// Fusion is a [Detector] made of several: each looks at the whole picture, and
// some at tiles of it too, and boxes of a class that overlap become one, the mean
// weighted by their scores. Its score is the highest of them, so that an object
// which only one of the detectors sees counts as much as that one says. It takes
// as long as all its looks together.
type Fusion struct {
	name    string
	parts   []Part
	classes ClassSet
	mu      sync.Mutex
	closed  bool
	wanted  ClassSet
	found   []candidate
	fused   []cluster
	seen    image.YCbCr // what a look sees
}

// candidate is what one look found. It is cut if it touches an edge of a tile that
// is none of the picture.
type candidate struct {
	Detection
	cut bool
}

// cluster is one object: sums over what was found of it.
type cluster struct {
	box    Box // as it stands now
	sum    [4]float64
	weight float64
	class  Class
	score  float32
	cut    bool // all of it are
}

// NewFusion makes a Fusion of the given name, which owns the parts' detectors. Each
// must be another one.
func NewFusion(name string, parts ...Part) *Fusion {
	f := &Fusion{name: name, parts: parts}
	for _, p := range parts {
		f.classes |= p.Detector.Classes()
	}
	f.wanted = f.classes
	return f
}

// Name implements [Detector].
func (f *Fusion) Name() string { return f.name }

// Classes implements [Detector].
func (f *Fusion) Classes() ClassSet { return f.classes }

// InputSize implements [Detector]. It returns size as it is if there are tiles of
// a picture of that size, and otherwise the largest that a part asks for.
func (f *Fusion) InputSize(size image.Point) image.Point {
	var largest image.Point
	for _, p := range f.parts {
		if p.tiles(image.Rectangle{Max: size}) {
			return size
		}
		if s := p.Detector.InputSize(size); s.X > largest.X {
			largest = s
		}
	}
	return largest
}

// tiles reports whether the part looks at tiles of a picture.
func (p *Part) tiles(r image.Rectangle) bool {
	return p.Tile.X > 0 && p.Tile.Y > 0 && (r.Dx() > p.Tile.X || r.Dy() > p.Tile.Y)
}

// Select implements [Selector].
func (f *Fusion) Select(wanted ClassSet) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	was := f.wanted
	for i, p := range f.parts {
		s, ok := p.Detector.(Selector)
		if !ok {
			continue
		}
		if err := s.Select(wanted); err != nil {
			for _, q := range f.parts[:i] {
				if s, ok := q.Detector.(Selector); ok {
					err = errors.Join(err, s.Select(was))
				}
			}
			return err
		}
	}
	f.wanted = wanted & f.classes
	return nil
}

// Detect implements [Detector]. An error of one part is an error of the whole.
func (f *Fusion) Detect(ctx context.Context, pic *image.YCbCr, dst []Detection) ([]Detection, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return dst, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	if pic == nil || pic.Rect.Empty() {
		return dst, ErrPicture
	}
	f.found = f.found[:0]
	kept := len(dst)
	for _, p := range f.parts {
		if p.Detector.Classes()&f.wanted == 0 {
			continue
		}
		var err error
		if dst, err = f.look(ctx, p.Detector, pic, pic.Rect, dst[:kept]); err != nil {
			return dst[:kept], err
		}
		if !p.tiles(pic.Rect) {
			continue
		}
		for y := (span{}); y.next(pic.Rect.Dy(), p.Tile.Y); {
			for x := (span{}); x.next(pic.Rect.Dx(), p.Tile.X); {
				r := image.Rect(x.from, y.from, x.to, y.to).Add(pic.Rect.Min)
				if dst, err = f.look(ctx, p.Detector, pic, r, dst[:kept]); err != nil {
					return dst[:kept], err
				}
			}
		}
	}
	return f.fuse(dst[:kept]), nil
}

// span is where a tile lies along a side.
type span struct{ from, to int }

// next goes on to the next tile of a side and reports whether there is one. Tiles
// begin at even places and overlap by a quarter or more; the last one ends where the
// side does, and is one longer than a tile if that is odd.
func (s *span) next(side, tile int) bool {
	switch {
	case s.to == side:
		return false
	case s.to > 0:
		s.from += max(tile*3/4&^1, 2)
	}
	if s.to = s.from + tile; s.to >= side {
		s.from, s.to = max(side-tile, 0)&^1, side
	}
	return true
}

// look has a detector look at a part of the picture, with dst as scratch.
func (f *Fusion) look(ctx context.Context, d Detector, pic *image.YCbCr, part image.Rectangle, dst []Detection) ([]Detection, error) {
	// As SubImage does, but without memory of its own.
	y, c := pic.YOffset(part.Min.X, part.Min.Y), pic.COffset(part.Min.X, part.Min.Y)
	f.seen = image.YCbCr{Y: pic.Y[y:], Cb: pic.Cb[c:], Cr: pic.Cr[c:], YStride: pic.YStride, CStride: pic.CStride,
		SubsampleRatio: pic.SubsampleRatio, Rect: part}
	kept := len(dst)
	dst, err := d.Detect(ctx, &f.seen, dst)
	f.seen = image.YCbCr{}
	if err == nil {
		f.add(dst[kept:], part, pic.Rect)
	}
	return dst, err
}

// add notes what was found in a part of a picture.
func (f *Fusion) add(found []Detection, part, whole image.Rectangle) {
	const near = 2 // pixels
	for _, d := range found {
		if !f.wanted.Has(d.Class) {
			continue
		}
		cut := part.Min.X > whole.Min.X && d.Box.X0 <= float32(part.Min.X+near) ||
			part.Min.Y > whole.Min.Y && d.Box.Y0 <= float32(part.Min.Y+near) ||
			part.Max.X < whole.Max.X && d.Box.X1 >= float32(part.Max.X-near) ||
			part.Max.Y < whole.Max.Y && d.Box.Y1 >= float32(part.Max.Y-near)
		f.found = append(f.found, candidate{d, cut})
	}
}

// fuse appends to dst what the looks found together. Boxes that a tile cut come
// last, so that whole ones are not drawn to them; those that lie in another of
// their class are that one's.
func (f *Fusion) fuse(dst []Detection) []Detection {
	slices.SortFunc(f.found, func(a, b candidate) int {
		if a.cut != b.cut {
			if a.cut {
				return 1
			}
			return -1
		}
		return order(a.Detection, b.Detection)
	})
	f.fused = f.fused[:0]
	for _, c := range f.found {
		if k := f.match(c); k != nil {
			k.add(c)
		} else {
			f.fused = append(f.fused, cluster{class: c.Class, cut: c.cut})
			f.fused[len(f.fused)-1].add(c)
		}
	}
	kept := len(dst)
	for _, k := range f.fused {
		dst = append(dst, Detection{Box: k.box, Class: k.class, Score: k.score})
	}
	slices.SortFunc(dst[kept:], order)
	return dst
}

// match returns the cluster that a candidate belongs to, nil for none.
func (f *Fusion) match(c candidate) (best *cluster) {
	const inside = 0.8
	overlap := float32(FusedIoU)
	for i := range f.fused {
		k := &f.fused[i]
		if k.class != c.Class {
			continue
		}
		if c.cut && !k.cut && k.box.Intersect(c.Box).Area() >= inside*c.Box.Area() {
			return k
		}
		if iou := k.box.IoU(c.Box); iou >= overlap && (c.cut == k.cut) {
			best, overlap = k, iou
		}
	}
	return best
}

// add draws the cluster to a candidate. What a tile cut raises the score of a whole
// object, but says nothing of its edges.
func (k *cluster) add(c candidate) {
	k.score = max(k.score, c.Score)
	if c.cut && !k.cut {
		return
	}
	w := max(float64(c.Score), 1e-6)
	k.weight += w
	for i, v := range [4]float32{c.Box.X0, c.Box.Y0, c.Box.X1, c.Box.Y1} {
		k.sum[i] += w * float64(v)
	}
	k.box = Box{float32(k.sum[0] / k.weight), float32(k.sum[1] / k.weight), float32(k.sum[2] / k.weight), float32(k.sum[3] / k.weight)}
}

// Close closes all parts.
func (f *Fusion) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	var errs []error
	for _, p := range f.parts {
		errs = append(errs, p.Detector.Close())
	}
	return errors.Join(errs...)
}
