package main

import (
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
)

// rate returns a/b, nil for none of none.
func rate(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := float64(a) / float64(b)
	return &v
}

func (c count) report() leakreport.Size {
	return leakreport.Size{Boxes: c.boxes, Leaked: c.leaked, LeakRate: rate(c.leaked, c.boxes)}
}

// reports returns a row for each class that the set labels.
func (s *score) reports(name string, hidden detect.ClassSet, f *labels.Facts) (rows []leakreport.Set) {
	for c := range detect.Class(detect.NumClasses) {
		t := &s.classes[c]
		if t.all.boxes+t.dropped+t.ignored > 0 {
			rows = append(rows, t.report(name, c.String()))
		}
	}
	if rows == nil {
		empty := tally{}
		rows = append(rows, empty.report(name, "none"))
	}
	if f.JudgesRest(hidden) {
		for i := range rows {
			rows[i].OverHidden = rate(s.hidden, s.rest)
			rows[i].OverHiddenOpen = rate(s.hiddenOpen, s.restOpen)
		}
	}
	return rows
}

func (t *tally) report(set, class string) leakreport.Set {
	r := leakreport.Set{
		Set: set, Class: class,
		Boxes: t.all.boxes, Leaked: t.all.leaked, LeakRate: rate(t.all.leaked, t.all.boxes),
		LeakRateOpen: rate(t.open.leaked, t.open.boxes),
		BoxesDropped: t.dropped, BoxesIgnored: t.ignored,
		Tracks: len(t.tracks), BySize: t.bySize.report(),
	}
	small := t.bySize[0]
	r.BySize["from_16"] = count{t.all.boxes - small.boxes, t.all.leaked - small.leaked}.report()
	blocks := 0
	var exposures []float64
	for i := range t.tracks {
		l := &t.tracks[i]
		if l.all.leaked > 0 {
			r.TracksLeaking++
		}
		if l.all.leaked > 3 {
			r.TracksOver3++
		}
		r.LongestRun = max(r.LongestRun, l.longestRun)
		exposures = append(exposures, ms(l.exposure))
		r.Flickers += l.flickers
		blocks += l.blocks
	}
	r.FlickerRate = rate(1000*r.Flickers, blocks)
	if n := len(exposures); n > 0 {
		slices.Sort(exposures)
		median := (exposures[(n-1)/2] + exposures[n/2]) / 2
		r.FirstExposure, r.FirstExposureMedian = &exposures[n-1], &median
	}
	return r
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
