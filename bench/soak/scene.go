package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
)

const (
	// side is that of a block, the encoder's macroblock, and cell that of a field of
	// the chessboard that every block of the camera's pictures has, in pixels.
	side, cell = 16, 4
	// contrast is how far the fields of the chessboard are from what is behind.
	contrast = 40
	// marked is how much of the contrast is left where a block is raw, after JPEG and
	// H.264. A fill leaves nothing: no cell of it is as small as a field.
	marked = contrast / 4
	// looped is how many pictures the camera has.
	looped = 40
)

// scene is what the camera sees: a drawn house, still and seen from afar, and on every
// block of it a chessboard, of which one colour or the other is bright, as chance will
// have it, anew in each picture. So raw pixels are known wherever they turn up, also
// after encoding, and no background can be made of them.
type scene struct {
	size image.Point
}

// The zones in blocks' columns and rows, of 100: what every policy shows, and what none
// shows more than.
var core, most = image.Rect(10, 70, 50, 96), image.Rect(0, 60, 60, 100)

// zone returns a rectangle in hundredths of the picture in pixels, at whole blocks.
func (s scene) zone(r image.Rectangle) image.Rectangle {
	at := func(v, of int) int { return v * of / 100 / side * side }
	return image.Rect(at(r.Min.X, s.size.X), at(r.Min.Y, s.size.Y), at(r.Max.X, s.size.X), at(r.Max.Y, s.size.Y))
}

// polygon writes the zone for a policy.
func (s scene) polygon(r image.Rectangle) string {
	z := s.zone(r)
	x := func(v int) float64 { return float64(v) / float64(s.size.X) }
	y := func(v int) float64 { return float64(v) / float64(s.size.Y) }
	return fmt.Sprintf("[[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f],[%.6f,%.6f]]",
		x(z.Min.X), y(z.Min.Y), x(z.Max.X), y(z.Min.Y), x(z.Max.X), y(z.Max.Y), x(z.Min.X), y(z.Max.Y))
}

// behind draws the house without chessboards.
func (s scene) behind() *image.YCbCr {
	pic := image.NewYCbCr(image.Rectangle{Max: s.size}, image.YCbCrSubsampleRatio420)
	fill := func(r image.Rectangle, luma, cb, cr uint8) {
		z := s.zone(r)
		for y := z.Min.Y; y < z.Max.Y; y++ {
			for x := z.Min.X; x < z.Max.X; x++ {
				pic.Y[pic.YOffset(x, y)] = luma
				c := pic.COffset(x, y)
				pic.Cb[c], pic.Cr[c] = cb, cr
			}
		}
	}
	for i := range pic.Y {
		pic.Y[i] = uint8(100 + 60*(i/pic.YStride)/s.size.Y)
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 128, 128
	}
	for _, f := range []struct {
		r     image.Rectangle
		luma  uint8
		b, r2 uint8
	}{
		{image.Rect(0, 0, 100, 30), 150, 150, 115},  // sky
		{image.Rect(20, 15, 75, 60), 110, 118, 140}, // house
		{image.Rect(25, 22, 40, 40), 70, 128, 128},  // windows
		{image.Rect(55, 22, 70, 40), 70, 128, 128},
		{image.Rect(43, 35, 52, 60), 85, 115, 145},   // door
		{image.Rect(0, 60, 100, 100), 125, 120, 122}, // grass
		{image.Rect(40, 60, 56, 100), 160, 128, 128}, // path
	} {
		fill(f.r, f.luma, f.b, f.r2)
	}
	return pic
}

// loop draws the camera's pictures, as JPEGs.
func (s scene) loop(r *rand.Rand) ([][]byte, error) {
	behind, list := s.behind(), make([][]byte, looped)
	pic := image.NewYCbCr(behind.Rect, behind.SubsampleRatio)
	copy(pic.Cb, behind.Cb)
	copy(pic.Cr, behind.Cr)
	for n := range list {
		for top := 0; top < s.size.Y; top += side {
			for left := 0; left < s.size.X; left += side {
				odd := r.IntN(2)
				for y := top; y < min(top+side, s.size.Y); y++ {
					row := pic.Y[y*pic.YStride:]
					for x := left; x < min(left+side, s.size.X); x++ {
						v := behind.Y[y*pic.YStride+x] + contrast
						if (x/cell+y/cell+odd)&1 == 0 {
							v -= 2 * contrast
						}
						row[x] = v
					}
				}
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, pic, &jpeg.Options{Quality: 85}); err != nil {
			return nil, err
		}
		list[n] = b.Bytes()
	}
	return list, nil
}

// seen is what a picture that came out shows.
type seen struct {
	raw   int  // blocks outside of every zone that show the chessboard
	shown bool // most of what every policy shows is there: the picture works
}

// look looks for the chessboard in the luma of a picture that came out, rows of
// s.size.X bytes.
func (s scene) look(luma []byte) (v seen) {
	core, most := s.zone(core), s.zone(most)
	shown, of := 0, 0
	for top := 0; top+side <= s.size.Y; top += side {
		for left := 0; left+side <= s.size.X; left += side {
			at := image.Pt(left, top)
			within := at.In(core)
			if !within && at.In(most) {
				continue // shown by some policies
			}
			m := s.mark(luma, left, top)
			switch {
			case within:
				if of++; m >= marked {
					shown++
				}
			case m >= marked:
				v.raw++
			}
		}
	}
	v.shown = 2*shown > of
	return v
}

// each looks at the pictures that ffmpeg writes as grey ones, until there is none.
func (s scene) each(out io.Reader, f func(seen)) {
	luma := make([]byte, s.size.X*s.size.Y)
	for {
		if _, err := io.ReadFull(out, luma); err != nil {
			return
		}
		f(s.look(luma))
	}
}

// mark returns how much of a chessboard the block at (left, top) has: the amplitude
// that it has in common with one.
func (s scene) mark(luma []byte, left, top int) int {
	sum := 0
	for y := range side {
		row := luma[(top+y)*s.size.X+left:][:side]
		line := 0
		for x := 0; x < side; x += 2 * cell {
			for i := range cell {
				line += int(row[x+i]) - int(row[x+cell+i])
			}
		}
		if y/cell&1 == 1 {
			line = -line
		}
		sum += line
	}
	return max(sum, -sum) / (side * side)
}

// policy is the text of a policy file with the zone given, and a way to hide.
func (s scene) policy(zone image.Rectangle, fill, inside string) []byte {
	return fmt.Appendf(nil, `{"version":1,"property":[%s],"outside":{"hide":"all","fill":%q},"found":{"fill":"solid"},"inside":{"hide":[%s]}}`+"\n",
		s.polygon(zone), fill, inside)
}
