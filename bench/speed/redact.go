package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// measureCopy measures the limit: copying the picture once.
func measureCopy(_ context.Context, s *suite) error {
	t := reach.Table{Title: "memcpy of the frame (4:2:0)", Columns: []string{"size", "MB", "ms", "GB/s"}}
	var x, y []float64
	for _, z := range s.sizes() {
		src, dst := noise(z.size, 1), noise(z.size, 2)
		took, err := sides(s.budget(200*time.Millisecond), does(func() { copyPicture(dst, src) }))
		if err != nil {
			return err
		}
		n, v := float64(bytesOf(src)), median(took[0])
		x, y = append(x, n), append(y, v)
		t.Line(z.name, n/1e6, v, n/v/1e6)
	}
	s.report.grows("memcpy", "bytes", x, y)
	s.report.Tables = append(s.report.Tables, t)
	return nil
}

// kind is one way to redact.
type kind struct {
	name string
	fill redact.Fill
	hold time.Duration
}

var kinds = []kind{
	{"frost anew", redact.Frost, -1},
	{"frost held", redact.Frost, time.Hour},
	{"solid", redact.Solid, 0},
}

// redaction returns a function that redacts pic, and one that returns the share
// it hides.
func redaction(pic *image.YCbCr, k kind, share float64) (func() error, func() float64, error) {
	p := &redact.Policy{Version: 1, Outside: redact.Outside{Fill: k.fill}, Found: redact.Found{Fill: redact.Solid}}
	var objects []detect.Object
	if share < 1 {
		p.Outside.Hide = redact.HideDetected
		objects = people(pic.Rect.Size(), share)
		if k.fill == redact.Frost {
			// Frost takes no samples under what was found: masks in its place.
			p.Mask, objects = masks(objects, pic.Rect.Size()), nil
		}
	}
	r, err := redact.New(p, pic.Rect.Size(), redact.Options{Margin: -1, FrostHold: k.hold})
	if err != nil {
		return nil, nil, err
	}
	var at time.Duration
	hidden := 0.0
	return func() error {
		f, err := r.Redact(pic, redact.Scene{Time: at, Objects: objects})
		if err != nil {
			return err
		}
		hidden = f.Cover().Hidden()
		f.Release()
		at += time.Second / 30
		return nil
	}, func() float64 { return hidden }, nil
}

// measureRedact measures the kernels over area and size, and the way it is done
// with OpenCV.
func measureRedact(ctx context.Context, s *suite) error {
	shares := []float64{0, 0.05, 0.25, 0.5, 1}
	for _, k := range kinds {
		t := reach.Table{
			Title:   "Redaction, " + k.name + ": x memcpy (ms) by the share hidden",
			Columns: []string{"size"},
		}
		for _, share := range shares {
			t.Columns = append(t.Columns, fmt.Sprintf("%.0f %%", 100*share))
		}
		var x, y, byShare []float64
		for _, z := range s.sizes() {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			src, pic := noise(z.size, 1), noise(z.size, 2)
			// The copy restores the picture, and is what it is measured by.
			fns := []func() error{}
			for _, share := range shares {
				f, _, err := redaction(pic, k, share)
				if err != nil {
					return err
				}
				fns = append(fns, does(func() { copyPicture(pic, src) }), f)
			}
			took, err := sides(s.budget(300*time.Millisecond), fns...)
			if err != nil {
				return err
			}
			cells := []any{z.name}
			for i := range shares {
				cells = append(cells, fmt.Sprintf("%s (%s)", reach.Number(ratio(took[2*i+1], took[2*i])), reach.Number(median(took[2*i+1]))))
			}
			if z.size == fullHD {
				for i := range shares[1:] {
					byShare = append(byShare, median(took[2*i+3]))
				}
			}
			t.Line(cells...)
			x, y = append(x, float64(z.size.X*z.size.Y)), append(y, median(took[len(took)-1]))
		}
		s.report.grows("redaction, "+k.name+", the whole picture", "pixels", x, y)
		s.report.grows("redaction, "+k.name+", 1080p", "share hidden, %", []float64{5, 25, 50, 100}, byShare)
		s.report.Tables = append(s.report.Tables, t)
	}
	return s.redactGoals()
}

// redactGoals measures the rows that redaction is held against, all side by side.
func (s *suite) redactGoals() (err error) {
	src, pic := noise(fullHD, 1), noise(fullHD, 2)
	restore := does(func() { copyPicture(pic, src) })
	fns := []func() error{}
	var shares []func() float64
	for _, c := range []struct {
		k     kind
		share float64
	}{{kinds[0], 1}, {kinds[1], 1}, {kinds[0], 0.05}, {kinds[1], 0.05}} {
		f, hidden, err := redaction(pic, c.k, c.share)
		if err != nil {
			return err
		}
		fns = append(fns, restore, f)
		shares = append(shares, hidden)
	}
	took, err := sides(s.budget(2*time.Second), fns...)
	if err != nil {
		return err
	}
	full, held, part, partHeld := took[1], took[3], took[5], took[7]
	hides := fmt.Sprintf("hides %.1f %%", 100*shares[2]())
	s.report.measured(goalFull, ratio(full, took[0]), reach.Number(median(full))+" ms")
	s.report.measured(goalFullHeld, ratio(held, took[2]), reach.Number(median(held))+" ms")
	s.report.measured(goalPart, ratio(part, full), fmt.Sprintf("%s ms, %s; %s x memcpy", reach.Number(median(part)), hides, reach.Number(ratio(part, took[4]))))
	s.report.measured(goalPartHeld, ratio(partHeld, held), fmt.Sprintf("%s ms, %s; %s x memcpy", reach.Number(median(partHeld)), hides, reach.Number(ratio(partHeld, took[6]))))

	blur, err := newBlur(src)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blur.close()) }()
	again, _, err := redaction(pic, kinds[0], 1)
	if err != nil {
		return err
	}
	if took, err = sides(s.budget(3*time.Second), restore, again, blur.run); err != nil {
		return err
	}
	s.report.measured(goalBlur, ratio(took[2], took[1]), fmt.Sprintf("%s ms of core time against %s ms, the whole frame anew",
		reach.Number(median(took[2])), reach.Number(median(took[1]))))
	return nil
}
