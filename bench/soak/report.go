package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
)

// The lines of the table of what is to be reached.
const (
	goalSingles = iota
	goalSinglesRaw
	goalSinglesTimes
	goalSinglesBack
	goalHours
	goalFaults
	goalRaw
	goalRecordedRaw
	goalTimes
	goalRecovered
	goalRSS
	goalFiles
	goalGoroutines
	goalCount
)

var targets = [goalCount]report.Target{
	goalSingles:      {Name: "single faults", Unit: "faults", Least: true, Bound: 10000},
	goalSinglesRaw:   {Name: "single faults: raw blocks that must be hidden", Unit: "blocks"},
	goalSinglesTimes: {Name: "single faults: frames whose time does not rise", Unit: "frames"},
	goalSinglesBack:  {Name: "single faults: zone shown again within 5 s", Unit: "% of faults", Least: true, Bound: 99},
	goalHours:        {Name: "doorbell under faults", Unit: "h", Least: true, Bound: 3},
	goalFaults:       {Name: "doorbell: faults", Unit: "faults", Least: true, Bound: 100},
	goalRaw:          {Name: "doorbell, RTSP: raw blocks outside of every zone", Unit: "blocks"},
	goalRecordedRaw:  {Name: "doorbell, recordings: raw blocks outside of every zone", Unit: "blocks"},
	goalTimes:        {Name: "doorbell, RTSP and recordings: frames whose time does not rise", Unit: "frames"},
	goalRecovered:    {Name: "doorbell: zone shown again within 5 s of a fault's end", Unit: "% of faults", Least: true, Bound: 99},
	goalRSS:          {Name: "doorbell: growth of resident memory after the first quarter", Unit: "% an hour", Bound: 1},
	goalFiles:        {Name: "doorbell: growth of open descriptors, last against second quarter", Unit: "descriptors"},
	goalGoroutines:   {Name: "doorbell: growth of goroutines, last against second quarter", Unit: "goroutines"},
}

// result is what was measured.
type result struct {
	*report.Result
	options options
	singles *singles
	live    *live
}

// published is last.json.
type published struct {
	*report.Result
	Seed    uint64     `json:"seed"`
	Singles *singles   `json:"singles,omitempty"`
	Faults  []befallen `json:"faults,omitempty"`
	Samples []sample   `json:"samples,omitempty"`
}

// evaluate fills in the rows and tables.
func (r *result) evaluate() {
	r.Note("Seed %d. A run with it has the same faults, in the same order.", r.options.seed)
	if r.options.note != "" {
		r.Note("%s", r.options.note)
	}
	if s := r.singles; s != nil {
		r.evaluateSingles(s)
	} else {
		r.Skip("left out", goalSingles, goalSinglesRaw, goalSinglesTimes, goalSinglesBack)
	}
	if l := r.live; l != nil && l.recorded != nil {
		r.evaluateLive(l)
	} else {
		r.Skip("left out", goalHours, goalFaults, goalRaw, goalRecordedRaw, goalTimes, goalRecovered, goalRSS, goalFiles, goalGoroutines)
	}
}

func (r *result) evaluateSingles(s *singles) {
	n := 0
	t := report.Table{Title: "Single faults", Columns: []string{"kind", "faults", "with a raw block", "zone not back in 5 s", "longest until it was back, s of the source"},
		Note: "Small pipelines in this program's own process, in both modes, under two policies, with a look-ahead of 0 to 300 ms; faults last 1 to 8 pictures. A face on the property and everything or who is found outside must be hidden in every frame; the sink compares every pixel with what the camera saw."}
	for _, k := range s.Kinds {
		n += k.Count
		t.Line(k.Kind, k.Count, k.Raw, k.Slow, k.WorstS)
	}
	r.Tables = append(r.Tables, t)
	r.Measured(goalSingles, float64(n), "of %d kinds, in %v", len(s.Kinds), s.Took.Round(time.Second))
	r.Measured(goalSinglesRaw, float64(s.Raw), "of 768 squares of 4x4 pixels in each of %d frames", s.Frames)
	r.Measured(goalSinglesTimes, float64(s.Back), "")
	r.Measured(goalSinglesBack, 100*float64(n-len(s.Slow))/float64(n), "%d were not, by the camera's clock; goroutines before %d, after %d", len(s.Slow), s.Goroutines[0], s.Goroutines[1])
}

func (r *result) evaluateLive(l *live) {
	r.Seconds = int(l.took.Seconds())
	seen, _ := l.watcher.count()
	r.Measured(goalHours, l.took.Hours(), "%dx%d at %v pictures a second, networks %s", l.size.X, l.size.Y, l.rate, l.networks)
	r.Measured(goalFaults, float64(len(l.befallen)), "of %d kinds, one at a time", len(l.kinds()))
	r.Measured(goalRaw, float64(seen.raw), "in %d of %d frames decoded, of which %d show the zone; the stream was taken anew %d times", seen.leaking, seen.frames, seen.shown, max(0, seen.lost-1))
	rec := l.recorded
	r.Measured(goalRecordedRaw, float64(rec.seen.raw), "in %d of %d frames of %d files, of which %d show the zone; the oldest are removed, %d before they were looked at", rec.seen.leaking, rec.seen.frames, rec.files, rec.seen.shown, rec.absent)
	r.Measured(goalTimes, float64(seen.back+rec.seen.back), "RTSP %d, recordings %d", seen.back, rec.seen.back)
	r.Note("%d snapshots had %d raw blocks outside of every zone, %d showed the zone; %d were asked for and not given.", l.snaps.seen.frames, l.snaps.seen.raw, l.snaps.seen.shown, l.snaps.absent)
	l.recovered(r)
	l.growth(r)
	r.Tables = append(r.Tables, l.table())
	r.Note("The doorbell put out %.0f frames, of which %.0f were hidden further than the policy asks, dropped %.0f and lost %.0f damaged ones; %.0f inferences.",
		l.last.Frames("out"), l.last.Frames("failed_closed"), l.last.Frames("dropped"), l.last.Frames("lost"), l.last.Inferences())
	if !l.tmpfs {
		r.Note("No small disk could be mounted without root: the fault of a full disk is among the single faults only.")
	}
	r.Note("The plot of memory, descriptors, goroutines and times is last.svg beside last.json.")
}

func (l *live) kinds() map[string][]befallen {
	m := map[string][]befallen{}
	for _, b := range l.befallen {
		m[b.Kind] = append(m[b.Kind], b)
	}
	return m
}

// recoveries returns how many faults were over within 5 s, and how long each took, in
// rising order.
func recoveries(list []befallen) (within int, all []float64) {
	for _, b := range list {
		if b.Recovery <= 5 {
			within++
		}
		all = append(all, b.Recovery)
	}
	slices.Sort(all)
	return within, all
}

func (l *live) recovered(r *result) {
	within, all := recoveries(l.befallen)
	if len(all) == 0 {
		r.Skip("no fault", goalRecovered)
		return
	}
	owner := 0
	for _, b := range l.befallen {
		if b.Owner {
			owner++
		}
	}
	r.Measured(goalRecovered, 100*float64(within)/float64(len(all)), "%d of %d; median %.2f s, longest %.1f s; %d times the owner had to confirm the view", within, len(all), all[len(all)/2], all[len(all)-1], owner)
}

// growth compares the quarters of the run.
func (l *live) growth(r *result) {
	n := len(l.samples)
	if n < 8 {
		r.Skip("too short a run", goalRSS, goalFiles, goalGoroutines)
		return
	}
	median := func(samples []sample, f func(sample) float64) float64 {
		var v []float64
		for _, s := range samples {
			v = append(v, f(s))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	// of returns the medians of the second and the last quarter.
	of := func(f func(sample) float64) (a, b float64) {
		return median(l.samples[n/4:2*n/4], f), median(l.samples[3*n/4:], f)
	}
	heap, heapEnd := of(func(s sample) float64 { return s.Heap })
	a, b := of(func(s sample) float64 { return s.RSS })
	// From the middle of the second quarter to that of the last.
	hours := l.took.Hours() / 2
	r.Measured(goalRSS, 100*(b-a)/a/hours, "median of the second quarter %.1f MB, of the last %.1f MB; heap in use %.1f and %.1f MB", a, b, heap, heapEnd)
	a, b = of(func(s sample) float64 { return s.Files })
	r.Measured(goalFiles, b-a, "medians %.0f and %.0f", a, b)
	a, b = of(func(s sample) float64 { return s.Goroutines })
	r.Measured(goalGoroutines, b-a, "medians %.0f and %.0f", a, b)
}

func (l *live) table() report.Table {
	t := report.Table{Title: "Faults of the doorbell", Columns: []string{"kind", "faults", "within 5 s", "median s", "longest s"},
		Note: "Seconds from the end of a fault until a frame that shows the zone had come over RTSP and was decoded."}
	kinds := l.kinds()
	for _, f := range faults {
		if within, all := recoveries(kinds[f.name]); len(all) > 0 {
			t.Line(f.name, len(all), within, all[len(all)/2], all[len(all)-1])
		}
	}
	return t
}

// text is the result as a page.
func (r *result) text() string {
	return r.Markdown("bench/soak", fmt.Sprintf("A camera of %dx%d at %v pictures a second, the doorbell with RTSP and recordings, and one fault after another.", r.options.size.X, r.options.size.Y, r.options.rate))
}

// write prints the page, and writes it to a folder if there is one to be written to.
func (r *result) write(dir string, out io.Writer) error {
	page := r.text()
	if _, err := io.WriteString(out, page); err != nil || dir == "" {
		return err
	}
	p := published{Result: r.Result, Seed: r.options.seed, Singles: r.singles}
	if r.live != nil {
		p.Faults, p.Samples = r.live.befallen, r.live.samples
	}
	return errors.Join(command.WriteJSON(filepath.Join(dir, "last.json"), p), os.WriteFile(filepath.Join(dir, "last.md"), []byte(page), 0o644),
		os.WriteFile(filepath.Join(dir, "last.svg"), []byte(plot(p.Samples, p.Faults)), 0o644))
}

// rounded is v with three digits, for a plot.
func rounded(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "0"
	}
	return fmt.Sprintf("%.1f", v)
}
