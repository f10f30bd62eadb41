package main

import (
	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline"
)

// falseShare is the share of a track's labelled pictures in which it must lie in a
// label to be of somebody.
const falseShare = 0.2

// countTracks counts the tracks of a recording in two passes that are hidden, and
// those of them that lie in no label: false alarms. Faces and plates are parts of what
// may be labelled as a person, so any label counts. complete are the classes whose
// every object is labelled; of others nothing can be said.
func countTracks(r *leakreport.Run, d *pipeline.Decision, rec *labels.Recording, complete detect.ClassSet) {
	if d == nil {
		return
	}
	labels := rec.ByFrame()
	r.Minutes += (d.Time(d.Tracks.Frames()-1) - d.Time(0)).Minutes()
	for _, p := range d.Tracks.List {
		if !p.Believed || p.Class == detect.Vehicle {
			continue
		}
		r.Believed++
		if complete.Has(p.Class) || complete.Has(detect.Person) {
			r.Judged++
			if isFalse(d, p, labels) {
				r.False++
			}
		}
	}
}

// isFalse reports whether a track lies in no label.
func isFalse(d *pipeline.Decision, p *track.Track, labels map[int]*labels.Label) bool {
	seen, in := 0, 0
	for i := p.SeenFirst; i <= p.SeenLast; i++ {
		l := labels[i+1]
		if l == nil || !l.Labelled {
			continue
		}
		seen++
		x, y := d.Tracks.Box(p, i).Center()
		for _, o := range l.Objects {
			if b := o.Box.Grow(0.25, 0.25); x >= b.X0 && x < b.X1 && y >= b.Y0 && y < b.Y1 {
				in++
				break
			}
		}
	}
	return seen > 0 && float64(in) < falseShare*float64(seen)
}
