package pipeline

import (
	"context"
	"errors"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

const (
	// outlined is the largest number of people of one picture whose silhouettes are
	// found: the tallest.
	outlined = 4
	// nearHeight is the least height of a box, in pixels, of somebody who is near.
	nearHeight = 100
)

// outliner finds the silhouettes of the people in a picture who are near. It runs on one
// goroutine.
type outliner struct {
	seg     detect.Segmenter
	timeout time.Duration
	made    [outlined]detect.Silhouette
	near    []*detect.Object
}

// look finds the silhouettes of the objects, who are in pic, and notes each at its object.
// The memory is used again by the next look. Whose silhouette cannot be found has none;
// failed counts them. It returns an error if the segmenter does not return: then it still
// holds pic.
func (o *outliner) look(ctx context.Context, pic *image.YCbCr, objects []detect.Object) (found, failed int, err error) {
	o.choose(objects)
	for i, who := range o.near {
		s := &o.made[i]
		switch err := o.one(ctx, pic, who.Box, s); {
		case errors.Is(err, errStuck) || ctx.Err() != nil:
			return found, failed, err
		case err != nil || !s.Valid():
			failed++
		default:
			found++
			who.Silhouette = s
		}
	}
	return found, failed, nil
}

// choose sets o.near to the tallest people.
func (o *outliner) choose(objects []detect.Object) {
	o.near = o.near[:0]
	for i := range objects {
		p := &objects[i]
		p.Silhouette = nil
		if p.Class != detect.Person || !p.Confirmed || !(p.Box.H() >= nearHeight) {
			continue
		}
		at := len(o.near)
		for at > 0 && o.near[at-1].Box.H() < p.Box.H() {
			at--
		}
		if at == outlined {
			continue
		}
		o.near = append(o.near, nil)
		copy(o.near[at+1:], o.near[at:])
		o.near[at] = p
		o.near = o.near[:min(len(o.near), outlined)]
	}
}

// one finds one silhouette.
func (o *outliner) one(ctx context.Context, pic *image.YCbCr, box detect.Box, s *detect.Silhouette) error {
	own, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- &panicError{v}
			}
		}()
		done <- o.seg.Segment(own, pic, box, s)
	}()
	late := time.NewTimer(o.timeout + grace)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return errStuck
	}
}
