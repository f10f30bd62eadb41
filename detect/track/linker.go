package track

import (
	"cmp"
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// LinkerConfig says how a [Linker] works. It begins as [DefaultLinkerConfig]; a zero
// means zero.
type LinkerConfig struct {
	// Size is the pictures' size in pixels. Boxes are clipped to it. Zero is no
	// bounds at all.
	Size image.Point
	// Class holds what differs between the classes. It defaults to DefaultLinkerClass of
	// each.
	Class [detect.NumClasses]LinkerClass
	// MaxTracks is how many tracks of all classes may be followed at a time. In
	// pictures with more than that the whole picture counts as a face, a person and a
	// plate. It defaults to 4096.
	MaxTracks int
	// MaxObservations bounds the memory, at 28 bytes an observation. When there are more,
	// the whole picture counts as a face, a person and a plate from then on. It defaults to
	// 8 million: six hours at 30 pictures a second with 12 objects in each.
	MaxObservations int
	// Misses is how many inferences in a row must miss an object, with nothing in front of
	// it, until it counts as absent before, between or after its observations; more if
	// inferences found it seldom. Of inferences less than 30 ms apart one counts. It
	// defaults to 0: time alone counts.
	Misses int
	// Slack is how far, in pixels, a place may be wrong because the camera moves. Padded
	// boxes reach at least as far on each side: their margin, up to 0.05, counts for it. It
	// defaults to 0.
	Slack float32
}

// LinkerClass says how objects of one class are linked and believed. The defaults named
// here are those of a person, unless another class is named; [DefaultLinkerClass] has those
// of every class.
type LinkerClass struct {
	// Low is the lowest score of a detection that is not ignored, High that of one
	// that counts for itself. They default to 0.03 and 0.35 for people. hedge-n 0.6 gives
	// people whom it hardly sees six tenths of the scores of 0.5, for which Low was 0.05: with
	// that, 4 to 20 of 4,476 people leak on PETS09-S2L1, and 12 of 1,694 on a moving window
	// of it; with this 0 and 1.
	Low, High float32
	// Confident is the score at which a thing is believed though it never moves. It
	// defaults to 0.5.
	Confident float32
	// Sum is the evidence, summed over independent observations, from which a track is
	// believed without a confident one; see Track. It defaults to 0.6.
	Sum float32
	// SumMoving is the same for a track of which moving patches are part. It defaults to
	// 0.3.
	SumMoving float32
	// Least is the score that several observations must reach for Sum to count, and
	// LeastMoving for SumMoving. They default to 0.35 and 0.15.
	Least, LeastMoving float32
	// Single is the score at which a find is believed if one inference alone shows its
	// place: in a recording of so few pictures that there are no tracks to go by, a
	// photograph for one, and where inferences are half a second apart or more. Where
	// several do, at different sizes, a find is believed that one of them scores at least Alone, or two of them at least Agreed: a mistake is seldom made twice.
	// Single defaults to 0.3, and to 0.5 for faces and plates. Alone and Agreed default to
	// 0.3 and 0.08, to 0.5 and 0.4 for faces, and to 0.8 and 0.55 for plates.
	Single, Alone, Agreed float32
	// Margin is added to each side of the padded box, as a share of the width (height). It
	// defaults to 0.05, and to 0.16 for plates.
	Margin float32
	// Gap is the longest time without an observation that is bridged. It defaults to 6 s.
	Gap time.Duration
	// Extend is how long an object is taken to have been there before its first and
	// after its last observation. It defaults to 800 ms.
	Extend time.Duration
	// Smooth is the standard deviation of the mean over time that smooths boxes. It
	// defaults to 120 ms, and is at least one and a half pictures, up to 300 ms.
	Smooth time.Duration
}

// unreachable is more evidence than any track has. A small part of a larger thing moves
// with that, so its places say nothing, and only confident scores count.
const unreachable = 1e9

// DefaultLinkerClass returns the defaults of a class.
func DefaultLinkerClass(c detect.Class) LinkerClass {
	d := LinkerClass{
		Low: 0.05, High: 0.35, Confident: 0.5, Sum: 0.6, SumMoving: 0.3, Least: 0.35, LeastMoving: 0.15, Single: 0.3, Alone: 0.3, Agreed: 0.08,
		Gap: 6 * time.Second, Extend: 800 * time.Millisecond, Smooth: 120 * time.Millisecond, Margin: usualMargin,
	}
	switch c {
	case detect.Person:
		d.Low = 0.03
	case detect.Face:
		d.Single, d.Alone, d.Agreed = 0.5, 0.5, 0.4
		d.Low, d.High, d.Confident, d.Sum, d.SumMoving = 0.3, 0.5, 0.5, unreachable, unreachable
		d.Gap, d.Extend = 2*time.Second, 400*time.Millisecond
	case detect.Plate:
		d.Single, d.Alone, d.Agreed, d.Margin = 0.5, 0.8, 0.55, plateMargin
		d.Low, d.High, d.Confident, d.Sum, d.SumMoving = 0.3, 0.45, 0.55, unreachable, unreachable
		d.Gap, d.Extend = 2*time.Second, 400*time.Millisecond
	case detect.Vehicle:
		d.Low, d.High, d.Confident, d.Sum, d.SumMoving = 0.15, 0.35, 0.4, 0.6, 0.3
		d.Gap, d.Extend = 3*time.Second, 400*time.Millisecond
	}
	return d
}

// DefaultLinkerConfig returns the configuration to begin with: the defaults of every
// class, and pictures of any size.
func DefaultLinkerConfig() LinkerConfig {
	c := LinkerConfig{MaxTracks: 4096, MaxObservations: 8 << 20}
	for i := range c.Class {
		c.Class[i] = DefaultLinkerClass(detect.Class(i))
	}
	return c
}

// Observed is what is known of one picture of a recording.
type Observed struct {
	// Time is the presentation time, later than that of the picture before.
	Time time.Duration
	// Camera is how the camera's movement has moved the picture's content since the
	// picture before, in pixels; the zero Affine is not at all, as of a fixed camera.
	Camera Affine
	// Slack comes on top of LinkerConfig.Slack in this picture.
	Slack float32
	// Inferences are the detectors' inferences on it; their Time is not read.
	Inferences []Inference
	// Moved are the patches that move by themselves, where it is known. An object that they
	// are part of is believed sooner.
	Moved []detect.Box
}

// Linker links the detections of a whole recording into tracks. It differs from a
// [Tracker] in that everything is known when it decides: what is after a picture as
// well as what is before it. One goroutine at a time uses it.
type Linker struct {
	cfg       LinkerConfig
	whole     detect.Box
	times     []time.Duration
	camera    []Affine  // from the scene to each picture
	slack     []float32 // in each picture
	searched  []detect.ClassSet
	looked    [detect.NumClasses]int // pictures in which each class was looked for
	motion    bool                   // moving patches are known
	occluders []occluder
	first     []firstInferences // of the first FewInferences pictures with any

	live       [detect.NumClasses][]*tracklet
	done       []*tracklet
	assoc      trackletAssociator
	stored     int     // observations
	overflowed []int32 // pictures with more than can be followed
	full       int32   // from this picture on there is no more memory; -1: there is
}

// NewLinker returns a linker that has seen nothing.
func NewLinker(cfg LinkerConfig) *Linker {
	l := &Linker{cfg: cfg, full: -1}
	l.whole = detect.Box{X0: -maxCoordinate, Y0: -maxCoordinate, X1: maxCoordinate, Y1: maxCoordinate}
	if cfg.Size != (image.Point{}) {
		l.whole = detect.Box{X1: float32(cfg.Size.X), Y1: float32(cfg.Size.Y)}
	}
	return l
}

// Add takes in the next picture. It borrows o until it returns. Detections that
// make no sense are ignored, as by [Tracker.Update].
func (l *Linker) Add(o *Observed) {
	n := len(l.times)
	step := o.Camera
	if !step.sane() {
		step = identity
	}
	if n > 0 {
		step = step.after(l.camera[n-1])
	}
	l.times = append(l.times, o.Time)
	l.camera, l.slack = append(l.camera, step), append(l.slack, l.cfg.Slack+max(o.Slack, 0))
	l.motion = l.motion || len(o.Moved) > 0
	var classes detect.ClassSet
	for i := range o.Inferences {
		classes |= o.Inferences[i].Classes
	}
	l.searched = append(l.searched, classes)
	for c := range l.looked {
		if classes.Has(detect.Class(c)) {
			l.looked[c]++
		}
	}
	if classes != 0 && len(l.first) < FewInferences {
		l.first = append(l.first, firstInferences{int32(n), copyInferences(o.Inferences)})
	}
	if l.full >= 0 {
		return
	}
	for c := range detect.Class(detect.NumClasses) {
		l.link(c, int32(n), o)
	}
	l.addOccluders(int32(n), o)
	if l.stored > l.cfg.MaxObservations {
		l.full = int32(n)
	}
}

// Tracks ends the linking and returns the tracks, each believed or not, by the time at
// which they begin. The linker is used up.
func (l *Linker) Tracks() *Tracks {
	for c := range l.live {
		l.done = append(l.done, l.live[c]...)
		l.live[c] = nil
	}
	tracklets := l.bridge(l.done)
	l.done = nil
	var parts []*tracklet
	for _, c := range tracklets {
		parts = append(parts, l.split(c)...)
	}
	slices.SortStableFunc(parts, func(a, b *tracklet) int {
		return cmp.Or(cmp.Compare(a.seen[0].frame, b.seen[0].frame), cmp.Compare(a.class, b.class),
			cmp.Compare(a.seen[0].box.X0, b.seen[0].box.X0), cmp.Compare(a.seen[0].box.Y0, b.seen[0].box.Y0))
	})
	p := &Tracks{linker: l}
	for i, c := range parts {
		p.List = append(p.List, l.track(uint64(i+1), c))
	}
	p.index()
	return p
}

// Tracks are the tracks of a whole recording.
type Tracks struct {
	// List are all tracks, also those that are not believed.
	List []*Track

	linker  *Linker
	buckets [][]int32 // of List, by bucketFrames pictures
}

const bucketFrames = 64

func (p *Tracks) index() {
	p.buckets = make([][]int32, len(p.linker.times)/bucketFrames+1)
	for i, q := range p.List {
		for b := q.First / bucketFrames; b <= q.Last/bucketFrames && b < len(p.buckets); b++ {
			p.buckets[b] = append(p.buckets[b], int32(i))
		}
	}
}

// Frames returns the number of pictures.
func (p *Tracks) Frames() int { return len(p.linker.times) }

// At appends to dst every believed object that may be in the given picture,
// counted from 0, and returns the extended slice. A picture that is not part of the
// recording, or that had more objects than could be followed, holds the whole picture as a
// face, a person and a plate.
func (p *Tracks) At(frame int, dst []detect.Object) []detect.Object {
	l := p.linker
	if _, overflowed := slices.BinarySearch(l.overflowed, int32(frame)); overflowed || frame < 0 || frame >= len(l.times) ||
		l.full >= 0 && frame >= int(l.full) {
		dst = appendWhole(dst, l.whole, 0, 0)
	}
	if frame < 0 || frame >= len(l.times) {
		return dst
	}
	for _, i := range p.buckets[frame/bucketFrames] {
		q := p.List[i]
		if !q.Believed || frame < q.First || frame > q.Last || q.absent(frame) {
			continue
		}
		if o, ok := l.object(q, frame); ok {
			dst = append(dst, o)
		}
	}
	return dst
}

// Box returns where a track's object is in a picture between its First and Last, in
// that picture's pixels and not clipped to it.
func (p *Tracks) Box(q *Track, frame int) detect.Box {
	return p.linker.toPicture(p.linker.smoothed(q, frame), int32(frame))
}

// Camera returns how the camera's movement has moved the content from one picture to another.
func (p *Tracks) Camera(from, to int) Affine {
	return p.linker.camera[to].after(p.linker.camera[from].inverse())
}

// toPicture takes a box from scene coordinates to a picture's.
func (l *Linker) toPicture(b detect.Box, frame int32) detect.Box { return l.camera[frame].Box(b) }

// toScene takes a box of a picture to scene coordinates.
func (l *Linker) toScene(b detect.Box, frame int32) detect.Box {
	return l.camera[frame].inverse().Box(b)
}
