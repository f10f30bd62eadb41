package pipeline

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

// recordingBackground makes the background plate of a recording from its pictures and their
// evidence.
type recordingBackground struct {
	plate    *redact.BackgroundPlate // nil: none is wanted, or nobody can make it
	networks []int                   // number for the plate, by network; -1: not asked
	found    []detect.Detection      // scratch
}

const (
	// A block enters the plate when it has looked the same for the recording's length
	// divided by plateShare, at least plateLeast and at most plateMost. With all of the
	// length only what nobody ever covered would enter; with a part of it a clip of three
	// seconds has a plate. That it is a quarter is a choice, and not measured.
	plateShare            = 4
	plateLeast, plateMost = time.Second / 2, 30 * time.Second
)

// plateScores are the least scores of a find that keeps its place out of the plate: the
// networks' own thresholds, or less. Evidence also has weaker finds, for tracks.
var plateScores = [detect.NumClasses]float32{detect.Face: 0.3, detect.Person: 0.055, detect.Plate: 0.3, detect.Vehicle: 0.2}

// newBackground begins a plate. There is none if the policy shows none, or if no network
// finds somebody whom the plate must not show.
func (r *Recording) newBackground(size image.Point, networks []evidence.Network) *recordingBackground {
	p := &recordingBackground{}
	missing := r.plateNeeds
	for i, n := range networks {
		p.networks = append(p.networks, -1)
		if c := detect.Classes(n.Classes...); c&r.plateNeeds != 0 {
			missing &^= c
			p.networks[i] = 0
		}
	}
	if r.plateNeeds == 0 || missing&^detect.Classes(detect.Vehicle) != 0 || r.cfg.Camera == MovingCamera {
		return p
	}
	n := 0
	for i, k := range p.networks {
		if k >= 0 {
			p.networks[i] = n
			n++
		}
	}
	span := plateMost
	if r.cfg.Length > 0 {
		span = min(max(r.cfg.Length/plateShare, plateLeast), plateMost)
	}
	p.plate = redact.NewBackgroundPlate(size, redact.PlateConfig{Networks: n, Span: span, Thorough: true})
	return p
}

// frame takes in a picture. All its inferences are in.
func (p *recordingBackground) frame(f *evidence.Frame, pic *image.YCbCr) {
	if p.plate == nil {
		return
	}
	if f.View > 0 {
		// The plate shows the place of the beginning only.
		p.plate.Doubt(f.Time)
		return
	}
	for _, n := range f.Failed {
		if p.networks[n] >= 0 {
			p.plate.Doubt(f.Time)
		}
	}
	for i := range f.Inferences {
		k := &f.Inferences[i]
		if n := p.networks[k.Network]; n >= 0 {
			p.found = detect.KeepScores(append(p.found[:0], k.Found...), &plateScores)
			p.plate.Looked(redact.Inference{Network: n, Time: f.Time, Region: k.Region, Scale: k.Scale, Found: p.found})
		}
	}
	p.plate.Frame(pic, f.Time, f.Moved)
}

// NeedsBackground reports whether LearnBackground must come before Redact: the policy
// shows the background, and the evidence is of an earlier run, which has no pixels.
func (r *Recording) NeedsBackground(ev *Evidence) bool {
	return ev.plate == nil && r.newBackground(image.Pt(1, 1), ev.header.Networks).plate != nil
}

// LearnBackground makes the background plate for evidence of an earlier run. It reads src,
// the same recording, to its end, and does not close it. Inspect makes the plate itself.
// Errors: ErrCutOff if src ends early, a *StageError, or ctx.Err().
func (r *Recording) LearnBackground(ctx context.Context, src Source, ev *Evidence) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &StageError{Stage: "inspect", Count: 1, Err: &panicError{v}}
		}
	}()
	p := r.newBackground(ev.header.Size, ev.header.Networks)
	work, stop := context.WithCancel(ctx)
	pictures := readRecording(work, nil, src, 2)
	err = ev.each(func(_ int, f *evidence.Frame) error {
		for {
			b, err := pictures.next(ctx)
			if errors.Is(err, io.EOF) {
				return &StageError{Stage: "source", Count: 1, Err: fmt.Errorf("%w: at %v", ErrCutOff, f.Time)}
			}
			if err != nil {
				return err
			}
			seen := b.Time == f.Time && b.pic.Rect.Size() == ev.header.Size
			if seen {
				p.frame(f, b.pic)
			}
			late := b.Time >= f.Time
			pictures.recycle(b)
			r.cfg.OnPicture(1)
			if late {
				return nil
			}
		}
	})
	stop()
	err = firstError(err, pictures.join())
	if err == nil {
		ev.plate = p.plate
	}
	return err
}
