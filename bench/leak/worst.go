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

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// The colours of a drawing.
var (
	colorLeak   = color.RGBA{255, 0, 0, 255}     // a leaked box
	colorHidden = color.RGBA{0, 230, 0, 255}     // a box that is hidden
	colorIgnore = color.RGBA{160, 160, 160, 255} // a box that does not count
	colorFound  = color.RGBA{255, 230, 0, 255}   // what the networks find in the raw picture
	colorCover  = color.RGBA{0, 80, 255, 255}    // blended over hidden blocks
)

// sameObject is the IoU from which on a detection is of a labelled object.
const sameObject = 0.3

// overMax is how many frames are drawn that hide most without being asked.
const overMax = 6

// drawWorst looks at the frames with leaks once more: it says of each leaked box
// whether the networks see the object in that very frame, and draws the worst
// cases, and the frames in which most was hidden that no label asked for.
// Pictures of set s go into a folder of its name.
func drawWorst(ctx context.Context, o *options, s *set, sc *score, models *networks.Set, out io.Writer) error {
	dir := filepath.Join(o.worst, s.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d := drawer{dir: dir, models: models, drawn: worstOf(sc.leaks, o.worstMax)}
	byFile := map[string]map[int]*cases{}
	at := func(file string, frame int) *cases {
		if byFile[file] == nil {
			byFile[file] = map[int]*cases{}
		}
		if byFile[file][frame] == nil {
			byFile[file][frame] = &cases{}
		}
		return byFile[file][frame]
	}
	for _, l := range sc.leaks {
		c := at(l.file, l.label.frame)
		c.leaks = append(c.leaks, l)
	}
	slices.SortStableFunc(sc.excess, func(a, b *excess) int { return cmp.Compare(b.share, a.share) })
	for _, e := range sc.excess[:min(overMax, len(sc.excess))] {
		at(e.file, e.label.frame).excess = e
	}
	for _, r := range s.recordings {
		if frames := byFile[r.file]; frames != nil {
			if err := d.recording(ctx, filepath.Join(s.dir, r.file), r.file, frames); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(out, "  of %d leaked boxes the networks find %d in the same frame (IoU >= %.1f); %d drawn in %s\n\n",
		len(sc.leaks), d.seen, sameObject, d.count, dir)
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
		file  string
		class detect.Class
		track int
		run   int
	}
	taken := map[runKey]bool{}
	chosen := map[*leak]bool{}
	for _, l := range order {
		k := runKey{l.file, l.truth.class, l.truth.track, l.run}
		if len(chosen) == n {
			break
		}
		if !taken[k] {
			taken[k], chosen[l] = true, true
		}
	}
	return chosen
}

// cases are what is worth a drawing in one frame.
type cases struct {
	leaks  []*leak
	excess *excess // nil if there is none
}

type drawer struct {
	dir    string
	models *networks.Set
	drawn  map[*leak]bool
	seen   int // leaked boxes that the networks find in their frame
	count  int // pictures written
}

// recording reads a recording again, up to the last frame with a leak.
func (d *drawer) recording(ctx context.Context, path, name string, frames map[int]*cases) (err error) {
	src, err := ffmpeg.Open(ctx, path, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	var b pipeline.Buffer
	for n, left := 1, len(frames); left > 0; n++ {
		err := src.Read(ctx, &b)
		if err != nil && !errors.Is(err, pipeline.ErrPicture) {
			return fmt.Errorf("frame %d of %s: %w", n, name, err)
		}
		c := frames[n]
		if c == nil {
			continue
		}
		left--
		if err := d.frame(ctx, &b, name, c); err != nil {
			return err
		}
	}
	return nil
}

func (d *drawer) frame(ctx context.Context, b *pipeline.Buffer, name string, c *cases) error {
	var size image.Point
	if c.excess != nil {
		size = c.excess.label.size
	} else {
		size = c.leaks[0].label.size
	}
	pic := b.Resize(size.X, size.Y)
	var found []detect.Detection
	for _, m := range d.models.Detectors {
		var err error
		if found, err = m.Detect(ctx, pic, found); err != nil {
			return err
		}
	}
	name = strings.ReplaceAll(name, string(filepath.Separator), "_")
	if e := c.excess; e != nil {
		file := fmt.Sprintf("over%02.0f-%s-frame%04d.png", 100*e.share, name, e.label.frame)
		if err := writePNG(filepath.Join(d.dir, file), drawing(pic, e.label, e.shot, nil, found)); err != nil {
			return err
		}
	}
	for _, l := range c.leaks {
		how := "unseen"
		for _, f := range found {
			if f.Class == l.truth.class && f.Box.IoU(l.truth.box) >= sameObject {
				how = "seen"
			}
		}
		if how == "seen" {
			d.seen++
		}
		if !d.drawn[l] {
			continue
		}
		d.count++
		track := ""
		if l.truth.track != noTrack {
			track = fmt.Sprintf("-track%d-run%d", l.truth.track, l.run)
		}
		file := fmt.Sprintf("leak-%s-frame%04d-%v%s-hidden%02.0f-%s.png", name, l.label.frame, l.truth.class, track, 100*l.share, how)
		if err := writePNG(filepath.Join(d.dir, file), drawing(pic, l.label, l.shot, &l.truth, found)); err != nil {
			return err
		}
	}
	return nil
}

// drawing shows the picture with the cover, the labels, of which one may stand
// out, and what the networks find in it.
func drawing(pic *image.YCbCr, l *label, s *shot, mark *truth, found []detect.Detection) *image.RGBA {
	dst := image.NewRGBA(pic.Rect)
	draw.Draw(dst, dst.Rect, pic, pic.Rect.Min, draw.Src)
	g := &s.cover
	for y := range g.h {
		for x := range g.w {
			if g.hidden[y*g.w+x] {
				tint(dst, g.block(x, y))
			}
		}
	}
	for _, f := range found {
		outline(dst, pixels(f.Box, g.size), colorFound, 1)
	}
	for _, o := range l.objects {
		r := pixels(o.box, g.size)
		c := colorHidden
		switch {
		case o.ignore || r.Empty():
			c = colorIgnore
		case g.share(r) < threshold(o.class):
			c = colorLeak
		}
		width := 1
		if mark != nil && o == *mark {
			width = 2
		}
		outline(dst, r, c, width)
	}
	return dst
}

// tint blends a block with the colour of the cover.
func tint(dst *image.RGBA, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := dst.RGBAAt(x, y)
			c.R, c.G, c.B = c.R/2+colorCover.R/2, c.G/2+colorCover.G/2, c.B/2+colorCover.B/2
			dst.SetRGBA(x, y, c)
		}
	}
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
