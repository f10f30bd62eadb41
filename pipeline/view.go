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
	live    bool
	save    func(View) error // Config.SaveView, or nil
	onEvent func(Event)

	known     View
	seen      *motion.View // nil for a camera that moves
	confirmed uint64       // confirmations that were taken in
	moved     bool         // the owner was told that the camera was moved
	dark      bool         // nothing can be said of the newest picture, and nothing covers it
	usual     float32      // share of blocks that usually fits
	savedAt   time.Duration
	saved     bool          // the structure was, since the view was taken
	lastAt    time.Duration // of the newest frame
}

// newViewWatch takes up the view of an earlier run. One that cannot be read has to be
// confirmed.
func newViewWatch(c Config) viewWatch {
	w := viewWatch{live: c.Mode == Live, save: c.SaveView, onEvent: c.OnEvent, known: c.View}
	if c.Moving {
		return w
	}
	w.seen = motion.NewView()
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
func (p *Pipeline) Confirm() { p.rulings.confirm() }

// confirm takes the view anew from a picture of the given native size, if none is
// known or the owner has confirmed it. foreign says that the picture has had another
// aspect ratio than the view. It reports whether the picture was hidden until then.
func (w *viewWatch) confirm(native image.Point, confirmations uint64, foreign bool) (released bool) {
	if confirmations == w.confirmed && w.known.Native != (image.Point{}) {
		return false
	}
	first := w.known.Native == (image.Point{})
	released = !first && (w.reason() != NoReason || foreign)
	w.confirmed = confirmations
	w.known = View{Native: native}
	w.moved, w.saved = false, false
	if w.seen != nil {
		w.seen.Reset()
	}
	w.keep()
	return released
}

// explains are the classes whose objects may cover the view.
var explains = detect.Classes(detect.Face, detect.Person, detect.Vehicle)

// uncertain reports whether it is open if something large stands before the camera or
// the camera was moved. The detectors look then, whatever the policy needs, but not in
// the dark: a night may be long.
func (w *viewWatch) uncertain() bool {
	return w.seen != nil && !w.dark && w.seen.State() == motion.ViewDiffers && w.known.Unconfirmed == NoReason
}

// update compares the newest frame with the view, of which objects may cover a part. It
// reports whether the camera was found to have been moved.
func (w *viewWatch) update(f *frame, objects []detect.Object) (moved bool) {
	if w.seen == nil || w.live && w.known.Unconfirmed != NoReason {
		return false // the owner decides, whatever the picture shows
	}
	state := w.seen.Update(f.at, f.buf.pic, image.Point{}, objects)
	w.dark = w.seen.Share() < 0 && len(objects) == 0
	if state == motion.ViewFits {
		share := w.seen.Share()
		f.viewClear = share >= clearly*w.usual
		w.usual += (share - w.usual) / 16
	}
	switch {
	case state < motion.ViewDiffers:
		w.moved = false
	case state == motion.ViewMoved && !w.moved:
		w.moved, moved = true, true
		// A recording's owner is not there to confirm, and its next part may show the
		// view again.
		if w.live && w.known.Unconfirmed == NoReason {
			w.known.Unconfirmed = ReasonCameraMoved
			w.keep()
		}
		w.onEvent(Event{Time: f.buf.Time, Kind: CameraMoved, Reason: ReasonCameraMoved})
	}
	if due := !w.saved || f.at < w.savedAt || f.at-w.savedAt >= saveViewEvery; due {
		w.keepStructure(f.at)
	}
	return moved
}

// reason returns why nothing may be shown of the newest frame, because of what it
// shows.
func (w *viewWatch) reason() Reason {
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

// keepStructure has what is known of the view saved, if that is new.
func (w *viewWatch) keepStructure(at time.Duration) {
	if w.seen == nil || w.known.Unconfirmed != NoReason || w.seen.State() != motion.ViewFits || !w.seen.Learnt() {
		return
	}
	w.known.Structure = w.seen.Sketch()
	w.saved, w.savedAt = true, at
	w.keep()
}

// keep has the view saved. It is called before the frame goes out that the change
// is about; if it fails, the owner is told, and a restart compares with what was saved
// last.
func (w *viewWatch) keep() {
	if w.save == nil {
		return
	}
	if err := w.save(w.known); err != nil {
		w.onEvent(Event{Time: w.lastAt, Kind: ViewNotSaved, Reason: w.known.Unconfirmed, Err: err})
	}
}
