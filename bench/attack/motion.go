package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/hedgecam/hedge/detect"
)

// rebuilt is the result of rebuilding a still picture from its movement.
type rebuilt struct {
	What    string `json:"what"`
	Fill    string `json:"fill"`
	Default bool   `json:"default"`
	Warning bool   `json:"warning_example"`
	Frames  int    `json:"frames"`
	// Normalised correlation with the truth, and PSNR in dB: of one frame (the
	// mean over all, and the best), of the average of all, aligned, and of the
	// picture that back-projection finds.
	One       float64 `json:"one"`
	Best      float64 `json:"best_one"`
	Average   float64 `json:"average"`
	Back      float64 `json:"back_projection"`
	BackFrom1 float64 `json:"back_projection_of_one"`
	OnePSNR   float64 `json:"one_psnr"`
	AvgPSNR   float64 `json:"average_psnr"`
	BackPSNR  float64 `json:"back_projection_psnr"`
	// Values is the number of cell values that the back-projection had.
	Values int `json:"cell_values"`
}

// motionFrames is the length of the clip, at 30 frames a second.
const motionFrames = 60

// under is a fill for the motion attack.
type under struct {
	fill string
	way
	isDefault bool
}

func attackMotion(ctx context.Context, o *options, r *results, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 0)) //nolint:gosec // the same in every run
	subjects := []*subject{drawPlate(plateTexts(1, rng)[0], plateNear)}
	subjects[0].name = "plate, 256 px wide"
	faces, _, err := loadFaces(o)
	if err != nil {
		return err
	}
	if len(faces) > 0 {
		face := (&cast{faces: faces[:1]}).heads(faceNear, false)[0]
		face.name = "face, 320 px"
		subjects = append(subjects, face)
	}
	for _, sub := range subjects {
		for _, u := range []under{
			{"solid", way{solid: true, known: true}, false},
			{"frost (default, found)", way{known: true}, true},
			{"frost (default, not found)", way{}, true},
			{"direct average, cells of 64", way{direct: 64}, false},
			{"mosaic 24", way{mosaic: 24}, false},
			{"Gaussian, sigma 16", way{sigma: 16}, false},
		} {
			if err := ctx.Err(); err != nil {
				return err
			}
			res, err := u.run(sub, rng)
			if err != nil {
				return err
			}
			r.Motion = append(r.Motion, res)
			if _, err := fmt.Fprintf(out, "%-20s %-28s one %.3f, average %.3f, back-projection %.3f (of one frame %.3f)\n",
				res.What, res.Fill, res.One, res.Average, res.Back, res.BackFrom1); err != nil {
				return err
			}
		}
	}
	return nil
}

// run moves a subject over an even background at a constant speed that is no
// whole number of pixels, from the first picture on.
func (u *under) run(sub *subject, rng *rand.Rand) (res rebuilt, err error) {
	size := image.Pt(sub.w+512, 1080)
	p, err := u.painter(detect.Person, size)
	if err != nil {
		return res, err
	}
	hold := time.Duration(-1)
	if u.ours() {
		hold = time.Second
	}
	cell := u.mosaic
	if cell == 0 {
		cell = 64
	}
	s := newStage(size, rng)
	const vx, vy = 3.3, 1.7
	back := 110.0
	b := newBackProjection(sub, back, cell, u.mosaic == 0, hold)
	truth := sub.luma(back)
	sum := make([]float64, len(truth))
	res = rebuilt{What: sub.name, Fill: u.fill, Default: u.isDefault, Warning: u.mosaic > 0 || u.sigma > 0, Frames: motionFrames}
	for i := range motionFrames {
		l := look{x: 140 + vx*float64(i), y: 300 + vy*float64(i), scale: 1, gain: 1, back: [3]float64{back, 128, 128}}
		box := s.show(sub, l)
		area, err := p.paint(s.pic, box, time.Duration(i)*time.Second/30)
		if err != nil {
			return res, err
		}
		view := aligned(s.pic, sub, l)
		floats.AddScaled(sum, 1.0/motionFrames, view)
		c := correlation(view, truth)
		res.One += c / motionFrames
		res.OnePSNR += psnr(view, truth) / motionFrames
		res.Best = max(res.Best, c)
		if u.sigma > 0 {
			continue
		}
		b.observe(s.pic, area, l, time.Duration(i)*time.Second/30)
		if i == 0 {
			res.BackFrom1 = correlation(b.solve(), truth)
		}
	}
	res.Average, res.AvgPSNR = correlation(sum, truth), psnr(sum, truth)
	if u.sigma == 0 {
		got := b.solve()
		res.Back, res.BackPSNR, res.Values = correlation(got, truth), psnr(got, truth), len(b.seen)
	}
	return res, nil
}

// luma returns the subject's luma on a background.
func (s *subject) luma(back float64) []float64 {
	out := make([]float64, s.w*s.h)
	for i, v := range s.planes[0] {
		out[i] = back + float64(s.alpha[i])*(float64(v)-back)
	}
	return out
}

// aligned returns the luma of the picture in the subject's pixels.
func aligned(pic *image.YCbCr, sub *subject, l look) []float64 {
	out := make([]float64, sub.w*sub.h)
	for y := range sub.h {
		for x := range sub.w {
			out[y*sub.w+x] = between(float64(x)+l.x, float64(y)+l.y, func(x, y int) float64 { return float64(pic.Y[y*pic.YStride+x]) })
		}
	}
	return out
}

// backProjection rebuilds a picture from averages over known areas of it, by
// the method of Kaczmarz. The attacker knows the grid, the movement, the
// background and when a held value is a new one.
type backProjection struct {
	sub   *subject
	back  float64
	cell  int
	soft  bool // values are interpolated between the cells' centres
	hold  time.Duration
	taken map[image.Point]time.Duration // when the value of a cell was taken
	seen  []observation
}

// observation is the average over an area in the subject's pixels, which may
// reach beyond it.
type observation struct {
	area  image.Rectangle
	value float64
}

func newBackProjection(sub *subject, back float64, cell int, soft bool, hold time.Duration) *backProjection {
	return &backProjection{sub: sub, back: back, cell: cell, soft: soft, hold: hold, taken: map[image.Point]time.Duration{}}
}

// observe takes the values of the cells that are new in a frame. area is the hidden part
// of it.
func (b *backProjection) observe(pic *image.YCbCr, area image.Rectangle, l look, at time.Duration) {
	for cy := area.Min.Y / b.cell; cy*b.cell < area.Max.Y; cy++ {
		for cx := area.Min.X / b.cell; cx*b.cell < area.Max.X; cx++ {
			c := image.Pt(cx, cy)
			cell := image.Rect(cx*b.cell, cy*b.cell, (cx+1)*b.cell, (cy+1)*b.cell)
			part := cell.Intersect(area)
			if b.soft {
				taken, ok := b.taken[c]
				if ok && at-taken < b.hold {
					continue
				}
				b.taken[c] = at
			}
			// Interpolation shows the value of a cell at its centre only.
			mid := image.Pt((cell.Min.X+cell.Max.X)/2, (cell.Min.Y+cell.Max.Y)/2)
			if !b.soft {
				mid = part.Min.Add(image.Pt(1, 1))
			}
			if !(image.Rectangle{Min: mid.Sub(image.Pt(1, 1)), Max: mid.Add(image.Pt(1, 1))}).In(area) {
				continue
			}
			var v float64
			for y := mid.Y - 1; y <= mid.Y; y++ {
				for x := mid.X - 1; x <= mid.X; x++ {
					v += float64(pic.Y[y*pic.YStride+x]) / 4
				}
			}
			b.seen = append(b.seen, observation{part.Sub(image.Pt(int(math.Round(l.x)), int(math.Round(l.y)))), v})
		}
	}
}

// solve returns the picture that explains the observations.
func (b *backProjection) solve() []float64 {
	x := make([]float64, b.sub.w*b.sub.h)
	for i := range x {
		x[i] = b.back
	}
	all := image.Rect(0, 0, b.sub.w, b.sub.h)
	for sweep := range 40 {
		// Smaller and smaller steps: the values are rounded, so that no picture
		// explains them all.
		relax := 0.5 / (1 + float64(sweep)/4)
		for _, o := range b.seen {
			in := o.area.Intersect(all)
			n := in.Dx() * in.Dy()
			whole := o.area.Dx() * o.area.Dy()
			if n < whole/16 {
				continue
			}
			sum := float64(whole-n) * b.back
			for y := in.Min.Y; y < in.Max.Y; y++ {
				for _, v := range x[y*b.sub.w+in.Min.X : y*b.sub.w+in.Max.X] {
					sum += v
				}
			}
			step := relax * (o.value*float64(whole) - sum) / float64(n)
			for y := in.Min.Y; y < in.Max.Y; y++ {
				row := x[y*b.sub.w+in.Min.X : y*b.sub.w+in.Max.X]
				for i := range row {
					row[i] = min(max(row[i]+step, 0), 255)
				}
			}
		}
	}
	return x
}
