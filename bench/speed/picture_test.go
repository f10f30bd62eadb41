package speed

import (
	"image"
	"math/rand/v2"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

var fullHD = sizes["1080p"]

// sizeNames are the sizes of the tables of growth.
var sizeNames = []string{"360p", "720p", "1080p", "1440p", "2160p"}

// noise returns a 4:2:0 picture of random samples.
func noise(size image.Point, seed uint64) *image.YCbCr {
	p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	r := rand.NewPCG(seed, 1)
	var bits uint64
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			if i%8 == 0 {
				bits = r.Uint64()
			}
			plane[i] = 16 + byte(bits)*7/8
			bits >>= 8
		}
	}
	return p
}

// copyPicture copies the samples of a picture of the same size.
func copyPicture(dst, src *image.YCbCr) {
	copy(dst.Y, src.Y)
	copy(dst.Cb, src.Cb)
	copy(dst.Cr, src.Cr)
}

func bytesOf(p *image.YCbCr) int { return len(p.Y) + len(p.Cb) + len(p.Cr) }

// The picture is divided into tiles of whole blocks, each an 80th of it; people
// that fill some of them hide that share.
const tileColumns, tileRows, block = 10, 8, 16

// people returns objects that hide about the given share of the picture: whole
// tiles, spread over it.
func people(size image.Point, share float64) []detect.Object {
	columns, rows := size.X/block, size.Y/block
	var objects []detect.Object
	n := int(share*tileColumns*tileRows + 0.5)
	for k := range n {
		// 29 has no divisor in common with 80: every tile once.
		at := k * 29 % (tileColumns * tileRows)
		i, j := at%tileColumns, at/tileColumns
		box := detect.Box{
			X0: float32(i * columns / tileColumns * block), X1: float32((i + 1) * columns / tileColumns * block),
			Y0: float32(j * rows / tileRows * block), Y1: float32((j + 1) * rows / tileRows * block),
		}
		objects = append(objects, detect.Object{
			ID: uint64(k), Class: detect.Person, Score: 1, Box: box, Padded: box, Confirmed: true,
		})
	}
	return objects
}

// masks returns the objects' boxes as polygons of a policy.
func masks(objects []detect.Object, size image.Point) []redact.Polygon {
	var list []redact.Polygon
	// A little smaller, so that no rounding reaches the next block.
	const in = 1.0 / 8
	w, h := float64(size.X), float64(size.Y)
	for _, o := range objects {
		x0, y0 := (float64(o.Box.X0)+in)/w, (float64(o.Box.Y0)+in)/h
		x1, y1 := (float64(o.Box.X1)-in)/w, (float64(o.Box.Y1)-in)/h
		list = append(list, redact.Polygon{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
	}
	return list
}

// street returns pictures of a still background with walkers on it.
func street(size image.Point, walkers, pictures int) []*image.YCbCr {
	back := noise(size, 3)
	for i := range back.Y {
		// Coarse structure under a little noise.
		back.Y[i] = byte(60 + (i%size.X)/64%2*60 + i/size.X/48%2*40 + int(back.Y[i])/64)
	}
	w, h := size.X/40, size.Y/8
	var pics []*image.YCbCr
	for n := range pictures {
		p := image.NewYCbCr(back.Rect, back.SubsampleRatio)
		copyPicture(p, back)
		for k := range walkers {
			x := (k*size.X*7/40 + n*w/4) % (size.X - w)
			y := k * 97 % (size.Y - h)
			for dy := range h {
				row := p.Y[(y+dy)*p.YStride+x:][:w]
				for dx := range row {
					row[dx] = byte(30 + (dx+dy*3+k*50)%160)
				}
			}
		}
		pics = append(pics, p)
	}
	return pics
}
