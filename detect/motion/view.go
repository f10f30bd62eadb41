package motion

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// When a block fits, and when a picture does. In the tests' clips a view that is
// darker, infrared, blurred, lit from one side or half behind a lorry has a mean
// correlation of 0.21 and more, or, where it sways, 48 % of blocks that fit; one that
// is turned, mirrored, shifted, zoomed or rolled has at most 0.07 and 24 %.
const (
	// fitting is the correlation from which a block fits.
	fitting = 0.35
	// A picture does not show the view when less than fewFit of its blocks fit and
	// their mean correlation is below fewAlike, and shows it again from the other
	// two on.
	fewFit, fewAlike       = 0.3, 0.13
	enoughFit, enoughAlike = 0.4, 0.18
	// noneFit and noneAlike are those below which nothing of the view is left.
	noneFit, noneAlike = 0.25, 0.08
	// leastBlocks is the number of blocks below which nothing can be said.
	leastBlocks = 5
	// mostOccluded is the share of the view that objects cover from which they explain
	// that nothing of it is to be seen.
	mostOccluded = 0.6
	// A view is bare, so that blank blocks count as well and no shift is looked for,
	// when less than fewStructured blocks have structure, or less than mostlyBlank
	// for each two blank ones: somebody before a bare wall, whose own structure is all
	// there is; a bare wall that has become a street. In the clip of a person before a
	// wall it is 2 for two, and in the one of an empty room 5.
	fewStructured, mostlyBlank = 12, 3
)

// The times and counts of learning. Each asks for pictures as well as for time,
// because time stamps may lie.
const (
	// steadyFor and steadyPictures are how long a block's structure must stay before
	// it is part of the view.
	steadyFor, steadyPictures = time.Second, 4
	// relearnFor is the same for a second appearance of a block (night, a parked car).
	relearnFor = 20 * time.Second
	// trustFor is the time constant at which a block's trust rises, and distrustFor
	// that at which it falls.
	trustFor, distrustFor = 15 * time.Second, 4 * time.Second
	// occludedFor is how long a view may be covered by something large, while part
	// of it still fits.
	occludedFor = 30 * time.Second
	// movedAfter and movedPictures are how long, and in how many pictures, the view must
	// not have been shown for the camera to count as moved.
	movedAfter, movedPictures = 3 * time.Second, 8
)

// ViewState is what a [View] says of a picture.
type ViewState uint8

// What a picture says of the view.
const (
	// ViewUnknown: too little structure is to be seen or known to say anything.
	ViewUnknown ViewState = iota
	// ViewFits: the picture shows the view.
	ViewFits
	// ViewDiffers: it does not, just now. Nothing of it may be shown.
	ViewDiffers
	// ViewMoved: it has not for so long that the camera was moved.
	ViewMoved
)

// String returns the state in a word.
func (s ViewState) String() string {
	return [...]string{"unknown", "fits", "differs", "moved"}[min(s, ViewMoved)]
}

// View says whether a fixed camera's picture still shows the place that it showed
// when its view was taken. It knows no light, only where edges lie and which way they
// run: the direction of the gradients of the logarithm of the luma, the same for
// light on dark and dark on light, each weighted by a contrast that saturates. Blocks
// of 8x8 samples of a picture of 128 samples on its long side are compared by the
// correlation of these directions, with a sample's tolerance.
//
// A block is part of the view once its structure has stayed the same for a second,
// and counts for as much as it keeps fitting while the rest does: what waves, what
// flickers and who sits before the camera loses its vote. A second appearance that
// stays (night, infrared light, a parked car) is learnt beside the first.
//
// The view differs when few of the blocks that no object covers fit, or when it fits
// better displaced, rolled or zoomed. It is used by one goroutine at a time.
type View struct {
	field  field
	blocks []viewBlock
	first  edges // the first appearance of each block, less its mean
	second edges // another one
	next   edges // one that is to stay before it counts

	expected *sketch // the view of an earlier run, until it was seen again
	origin   *sketch // the same, from then on
	state    ViewState
	share    float32 // of the blocks that fit, or -1
	mean     float32 // correlation of the blocks at their places
	last     float32 // the same with the picture before
	bare     bool    // there is little structure
	occluded bool    // objects cover most of the view
	now      time.Duration

	shift  shiftSearch
	bad    time.Duration // since when the picture differs
	badN   int           // pictures since
	learnt bool          // the appearances changed since the last Sketch
}

// viewBlock is what is known of one block.
type viewBlock struct {
	hasFirst, hasSecond bool // first and second hold something
	blank               bool // the view shows nothing there
	ambiguous           bool // its structure fits beside itself as well
	trust               float32
	energy              float32 // of first
	secondEnergy        float32
	nextAt              time.Duration // since when next has stayed
	nextN               int
	nextSet             bool
	nextBlank           bool
	occluded            bool // by an object, in the newest picture
	fits                bool // in the newest picture
}

// NewView returns a view that is taken from the next pictures.
func NewView() *View { return &View{} }

// Reset forgets the view: it is taken anew from the next pictures. The caller
// resets a view when the owner has confirmed what the camera sees.
func (v *View) Reset() {
	v.expected, v.origin = nil, nil
	v.forget()
}

func (v *View) forget() {
	clear(v.blocks)
	v.state, v.share, v.badN, v.learnt = ViewUnknown, -1, 0, false
	v.shift.reset()
}

// Update compares the next picture, of which only the luma is read. objects are the
// tracked objects in it, in pixels of a frame of size full (zero: that of pic); what
// they cover says nothing about the view. It allocates only when the size changes.
func (v *View) Update(tm time.Duration, pic *image.YCbCr, full image.Point, objects []detect.Object) ViewState {
	size := pic.Rect.Size()
	if size.X < 1 || size.Y < 1 {
		return v.state
	}
	if full.X < 1 || full.Y < 1 {
		full = size
	}
	if v.field.in != size {
		kept := v.Sketch()
		if v.field.fit(size) {
			v.resize(kept)
		}
	}
	dt := min(max(tm-v.now, 0), time.Second)
	if tm < v.now {
		v.restamp()
	}
	v.now = tm
	v.field.take(pic)
	v.markOccluded(objects, full)
	if v.expected != nil {
		return v.matchExpected()
	}
	v.compare()
	v.conclude()
	if v.state < ViewDiffers {
		v.learn(dt)
	}
	return v.state
}

// resize makes room for another grid. What was known of the view in the old one, kept,
// is expected from then on.
func (v *View) resize(kept []byte) {
	if kept != nil && v.Expect(kept) == nil {
		v.origin = nil
	}
	n := v.field.cw * v.field.ch
	v.blocks = make([]viewBlock, n)
	for _, e := range []*edges{&v.first, &v.second, &v.next} {
		*e = make(edges, len(v.field.cur))
	}
	v.shift.setSize(&v.field)
	v.forget()
}

// restamp begins all times anew: the source's time has gone back.
func (v *View) restamp() {
	v.bad, v.badN = 0, 0
	v.shift.reset()
	for i := range v.blocks {
		v.blocks[i].nextSet = false
	}
}

// markOccluded notes which blocks objects touch.
func (v *View) markOccluded(objects []detect.Object, full image.Point) {
	for i := range v.blocks {
		v.blocks[i].occluded = false
	}
	f := &v.field
	sx, sy := float32(f.w)/float32(full.X*edgeBlock), float32(f.h)/float32(full.Y*edgeBlock)
	for i := range objects {
		b := objects[i].Padded.Union(objects[i].Box).Scale(sx, sy)
		if b.Empty() || !b.Finite() {
			continue
		}
		for y := max(int(b.Y0), 0); y < min(int(b.Y1)+1, f.ch); y++ {
			for x := max(int(b.X0), 0); x < min(int(b.X1)+1, f.cw); x++ {
				v.blocks[y*f.cw+x].occluded = true
			}
		}
	}
}

// compare finds which blocks fit, and the share of those that do.
func (v *View) compare() {
	f := &v.field
	var all, counted, fit, mean, last, behind, blankAll, blankFit float32
	n, blanks := 0, 0
	for i := range v.blocks {
		b := &v.blocks[i]
		b.fits = false
		if !b.hasFirst && !b.blank {
			continue
		}
		all += b.trust
		if b.occluded {
			behind += b.trust
		}
		if b.occluded || f.dark[i] {
			continue
		}
		if b.blank {
			b.fits = f.energy[i] < blankEnergy
			blanks++
			blankAll += b.trust
			if b.fits {
				blankFit += b.trust
			}
			continue
		}
		var alike float32
		b.fits, alike = f.fits(v.first, b.energy, i)
		if !b.fits && b.hasSecond {
			var second float32
			b.fits, second = f.fits(v.second, b.secondEnergy, i)
			alike = max(alike, second)
		}
		if b.ambiguous {
			continue
		}
		mean += b.trust * alike
		last += b.trust * f.stability[i]
		n++
		counted += b.trust
		if b.fits {
			fit += b.trust
		}
	}
	v.mean, v.last = mean/max(counted, 1), last/max(counted, 1)
	v.bare = n < fewStructured || 2*n < mostlyBlank*blanks
	if v.bare {
		n, counted, fit = n+blanks, counted+blankAll, fit+blankFit
	}
	v.share, v.occluded = -1, behind > mostOccluded*all
	if n >= leastBlocks && counted >= leastBlocks/2 && counted > all/20 {
		v.share = fit / counted
	}
}

// conclude draws the conclusion from the share.
func (v *View) conclude() {
	was := v.state
	moved := v.shift.update(v)
	switch {
	case v.share < 0:
		// In the dark what was so stays so. What is behind objects is explained, unless the
		// place was lost before.
		if was == ViewFits || v.occluded && was < ViewMoved {
			v.state = ViewUnknown
		}
		return
	case moved, v.share < fewFit && v.mean < fewAlike, was >= ViewDiffers && v.share < enoughFit && v.mean < enoughAlike:
		if was < ViewDiffers {
			v.bad, v.badN = v.now, 0
			v.state = ViewDiffers
		}
		v.badN++
	default:
		v.state, v.badN = ViewFits, 0
		return
	}
	after := movedAfter
	if !moved && (v.share >= noneFit || v.mean >= noneAlike) {
		after = max(after, occludedFor)
	}
	if v.now-v.bad >= after && v.badN >= movedPictures {
		v.state = ViewMoved
	}
}

// Share returns the share of the view's blocks that fit the newest picture, 0..1,
// or -1 if nothing can be said.
func (v *View) Share() float32 { return v.share }

// State returns what the newest picture is.
func (v *View) State() ViewState { return v.state }
