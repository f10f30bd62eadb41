package main

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/math/fixed"

	"github.com/hedgecam/hedge/detect"
)

// subject is what is to be recognised: samples of Y, Cb and Cr at full
// resolution, and which of them belong to it (0..1), row by row.
type subject struct {
	name   string
	w, h   int
	planes [3][]float32
	alpha  []float32
}

func newSubject(name string, w, h int) *subject {
	s := &subject{name: name, w: w, h: h, alpha: make([]float32, w*h)}
	for i := range s.planes {
		s.planes[i] = make([]float32, w*h)
	}
	return s
}

// fromRGBA makes a subject of a picture.
func fromRGBA(name string, pic *image.RGBA) *subject {
	s := newSubject(name, pic.Rect.Dx(), pic.Rect.Dy())
	for y := range s.h {
		for x := range s.w {
			c := pic.RGBAAt(pic.Rect.Min.X+x, pic.Rect.Min.Y+y)
			yy, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
			i := y*s.w + x
			s.planes[0][i], s.planes[1][i], s.planes[2][i], s.alpha[i] = float32(yy), float32(cb), float32(cr), 1
		}
	}
	return s
}

// plateTexts returns n different texts of license plates.
func plateTexts(n int, rng *rand.Rand) (list []string) {
	const letters, digits = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
	for len(list) < n {
		text := make([]byte, 0, 9)
		for i := range 7 {
			if i == 2 || i == 5 {
				text = append(text, ' ')
			}
			from := letters
			if i >= 2 && i < 5 {
				from = digits
			}
			text = append(text, from[rng.IntN(len(from))])
		}
		if !slices.Contains(list, string(text)) {
			list = append(list, string(text))
		}
	}
	return list
}

// drawPlate draws a license plate, w pixels wide, in Go's Inconsolata.
func drawPlate(text string, w int) *subject {
	// The letters of the font are 8x16; the plate is 4.5 times as wide as high.
	const small = 4
	lw := 8*len(text) + 2*small
	base := image.NewRGBA(image.Rect(0, 0, lw, 18))
	draw.Draw(base, base.Rect, image.NewUniform(color.Gray{215}), image.Point{}, draw.Src)
	d := font.Drawer{Dst: base, Src: image.NewUniform(color.Gray{30}), Face: inconsolata.Bold8x16, Dot: fixed.P(small, 14)}
	d.DrawString(text)
	out := image.NewRGBA(image.Rect(0, 0, w, int(math.Round(float64(w)/4.5))))
	draw.CatmullRom.Scale(out, out.Rect, base, base.Rect, draw.Src, nil)
	return fromRGBA(text, out)
}

// cutFace cuts a face out of a picture at the given side, as an ellipse: hair,
// clothes and background would be recognised rather than the face.
func cutFace(name string, pic image.Image, box detect.Box, side int) *subject {
	r := image.Rect(int(box.X0), int(box.Y0), int(math.Ceil(float64(box.X1))), int(math.Ceil(float64(box.Y1))))
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(out, out.Rect, pic, r, draw.Src, nil)
	s := fromRGBA(name, out)
	for y := range side {
		for x := range side {
			u, v := (float64(x)+0.5)/float64(side)*2-1, (float64(y)+0.5)/float64(side)*2-1
			d := (1 - math.Sqrt(u*u/0.9/0.9+v*v)) * float64(side) / 4
			s.alpha[y*side+x] = float32(min(max(d, 0), 1))
		}
	}
	return s
}

// equalise gives the subject's luma a common mean and contrast and takes the
// tint out of its chroma: what a photograph's light and white balance made.
func (s *subject) equalise() {
	for i, to := range [3]struct{ mean, dev float64 }{{120, 40}, {128, 0}, {128, 0}} {
		var n, sum, sq float64
		for j, a := range s.alpha {
			v := float64(s.planes[i][j])
			n, sum, sq = n+float64(a), sum+float64(a)*v, sq+float64(a)*v*v
		}
		m := sum / n
		gain := 1.0
		if dev := math.Sqrt(max(sq/n-m*m, 0)); to.dev > 0 && dev > 1 {
			gain = to.dev / dev
		}
		for j := range s.planes[i] {
			s.planes[i][j] = float32(min(max((float64(s.planes[i][j])-m)*gain+to.mean, 0), 255))
		}
	}
}

// stage is a picture in which subjects are shown, over and over.
type stage struct {
	pic   *image.YCbCr
	noise []float32 // a table of standard normal values
	rng   *rand.Rand
}

func newStage(size image.Point, rng *rand.Rand) *stage {
	s := &stage{pic: image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), rng: rng, noise: make([]float32, 1<<15+997)}
	for i := range s.noise {
		s.noise[i] = float32(rng.NormFloat64())
	}
	return s
}

// look is how a subject is shown: its upper left corner, size, light and noise.
type look struct {
	x, y, scale  float64
	gain, offset float64
	back         [3]float64 // the background's colour
	slope        float64    // its change from top to bottom
	light        float64    // added to all luma
	noise        float64
	noiseFrom    int
}

// vary returns a random look: anywhere in a square of period pixels, larger or
// smaller by 6 %, lighter or darker by 20 % and 12 steps, on a background of any
// grey with a slight tint, with the noise of a camera.
func (s *stage) vary(sub *subject, period int) look {
	r := s.rng
	place := func(room, size int) float64 { return float64(room-size)/2 + (r.Float64()-0.5)*float64(period) }
	return look{
		x: place(s.pic.Rect.Dx(), sub.w), y: place(s.pic.Rect.Dy(), sub.h),

		scale: 1 + (r.Float64()-0.5)*0.12,
		gain:  1 + (r.Float64()-0.5)*0.4, offset: (r.Float64() - 0.5) * 24,
		back:  [3]float64{50 + 140*r.Float64(), 120 + 16*r.Float64(), 120 + 16*r.Float64()},
		slope: (r.Float64() - 0.5) * 60,
		noise: 2 + 2*r.Float64(), noiseFrom: r.IntN(997),
	}
}

// box returns where a subject is.
func (s *stage) box(sub *subject, l look) detect.Box {
	return detect.Box{X0: float32(l.x), Y0: float32(l.y), X1: float32(l.x + float64(sub.w)*l.scale), Y1: float32(l.y + float64(sub.h)*l.scale)}
}

// show paints the background and the subject, nil for nobody, and returns its box.
func (s *stage) show(sub *subject, l look) detect.Box {
	for i, p := range planesOf(s.pic) {
		w, h := p.Size.X, p.Size.Y
		for y := range h {
			v := l.back[i]
			if i == 0 {
				v += l.light + l.slope*(float64(y)/float64(h)-0.5)
			}
			copy(p.Samples[y*p.Stride:], bytes.Repeat([]byte{clamp(v)}, w))
		}
		if sub == nil {
			continue
		}
		k := float64(p.shrink)
		x0, y0 := int(math.Floor(l.x/k)), int(math.Floor(l.y/k))
		x1, y1 := int(math.Ceil((l.x+float64(sub.w)*l.scale)/k)), int(math.Ceil((l.y+float64(sub.h)*l.scale)/k))
		for y := max(y0, 0); y < min(y1, h); y++ {
			for x := max(x0, 0); x < min(x1, w); x++ {
				// The centre of the sample, in the subject's pixels.
				u, v := ((float64(x)+0.5)*k-l.x)/l.scale-0.5, ((float64(y)+0.5)*k-l.y)/l.scale-0.5
				c, a := sub.at(i, u, v)
				c -= 128
				c *= float32(l.gain)
				c += 128
				if i == 0 {
					c += float32(l.offset + l.light)
				}
				old := float32(p.Samples[y*p.Stride+x])
				n := s.noise[(y*w+x)&(1<<15-1)+l.noiseFrom] * float32(l.noise)
				p.Samples[y*p.Stride+x] = clamp(old + a*(c-old) + n)
			}
		}
	}
	if sub == nil {
		return detect.Box{}
	}
	return s.box(sub, l)
}

// at returns the sample and the alpha of plane i at a place between pixels;
// outside of the subject alpha is 0.
func (s *subject) at(i int, u, v float64) (c, a float32) {
	if u <= -1 || v <= -1 || u >= float64(s.w) || v >= float64(s.h) {
		return 0, 0
	}
	x, y := int(math.Floor(u)), int(math.Floor(v))
	fu, fv := float32(u-float64(x)), float32(v-float64(y))
	var sum, weight float32
	for _, n := range [4]struct {
		x, y int
		w    float32
	}{{x, y, (1 - fu) * (1 - fv)}, {x + 1, y, fu * (1 - fv)}, {x, y + 1, (1 - fu) * fv}, {x + 1, y + 1, fu * fv}} {
		if n.x < 0 || n.y < 0 || n.x >= s.w || n.y >= s.h {
			continue
		}
		sum += n.w * s.planes[i][n.y*s.w+n.x]
		weight += n.w
		a += n.w * s.alpha[n.y*s.w+n.x]
	}
	if weight == 0 {
		return 0, 0
	}
	return sum / weight, a
}
