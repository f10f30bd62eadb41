package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/floats"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// visit is how somebody comes to a place, and when.
type visit struct {
	name string
	// stay is for how many seconds somebody is there each time, and away for how many
	// seconds they are gone between two of these times.
	stay, times, away int
	walks             bool    // they cross the picture, and never stand
	jump              float64 // by how much the light changes while they are there
	bar               bool    // nothing may be told about them, found or not
}

// visits are the scenarios. Somebody whom no network finds is not noticed by motion
// either: only the plate's own rule keeps them out of it.
var visits = []visit{
	{name: "passes in 5 s", stay: 5, times: 1, walks: true, bar: true},
	{name: "crosses in 20 s", stay: 20, times: 1, walks: true, bar: true},
	{name: "stands there for 5 s", stay: 5, times: 1, bar: true},
	{name: "stands there for 20 s", stay: 20, times: 1},
	{name: "stands there for 2 min", stay: 120, times: 1},
	{name: "stands there for 10 min", stay: 600, times: 1},
	{name: "comes back for 20 s, 5 times", stay: 20, times: 5, away: 10},
	{name: "stands there for 20 s, sudden light", stay: 20, times: 1, jump: 40},
}

// parks is the scenario of a license plate on a car. The car is found, but does not keep
// its place out of the background plate.
var parks = visit{name: "parks for 10 min", stay: 600, times: 1}

// notice is how often a network finds somebody.
type notice struct {
	name  string
	every int // a network finds them in one inference of so many; 0: never
	hide  redact.Hide
}

var notices = []notice{
	{"hide all, found by nobody", 0, redact.HideAll},
	{"hide all, found", 1, redact.HideAll},
	{"hide detected, found", 1, redact.HideDetected},
}

// rarely is somebody whom a network finds only now and then, with no tracker to
// hold them in between.
var rarely = notice{"hide all, found once in 20 s", 8, redact.HideAll}

// The size of somebody in pictures of placeSize. A block of the plate is 8 pixels here, so
// that they are as large in blocks as 192 and 64 pixels are at 1080 lines.
const besideNear, besideFar = 96, 32

var placeSize = image.Pt(176, 128)

// The time between two frames: half the time between two samples of a block.
const placeStep = 2500 * time.Millisecond

// question is one row of the result: somebody's visit, and how it is noticed.
type question struct {
	what     string
	class    detect.Class
	subjects []*subject
	visit    visit
	notice   notice
}

// questions lists the rows.
func (c *cast) questions() (list []question) {
	for _, k := range []struct {
		what string
		side int
	}{{"face, near", besideNear}, {"face, far", besideFar}} {
		faces := c.heads(k.side, false)
		if len(faces) == 0 {
			break
		}
		for _, v := range visits {
			for _, n := range notices {
				list = append(list, question{k.what, detect.Person, faces, v, n})
			}
			if v.stay >= 120 {
				list = append(list, question{k.what, detect.Person, faces, v, rarely})
			}
		}
	}
	plates := c.plates(besideNear)
	for _, n := range notices {
		list = append(list, question{"plate on a car", detect.Plate, plates, parks, n})
	}
	return list
}

// bar reports whether nothing may be told about somebody.
func (q *question) bar() bool { return q.visit.bar || q.notice.every == 1 }

func (q *question) fill() string { return "background, " + q.notice.name }

func attackBackground(ctx context.Context, o *options, r *results, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 3)) //nolint:gosec // the same samples in every run
	faces, note, err := loadFaces(o)
	if err != nil {
		return err
	}
	if !slices.Contains(r.Notes, note) {
		r.Notes = append(r.Notes, note)
	}
	list := slices.DeleteFunc(newCast(faces, o.people, rng).questions(), func(q question) bool {
		return !o.matches(q.what, q.fill(), q.visit.name)
	})
	// Two rows at a time: each has its own stage and its own random numbers.
	rows := make([]recognition, len(list))
	var group errgroup.Group
	group.SetLimit(2)
	for i := range list {
		group.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				rows[i], err = list[i].run(o, rand.New(rand.NewPCG(o.seed, uint64(i+1000)))) //nolint:gosec // likewise
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	r.Background = rows
	for _, row := range rows {
		if err := row.print(out); err != nil {
			return err
		}
	}
	return nil
}

// run makes the samples of a row in one long clip of a place, and measures.
func (q *question) run(o *options, rng *rand.Rand) (recognition, error) {
	first := q.subjects[0]
	res := recognition{What: q.what, Fill: q.fill(), Default: q.bar(), Seen: q.visit.name,
		Identities: len(q.subjects), Width: first.w, Height: first.h, Lines: placeSize.Y}
	f, err := newPlaceClip(q, rng)
	if err != nil {
		return res, err
	}
	// They come in any order: the clip's time must not tell who it is.
	n := split{o.train / 2, checks / 2, tests / 2}
	each := n.train + n.checks + n.tests
	samples := make([][][]float64, len(q.subjects))
	for _, i := range rng.Perm(each * len(samples)) {
		x, err := f.sample(q.subjects[i/each])
		if err != nil {
			return res, err
		}
		samples[i/each] = append(samples[i/each], x)
	}
	err = res.measure(n, rng, func(id int) ([]float64, error) {
		x := samples[id][0]
		samples[id] = samples[id][1:]
		return x, nil
	})
	return res, err
}

// placeClip is a fixed camera before a place, with a plate that watches it. One
// after the other come and go.
type placeClip struct {
	q          *question
	stage      *stage
	plate      *redact.BackgroundPlate
	redactor   *redact.Redactor
	drift      drift
	look       look    // how who comes is shown
	light      float64 // added by a sudden change
	now        time.Duration
	inferences int
	objects    []detect.Object // found in the newest frame
}

func newPlaceClip(q *question, rng *rand.Rand) (*placeClip, error) {
	p := redact.HideEverything()
	p.Outside = redact.Outside{Hide: q.notice.hide, Fill: redact.Background}
	r, err := redact.New(p, placeSize, redact.DefaultOptions())
	f := &placeClip{q: q, stage: newStage(placeSize, rng), redactor: r,
		plate: redact.NewBackgroundPlate(placeSize, redact.PlateConfig{Networks: 2})}
	f.drift = drift{f.stage, 5, 120, 0}
	return f, err
}

// sample shows a visit and returns the attacker's features: the picture while somebody is
// there, the difference between the pictures some seconds after and just before, and
// the pixels that stayed the same to the bit after they went, as they do where the plate
// was not renewed.
func (f *placeClip) sample(sub *subject) ([]float64, error) {
	v := &f.q.visit
	f.newLook(sub)
	if err := f.rest(); err != nil {
		return nil, err
	}
	there := f.stage.box(sub, f.look)
	before, err := f.seen(there)
	if err != nil {
		return nil, err
	}
	var x []float64
	for i := range v.times {
		if i > 0 {
			f.pass(v.away)
		}
		if x, err = f.stays(sub, there); err != nil {
			return nil, err
		}
	}
	f.pass(10)
	first, err := f.seen(there)
	if err != nil {
		return nil, err
	}
	was := clone(f.stage.pic)
	f.pass(15)
	second, err := f.seen(there)
	if err != nil {
		return nil, err
	}
	floats.Sub(first, before)
	floats.Sub(second, before)
	return slices.Concat(x, first, second, unchanged(was, f.stage.pic, there)), nil
}

// newLook chooses how and where the next one is shown. The place is always the
// same one.
func (f *placeClip) newLook(sub *subject) {
	f.look = f.stage.vary(sub, 16)
	f.look.back, f.look.slope, f.light = [3]float64{120, 126, 131}, 40, 0
}

// rest waits until nothing is left of the visits before: until the place is known, and
// for two samples more than an old one needs to be replaced.
func (f *placeClip) rest() error {
	f.pass(25 + f.stage.rng.IntN(20))
	for range 20 {
		if f.plate.Known() == 1 {
			return nil
		}
		f.pass(10)
	}
	return fmt.Errorf("after %v the plate knows %.0f %% of an empty place", f.now, 100*f.plate.Known())
}

// stays shows somebody for as long as they stay. It returns the features of the box there
// at the moment when they are in it: in the middle of their way, or at the end.
func (f *placeClip) stays(sub *subject, there detect.Box) (x []float64, err error) {
	v, l := &f.q.visit, f.look
	steps := max(int(time.Duration(v.stay)*time.Second/placeStep), 2)
	for i := range steps {
		if v.walks {
			// Wholly inside the picture, and in the middle at half of the time.
			f.look.x = l.x + (float64(i)/float64(steps-1)-0.5)*float64(placeSize.X-sub.w)*0.8
			if i == steps/2 {
				f.look.x = l.x
			}
		}
		if i == steps/2 {
			f.light = v.jump
		}
		f.frame(sub)
		if v.walks && i == steps/2 || !v.walks && i == steps-1 {
			if x, err = f.seen(there); err != nil {
				return nil, err
			}
		}
	}
	f.look.x = l.x
	return x, nil
}

// pass shows the place with nobody there for so many seconds.
func (f *placeClip) pass(seconds int) {
	for range int(time.Duration(seconds) * time.Second / placeStep) {
		f.frame(nil)
	}
}

// frame shows the plate a frame and what the networks find in it.
func (f *placeClip) frame(who *subject) {
	l := f.look
	l.light = f.light + f.drift.at(int(f.now/time.Second))
	box := f.stage.show(who, l)
	f.stage.grain(2)
	f.objects = f.objects[:0]
	var found []detect.Detection
	var occupied []detect.Box
	if who != nil && f.q.notice.every > 0 && f.inferences%f.q.notice.every == 0 {
		f.objects = append(f.objects, detect.Object{Class: f.q.class, Box: box, Padded: box, Score: 0.9, Confirmed: true})
		found = []detect.Detection{{Class: f.q.class, Box: box, Score: 0.9}}
		occupied = []detect.Box{box}
	}
	// The plate visits an eighth of its blocks in each frame.
	for range 8 {
		f.plate.Frame(f.stage.pic, f.now, occupied)
	}
	for k := range 2 {
		inference := redact.Inference{Network: k, Time: f.now, Scale: 1}
		if k == 0 {
			inference.Found = found
		}
		f.plate.Looked(inference)
	}
	f.inferences++
	f.now += placeStep
}

// seen redacts the newest frame and returns what it shows in a box.
func (f *placeClip) seen(box detect.Box) ([]float64, error) {
	out, err := f.redactor.Redact(f.stage.pic, redact.Scene{Time: f.now, Objects: f.objects, Plate: f.plate})
	if err != nil {
		return nil, err
	}
	defer out.Release()
	if len(f.objects) > 0 && out.Mask().HiddenOf(f.objects[0].Box) < 1 {
		return nil, fmt.Errorf("%v is not wholly hidden", f.objects[0].Box)
	}
	return features(f.stage.pic, box, block/2), nil
}

// grain adds the noise of a camera to the whole picture.
func (s *stage) grain(dev float32) {
	from := s.rng.IntN(997)
	for i, v := range s.pic.Y {
		s.pic.Y[i] = clamp(float32(v) + dev*s.noise[i&(1<<15-1)+from])
	}
}

// unchanged returns, on a grid over a box, the share of the luma samples that are
// the same in two pictures.
func unchanged(a, b *image.YCbCr, box detect.Box) []float64 {
	same := image.NewYCbCr(a.Rect, a.SubsampleRatio)
	for i := range same.Y {
		if a.Y[i] == b.Y[i] {
			same.Y[i] = 255
		}
	}
	return features(same, box, block/2)
}
