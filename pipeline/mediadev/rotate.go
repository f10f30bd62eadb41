package mediadev

import "image"

// rotate fills dst, whose size is that of src or, at a right angle, that of src
// turned, with src turned clockwise by 90, 180 or 270 degrees. Both are 4:2:0 with
// the origin (0,0).
func rotate(dst, src *image.YCbCr, angle int) {
	size := dst.Rect.Size()
	c := image.Pt((size.X+1)/2, (size.Y+1)/2)
	turnPlane(dst.Y, dst.YStride, size, src.Y, src.YStride, angle)
	turnPlane(dst.Cb, dst.CStride, c, src.Cb, src.CStride, angle)
	turnPlane(dst.Cr, dst.CStride, c, src.Cr, src.CStride, angle)
}

// turnPlane fills dst, of the size given, with src turned clockwise by an angle. It
// goes by squares that fit a processor's cache, since one of the two planes is
// walked across its rows.
func turnPlane(dst []byte, stride int, size image.Point, src []byte, srcStride, angle int) {
	// The sample at (x, y) of dst is at start + x*dx + y*dy of src.
	var start, dx, dy int
	switch angle {
	case 90:
		start, dx, dy = (size.X-1)*srcStride, -srcStride, 1
	case 180:
		start, dx, dy = (size.Y-1)*srcStride+size.X-1, -1, -srcStride
	case 270:
		start, dx, dy = size.Y-1, srcStride, -1
	}
	const square = 32
	for y0 := 0; y0 < size.Y; y0 += square {
		for x0 := 0; x0 < size.X; x0 += square {
			x1 := min(x0+square, size.X)
			for y := y0; y < min(y0+square, size.Y); y++ {
				row := dst[y*stride+x0 : y*stride+x1]
				at := start + x0*dx + y*dy
				for i := range row {
					row[i] = src[at]
					at += dx
				}
			}
		}
	}
}
