package main

import "github.com/hedgecam/hedge/bench/internal/reach"

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

var reaches = [goalCount]reach.Reach{
	goalFull:        {Name: "full-frame redaction 1080p, values taken anew", Unit: "x memcpy", Bound: 2},
	goalFullHeld:    {Name: "full-frame redaction 1080p, values held", Unit: "x memcpy", Bound: 1},
	goalPart:        {Name: "redaction of 5 % of 1080p, against the full frame, anew", Unit: "x", Bound: 0.1},
	goalPartHeld:    {Name: "redaction of 5 % of 1080p, against the full frame, held", Unit: "x", Bound: 0.1},
	goalBlur:        {Name: "against I420 -> BGR -> GaussianBlur 99 -> I420", Unit: "x faster", Least: true, Bound: 15},
	goalPrepare:     {Name: "preparation of all inputs, 1080p", Unit: "ms", Bound: 1},
	goalPrepareCopy: {Name: "preparation of all inputs, 1080p, against memcpy", Unit: "x memcpy", Bound: 4},
	goalPrepareChains: {Name: "preparation of all inputs against three separate chains", Unit: "x faster",
		Least: true, Bound: 5},
	goalTrack: {Name: "tracker, growth from 1 to 500 objects", Unit: "exponent", Bound: 1.2,
		Note: "1 is linear; the bound is this program's reading of near-linear"},
	goalMotion:       {Name: "motion, 1080p frame", Unit: "ms", Bound: 0.5},
	goalRest:         {Name: "all but networks and codecs, per frame", Unit: "ms of core time", Bound: 4},
	goalRate:         {Name: "1080p30 live to H.264 superfast, networks on: rate", Unit: "frames/s", Least: true, Bound: 29.9},
	goalP99:          {Name: "1080p30 live to H.264 superfast, networks on: p99 frame time", Unit: "ms", Bound: 33},
	goalDrops:        {Name: "1080p30 live to H.264 superfast, networks on: drops", Unit: "frames", Bound: 0},
	goalDetectors:    {Name: "detector core time against all networks on every frame, fixed camera", Unit: "x less", Least: true, Bound: 8},
	goalMJPEG:        {Name: "MJPEG 1080p to 4:2:0 against mediadevices' decoder", Unit: "x faster", Least: true, Bound: 3},
	goalMJPEGGarbage: {Name: "MJPEG 1080p to 4:2:0, garbage", Unit: "bytes a frame", Bound: 0},
	goalAllocs: {Name: "steady state, Go allocations", Unit: "a frame", Bound: 0.1,
		Note: "the bound leaves room for what the Go runtime itself allocates now and then"},
	goalGoroutines: {Name: "steady state, goroutines left after Close", Unit: "goroutines", Bound: 0},
	goalNative:     {Name: "steady state, native objects left after Close", Unit: "objects", Bound: 0},
	goalHeap: {Name: "steady state, growth of the live heap", Unit: "%", Bound: 1,
		Note: "after a collection, between the end of the warm-up and the end of the run"},
}

// measured enters the value of a goal; note, if any, says how it came about.
// What is not a number was not measured.
func (r *report) measured(g goal, v float64, note string) {
	r.Rows[g].Measured(reaches[g], v, note)
}

// skip says why goals were not measured. Those that were stay as they are.
func (r *report) skip(goals []goal, why string) {
	for _, g := range goals {
		r.Rows[g].Skip(why)
	}
}
