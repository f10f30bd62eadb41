package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

// Evidence is what the first pass over a recording has seen, in this run or an earlier
// one. One goroutine at a time uses it.
type Evidence struct {
	log    *evidence.Log
	header evidence.Header
	edits  evidence.Edits
	frames int
	plate  *redact.BackgroundPlate // nil if there is none, or not yet
}

// LoadEvidence reads evidence that an earlier run wrote. spill and memory are those of
// evidence.NewLog. Evidence that makes no sense is an *evidence.Error that names the
// line. The caller closes what is returned.
func LoadEvidence(r io.Reader, spill string, memory int) (*Evidence, error) {
	log := evidence.NewLog(spill, memory)
	if _, err := io.Copy(log, r); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	ev, err := ReadEvidence(log)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return ev, nil
}

// ReadEvidence checks all of a log. The Evidence owns the log then, and closes it. After
// an error the caller does.
func ReadEvidence(log *evidence.Log) (*Evidence, error) {
	ev := &Evidence{log: log}
	rd, err := evidence.NewReader(log.Reader())
	if err != nil {
		return nil, err
	}
	var f evidence.Frame
	for {
		err := rd.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		ev.frames++
	}
	if ev.frames == 0 {
		return nil, &evidence.Error{Line: 2, Reason: "there is no picture in it"}
	}
	ev.header, ev.edits = rd.Header(), rd.Edits()
	return ev, nil
}

// Header returns what it is evidence of.
func (e *Evidence) Header() evidence.Header { return e.header }

// Frames returns the number of pictures.
func (e *Evidence) Frames() int { return e.frames }

// Save writes the evidence to a new file. An existing file is an error.
func (e *Evidence) Save(path string) error { return e.log.Save(path) }

// Close frees its memory and its file. It may be called more than once.
func (e *Evidence) Close() error { return e.log.Close() }

// each calls do with each picture, counted from 0.
func (e *Evidence) each(do func(i int, f *evidence.Frame) error) error {
	rd, err := evidence.NewReader(e.log.Reader())
	if err != nil {
		return err
	}
	var f evidence.Frame
	for i := range e.frames {
		if err := rd.Next(&f); err != nil {
			return err
		}
		if err := do(i, &f); err != nil {
			return err
		}
	}
	return nil
}

// Decision is what is hidden in each picture of a recording, and why.
type Decision struct {
	// Camera is FixedCamera or MovingCamera, as it was found out or told.
	Camera Camera
	// Elsewhere are the parts of the recording of a fixed camera that are hidden as a
	// whole, because they do not show the place of its beginning. MovedAt is the time
	// of the first of them; negative if there is none.
	Elsewhere []Span
	MovedAt   time.Duration
	// Tracks are all tracks, those not believed and those struck out too.
	Tracks *track.Tracks
	// Added are the tracks that the owner has added.
	Added []evidence.Added
	// Struck are the numbers of the tracks that the owner has struck out. Unknown are
	// numbers that the owner has struck out although there is no such track.
	Struck, Unknown []uint64
	// Times are the tracks that reviewers have given other times.
	Times []evidence.Times
	// HideOutside says that reviewers have all hidden that is not on the property,
	// whatever the policy says.
	HideOutside bool

	ev      *Evidence
	moments []moment
	dynamic dynamicBackground
}

// moment is what is kept of each picture between the passes.
type moment struct {
	at     time.Duration
	reason Reason // why more is hidden than the policy asks
}

// Check returns an [*evidence.Error] for evidence that says too little for this Recording:
// it was told that the camera moves, and now is told that it is fixed, or the other way round.
func (r *Recording) Check(ev *Evidence) error {
	was, is := ev.header.Camera, r.cfg.Camera.told()
	if was != "" && is != "" && was != is {
		return &evidence.Error{Line: 1, Reason: fmt.Sprintf("it was made of a %s camera, and this one is said to be %s: it lacks what that needs", was, is)}
	}
	return nil
}

// Decide decides on the evidence what is hidden: whole tracks count, forwards and backwards.
// Errors are those of Check.
func (r *Recording) Decide(ev *Evidence) (*Decision, error) {
	if err := r.Check(ev); err != nil {
		return nil, err
	}
	d := &Decision{ev: ev, MovedAt: -1, Added: ev.edits.Add, Camera: r.cfg.Camera,
		Times: ev.edits.Times, HideOutside: ev.edits.HideOutside}
	sv, err := summarise(ev)
	if err != nil {
		return nil, err
	}
	if d.Camera == AnyCamera {
		d.Camera = cameraOf(ev.header.Camera)
	}
	if d.Camera == AnyCamera {
		d.Camera = sv.camera(ev.header)
	}
	if err := d.link(r.cfg.Track); err != nil {
		return nil, err
	}
	d.strike(ev.edits.Strike)
	r.trust(d, sv)
	if d.Camera == FixedCamera {
		err = d.sumMotion()
	}
	return d, err
}

// link makes the tracks.
func (d *Decision) link(adjust func(*track.LinkerConfig)) error {
	cfg := track.DefaultLinkerConfig()
	cfg.Size = d.ev.header.Size
	if d.Camera == MovingCamera {
		cfg.Misses, cfg.Slack = wholeMisses, movingSlack*max(1, float32(cfg.Size.X)/watchWidth)
	}
	if adjust != nil {
		adjust(&cfg)
	}
	l := track.NewLinker(cfg)
	var o track.Observed
	steps := cameraSteps{slack: mosaicSlack * max(1, float32(cfg.Size.X)/watchWidth)}
	err := d.ev.each(func(_ int, f *evidence.Frame) error {
		o.Time, o.Inferences = f.Time, o.Inferences[:0]
		if d.Camera == MovingCamera {
			o.Camera, o.Slack = steps.step(f)
			o.Moved = f.Mosaic.Moved
		} else {
			o.Moved = f.Moved
		}
		for _, k := range f.Inferences {
			var classes detect.ClassSet
			for _, c := range d.ev.header.Networks[k.Network].Classes {
				classes |= detect.Classes(c)
			}
			o.Inferences = append(o.Inferences, track.Inference{Classes: classes, Region: k.Region, Detections: k.Found})
		}
		l.Add(&o)
		return nil
	})
	if err == nil {
		d.Tracks = l.Tracks()
	}
	return err
}

// cameraSteps tells how a moving camera moves from picture to picture.
type cameraSteps struct {
	last  evidence.Mosaic
	slack float32 // in a mosaic
}

// step returns how the content has moved since the picture before, and the slack to add: as
// the mosaic has it if both lie in one, and otherwise as it has shifted.
func (c *cameraSteps) step(f *evidence.Frame) (_ track.Affine, slack float32) {
	last := c.last
	c.last = f.Mosaic
	if last.Number == 0 || f.Mosaic.Number != last.Number {
		return track.Translation(f.DX, f.DY), 0
	}
	s := f.Mosaic.Pose.After(last.Pose.Inverse())
	return track.Affine{XX: real(s.Turn), XY: -imag(s.Turn), X0: real(s.Shift), YX: imag(s.Turn), YY: real(s.Turn), Y0: imag(s.Shift)}, c.slack
}

// strike takes out what the owner has struck out.
func (d *Decision) strike(ids []uint64) {
	for _, t := range d.Times {
		if t.Track < 1 || t.Track > uint64(len(d.Tracks.List)) {
			d.Unknown = append(d.Unknown, t.Track)
		}
	}
	for _, id := range ids {
		if id < 1 || id > uint64(len(d.Tracks.List)) {
			d.Unknown = append(d.Unknown, id)
			continue
		}
		if slices.Contains(d.Struck, id) {
			continue
		}
		// Tracks are numbered from 1 in the order of the list.
		d.Tracks.List[id-1].Believed = false
		d.Struck = append(d.Struck, id)
	}
}

// trust notes for each picture why more must be hidden in it than the policy asks.
func (r *Recording) trust(d *Decision, s *summary) {
	d.moments = make([]moment, len(s.at))
	missing := r.needs &^ detect.Classes(detect.Vehicle)
	for _, n := range d.ev.header.Networks {
		missing &^= detect.Classes(n.Classes...)
	}
	r.missing = missing
	r.stats.missing(missing)
	for i, at := range s.at {
		d.moments[i].at = at
		if missing != 0 {
			d.moments[i].reason = ReasonNoDetector
		}
	}
	for k, n := range d.ev.header.Networks {
		if detect.Classes(n.Classes...)&r.needs != 0 {
			d.markStale(s.good[k], s.bad[k])
		}
	}
	if d.Camera != FixedCamera {
		return
	}
	d.Elsewhere = s.otherViews()
	for _, e := range d.Elsewhere {
		if d.MovedAt < 0 {
			d.MovedAt = e.From
		}
		for j := range d.moments {
			if m := &d.moments[j]; m.at >= e.From && m.at < e.To {
				m.reason = ReasonCameraMoved
			}
		}
	}
}

// maxAge is the longest time between a picture and the nearest inference of a whole
// picture, and maxPictures the largest number of pictures. Within either it counts.
const (
	maxAge      = 600 * time.Millisecond
	maxPictures = 30
)

// markStale notes the pictures for which a network's inferences say nothing: the nearest
// one before or after the picture failed, or is too far away.
func (d *Decision) markStale(good, bad []bool) {
	n := len(good)
	stale := func(i int, why Reason) {
		if d.moments[i].reason == NoReason {
			d.moments[i].reason = why
		}
	}
	mark := func(order func(int) int) {
		last, failed := -1, false
		for k := range n {
			i := order(k)
			switch {
			case bad[i]:
				last, failed = i, true
			case good[i]:
				last, failed = i, false
			}
			switch {
			case last >= 0 && failed:
				stale(i, ReasonDetectorFailed)
			case last < 0:
			case absTime(d.moments[i].at-d.moments[last].at) > maxAge && abs(i-last) > maxPictures:
				stale(i, ReasonDetectorLate)
			}
		}
	}
	mark(func(k int) int { return k })
	mark(func(k int) int { return n - 1 - k })
	if !slices.Contains(good, true) {
		for i := range n {
			stale(i, ReasonDetectorLate)
		}
	}
}

func abs(v int) int { return max(v, -v) }

func absTime(t time.Duration) time.Duration { return max(t, -t) }

// scene returns what must be hidden in picture i, whose evidence is f.
func (d *Decision) scene(i int, f *evidence.Frame, objects []detect.Object, motion []detect.Box) redact.Scene {
	s := redact.Scene{Time: f.Time, Level: levelOf(d.moments[i].reason), Objects: d.objects(i, f.Time, objects[:0])}
	if d.Camera == FixedCamera {
		s.Plate = d.ev.plate
		s.Motion = d.dynamic.unexplained(f.Moved, d.explaining(i, s.Objects), motion[:0])
	} else if len(f.Mosaic.Moved) > 0 {
		s.Motion = d.dynamic.unexplained(f.Mosaic.Moved, d.explaining(i, s.Objects), motion[:0])
	}
	return s
}

// objects appends the believed and the added tracks in picture i.
func (d *Decision) objects(i int, at time.Duration, dst []detect.Object) []detect.Object {
	dst = d.retimed(i, at, d.Tracks.At(i, dst))
	for k, a := range d.Added {
		if b, ok := addedAt(a, at); ok {
			dst = append(dst, detect.Object{ID: uint64(len(d.Tracks.List) + 1 + k), Class: a.Class, Box: b, Padded: padded(a.Class, b), Score: 1, Confirmed: true})
		}
	}
	return dst
}

// padded returns a box that nobody has tracked with the margin of those that are.
func padded(c detect.Class, b detect.Box) detect.Box {
	m := track.DefaultLinkerClass(c).Margin
	return b.Grow(m, m)
}

// retimed takes out of objects, those of picture i, the tracks that reviewers do not have
// hidden at that time, and appends those that they do, and that were not seen then.
func (d *Decision) retimed(i int, at time.Duration, objects []detect.Object) []detect.Object {
	for _, t := range d.Times {
		is := func(o detect.Object) bool { return o.ID == t.Track }
		switch {
		case t.Track < 1 || t.Track > uint64(len(d.Tracks.List)):
		case at < t.From || at > t.To:
			objects = slices.DeleteFunc(objects, is)
		case slices.ContainsFunc(objects, is):
		default:
			if p := d.Tracks.List[t.Track-1]; p.Believed {
				b := d.Tracks.Box(p, min(max(i, p.First), p.Last))
				objects = append(objects, detect.Object{ID: p.ID, Class: p.Class, Box: b, Padded: padded(p.Class, b), Score: p.Score, Confirmed: true})
			}
		}
	}
	return objects
}

// shown appends what reviewers have taken out of picture i: it explains what moves there.
func (d *Decision) shown(i int, at time.Duration, dst []detect.Object) []detect.Object {
	show := func(id uint64) {
		if p := d.Tracks.List[id-1]; i >= p.First && i <= p.Last {
			dst = append(dst, detect.Object{ID: p.ID, Class: p.Class, Box: d.Tracks.Box(p, i), Padded: d.swept(p, i), Score: p.Score, Confirmed: true})
		}
	}
	for _, id := range d.Struck {
		show(id)
	}
	for _, t := range d.Times {
		if (at < t.From || at > t.To) && t.Track >= 1 && t.Track <= uint64(len(d.Tracks.List)) && d.Tracks.List[t.Track-1].Believed {
			show(t.Track)
		}
	}
	return dst
}

const (
	// sweptPictures is over how many pictures, before and after, what moves at a track's
	// object is its own: a moving patch has the place that was left in it, too.
	sweptPictures = 2
	// sweptMargin is the part of the box's shorter side that a patch may stick out: the
	// motion's grid is coarse, and a shadow falls beside the feet.
	sweptMargin = 0.125
)

// swept returns where a track's object is about picture i.
func (d *Decision) swept(p *track.Track, i int) detect.Box {
	b := d.Tracks.Box(p, i)
	for j := max(i-sweptPictures, p.First); j <= min(i+sweptPictures, p.Last); j++ {
		b = b.Union(d.Tracks.Box(p, j))
	}
	m := sweptMargin * d.Tracks.Box(p, i).Short()
	return detect.Box{X0: b.X0 - m, Y0: b.Y0 - m, X1: b.X1 + m, Y1: b.Y1 + m}
}

// addedAt returns where an added track is at a time. A single box counts for half a second
// before and after its time.
func addedAt(a evidence.Added, at time.Duration) (b detect.Box, ok bool) {
	first, last := a.Boxes[0], a.Boxes[len(a.Boxes)-1]
	if len(a.Boxes) == 1 {
		return first.Box, absTime(at-first.Time) <= time.Second/2
	}
	if at < first.Time || at > last.Time {
		return b, false
	}
	for i := 1; i < len(a.Boxes); i++ {
		p, q := a.Boxes[i-1], a.Boxes[i]
		if at > q.Time {
			continue
		}
		f := float32((at - p.Time).Seconds() / (q.Time - p.Time).Seconds())
		mix := func(u, v float32) float32 { return u + (v-u)*f }
		return detect.Box{X0: mix(p.Box.X0, q.Box.X0), Y0: mix(p.Box.Y0, q.Box.Y0), X1: mix(p.Box.X1, q.Box.X1), Y1: mix(p.Box.Y1, q.Box.Y1)}, true
	}
	return b, false
}

// levelOf returns how much is hidden for a reason.
func levelOf(why Reason) redact.Level {
	switch why {
	case NoReason:
		return redact.HidePolicy
	case ReasonNoDetector, ReasonDetectorFailed, ReasonDetectorLate:
		return redact.HideOutside
	}
	return redact.HideFrame
}

// Time returns the presentation time of picture i, counted from 0.
func (d *Decision) Time(i int) time.Duration { return d.moments[i].at }

// Picture returns the number of the picture with the presentation time at, counted from
// 0. It reports false if there is none.
func (d *Decision) Picture(at time.Duration) (i int, ok bool) {
	return slices.BinarySearchFunc(d.moments, at, func(m moment, at time.Duration) int { return cmp.Compare(m.at, at) })
}

// BackgroundKnown returns the share of the picture whose background is known, 0..1. It is
// 0 for a moving camera, and if the policy shows no background.
func (d *Decision) BackgroundKnown() float64 {
	if d.Camera != FixedCamera || d.ev.plate == nil {
		return 0
	}
	return d.ev.plate.Known()
}

// Reason returns why more is hidden in picture i, counted from 0, than the policy
// asks.
func (d *Decision) Reason(i int) Reason { return d.moments[i].reason }
