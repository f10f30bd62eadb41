package pipeline

import (
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// everybody is what has to be found for a plate that shows nobody at all.
var everybody = detect.Classes(detect.Face, detect.Person, detect.Plate)

const (
	// watchedFor is how long, in the source's time, a place must have been watched
	// before it is said to be known where nothing was found: whoever comes is seen
	// late, and so is who goes.
	watchedFor = 3 * time.Second
)

// background feeds the plate of the place as it was seen empty with what the
// run knows of its frames. It belongs to the event loop.
type background struct {
	span     time.Duration
	needs    detect.ClassSet // what must be found for the plate; none: there is no plate
	networks []int           // indices of the detectors that look for it
	plate    *redact.BackgroundPlate
	from     time.Duration // frames up to this time do not count: nobody watched, or they show another place
	since    time.Duration // frame time since when all have watched
	begun    bool          // since is set
	occupied []detect.Box  // scratch
}

// require says whom the plate must not show, and which detectors, of which
// classes are given, find them. Another set begins another plate, with frames after the time at.
func (b *background) require(needs detect.ClassSet, detectors []detect.ClassSet, at time.Duration) {
	var networks []int
	for i, finds := range detectors {
		if finds&needs != 0 {
			networks = append(networks, i)
		}
	}
	if needs == b.needs && slices.Equal(networks, b.networks) {
		return
	}
	b.needs, b.networks = needs, networks
	b.plate = nil
	b.begun, b.from = false, at
}

// forget begins anew after the frame of the time at: the camera shows another
// place, or the same one in another format.
func (b *background) forget(at time.Duration) {
	b.begun, b.from = false, at
	if b.plate != nil {
		b.plate.Forget()
	}
}

// watched returns for how long, up to the frame time at, all have watched.
func (b *background) watched(at time.Duration) time.Duration {
	if !b.begun {
		return 0
	}
	return at - b.since
}

// known returns the share of the place that is known.
func (b *background) known() float64 {
	if b.plate == nil {
		return 0
	}
	return b.plate.Known()
}

// observe tells the plate of an inference.
func (b *background) observe(job *inference) {
	i := slices.Index(b.networks, job.detector)
	if b.plate == nil || i < 0 || job.at <= b.from {
		return
	}
	b.plate.Looked(redact.Inference{Network: i, Time: job.at, Region: job.region, Scale: 1 / max(job.toFrame.sx, job.toFrame.sy), Found: job.found})
}

// frame shows the plate a frame that is about to be redacted, and what is in it. The
// frame is sound if all detectors have looked, and none has failed.
func (b *background) frame(pic *image.YCbCr, s redact.Scene, sound bool) {
	if b.needs == 0 || len(b.networks) == 0 {
		return
	}
	if size := pic.Rect.Size(); b.plate == nil || b.plate.Size() != size {
		b.plate = redact.NewBackgroundPlate(size, redact.PlateConfig{Networks: len(b.networks), Span: b.span})
		b.begun = false
	}
	if !sound || s.Time <= b.from {
		b.begun = false
		b.plate.Doubt(s.Time)
		return
	}
	if !b.begun {
		b.begun, b.since = true, s.Time
	}
	b.occupied = b.occupied[:0]
	for i := range s.Objects {
		if o := &s.Objects[i]; o.Class != detect.Vehicle {
			b.occupied = append(b.occupied, o.Padded)
		}
	}
	b.occupied = append(b.occupied, s.Motion...)
	b.plate.Frame(pic, s.Time, b.occupied)
}
