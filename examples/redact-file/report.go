package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline"
)

// report is what -report writes, one for each file.
type report struct {
	Input        string `json:"input"`
	Output       string `json:"output"`
	Error        string `json:"error,omitempty"`
	PolicySHA256 string `json:"policy_sha256"`
	Networks     string `json:"networks"`
	// Provider is what computed the networks, as -provider has it.
	Provider string `json:"provider,omitempty"`
	// Encoder is what a recording was encoded with, as -encoder has it.
	Encoder   string        `json:"encoder,omitempty"`
	Models    []modelReport `json:"models"`
	Missing   []string      `json:"missing_classes,omitempty"`
	Warnings  []string      `json:"warnings,omitempty"`
	Elsewhere []spanReport  `json:"camera_moved,omitempty"`
	// Camera is "fixed" or "moving", for a recording in two passes; Struck and Added
	// count the tracks that evidence was changed by.
	Camera string `json:"camera,omitempty"`
	// PlaceKnown is the share of the place that was seen empty, where the policy shows it
	// in place of who is hidden; 0 for a camera that moves, and of a picture.
	PlaceKnown  *float64          `json:"place_known,omitempty"`
	Struck      int               `json:"tracks_struck_out,omitempty"`
	Added       int               `json:"tracks_added,omitempty"`
	Frames      framesReport      `json:"frames"`
	HiddenShare float64           `json:"hidden_share"`
	Detections  map[string]uint64 `json:"detections"`
	Tracks      map[string]uint64 `json:"tracks"`
	Stages      []stageReport     `json:"stages"`
	Detectors   []detectorReport  `json:"detectors"`
	Seconds     float64           `json:"seconds"`
	FPS         float64           `json:"frames_per_second"`
	PeakMemory  int64             `json:"peak_memory_bytes"`
}

// spanReport is a part of the recording, in seconds.
type spanReport struct {
	From float64 `json:"from_seconds"`
	To   float64 `json:"to_seconds"`
}

type modelReport struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

type framesReport struct {
	In           uint64 `json:"in"`
	Out          uint64 `json:"out"`
	Dropped      uint64 `json:"dropped"`
	Lost         uint64 `json:"lost"`
	HiddenWhole  uint64 `json:"hidden_whole"`
	FailedClosed uint64 `json:"failed_closed"`
}

type stageReport struct {
	Name  string  `json:"name"`
	Count uint64  `json:"count"`
	P50   float64 `json:"p50_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	Max   float64 `json:"max_ms"`
}

type detectorReport struct {
	Name     string  `json:"name"`
	Running  bool    `json:"running"`
	Looks    uint64  `json:"looks"`
	Failures uint64  `json:"failures"`
	Mean     float64 `json:"mean_ms"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// leastElsewhere is the shortest part that is reported as that of a moved camera.
const leastElsewhere = time.Second

// elsewhere enters a part that does not show the recording's first place, and tells
// of it and of the way out.
func (r *report) elsewhere(j *job, e pipeline.Span) {
	if e.To-e.From < leastElsewhere {
		return // a damaged picture, which is hidden and counted
	}
	r.Elsewhere = append(r.Elsewhere, spanReport{e.From.Seconds(), e.To.Seconds()})
	r.warn(j, fmt.Errorf("the camera was moved at %v: from then until %v the picture does not show the place of the beginning, and is hidden as a whole. "+
		"If the camera moves all the time, say -moving; if it stands elsewhere from then on, cut the file there and give each part its own policy",
		e.From.Round(time.Second/10), e.To.Round(time.Second/10)))
}

// leastKnown is the share of the place from which on nothing is said of the rest.
const leastKnown = 0.9

// place enters how much of the place was seen empty, if the policy shows it. Of a fixed camera's
// recording it tells of it if much was not, and something was hidden; what is read once may
// just have been too short.
func (r *report) place(j *job, s pipeline.Stats) {
	if j.policy.NeedsBackground() == 0 {
		return
	}
	r.PlaceKnown = &s.PlateKnown
	if r.Camera == pipeline.FixedCamera.String() && s.HiddenShare > 0 && s.PlateKnown < leastKnown {
		r.warn(j, fmt.Errorf("only %d %% of the place was ever seen empty: whoever is hidden elsewhere is covered by "+
			"what is around, continued smoothly, and not by the place", int(100*s.PlateKnown)))
	}
}

// warn adds a warning to the report and prints it. A nil error is no warning.
func (r *report) warn(j *job, w error) {
	if w == nil || slices.Contains(r.Warnings, w.Error()) {
		return
	}
	r.Warnings = append(r.Warnings, w.Error())
	j.say("warning: %v", w)
}

// fill enters what the pipeline counted.
func (r *report) fill(s pipeline.Stats, took time.Duration) {
	r.Frames = framesReport{In: s.FramesIn, Out: s.FramesOut, Dropped: s.FramesDropped,
		Lost: s.FramesLost, HiddenWhole: s.FramesHidden, FailedClosed: s.FramesFailedClosed}
	r.HiddenShare = s.HiddenShare
	r.Detections, r.Tracks = map[string]uint64{}, map[string]uint64{}
	for c := range detect.Class(detect.NumClasses) {
		r.Detections[c.String()] = s.Detections[c]
		r.Tracks[c.String()] = s.Tracks[c]
		if s.Missing.Has(c) {
			r.Missing = append(r.Missing, c.String())
		}
	}
	for _, st := range s.Stages {
		r.Stages = append(r.Stages, stageReport{Name: st.Name, Count: st.Count, P50: milliseconds(st.P50),
			P95: milliseconds(st.P95), P99: milliseconds(st.P99), Max: milliseconds(st.Max)})
	}
	for _, d := range s.Detectors {
		dr := detectorReport{Name: d.Name, Running: d.Running, Looks: d.Inferences, Failures: d.Failures}
		if d.Inferences > 0 {
			dr.Mean = milliseconds(d.Time) / float64(d.Inferences)
		}
		r.Detectors = append(r.Detectors, dr)
	}
	r.Seconds = took.Seconds()
	if took > 0 {
		r.FPS = float64(s.FramesOut) / took.Seconds()
	}
	r.PeakMemory = peakMemory()
}

// peakMemory returns the largest resident size so far of this process, in
// bytes; ffmpeg's processes are not part of it. 0 where the system does not say.
func peakMemory() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024
}

// writeReport writes one report, or several as a list.
func writeReport(path string, replace bool, reports []*report) error {
	var v any = reports
	if len(reports) == 1 {
		v = reports[0]
	}
	return atomicfile.Write(path, replace, func(f *os.File) error {
		e := json.NewEncoder(f)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}
