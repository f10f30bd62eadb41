package redact

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// MaxSize is the largest width and height of a picture.
const MaxSize = 16384

var (
	// ErrPicture says that the picture cannot be redacted, because it is missing, not
	// 4:2:0, of another size than the Redactor's, or damaged. It must be
	// dropped.
	ErrPicture = errors.New("redact: picture does not fit")

	// ErrOptions says that an option is out of its range.
	ErrOptions = errors.New("redact: bad option")
)

// softSteps is the number of steps of a soft edge, in which the share of the fill
// falls by quarters.
const softSteps = fullShare - 1

// Residue is how far, in pixels, regions grow on pictures that were compressed
// before. Two people in turn were put into the same recording (768x576, 32x84 pixels,
// standing, walking and running) and what H.264 makes of it was compared beside them
// (bench/attack -only residue): of the contrast between the two, 3 to 22 % is in the
// two pixels next to them, up to 9 % in the two after those, and from the fifth on at
// most 5 % at crf 18 to 28 and 7 % at crf 35, which the soft edge of a mask dims
// further; MPEG-4 and JPEG leave less. Sixteen pixels, a block of the codecs,
// would hide twice as much of a picture with small people as these four.
const Residue = 4

// Options adjust a Redactor. They begin as [DefaultOptions]; a zero means zero.
type Options struct {
	// Grow is how far all hidden regions grow outwards, 0..128 pixels, in steps of
	// two. Use [Residue] for pictures that were compressed before, because their
	// coding leaves residue beside a moving object. It defaults to 0.
	Grow int

	// Soft is how wide, in pixels, the soft edge is that is drawn outwards around
	// what the background hides, where what is shown and the fill are mixed: 0..48.
	// It defaults to 6.
	Soft int

	// Margin is the share of an object's width and height, 0..4, by which its
	// padded box is grown on each side before the rules are applied. Those of package
	// track are grown already: 0 is for them. It defaults to 0.1.
	Margin float32

	// FrostHold is the least time between two pictures that frost looks at. Its
	// values move by one step in 20 of them, so that the default lets nothing
	// through that is in a place for less than 10 seconds; a shorter time lets
	// more through. With 0 it looks at every picture, which is for measurements. It
	// defaults to one second.
	FrostHold time.Duration

	// VisitorScore is the least score, 0..1, at which a person counts as a
	// visitor under VisitorsFeet. It defaults to 0.5.
	VisitorScore float32

	// VisitorAge is how long after the last detection a person still counts as a
	// visitor. It defaults to half a second.
	VisitorAge time.Duration
}

// DefaultOptions returns the options to begin with.
func DefaultOptions() Options {
	return Options{Soft: 6, Margin: 0.1, FrostHold: time.Second, VisitorScore: 0.5, VisitorAge: 500 * time.Millisecond}
}

func (o Options) check() error {
	switch {
	case o.Grow < 0 || o.Grow > 128:
		return fmt.Errorf("%w: Grow is %d, it must be 0 to 128", ErrOptions, o.Grow)
	case o.Soft < 0 || o.Soft > 48:
		return fmt.Errorf("%w: Soft is %d, it must be 0 to 48", ErrOptions, o.Soft)
	case !(o.Margin >= 0 && o.Margin <= 4):
		return fmt.Errorf("%w: Margin is %v, it must be 0 to 4", ErrOptions, o.Margin)
	case o.FrostHold < 0:
		return fmt.Errorf("%w: FrostHold is %v, it must not be negative", ErrOptions, o.FrostHold)
	case !(o.VisitorScore >= 0 && o.VisitorScore <= 1):
		return fmt.Errorf("%w: VisitorScore is %v, it must be 0 to 1", ErrOptions, o.VisitorScore)
	case o.VisitorAge < 0:
		return fmt.Errorf("%w: VisitorAge is %v, it must not be negative", ErrOptions, o.VisitorAge)
	}
	return nil
}

// Level is how far a picture is trusted.
type Level uint8

// The levels, from the most trusting.
const (
	// HidePolicy: what the policy hides is hidden.
	HidePolicy Level = iota
	// HideOutside: what is outside is not known. Everything outside of the
	// property is hidden, strips included, and nobody is a visitor; if the
	// policy hides anything inside, the whole picture is hidden.
	HideOutside
	// HideFrame: the whole picture is hidden.
	HideFrame
)

// Scene is what is known of a picture.
type Scene struct {
	// Time is the picture's presentation time.
	Time time.Duration
	// Objects are the tracked objects, in the picture's coordinates. Padded is
	// what is hidden to hide them; the bottom centre of Box is the foot point.
	Objects []detect.Object
	// Motion are the moving patches that no object explains, in the picture's
	// coordinates. Those that are not wholly on the property are hidden as an
	// object outside would be; those on it only if people are hidden there.
	Motion []detect.Box
	// Level is how far the picture is trusted. Values that are not known count
	// as HideFrame.
	Level Level
	// Plate is the place as it was seen empty, of the pictures' size, for the fill
	// Background; nil if there is none. It is read while Redact runs.
	Plate *BackgroundPlate
}

// Redactor applies one policy to pictures of one size. It is used by one
// goroutine at a time; the frames it makes are not bound to it.
type Redactor struct {
	opts  Options
	ready []*Prepared
	rules []*rules         // of the policies in force, the newest first; never empty
	fills [numFills]filler // none for Shown
	size  image.Point
	pool  *framePool
	extra *frameState // scratch: what one more policy decides

	// Of the present picture; here, since what interfaces are handed is allocated.
	planes  [3]plane
	view    view
	scratch blockMask
}

// New returns a Redactor for pictures of the given size in pixels. A nil policy
// hides everything; another one is shared and must not be changed. The errors are a
// *PolicyError, ErrOptions, or ErrPicture for a size that is empty or larger than MaxSize
// on a side.
func New(p *Policy, size image.Point, o Options) (*Redactor, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &Redactor{
		opts:  o,
		size:  size,
		pool:  &framePool{},
		extra: newFrameState(nil, size),
	}
	r.fills, r.scratch = newFills(size, o), newBlockMask(size)
	if err := r.SetPolicy(p); err != nil {
		return nil, err
	}
	return r, nil
}

func checkSize(size image.Point) error {
	if size.X < 1 || size.Y < 1 || size.X > MaxSize || size.Y > MaxSize {
		return fmt.Errorf("%w: size %dx%d; a side must have 1 to %d pixels", ErrPicture, size.X, size.Y, MaxSize)
	}
	return nil
}

// SetPolicy puts another policy in force, nil for one that hides everything. The policy is
// shared and must not be changed: [Policy.Clone] makes one that may.
// What frost shows goes on from where it is: for a camera that has moved, make
// another Redactor. The error is a *PolicyError, and the old policy then stays.
func (r *Redactor) SetPolicy(p *Policy) error { return r.SetPolicies(p) }

// SetPolicies is SetPolicy for several policies at once: what any of them hides is
// hidden, as solid as any of them asks. The first one says what frost shows. A
// policy that is in force already, by its address, costs nothing; without any,
// everything is hidden. The policies are shared and must not be changed.
func (r *Redactor) SetPolicies(ps ...*Policy) error {
	if len(ps) == 0 {
		ps = []*Policy{nil}
	}
	list := make([]*rules, len(ps))
	for i, p := range ps {
		for _, have := range r.rules {
			if p != nil && have.of == p {
				list[i] = have
			}
		}
		if list[i] != nil {
			continue
		}
		if p == nil {
			p = HideEverything()
		}
		z := r.zonesOf(p)
		if z == nil {
			drawn, err := Prepare(context.Background(), p, r.size)
			if err != nil {
				return err
			}
			z = drawn.zones
		}
		list[i] = newRules(p, z, r.opts)
	}
	r.rules = list
	return nil
}

// Size returns the size of the pictures, in pixels.
func (r *Redactor) Size() image.Point { return r.size }

// Redact hides what is to be hidden in pic, in place, and returns the result.
// pic is 4:2:0, of the Redactor's size, with its upper left corner at even
// coordinates; its memory belongs to the frame until that is released. On any
// error, a panic inside included, there is no frame: pic may be half redacted
// and must be dropped. In the steady state Redact does not allocate.
func (r *Redactor) Redact(pic *image.YCbCr, s Scene) (f Frame, err error) {
	if err := r.check(pic); err != nil {
		return Frame{}, err
	}
	defer func() {
		if v := recover(); v != nil {
			r.forget()
			f, err = Frame{}, fmt.Errorf("redact: panic: %v", v)
		}
	}()
	st := r.pool.get(r.size)
	r.decide(st, s, pic.Rect.Min)
	r.apply(pic, st, &s)
	st.pic = *pic
	st.at = s.Time
	return Frame{st, st.gen.Load()}, nil
}

// decide fills in what is hidden in a picture whose corner is origin: what any
// policy in force hides.
func (r *Redactor) decide(st *frameState, s Scene, origin image.Point) {
	r.rules[0].decide(st, s, origin)
	for _, more := range r.rules[1:] {
		more.decide(r.extra, s, origin)
		st.add(r.extra)
		st.counts = st.counts.most(r.extra.counts)
		st.whole = st.hidden.holds(blockRect{0, 0, st.hidden.w, st.hidden.h})
	}
}

// check reports a picture that the kernels must not touch.
func (r *Redactor) check(pic *image.YCbCr) error {
	if pic == nil {
		return fmt.Errorf("%w: no picture", ErrPicture)
	}
	if pic.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		return fmt.Errorf("%w: subsampling %v, not 4:2:0", ErrPicture, pic.SubsampleRatio)
	}
	if got := pic.Rect.Size(); got != r.size {
		return fmt.Errorf("%w: size %dx%d, not %dx%d", ErrPicture, got.X, got.Y, r.size.X, r.size.Y)
	}
	if pic.Rect.Min.X%2 != 0 || pic.Rect.Min.Y%2 != 0 {
		return fmt.Errorf("%w: corner %v is not on the chroma grid", ErrPicture, pic.Rect.Min)
	}
	w, h := r.size.X, r.size.Y
	cw, ch := (w+1)/2, (h+1)/2
	if !holdsPlane(len(pic.Y), pic.YStride, w, h) ||
		!holdsPlane(len(pic.Cb), pic.CStride, cw, ch) || !holdsPlane(len(pic.Cr), pic.CStride, cw, ch) {
		return fmt.Errorf("%w: a plane is shorter than its %dx%d pixels", ErrPicture, w, h)
	}
	return nil
}

// holdsPlane reports whether n bytes hold h rows of w samples.
func holdsPlane(n, stride, w, h int) bool {
	return stride >= w && (n-w)/stride >= h-1 && n >= w
}
