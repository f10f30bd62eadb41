package redact

import (
	"image"
	"time"
)

// filler is one way of hiding. A Redactor has one for each Fill but Shown.
type filler interface {
	// sample looks at a picture before anything in it is painted over.
	sample(v *view)
	// paint paints over its blocks. What they held has no say in it.
	paint(v *view)
	// forget drops all that was learnt from pictures.
	forget()
}

// newFills returns the table of fills for pictures of a size.
func newFills(size image.Point, o Options) [numFills]filler {
	return [numFills]filler{
		Background: newBackground(size, o.Soft),
		Frost:      newFrost(size, o.FrostHold),
		Solid:      newSolid(size),
	}
}

// view is a picture that is about to be painted over, and what is known of it.
type view struct {
	ps     *[3]plane
	at     time.Duration
	hidden *blockMask            // everything that is hidden
	by     *[numFills]blockMask  // how
	soft   *[softSteps]blockMask // by[Background] and its soft edge, from the inside
	place  *blockMask            // what is hidden because of where it is and nothing else
	found  []blockRect           // what was found, hidden or not
	plate  *BackgroundPlate      // of the picture's size, or nil
}

// plane is one plane of a picture, as the kernels see it.
type plane struct {
	pix    []byte
	stride int
	w, h   int // in samples
	block  int // side of a block in samples
}

// planes returns the luma and the two chroma planes of a 4:2:0 picture.
func planes(pic *image.YCbCr) [3]plane {
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	return [3]plane{
		{pic.Y, pic.YStride, w, h, blockSide},
		{pic.Cb, pic.CStride, cw, ch, blockSide / 2},
		{pic.Cr, pic.CStride, cw, ch, blockSide / 2},
	}
}

// apply changes the pixels of pic as st says.
func (r *Redactor) apply(pic *image.YCbCr, st *frameState, s *Scene) {
	r.planes = planes(pic)
	r.view = view{ps: &r.planes, at: s.Time, hidden: &st.hidden, by: &st.by, soft: &st.soft,
		place: &r.rules[0].place, found: r.rules[0].found}
	if p := s.Plate; p != nil && p.size == r.size {
		r.view.plate = p
	}
	for _, f := range r.fills {
		if f != nil {
			f.sample(&r.view)
		}
	}
	b := r.fills[Background].(*background)
	if !st.by[Background].empty() && b.blind() {
		st.by[Frost].add(&st.by[Background])
		st.by[Background].clear()
		st.coverText(&r.rules[0].plates, &r.scratch)
	}
	st.soften((r.opts.Soft+softSteps*blockSide-1)/(softSteps*blockSide), &r.scratch)
	for i, f := range r.fills {
		if f != nil && !st.by[i].empty() {
			f.paint(&r.view)
		}
	}
	r.planes, r.view = [3]plane{}, view{} // the picture is not ours
}

// forget drops what the fills have learnt.
func (r *Redactor) forget() {
	for _, f := range r.fills {
		if f != nil {
			f.forget()
		}
	}
}
