package pipeline

import (
	"context"
	"image"
	"runtime"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/nodump"
)

const (
	// outlineAge is the longest time between a frame and one whose silhouettes it is shown
	// with, if there is one before it and one after it, and outlineAlone if there is one
	// alone.
	outlineAge, outlineAlone = 200 * time.Millisecond, 70 * time.Millisecond
	// outlineKept is how many looks for silhouettes are kept, and outlineRest how many
	// times as long as a look takes the next one waits, but no longer than outlinePause:
	// one look may be slow by chance.
	outlineKept, outlineRest = 16, 3
	outlinePause             = time.Second
	// outlineScale is how much a box may have grown or shrunk since its silhouette was found.
	outlineScale = 1.25
)

// outlines finds the silhouettes of those who are near, in Live mode: one goroutine
// looks at copies of the newest frames. A frame goes out with its own silhouettes or, if
// there are none, with what is common to the nearest ones before and after it, moved with
// the boxes. All but the goroutine belongs to the event loop.
type outlines struct {
	seg   detect.Segmenter // nil if there is none
	most  time.Duration    // the look-ahead: so long must the looks that are kept span
	stats *stats

	in      chan *outlineJob
	results chan *outlineJob // nil if there is no segmenter
	done    chan error

	jobs   [outlineKept]outlineJob
	next   int           // the oldest of jobs
	busy   bool          // the goroutine has one
	epoch  int           // counts the formats
	begun  bool          // there was a look
	lastAt time.Duration // frame time of the newest one
	rest   time.Duration // until the next one
	near   outliner      // chooses people

	made  [outlined]detect.Silhouette // of the frame that goes out
	other detect.Silhouette           // scratch, with another's cells
}

// outlineJob is one look at the people of one frame. Its memory is used again.
type outlineJob struct {
	at     time.Duration
	epoch  int
	people [outlined]outlinedPerson
	n      int  // so many of people
	known  bool // it came back
	spent  time.Duration
}

// outlinedPerson is somebody in a frame, and what is known of them.
type outlinedPerson struct {
	id         uint64
	box        detect.Box
	memory     *image.YCbCr // holds part
	part       image.YCbCr  // of the frame, in its coordinates
	silhouette detect.Silhouette
	ok         bool // that could be found
}

// start starts the goroutine.
func (o *outlines) start(ctx context.Context) {
	if o.seg == nil {
		return
	}
	o.in, o.results, o.done = make(chan *outlineJob, 1), make(chan *outlineJob, 1), make(chan error, 1)
	go lookForOutlines(ctx, o.seg, o.in, o.results, o.done)
}

// stop ends the goroutine. ctx, which start was called with, has ended.
func (o *outlines) stop() error {
	if o.seg == nil {
		return nil
	}
	close(o.in)
	return join(o.seg.Name(), o.done)
}

// lookForOutlines is the goroutine's body.
func lookForOutlines(ctx context.Context, seg detect.Segmenter, in <-chan *outlineJob, out chan<- *outlineJob, done chan<- error) {
	defer func() { done <- nil }()
	// Not unlocked: the thread ends with the goroutine, and nothing else inherits its
	// priority.
	runtime.LockOSThread()
	yield()
	for job := range in {
		start := time.Now()
		for i := range job.people[:job.n] {
			p := &job.people[i]
			p.ok = segment(ctx, seg, p) == nil && p.silhouette.Valid()
		}
		job.spent = time.Since(start)
		out <- job // has room: one is under way
	}
}

// segment finds one silhouette. A panic is an error.
func segment(ctx context.Context, seg detect.Segmenter, p *outlinedPerson) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v}
		}
	}()
	return seg.Segment(ctx, &p.part, p.box, &p.silhouette)
}

// forget says that the objects begin anew, in frames of another format.
func (o *outlines) forget() { o.epoch++ }

// look begins a look at the objects who are near in f, the newest frame, if one is due.
func (o *outlines) look(f *frame, objects []detect.Object) {
	if o.seg == nil || o.busy || o.begun && !due(f.at-o.lastAt, o.rest, f.step) {
		return
	}
	o.near.choose(objects)
	if len(o.near.near) == 0 {
		return
	}
	job := &o.jobs[o.next]
	o.next = (o.next + 1) % outlineKept
	job.at, job.epoch, job.known, job.n = f.at, o.epoch, false, 0
	for _, who := range o.near.near {
		p := &job.people[job.n]
		p.id, p.box, p.ok = who.ID, who.Box, false
		if p.copy(f.buf.pic) {
			job.n++
		}
	}
	o.busy, o.begun, o.lastAt = true, true, f.at
	o.in <- job // has room: the goroutine is idle
}

// copy copies what lies around the person in pic.
func (p *outlinedPerson) copy(pic *image.YCbCr) bool {
	b := p.box.Grow(0.5, 0.5).Intersect(rectBox(pic.Rect))
	r := image.Rect(int(b.X0)&^1, int(b.Y0)&^1, int(b.X1), int(b.Y1))
	if b.Empty() || !r.In(pic.Rect) || r.Empty() {
		return false
	}
	if p.memory == nil || p.memory.Rect.Dx() < r.Dx() || p.memory.Rect.Dy() < r.Dy() {
		// As large as the largest so far, so that it is soon large enough.
		size := r.Size()
		if p.memory != nil {
			size.X, size.Y = max(size.X, p.memory.Rect.Dx()), max(size.Y, p.memory.Rect.Dy())
		}
		p.memory = nodump.Picture(size.X, size.Y)
	}
	p.part = *p.memory
	p.part.Rect = r
	for y := r.Min.Y; y < r.Max.Y; y++ {
		from, to := pic.YOffset(r.Min.X, y), p.part.YOffset(r.Min.X, y)
		copy(p.part.Y[to:to+r.Dx()], pic.Y[from:])
		if y%2 != 0 {
			continue
		}
		from, to = pic.COffset(r.Min.X, y), p.part.COffset(r.Min.X, y)
		n := (r.Dx() + 1) / 2
		copy(p.part.Cb[to:to+n], pic.Cb[from:])
		copy(p.part.Cr[to:to+n], pic.Cr[from:])
	}
	return true
}

// take takes in a look that came back.
func (o *outlines) take(job *outlineJob) {
	o.busy, job.known = false, true
	o.rest = max(min(outlineRest*job.spent, outlinePause), o.most/(outlineKept-2))
	found := 0
	for i := range job.people[:job.n] {
		if job.people[i].ok {
			found++
		}
	}
	o.stats.outlined(found, job.n-found)
}

// attach notes at each object in f, which is about to go out, the silhouette that is known
// of it. They are valid until the next call.
func (o *outlines) attach(f *frame, objects []detect.Object) {
	if o.seg == nil {
		return
	}
	n := 0
	for i := range objects {
		who := &objects[i]
		who.Silhouette = nil
		if who.Class != detect.Person || n == len(o.made) {
			continue
		}
		if s := &o.made[n]; o.find(f, who, s) {
			who.Silhouette = s
			n++
		}
	}
}

// find sets s to the silhouette of somebody in f. It reports false if none is known. The
// memory of s.Cells is used again.
func (o *outlines) find(f *frame, who *detect.Object, s *detect.Silhouette) bool {
	one, far := o.nearest(f, who.ID, false)
	other, farther := o.nearest(f, who.ID, true)
	if one == nil || other != nil && farther < far {
		one, other, far = other, one, farther
	}
	if one == nil {
		return false
	}
	cells := s.Cells[:0]
	*s = one.silhouette
	s.Cells = append(cells, s.Cells...)
	switch {
	case far == 0:
		return true
	case other == nil:
		return far <= outlineAlone && one.follow(who.Box, s)
	}
	o.other = other.silhouette
	if !one.follow(who.Box, s) || !other.follow(who.Box, &o.other) {
		return false
	}
	common(s, &o.other)
	return true
}

// nearest returns what is known of a person at the time nearest to f, among the looks
// before it or after it, and how far that is; nil if nothing is. A look at f itself is
// both.
func (o *outlines) nearest(f *frame, id uint64, after bool) (best *outlinedPerson, far time.Duration) {
	for i := range o.jobs {
		job := &o.jobs[i]
		d := f.at - job.at
		if after {
			d = -d
		}
		if !job.known || job.epoch != o.epoch || job.at < f.cut || job.at >= f.nextCut ||
			d < 0 || d > outlineAge || best != nil && d >= far {
			continue
		}
		for k := range job.people[:job.n] {
			if p := &job.people[k]; p.id == id && p.ok {
				best, far = p, d
			}
		}
	}
	return best, far
}

// follow moves s, the person's silhouette, with their box. It reports false if the box has
// changed too much for that.
func (p *outlinedPerson) follow(box detect.Box, s *detect.Silhouette) bool {
	sx, sy := box.W()/p.box.W(), box.H()/p.box.H()
	if !(min(sx, sy) > 1/outlineScale && max(sx, sy) < outlineScale) {
		return false
	}
	r := s.Region
	s.Region = detect.Box{
		X0: box.X0 + (r.X0-p.box.X0)*sx, Y0: box.Y0 + (r.Y0-p.box.Y0)*sy,
		X1: box.X0 + (r.X1-p.box.X0)*sx, Y1: box.Y0 + (r.Y1-p.box.Y0)*sy,
	}
	return s.Valid()
}

// common leaves in s what is a person's in both: each of its cells gets the value of the
// cell of other in which its middle lies, if that is less; none where there is none.
func common(s, other *detect.Silhouette) {
	w, h := s.CellSize()
	ow, oh := other.CellSize()
	for y := range s.Rows {
		v := (s.Region.Y0 + (float32(y)+0.5)*h - other.Region.Y0) / oh
		row := s.Cells[y*s.Columns:][:s.Columns]
		if !(v >= 0 && int(v) < other.Rows) {
			clear(row)
			continue
		}
		from := other.Cells[int(v)*other.Columns:][:other.Columns]
		for x := range row {
			u := (s.Region.X0 + (float32(x)+0.5)*w - other.Region.X0) / ow
			if !(u >= 0 && int(u) < other.Columns) {
				row[x] = 0
			} else {
				row[x] = min(row[x], from[int(u)])
			}
		}
	}
}
