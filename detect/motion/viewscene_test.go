package motion

import (
	"image"
	"math"
	"math/rand/v2"
)

// warp makes a picture from another: the sample of dst at (x, y), seen from the
// middle, shows that of src at scale*rot(x, y) + (dx, dy).
func warp(dst, src *image.YCbCr, scale, degrees, dx, dy float64, flipX, flipY bool) {
	size := src.Rect.Size()
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	cx, cy := float64(size.X-1)/2, float64(size.Y-1)/2
	at := func(x, y int) int {
		return int(src.Y[min(max(y, 0), size.Y-1)*src.YStride+min(max(x, 0), size.X-1)])
	}
	stepX, stepY := scale*cos, scale*sin
	if flipX {
		stepX, stepY = -stepX, -stepY
	}
	for y := range size.Y {
		v := float64(y) - cy
		if flipY {
			v = -v
		}
		sx, sy := -cx*stepX-scale*sin*v+cx+dx, -cx*stepY+scale*cos*v+cy+dy
		for x := range size.X {
			// Far enough from zero that cutting off rounds down.
			fixX, fixY := int((sx+4096)*256), int((sy+4096)*256)
			sx, sy = sx+stepX, sy+stepY
			x0, y0, fx, fy := fixX>>8-4096, fixY>>8-4096, fixX&255, fixY&255
			var top, low int
			if x0 >= 0 && y0 >= 0 && x0+1 < size.X && y0+1 < size.Y {
				o := y0*src.YStride + x0
				upper, lower := src.Y[o:o+2], src.Y[o+src.YStride:o+src.YStride+2]
				top = int(upper[0])*(256-fx) + int(upper[1])*fx
				low = int(lower[0])*(256-fx) + int(lower[1])*fx
			} else {
				top = at(x0, y0)*(256-fx) + at(x0+1, y0)*fx
				low = at(x0, y0+1)*(256-fx) + at(x0+1, y0+1)*fx
			}
			dst.Y[y*dst.YStride+x] = uint8((top*(256-fy) + low*fy) >> 16)
		}
	}
}

// tone sets each sample to what f says of its luma, its chroma and its place.
func tone(dst, src *image.YCbCr, f func(y, cb, cr, u, v float64) float64) {
	size := src.Rect.Size()
	for y := range size.Y {
		for x := range size.X {
			c := y/2*src.CStride + x/2
			l := f(float64(src.Y[y*src.YStride+x])-16, float64(src.Cb[c])-128, float64(src.Cr[c])-128,
				float64(x)/float64(size.X), float64(y)/float64(size.Y))
			dst.Y[y*dst.YStride+x] = uint8(min(max(l, 0), 219) + 16)
		}
	}
}

// blur is a box of 2*r+1 samples, twice.
func blur(dst, src *image.YCbCr, r int) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	copy(dst.Y, src.Y)
	line := make([]int, max(w, h))
	pass := func(at, step, n int) {
		for i := range n {
			line[i] = int(dst.Y[at+i*step])
		}
		for i := range n {
			sum := 0
			for k := -r; k <= r; k++ {
				sum += line[min(max(i+k, 0), n-1)]
			}
			dst.Y[at+i*step] = uint8(sum / (2*r + 1))
		}
	}
	for range 2 {
		for y := range h {
			pass(y*dst.YStride, 1, w)
		}
		for x := range w {
			pass(x, dst.YStride, h)
		}
	}
}

func box(dst *image.YCbCr, x0, y0, x1, y1 int, luma func(x, y int) uint8) {
	for y := max(y0, 0); y < min(y1, dst.Rect.Dy()); y++ {
		for x := max(x0, 0); x < min(x1, dst.Rect.Dx()); x++ {
			dst.Y[y*dst.YStride+x] = luma(x-x0, y-y0)
		}
	}
}

// change is what happens to a picture of a clip; n counts from the change on.
type change struct {
	name string
	draw func(dst, src *image.YCbCr, n int)
}

// grain adds noise, another in each picture n.
func grain(dst *image.YCbCr, n int, sigma float64) {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	at := 0
	for i, v := range dst.Y {
		if i%997 == 0 {
			at = r.IntN(len(triangles) - 997)
		}
		dst.Y[i] = uint8(min(max(int32(float32(v)+float32(sigma)*triangles[at+i%997]), 16), 235))
	}
}

// triangles are nearly normal values of a variance of one.
var triangles = func() (t [1 << 16]float32) {
	r := rand.New(rand.NewPCG(7, 3))
	for i := range t {
		t[i] = float32(r.Float64()+r.Float64()+r.Float64()-1.5) * 2
	}
	return t
}()

// ordinary are changes after which the camera still shows its view.
func ordinary(w, h int) []change {
	toned := func(f func(y, cb, cr, u, v float64) float64, sigma float64) func(dst, src *image.YCbCr, n int) {
		return func(dst, src *image.YCbCr, n int) {
			tone(dst, src, f)
			grain(dst, n, sigma)
		}
	}
	return []change{
		{"nothing", func(dst, src *image.YCbCr, _ int) { copy(dst.Y, src.Y) }},
		{"night", toned(func(y, _, _, _, _ float64) float64 { return y * 0.15 }, 4)},
		{"dusk", func(dst, src *image.YCbCr, n int) {
			g := max(1-float64(n)/60, 0.1)
			tone(dst, src, func(y, _, _, _, _ float64) float64 { return y * g })
			grain(dst, n, 3)
		}},
		{"infrared", toned(func(y, cb, cr, u, v float64) float64 {
			u, v = u-0.5, v-0.5
			return (y + 1.4*cr - 0.8*cb) * (1.3 - 2.4*(u*u+v*v))
		}, 4)},
		{"infrared, leaves bright", toned(func(y, cb, cr, _, _ float64) float64 { return 0.6*y - 1.6*cr - 1.6*cb + 40 }, 5)},
		{"tones turned round", toned(func(y, _, _, _, _ float64) float64 {
			if y < 100 {
				return 2 * y
			}
			return 200 - (y - 100)
		}, 2)},
		{"defocused", func(dst, src *image.YCbCr, _ int) { blur(dst, src, max(w/120, 1)) }},
		{"lamp on one side", toned(func(y, _, _, u, _ float64) float64 { return y * (0.15 + 1.2*math.Exp(-9*u*u)) }, 2)},
		{"lights off and on", func(dst, src *image.YCbCr, n int) {
			g := 1.0
			if n/15%2 == 0 {
				g = 0.06
			}
			tone(dst, src, func(y, _, _, _, _ float64) float64 { return y * g })
		}},
		{"sways", func(dst, src *image.YCbCr, n int) {
			a := float64(w) * 0.006
			warp(dst, src, 1, 0, a*math.Sin(float64(n)*0.9), a*math.Sin(float64(n)*0.55), false, false)
		}},
		{"lorry over half", func(dst, src *image.YCbCr, n int) {
			copy(dst.Y, src.Y)
			at := -w/2 + min(n*w/20, w/2)
			box(dst, at, h/20, at+w/2, h, func(x, y int) uint8 { return uint8(60 + (x/37+y/29)%2*110 + x%7) })
		}},
	}
}

// moves are changes after which it does not.
func moves(w, h int) []change {
	by := func(scale, degrees, dx, dy float64, fx, fy bool) func(dst, src *image.YCbCr, n int) {
		return func(dst, src *image.YCbCr, _ int) {
			warp(dst, src, scale, degrees, dx*float64(w), dy*float64(h), fx, fy)
		}
	}
	return []change{
		{"turned by 180", by(1, 180, 0, 0, false, false)},
		{"mirrored", by(1, 0, 0, 0, true, false)},
		{"shifted by 4 %", by(1, 0, 0.04, 0.02, false, false)},
		{"shifted by 12 %", by(1, 0, 0.12, 0.08, false, false)},
		{"shifted by 30 %", by(1, 0, -0.3, 0.1, false, false)},
		{"tilted by 15 %", by(1, 0, 0, -0.15, false, false)},
		{"zoomed in", by(0.7, 0, 0, 0, false, false)},
		{"zoomed in a little", by(0.87, 0, 0, 0, false, false)},
		{"zoomed out", by(1.3, 0, 0, 0, false, false)},
		{"rolled by 7", by(1, 7, 0, 0, false, false)},
		{"rolled by 20 and darker", func(dst, src *image.YCbCr, _ int) {
			warp(dst, src, 0.9, 20, 0, 0, false, false)
			for i, v := range dst.Y {
				dst.Y[i] = 16 + (v-min(v, 16))/3
			}
		}},
		{"blocked by a bright wall", func(dst, _ *image.YCbCr, n int) {
			box(dst, 0, 0, w, h, func(x, y int) uint8 { return uint8(150 + x/60) })
			grain(dst, n, 2)
		}},
	}
}
