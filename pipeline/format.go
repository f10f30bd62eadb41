package pipeline

import "image"

// format is the picture format that the Run's state was made for.
type format struct {
	size    image.Point // as delivered
	native  image.Point // as the source has it
	foreign bool        // another aspect ratio than the zones were drawn for
	unseen  bool        // changed, and not all detectors have looked since
}

// formatOf returns the sizes of a picture.
func formatOf(b *Buffer) (size, native image.Point) {
	size, native = b.pic.Rect.Size(), b.Native
	if native == (image.Point{}) {
		native = size
	}
	return size, native
}

// sameAspect reports whether two sizes have the same aspect ratio to 1 %.
func sameAspect(a, b image.Point) bool {
	p, q := a.X*b.Y, b.X*a.Y
	return max(p, q)-min(p, q) <= max(p, q)/100
}
