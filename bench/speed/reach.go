package main

import (
	"fmt"
	"math"
	"strconv"
)

// goal names a line of the table of what is to be reached. Lines of the issue's
// table that make several claims have several goals.
type goal int

const (
	goalFull goal = iota
	goalFullHeld
	goalPart
	goalPartHeld
	goalBlur
	goalPrepare
	goalPrepareCopy
	goalPrepareChains
	goalTrack
	goalMotion
	goalRest
	goalRate
	goalP99
	goalDrops
	goalDetectors
	goalMJPEG
	goalMJPEGGarbage
	goalAllocs
	goalGoroutines
	goalNative
	goalHeap
	goalCount
)

// reach is a goal in words and its bound.
type reach struct {
	name, unit string
	least      bool // the bound is the least value, not the most
	bound      float64
	note       string
}

var reaches = [goalCount]reach{
	goalFull:        {name: "full-frame redaction 1080p, values taken anew", unit: "x memcpy", bound: 2},
	goalFullHeld:    {name: "full-frame redaction 1080p, values held", unit: "x memcpy", bound: 1},
	goalPart:        {name: "redaction of 5 % of 1080p, against the full frame, anew", unit: "x", bound: 0.1},
	goalPartHeld:    {name: "redaction of 5 % of 1080p, against the full frame, held", unit: "x", bound: 0.1},
	goalBlur:        {name: "against I420 -> BGR -> GaussianBlur 99 -> I420", unit: "x faster", least: true, bound: 15},
	goalPrepare:     {name: "preparation of all inputs, 1080p", unit: "ms", bound: 1},
	goalPrepareCopy: {name: "preparation of all inputs, 1080p, against memcpy", unit: "x memcpy", bound: 4},
	goalPrepareChains: {name: "preparation of all inputs against three separate chains", unit: "x faster",
		least: true, bound: 5},
	goalTrack: {name: "tracker, growth from 1 to 500 objects", unit: "exponent", bound: 1.2,
		note: "1 is linear; the bound is this program's reading of near-linear"},
	goalMotion:       {name: "motion, 1080p frame", unit: "ms", bound: 0.5},
	goalRest:         {name: "all but networks and codecs, per frame", unit: "ms of core time", bound: 4},
	goalRate:         {name: "1080p30 live to H.264 superfast, networks on: rate", unit: "frames/s", least: true, bound: 29.9},
	goalP99:          {name: "1080p30 live to H.264 superfast, networks on: p99 frame time", unit: "ms", bound: 33},
	goalDrops:        {name: "1080p30 live to H.264 superfast, networks on: drops", unit: "frames", bound: 0},
	goalDetectors:    {name: "detector core time against all networks on every frame, fixed camera", unit: "x less", least: true, bound: 8},
	goalMJPEG:        {name: "MJPEG 1080p to 4:2:0 against mediadevices' decoder", unit: "x faster", least: true, bound: 3},
	goalMJPEGGarbage: {name: "MJPEG 1080p to 4:2:0, garbage", unit: "bytes a frame", bound: 0},
	goalAllocs: {name: "steady state, Go allocations", unit: "a frame", bound: 0.1,
		note: "the bound leaves room for what the Go runtime itself allocates now and then"},
	goalGoroutines: {name: "steady state, goroutines left after Close", unit: "goroutines", bound: 0},
	goalNative:     {name: "steady state, native objects left after Close", unit: "objects", bound: 0},
	goalHeap: {name: "steady state, growth of the live heap", unit: "%", bound: 1,
		note: "after a collection, between the end of the warm-up and the end of the run"},
}

// met reports whether the value reaches the goal. NaN does not.
func (r reach) met(v float64) bool {
	if r.least {
		return v >= r.bound
	}
	return v <= r.bound
}

// text says what is to be reached.
func (r reach) text() string {
	word := "at most"
	if r.least {
		word = "at least"
	}
	return fmt.Sprintf("%s %s %s", word, strconv.FormatFloat(r.bound, 'g', -1, 64), r.unit)
}

// missing says by how much a value falls short, as a share of the bound.
func (r reach) missing(v float64) string {
	if r.bound == 0 {
		return fmt.Sprintf("misses by %s %s", number(v), r.unit)
	}
	return fmt.Sprintf("misses by %.0f %%", 100*math.Abs(v-r.bound)/r.bound)
}

// row is one line of the result. Value and Met are nil for what was not
// measured; Note says why then.
type row struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Unit  string   `json:"unit"`
	Reach string   `json:"reach"`
	Met   *bool    `json:"met"`
	Note  string   `json:"note,omitempty"`
}

// newRows returns a row for each goal, none of them measured.
func newRows() []row {
	rows := make([]row, goalCount)
	for g, r := range reaches {
		rows[g] = row{Name: r.name, Unit: r.unit, Reach: r.text(), Note: "not measured"}
	}
	return rows
}

// measured enters the value of a goal; note, if any, says how it came about.
// What is not a number was not measured.
func (r *report) measured(g goal, v float64, note string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.Rows[g].Note = "not measured: too few runs"
		return
	}
	met := reaches[g].met(v)
	row := &r.Rows[g]
	row.Value, row.Met, row.Note = &v, &met, reaches[g].note
	if note != "" {
		row.Note = join(row.Note, note)
	}
	if !met {
		row.Note = join(reaches[g].missing(v), row.Note)
	}
}

// skip says why goals were not measured. Those that were stay as they are.
func (r *report) skip(goals []goal, why string) {
	for _, g := range goals {
		if r.Rows[g].Value == nil {
			r.Rows[g].Note = "not measured: " + why
		}
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
