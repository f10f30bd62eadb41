package main

import (
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
)

// pictureJudge measures what redacted pictures show, whatever program made them:
// it knows the source, the labels and the output, and nothing of masks.
//
// A block of 8x8 luma is visible when the detail of the source (luma minus its 5x5
// mean) is still in the output: a correlation over 0.5 and at least 15 % of its
// energy. Blocks that are flat in the source say nothing and are left out. A
// labelled box leaks when more than 20 % of its telling blocks are visible; its
// core (the box less 10 % on every side, where the body is) when more than 10 % of
// them are. A telling block counts as hidden without need if it is not visible and no
// label, grown by 25 %, asked for it.
//
// With the empty scene, only blocks count for a box whose detail is not the
// scene's: a fill that shows the wall behind a person shows nothing of the person.
type pictureJudge struct {
	empty *emptyScene // nil: every block counts

	source, output, in, out luma
	columns                 []float64
	es, eo, x, he           []float64
	tell, visible, body     []bool
	asked                   []bool
	bw, bh                  int

	recordings   int // that have begun
	classes      [detect.NumClasses]pictureTally
	frames       int
	hidden, rest int
}

// pictureTally is the result of one class.
type pictureTally struct {
	all, core count
	bySize    sizes
	tracks    map[[2]int]*pictureTrack // by the recording's number and the track's
	longest   int
}

// pictureTrack is what is shown of one object, and in how many pictures in a row up to
// the newest.
type pictureTrack struct {
	count
	run int
}

var errJudge = errors.New("source and output cannot be compared")

// add judges one labelled picture. Both pictures are of limited range and of the
// label's size; the output may have one more column and row, as H.264 wants.
func (j *pictureJudge) add(l *labels.Label, source, output *image.YCbCr) error {
	s, o := source.Rect.Size(), output.Rect.Size()
	if s != l.Size {
		return fmt.Errorf("%w: line %d says %dx%d, and frame %d is %dx%d", errFrames, l.Line, l.Size.X, l.Size.Y, l.Frame, s.X, s.Y)
	}
	if o.X < s.X || o.X > s.X+1 || o.Y < s.Y || o.Y > s.Y+1 {
		return fmt.Errorf("%w: frame %d is %dx%d, and the output is %dx%d", errJudge, l.Frame, s.X, s.Y, o.X, o.Y)
	}
	if !l.Labelled {
		return nil
	}
	cut := *output
	cut.Rect.Max = cut.Rect.Min.Add(s)
	j.compare(source, &cut)
	j.frames++
	clear(j.asked)
	for _, o := range l.Objects {
		j.ask(o.Box)
		if !o.Ignore {
			j.box(o)
		}
	}
	for i, tell := range j.tell {
		if tell && !j.asked[i] {
			j.rest++
			if !j.visible[i] {
				j.hidden++
			}
		}
	}
	return nil
}

// compare finds the blocks that tell something, that are visible, and that show
// more than the empty scene.
func (j *pictureJudge) compare(source, output *image.YCbCr) {
	j.source.set(source)
	j.output.set(output)
	j.columns = j.in.detail(&j.source, j.columns)
	j.columns = j.out.detail(&j.output, j.columns)
	j.es, j.eo = energies(j.es, &j.in, &j.in), energies(j.eo, &j.out, &j.out)
	j.x = energies(j.x, &j.in, &j.out)
	j.bw, j.bh = j.in.w/judgeSide, j.in.h/judgeSide
	if n := len(j.es); len(j.tell) != n {
		j.tell, j.visible, j.body, j.asked = make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	}
	if j.empty != nil {
		j.he = energies(j.he, &j.in, &j.empty.detail)
	}
	for i, es := range j.es {
		j.tell[i] = es > telling
		j.visible[i] = j.tell[i] && shows(es, j.eo[i], j.x[i])
		j.body[i] = j.empty == nil || j.empty.unknown[i] || !shows(es, j.empty.energy[i], j.he[i])
	}
}

// shows reports whether detail of energy es is in one of energy eo, x being their
// product.
func shows(es, eo, x float64) bool {
	return x > alike*math.Sqrt(es*eo+1e-6) && eo > energetic*es
}

// ask notes that the label asks for the blocks of a box and a quarter around it.
func (j *pictureJudge) ask(b detect.Box) {
	w, h := float64(b.X1)-float64(b.X0), float64(b.Y1)-float64(b.Y0)
	mark(j.asked, j.bw, j.blocks(math.Floor((float64(b.X0)-.25*w)/judgeSide), math.Ceil((float64(b.X0)+1.25*w)/judgeSide),
		math.Floor((float64(b.Y0)-.25*h)/judgeSide), math.Ceil((float64(b.Y0)+1.25*h)/judgeSide)))
}

// blocks cuts a range of blocks to the picture.
func (j *pictureJudge) blocks(x0, x1, y0, y1 float64) image.Rectangle {
	clamp := func(v float64, n int) int { return int(min(max(v, 0), float64(n))) }
	r := image.Rectangle{image.Pt(clamp(x0, j.bw), clamp(y0, j.bh)), image.Pt(clamp(x1, j.bw), clamp(y1, j.bh))}
	r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X), max(r.Max.Y, r.Min.Y)
	return r
}

// shown returns how many of the blocks tell something of the object, and how many
// of these are visible.
func (j *pictureJudge) shown(r image.Rectangle) (tell, visible int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for i := y*j.bw + r.Min.X; i < y*j.bw+r.Max.X; i++ {
			if j.tell[i] && j.body[i] {
				tell++
				if j.visible[i] {
					visible++
				}
			}
		}
	}
	return tell, visible
}

// box judges one labelled object. Fewer than two blocks say nothing.
func (j *pictureJudge) box(o labels.Truth) {
	t := &j.classes[o.Class]
	x, y := float64(o.Box.X0), float64(o.Box.Y0)
	w, h := float64(o.Box.X1)-x, float64(o.Box.Y1)-y
	round := func(v float64) float64 { return math.RoundToEven(v / judgeSide) }
	n, v := j.shown(j.blocks(round(x+.1*w), round(x+.9*w), round(y+.1*h), round(y+.9*h)))
	if n >= 2 {
		t.core.add(float64(v)/float64(n) > .1)
	}
	n, v = j.shown(j.blocks(math.Floor(x/judgeSide), math.Ceil((x+w)/judgeSide), math.Floor(y/judgeSide), math.Ceil((y+h)/judgeSide)))
	if n < 2 {
		return
	}
	leaked := float64(v)/float64(n) > .2
	t.all.add(leaked)
	t.bySize[sizeOf(o.Box)].add(leaked)
	if t.tracks == nil {
		t.tracks = map[[2]int]*pictureTrack{}
	}
	key := [2]int{j.recordings, o.Track}
	if o.Track == labels.NoTrack {
		key[1] -= t.all.boxes // a box without a track is one of its own
	}
	track := t.tracks[key]
	if track == nil {
		track = &pictureTrack{}
		t.tracks[key] = track
	}
	track.add(leaked)
	track.run++
	if !leaked {
		track.run = 0
	}
	t.longest = max(t.longest, track.run)
}
