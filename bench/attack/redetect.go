package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/redact"
)

// redetection is how often a network reports an object in a fill.
type redetection struct {
	Set      string `json:"set"`
	Fill     string `json:"fill"`
	Default  bool   `json:"default"`
	Warning  bool   `json:"warning_example"`
	Input    int    `json:"input"`
	Pictures int    `json:"pictures"`
	Objects  int    `json:"objects"`
	// Hits are detections of a face, person or plate with at least half of the box
	// hidden. PerThousand is per 1000 hidden objects.
	Hits        int            `json:"hits"`
	ByClass     map[string]int `json:"by_class"`
	PerThousand float64        `json:"per_1000_objects"`
}

// fullSize is the long side that pictures are fitted into, and the side of the
// network's input; the enlarged look has twice that.
const fullSize = 640

// detectSets are sets of single pictures whose labels are complete, or that have one
// large object.
var detectSets = []string{"faces_wider_small", "people_coco", "plates_openalpr_br"}

// detectFills are the fills that are measured. "nothing" is the picture itself, and tells
// what the networks find without a fill.
var detectFills = []string{"nothing", "solid", "background (default)", "mosaic 16", "Gaussian, sigma 8"}

func attackDetect(ctx context.Context, o *options, r *results, out io.Writer) error {
	if o.data == "" {
		r.Notes = append(r.Notes, "Re-detection was left out: HEDGE_DATA is not set.")
		return nil
	}
	for _, side := range []int{fullSize, 2 * fullSize} {
		set, err := networks.Open(ctx, networks.Trio, networks.Options{
			InputSize: image.Pt(side, side), FullRange: true, Offline: true})
		if err != nil {
			r.Notes = append(r.Notes, "Re-detection was left out: "+err.Error())
			return nil //nolint:nilerr // said in the notes; the other attacks go on
		}
		for _, name := range detectSets {
			s, err := labels.Load(filepath.Join(o.data, "dev", name))
			if errors.Is(err, os.ErrNotExist) {
				r.Notes = append(r.Notes, "Re-detection on "+name+" was left out: it is not there.")
				continue
			}
			var list []hiddenPicture
			if err == nil {
				list, err = hiddenPictures(s, o.pictures)
			}
			if err == nil {
				err = redetect(ctx, set, name, side, list, r, out)
			}
			if err != nil {
				return errors.Join(err, set.Close())
			}
		}
		if err := set.Close(); err != nil {
			return err
		}
	}
	return nil
}

// hiddenPicture is a picture with the objects to hide in it.
type hiddenPicture struct {
	pic     *image.YCbCr
	objects []detect.Object
}

// hiddenPictures returns the first n pictures of a set that have an object of 16
// pixels or more.
func hiddenPictures(s *labels.Set, n int) (list []hiddenPicture, err error) {
	for _, r := range s.Recordings {
		if len(list) == n {
			break
		}
		raw, err := readPicture(filepath.Join(s.Dir, r.File))
		if err != nil {
			return nil, err
		}
		pic, scale := fit(raw, fullSize)
		h := hiddenPicture{pic: pic}
		large := false
		for i, t := range r.Labels[0].Objects {
			box := t.Box.Scale(scale, scale)
			h.objects = append(h.objects, detect.Object{ID: uint64(i + 1), Class: t.Class, Box: box, Padded: box, Score: 0.9, Confirmed: true})
			large = large || box.Short() >= 16
		}
		if large {
			list = append(list, h)
		}
	}
	return list, nil
}

// fit returns a picture as 4:2:0, made smaller if it does not fit into a square.
func fit(raw image.Image, side int) (*image.YCbCr, float32) {
	size := raw.Bounds().Size()
	scale := min(float32(side)/float32(max(size.X, size.Y)), 1)
	r := image.Rect(0, 0, int(float32(size.X)*scale)&^1, int(float32(size.Y)*scale)&^1)
	rgba := image.NewRGBA(r)
	draw.ApproxBiLinear.Scale(rgba, r, raw, raw.Bounds(), draw.Src, nil)
	s := fromRGBA("", rgba)
	out := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for i, p := range planesOf(out) {
		p.each(image.Rectangle{Max: p.Size}, everywhere, func(x, y int, to *byte) {
			var v float32
			for k := range p.shrink * p.shrink {
				v += s.planes[i][(y*p.shrink+k/p.shrink)*s.w+x*p.shrink+k%p.shrink]
			}
			*to = clamp(v / float32(p.shrink*p.shrink))
		})
	}
	return out, scale
}

// redetect hides the objects of each picture with each fill and lets the
// networks look at the result.
func redetect(ctx context.Context, set *networks.Set, name string, side int, list []hiddenPicture, r *results, out io.Writer) error {
	rows := make([]redetection, len(detectFills))
	for i, f := range detectFills {
		rows[i] = redetection{Set: name, Fill: f, Input: side, Pictures: len(list), ByClass: map[string]int{},
			Default: i == 1 || i == 2, Warning: i > 2}
	}
	var found []detect.Detection
	for _, h := range list {
		for i := range rows {
			pic, mask, release, err := hide(h, i)
			if err != nil {
				return err
			}
			found = found[:0]
			for _, d := range set.Detectors {
				if found, err = d.Detect(ctx, pic, found); err != nil {
					return err
				}
			}
			rows[i].Objects += len(h.objects)
			for _, d := range found {
				if d.Class != detect.Vehicle && mask.HiddenOf(d.Box) >= 0.5 {
					rows[i].Hits++
					rows[i].ByClass[d.Class.String()]++
				}
			}
			release()
		}
	}
	for _, row := range rows {
		row.PerThousand = 1000 * float64(row.Hits) / float64(max(row.Objects, 1))
		r.Detection = append(r.Detection, row)
		if _, err := fmt.Fprintf(out, "%-20s %-18s input %4d: %d hits in %d objects\n", name, row.Fill, side, row.Hits, row.Objects); err != nil {
			return err
		}
	}
	return nil
}

// hide returns a copy of a picture under one of detectFills, and what the
// fill hides of it, which is the same for all. Both are valid until release.
func hide(h hiddenPicture, fill int) (pic *image.YCbCr, mask redact.Mask, release func(), err error) {
	p := redact.HideEverything()
	p.Outside.Hide = redact.HideDetected
	if fill == 1 {
		p.Found.Fill = redact.Solid
	}
	r, err := redact.New(p, h.pic.Rect.Size(), redact.DefaultOptions())
	if err != nil {
		return nil, mask, nil, err
	}
	f, err := r.Redact(clone(h.pic), redact.Scene{Objects: h.objects})
	if err != nil {
		return nil, mask, nil, err
	}
	mask = f.Mask()
	if fill == 1 || fill == 2 {
		return f.Picture(), mask, f.Release, nil
	}
	hidden := func(x, y int) bool { return mask.At(x/mask.Side(), y/mask.Side()) != redact.Shown }
	pic = clone(h.pic)
	switch fill {
	case 3:
		mosaic(pic, pic.Rect, hidden, 16)
	case 4:
		gaussian(pic, pic.Rect, hidden, 8)
	}
	return pic, mask, f.Release, nil
}
