package pipeline

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
)

// View is what outlives a restart of the view that the owner confirmed: the place
// that the camera showed when its zones were right. A program keeps it beside the
// policy and hands it in as Config.View at its next start.
type View struct {
	// Native is the source's size in pixels; zero: no view is known, and the next
	// picture's counts as confirmed.
	Native image.Point
	// Structure is where the place has edges, as motion.View.Sketch gives it; nil if
	// that is not known yet. Nothing can be recognised in it.
	Structure []byte
	// Unconfirmed says why the owner has to confirm the view, or is NoReason.
	Unconfirmed Reason
}

const (
	// saveViewEvery is the least time between two saves of what the view has learnt.
	saveViewEvery = 10 * time.Minute
	// clearly is the share of what usually fits from which a picture shows the view
	// beyond doubt.
	clearly = 0.85
)

// viewWatch decides whether the picture shows the confirmed view. It outlives a Run,
// and belongs to the event loop of the one under way.
type viewWatch struct {
	known     View
	seen      *motion.View // nil for a camera that moves
	confirmed uint64       // confirmations that were taken in
	moved     bool         // the event was told of
	usual     float32      // share of blocks that usually fits
	savedAt   time.Duration
	saved     bool // the structure was, since the view was taken
}

// newViewWatch takes up the view of an earlier run. One that cannot be read has to be
// confirmed.
func newViewWatch(c Config) viewWatch {
	w := viewWatch{known: c.View}
	if c.Moving {
		return w
	}
	w.seen = motion.NewView(motion.ViewConfig{})
	if len(c.View.Structure) == 0 {
		return w
	}
	if err := w.seen.Expect(c.View.Structure); err != nil {
		w.known.Unconfirmed = ReasonCameraMoved
	}
	w.saved = true
	return w
}

// Confirm says that the zones of the policy in force are right for what the camera
// sees now: after events whose Reason AwaitsOwner, which hide the whole frame until
// then. Nothing else does, no new policy and no restart.
func (p *Pipeline) Confirm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.confirmations++
	p.rule()
}

// confirm takes the view anew from a picture of the given native size, if none is
// known or the owner has confirmed it. It reports whether a doubt ended.
func (r *run) confirm(native image.Point, confirmations uint64) (settled bool) {
	w := &r.view
	if confirmations == w.confirmed && w.known.Native != (image.Point{}) {
		return false
	}
	first := w.known.Native == (image.Point{})
	settled = !first && (r.viewReason() != NoReason || r.format.foreign)
	w.confirmed = confirmations
	w.known = View{Native: native}
	w.moved, w.saved = false, false
	if w.seen != nil {
		w.seen.Reset()
	}
	r.saveView()
	return settled
}

// explains are the classes whose objects may cover the view.
var explains = detect.Classes(detect.Face, detect.Person, detect.Vehicle)

// doubts reports whether it is open if something large stands before the camera or
// the camera was moved. The detectors look then, whatever the policy needs.
func (w *viewWatch) doubts() bool {
	return w.seen != nil && w.seen.State() == motion.ViewDiffers && w.known.Unconfirmed == NoReason
}

// see compares the newest frame with the view.
func (r *run) see(f *frame) {
	w := &r.view
	doubted := w.doubts()
	defer func() {
		if w.doubts() != doubted {
			r.need()
		}
	}()
	f.clear = false
	if w.seen == nil || r.format.foreign {
		return
	}
	var objects []detect.Object
	if r.needs != 0 {
		objects = r.now
	}
	state := w.seen.Update(f.at, f.buf.pic, image.Point{}, objects)
	if state == motion.ViewFits {
		share := w.seen.Share()
		f.clear = share >= clearly*w.usual
		w.usual += (share - w.usual) / 16
	}
	switch {
	case state < motion.ViewDiffers:
		w.moved = false
	case state == motion.ViewMoved && !w.moved:
		w.moved = true
		// A recording's owner is not there to confirm, and its next part may show the
		// view again.
		if r.cfg.Mode == Live && w.known.Unconfirmed == NoReason {
			w.known.Unconfirmed = ReasonCameraMoved
			r.saveView()
		}
		r.background.forget(f.at)
		r.cfg.OnEvent(Event{Time: f.buf.Time, Kind: CameraMoved, Reason: ReasonCameraMoved})
	}
	if due := !w.saved || f.at < w.savedAt || f.at-w.savedAt >= saveViewEvery; due {
		r.saveStructure(f.at)
	}
}

// viewReason returns why nothing may be shown of the newest frame, because of what
// it shows.
func (r *run) viewReason() Reason {
	w := &r.view
	switch {
	case w.known.Unconfirmed != NoReason:
		return w.known.Unconfirmed
	case w.seen == nil || w.seen.State() < motion.ViewDiffers:
		return NoReason
	case w.seen.State() == motion.ViewMoved:
		return ReasonCameraMoved
	}
	return ReasonViewDiffers
}

// hideBack hides the frames held back from the last on that showed the view beyond
// doubt: the camera was already moving.
func (r *run) hideBack(why Reason) {
	for i := r.window.len() - 1; i >= 0; i-- {
		f := r.window.at(i)
		if f.clear {
			return
		}
		if f.why == NoReason {
			f.why = why
		}
	}
}

// saveStructure has what is known of the view kept, if that is new.
func (r *run) saveStructure(at time.Duration) {
	w := &r.view
	if w.seen == nil || w.known.Unconfirmed != NoReason || w.seen.State() != motion.ViewFits || !w.seen.Learnt() {
		return
	}
	w.known.Structure = w.seen.Sketch()
	w.saved, w.savedAt = true, at
	r.saveView()
}

// saveView has the view kept. It is called before the frame goes out that the change
// is about; if it fails, the owner is told, and a restart compares with what was kept
// last.
func (r *run) saveView() {
	if r.cfg.SaveView == nil {
		return
	}
	if err := r.cfg.SaveView(r.view.known); err != nil {
		r.cfg.OnEvent(Event{Time: r.lastAt, Kind: ViewNotSaved, Reason: r.view.known.Unconfirmed, Err: err})
	}
}
