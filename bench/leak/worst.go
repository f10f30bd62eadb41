package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// The colours of a drawing.
var (
	colorLeak   = color.RGBA{255, 0, 0, 255}     // a leaked box
	colorHidden = color.RGBA{0, 230, 0, 255}     // a box that is hidden
	colorIgnore = color.RGBA{160, 160, 160, 255} // a box that does not count
	colorFound  = color.RGBA{255, 230, 0, 255}   // what the networks find in the raw picture
	colorMask   = color.RGBA{0, 40, 128, 128}    // blended over hidden blocks
)

// worstMost is how many cases of each set are drawn.
const worstMost = 24

// sameObject is the IoU from which on a detection is of a labelled object.
const sameObject = 0.3

// drawWorst looks at the frames with leaks once more: it says of each leaked box
// whether the networks see the object in that very frame, and draws the worst
// cases. Pictures of set s go into a folder of its name.
func drawWorst(ctx context.Context, o *options, s *labels.Set, sc *score, models *networks.Set, out io.Writer) error {
	d := drawer{dir: filepath.Join(o.worst, s.Name), models: models, drawn: worstOf(sc.leaks, worstMost)}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	for _, r := range s.Recordings {
		frames := map[int][]*leak{}
		for _, l := range sc.leaks {
			if l.file == r.File {
				frames[l.label.Frame] = append(frames[l.label.Frame], l)
			}
		}
		if err := d.recording(ctx, filepath.Join(s.Dir, r.File), r.File, frames); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "  of %d leaked boxes the networks find %d in the same frame (IoU >= %.1f); %d drawn in %s\n\n",
		len(sc.leaks), d.seen, sameObject, len(d.drawn), d.dir)
	return err
}

// worstOf returns up to n leaks to draw, one of each run or picture: first those
// of long runs, then those that show most.
func worstOf(leaks []*leak, n int) map[*leak]bool {
	order := slices.Clone(leaks)
	slices.SortStableFunc(order, func(a, b *leak) int {
		return cmp.Or(cmp.Compare(b.run, a.run), cmp.Compare(a.share, b.share))
	})
	type runKey struct {
		file       string
		class      detect.Class
		track, run int
	}
	taken := map[runKey]bool{}
	chosen := map[*leak]bool{}
	for _, l := range order {
		k := runKey{l.file, l.truth.Class, l.truth.Track, l.run}
		if !taken[k] && len(chosen) < n {
			taken[k], chosen[l] = true, true
		}
	}
	return chosen
}

type drawer struct {
	dir    string
	models *networks.Set
	drawn  map[*leak]bool
	seen   int // leaked boxes that the networks find in their frame
}

// recording reads a recording again, up to the last frame with a leak.
func (d *drawer) recording(ctx context.Context, path, name string, frames map[int][]*leak) error {
	left := len(frames)
	if left == 0 {
		return nil
	}
	return pictures(ctx, path, func(n int, pic *image.YCbCr) error {
		if frames[n] == nil {
			return nil
		}
		if err := d.frame(ctx, pic, strings.ReplaceAll(name, string(filepath.Separator), "_"), frames[n]); err != nil {
			return err
		}
		if left--; left > 0 {
			return nil
		}
		return io.EOF
	})
}

func (d *drawer) frame(ctx context.Context, pic *image.YCbCr, name string, leaks []*leak) error {
	var found []detect.Detection
	for _, m := range d.models.Detectors {
		var err error
		if found, err = m.Detect(ctx, pic, found); err != nil {
			return err
		}
	}
	for _, l := range leaks {
		how := "unseen"
		if slices.ContainsFunc(found, func(f detect.Detection) bool { return f.Class == l.truth.Class && f.Box.IoU(l.truth.Box) >= sameObject }) {
			how = "seen"
			d.seen++
		}
		if !d.drawn[l] {
			continue
		}
		track := ""
		if l.truth.Track != labels.NoTrack {
			track = fmt.Sprintf("-track%d-run%d", l.truth.Track, l.run)
		}
		file := fmt.Sprintf("leak-%s-frame%04d-%v%s-hidden%02.0f-%s.png", name, l.label.Frame, l.truth.Class, track, 100*l.share, how)
		if err := writePNG(filepath.Join(d.dir, file), drawing(pic, l, found)); err != nil {
			return err
		}
	}
	return nil
}

// drawing shows the picture of a leak with the mask, the labels, of which the
// leaked one stands out, and what the networks find in it.
func drawing(pic *image.YCbCr, k *leak, found []detect.Detection) *image.RGBA {
	dst := image.NewRGBA(pic.Rect)
	draw.Draw(dst, dst.Rect, pic, pic.Rect.Min, draw.Src)
	g := &k.shot.mask
	for y := range g.h {
		for x := range g.w {
			if g.hidden[y*g.w+x] {
				draw.Draw(dst, g.block(x, y), image.NewUniform(colorMask), image.Point{}, draw.Over)
			}
		}
	}
	for _, f := range found {
		outline(dst, pixels(f.Box, g.size), colorFound, 1)
	}
	for _, o := range k.label.Objects {
		r, c, width := pixels(o.Box, g.size), colorHidden, 1
		switch {
		case o.Ignore || r.Empty():
			c = colorIgnore
		case g.share(r) < threshold(o.Class):
			c = colorLeak
		}
		if o == k.truth {
			width = 2
		}
		outline(dst, r, c, width)
	}
	return dst
}

func outline(dst *image.RGBA, r image.Rectangle, c color.RGBA, width int) {
	for i := range width {
		q := r.Inset(-i)
		u := image.NewUniform(c)
		for _, e := range []image.Rectangle{
			{q.Min, image.Pt(q.Max.X, q.Min.Y+1)}, {image.Pt(q.Min.X, q.Max.Y-1), q.Max},
			{q.Min, image.Pt(q.Min.X+1, q.Max.Y)}, {image.Pt(q.Max.X-1, q.Min.Y), q.Max},
		} {
			draw.Draw(dst, e, u, image.Point{}, draw.Src)
		}
	}
}

func writePNG(path string, pic image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Encode(f, pic)
}
