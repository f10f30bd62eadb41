package pipeline

import (
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// Stats is a snapshot of what a pipeline has done since it was made: counts and
// times go on over its Runs. What it says of just now (FailedClosed, Missing, and
// a detector's Running and Interval) is of the Run under way. After a Run it stays as
// it was when the Run ended; the next Run begins with none of it.
type Stats struct {
	// FramesIn counts the pictures that the source delivered, FramesOut those
	// that the sink took.
	FramesIn, FramesOut uint64
	// FramesLost counts pictures that could not be decoded or whose time did
	// not rise, FramesDropped those given up because the sink was slow, could
	// not be redacted, or because the pipeline was told to stop.
	FramesLost, FramesDropped uint64
	// FramesHidden counts pictures that went out hidden as a whole.
	FramesHidden uint64
	// FramesFailedClosed counts pictures that went out with more hidden than
	// the policy asks, because a stage had failed or was late.
	FramesFailedClosed uint64
	// HiddenShare is the mean share of a picture's pixels that was hidden, 0..1.
	HiddenShare float64
	// PlateKnown is the share of the place that the background plate knows, 0..1; 0
	// where nothing needs a plate. Of a recording that is read twice it is that of the
	// whole, as Decision.BackgroundKnown.
	PlateKnown float64
	// Silhouettes counts those that were found of people who are near,
	// SilhouettesFailed those that could not be.
	Silhouettes, SilhouettesFailed uint64
	// FailedClosed says why more is hidden just now than the policy asks; it is
	// NoReason when all is well.
	FailedClosed Reason
	// Detections counts what the detectors reported, Tracks the different
	// objects that were confirmed.
	Detections, Tracks [detect.NumClasses]uint64
	// Missing are the classes that the policy needs and no detector finds.
	Missing detect.ClassSet
	// Stages are the times of each stage.
	Stages []StageStats
	// Detectors describes each detector, in the order of Config.Detectors.
	Detectors []DetectorStats
}

// StageStats is how long one stage took per frame.
type StageStats struct {
	// Name is inspect, decide, redact or write.
	Name string
	// Count is how often it ran, Total how long together.
	Count uint64
	Total time.Duration
	// P50, P95, P99 are percentiles, to two digits; Max is the longest.
	P50, P95, P99, Max time.Duration
}

// DetectorStats is what one detector did.
type DetectorStats struct {
	// Name names the detector; Running says whether it runs, for the policy
	// or for the background plate.
	Name    string
	Running bool
	// Interval is the inference interval in force, by the pipeline's clock; 0 in File mode
	// and where the detector does not run.
	Interval time.Duration
	// Inferences counts the inferences that came back, Failures those that came to
	// nothing (they came back with an error, or late or never), Replaced those that a
	// newer frame replaced before they could start, and Skipped the frames on which none
	// was due.
	Inferences, Failures, Replaced, Skipped uint64
	// Time is the wall time of all inferences together; with one thread a detector,
	// that is core time.
	Time time.Duration
}

type stage int

const (
	stageInspect stage = iota
	stageDecide
	stageRedact
	stageWrite
	stageCount
)

var stageNames = [stageCount]string{"inspect", "decide", "redact", "write"}

// stats collects under a lock; nothing in it allocates once running.
type stats struct {
	mu   sync.Mutex
	s    Stats
	hist [stageCount]histogram

	hidden  float64             // sum of the hidden shares of all pictures out
	counted map[uint64]struct{} // tracks already in s.Tracks
}

func (s *stats) init(names []string) {
	s.counted = make(map[uint64]struct{}, 2048)
	s.s.Detectors = make([]DetectorStats, len(names))
	for i, n := range names {
		s.s.Detectors[i].Name = n
	}
}

func (s *stats) snapshot() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.s
	out.Detectors = append([]DetectorStats(nil), s.s.Detectors...)
	if s.s.FramesOut > 0 {
		out.HiddenShare = s.hidden / float64(s.s.FramesOut)
	}
	for i := range s.hist {
		h := &s.hist[i]
		out.Stages = append(out.Stages, StageStats{
			Name: stageNames[i], Count: h.n, Total: h.total,
			P50: h.quantile(0.5), P95: h.quantile(0.95),
			P99: h.quantile(0.99), Max: h.max,
		})
	}
	return out
}

func (s *stats) count(counter *uint64) {
	s.mu.Lock()
	*counter++
	s.mu.Unlock()
}

func (s *stats) stage(i stage, d time.Duration) {
	s.mu.Lock()
	s.hist[i].add(d)
	s.mu.Unlock()
}

// written counts a picture that the sink took.
func (s *stats) written(f redact.Frame, failedClosed bool) {
	hidden, whole := f.Mask().Hidden(), f.Hidden()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.FramesOut++
	s.hidden += hidden
	if whole {
		s.s.FramesHidden++
	}
	if failedClosed {
		s.s.FramesFailedClosed++
	}
}

// plate notes how much of the place is known.
func (s *stats) plate(known float64) {
	s.mu.Lock()
	s.s.PlateKnown = known
	s.mu.Unlock()
}

// begin forgets what was so in the last Run.
func (s *stats) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.s.FailedClosed, s.s.Missing, s.s.PlateKnown = NoReason, 0, 0
	for i := range s.s.Detectors {
		s.s.Detectors[i].Running, s.s.Detectors[i].Interval = false, 0
	}
}

// renumbered notes that a new tracker begins its numbers anew.
func (s *stats) renumbered() {
	s.mu.Lock()
	clear(s.counted)
	s.mu.Unlock()
}

// tracked counts objects not seen before among those of a frame.
func (s *stats) tracked(objects []detect.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range objects {
		o := &objects[i]
		if !o.Confirmed {
			continue
		}
		if _, known := s.counted[o.ID]; !known {
			s.counted[o.ID] = struct{}{}
			s.s.Tracks[o.Class]++
		}
	}
	// An object that is gone never comes back under its number.
	if len(s.counted) > 4*len(objects)+1024 {
		clear(s.counted)
		for i := range objects {
			if objects[i].Confirmed {
				s.counted[objects[i].ID] = struct{}{}
			}
		}
	}
}

func (s *stats) found(ds []detect.Detection) {
	s.mu.Lock()
	for i := range ds {
		s.s.Detections[ds[i].Class]++
	}
	s.mu.Unlock()
}

// detector changes what is known of detector i.
func (s *stats) detector(i int, change func(*DetectorStats)) {
	s.mu.Lock()
	change(&s.s.Detectors[i])
	s.mu.Unlock()
}

func (s *stats) inferred(i int, spent time.Duration) {
	s.detector(i, func(d *DetectorStats) { d.Inferences++; d.Time += spent })
}

func (s *stats) inferenceFailed(i int) { s.detector(i, func(d *DetectorStats) { d.Failures++ }) }

func (s *stats) replaced(i int) { s.detector(i, func(d *DetectorStats) { d.Replaced++ }) }

func (s *stats) skipped(i int) { s.detector(i, func(d *DetectorStats) { d.Skipped++ }) }

func (s *stats) interval(i int, interval time.Duration) {
	s.detector(i, func(d *DetectorStats) { d.Interval = interval })
}

func (s *stats) running(i int, on bool) {
	s.detector(i, func(d *DetectorStats) { d.Running = on })
}

func (s *stats) outlined(found, failed int) {
	s.mu.Lock()
	s.s.Silhouettes += uint64(found)
	s.s.SilhouettesFailed += uint64(failed)
	s.mu.Unlock()
}

func (s *stats) missing(c detect.ClassSet) {
	s.mu.Lock()
	s.s.Missing = c
	s.mu.Unlock()
}

func (s *stats) failedClosed(why Reason) {
	s.mu.Lock()
	s.s.FailedClosed = why
	s.mu.Unlock()
}
