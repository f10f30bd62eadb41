package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// report is the JSON form of a run of the program.
type report struct {
	Sets []setReport `json:"sets"`
	// Pictures is what the pictures show, beside Sets, which is of covers.
	Pictures []pictureReport `json:"pictures,omitempty"`
	Runs     []runReport     `json:"runs"`
	Config   configReport    `json:"config"`
}

// setReport is the result of one class of a set. Rates are 0..1; what is not
// known is null.
type setReport struct {
	Set      string   `json:"set"`
	Class    string   `json:"class"` // "none" in a set without any labelled object
	Boxes    int      `json:"boxes"`
	Leaked   int      `json:"leaked"`
	LeakRate *float64 `json:"leak_rate"`
	// LeakRateOpen is that of the frames that did not fail closed.
	LeakRateOpen *float64 `json:"leak_rate_open"`
	// BoxesDropped are boxes in frames that never went out, which are not among
	// Boxes; BoxesIgnored were marked so or lie outside of the picture.
	BoxesDropped  int `json:"boxes_dropped"`
	BoxesIgnored  int `json:"boxes_ignored"`
	Tracks        int `json:"tracks"`
	TracksLeaking int `json:"tracks_leaking"`
	// TracksOver3 are those that leak in more than 3 frames altogether.
	TracksOver3 int `json:"tracks_leaking_over_3"`
	LongestRun  int `json:"longest_run"`
	// The longest and the median time for which an object was shown before it
	// was first hidden, over all tracks.
	FirstExposure       *float64 `json:"first_exposure_ms"`
	FirstExposureMedian *float64 `json:"first_exposure_median_ms"`
	// OverHidden is the share of the pixels no label asked for that was hidden;
	// margins and whole blocks count. OverHiddenOpen is that of the frames that
	// did not fail closed. They belong to the set, not to the class.
	OverHidden     *float64 `json:"over_hidden"`
	OverHiddenOpen *float64 `json:"over_hidden_open"`
	// Flickers counts blocks inside an object's box that were hidden, open for
	// fewer than 5 frames, and hidden again. The rate is per 1000 blocks and
	// frames.
	Flickers    int                   `json:"flickers"`
	FlickerRate *float64              `json:"flickers_per_1000"`
	BySize      map[string]sizeReport `json:"by_size"`
}

type sizeReport struct {
	Boxes    int      `json:"boxes"`
	Leaked   int      `json:"leaked"`
	LeakRate *float64 `json:"leak_rate"`
}

// runReport is what the pipeline did with a set.
type runReport struct {
	Set        string `json:"set"`
	Recordings int    `json:"recordings"`
	// Mode is "offline" or "live"; single pictures are always offline.
	Mode    string  `json:"mode"`
	Rate    float64 `json:"rate"` // that replaced the recording's times; 0: none
	Moving  bool    `json:"moving"`
	In      uint64  `json:"frames_in"`
	Out     uint64  `json:"frames_out"`
	Dropped uint64  `json:"frames_dropped"`
	Lost    uint64  `json:"frames_lost"`
	// FailedClosed counts frames that went out with more hidden than the policy
	// asks, HiddenWhole those hidden as a whole.
	FailedClosed      uint64  `json:"frames_failed_closed"`
	FailedClosedShare float64 `json:"failed_closed_share"`
	HiddenWhole       uint64  `json:"frames_hidden_whole"`
	// Believed are the tracks that are hidden, of a recording in two passes; Judged
	// those of them of which the labels can tell whether they are False: of nobody who
	// is labelled.
	Believed int     `json:"tracks_believed,omitempty"`
	Judged   int     `json:"tracks_judged,omitempty"`
	False    int     `json:"tracks_false,omitempty"`
	Minutes  float64 `json:"minutes,omitempty"`
	// Labelled frames: scored, not out, left out by -skip, marked unlabelled.
	Scored     int `json:"labels_scored"`
	NotOut     int `json:"labels_not_out"`
	Skipped    int `json:"labels_skipped"`
	Unlabelled int `json:"labels_unlabelled"`

	// HiddenShare is the mean share of a frame that was hidden, AskedShare that
	// of its labelled boxes, those to be ignored included.
	HiddenShare float64          `json:"hidden_share"`
	AskedShare  float64          `json:"asked_share"`
	Detectors   []detectorReport `json:"detectors"`
	// DetectorMS is the detectors' core time per frame.
	DetectorMS float64 `json:"detector_ms_per_frame"`
	// LagMS is how late the paced source was at most.
	LagMS   float64 `json:"source_lag_ms"`
	Seconds float64 `json:"seconds"`
}

type detectorReport struct {
	Name       string  `json:"name"`
	Looks      uint64  `json:"looks"`
	Failures   uint64  `json:"failures"`
	Replaced   uint64  `json:"replaced"` // by a newer frame before they began
	SkippedBy  uint64  `json:"skipped"`  // frames on which no look was needed
	SkippedPct float64 `json:"skipped_share"`
	MSPerFrame float64 `json:"ms_per_frame"`

	time time.Duration
}

// configReport is how the sets were run.
type configReport struct {
	Policy       json.RawMessage `json:"policy"`
	PolicySHA256 string          `json:"policy_sha256"`
	Mode         string          `json:"mode"`
	FPS          float64         `json:"fps"`
	Cores        float64         `json:"cores"`
	Networks     string          `json:"networks"`
	Models       []modelReport   `json:"models"`
	LookAheadMS  float64         `json:"lookahead_ms"`
	Every        int             `json:"every"`
	Moving       string          `json:"moving"`
	Classes      []string        `json:"classes"`
	Skip         int             `json:"skip"`
	Compressed   bool            `json:"compressed"`
	Options      []string        `json:"options"` // as given on the command line, without folders
	Go           string          `json:"go"`
	Platform     string          `json:"platform"`
	CPUs         int             `json:"cpus"`
}

type modelReport struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// rate returns a/b, nil for none of none.
func rate(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := float64(a) / float64(b)
	return &v
}

func (c count) report() sizeReport {
	return sizeReport{Boxes: c.boxes, Leaked: c.leaked, LeakRate: rate(c.leaked, c.boxes)}
}

// reports returns a row for each class that the set labels.
func (s *score) reports(name string, hidden detect.ClassSet, f *facts) (rows []setReport) {
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
	if f.judgesRest(hidden) {
		for i := range rows {
			rows[i].OverHidden = rate(s.hidden, s.rest)
			rows[i].OverHiddenOpen = rate(s.hiddenOpen, s.restOpen)
		}
	}
	return rows
}

func (t *tally) report(set, class string) setReport {
	r := setReport{
		Set: set, Class: class,
		Boxes: t.all.boxes, Leaked: t.all.leaked, LeakRate: rate(t.all.leaked, t.all.boxes),
		LeakRateOpen: rate(t.open.leaked, t.open.boxes),
		BoxesDropped: t.dropped, BoxesIgnored: t.ignored,
		Tracks: len(t.tracks), BySize: map[string]sizeReport{},
	}
	var from16 count
	for i, n := range sizeNames {
		r.BySize[n] = t.bySize[i].report()
		if i > 0 {
			from16.boxes += t.bySize[i].boxes
			from16.leaked += t.bySize[i].leaked
		}
	}
	r.BySize["from_16"] = from16.report()
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

// table prints one set's rows and what the pipeline did.
func table(w io.Writer, rows []setReport, run *runReport) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	put := func(format string, args ...any) {
		_, _ = fmt.Fprintf(t, format, args...) // Flush reports the error
	}
	put("%s\t", run.Set)
	for _, h := range []string{
		"boxes", "leaked", "leak", "<16 px", "16-32", "32-64", ">64", "16 up",
		"tracks", "leak", "over 3", "longest", "exposed ms", "median", "over-hidden", "flicker/1000",
	} {
		put("%s\t", h)
	}
	put("\n")
	for _, r := range rows {
		put("%s\t%d\t%d\t%s\t", r.Class, r.Boxes, r.Leaked, percent(r.LeakRate))
		for _, n := range append(sizeNames[:], "from_16") {
			s := r.BySize[n]
			if s.Boxes == 0 {
				put("-\t")
				continue
			}
			put("%s of %d\t", percent(s.LeakRate), s.Boxes)
		}
		put("%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", r.Tracks, r.TracksLeaking, r.TracksOver3, r.LongestRun,
			number(r.FirstExposure), number(r.FirstExposureMedian), percent(r.OverHidden), number(r.FlickerRate))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return run.write(w)
}

func (r *runReport) write(w io.Writer) error {
	camera := "fixed camera"
	if r.Moving {
		camera = "moving camera"
	}
	text := fmt.Sprintf("  %s, %s, %d recordings in %.1f s: frames in %d, out %d, dropped %d, lost %d; failed closed %d (%.1f %%), hidden whole %d; mean hidden %.1f %%, asked %.1f %%\n",
		r.Mode, camera, r.Recordings, r.Seconds, r.In, r.Out, r.Dropped, r.Lost, r.FailedClosed, 100*r.FailedClosedShare, r.HiddenWhole, 100*r.HiddenShare, 100*r.AskedShare)
	text += fmt.Sprintf("  labelled frames scored %d, not out %d, skipped %d, unlabelled %d; detectors %.1f ms a frame\n",
		r.Scored, r.NotOut, r.Skipped, r.Unlabelled, r.DetectorMS)
	if r.Mode == "recording" {
		text += fmt.Sprintf("  tracks hidden %d, of %d judged by labels %d false: %s, %.3f a picture\n",
			r.Believed, r.Judged, r.False, perMinute(r.False, r.Minutes), float64(r.False)/float64(max(r.Out, 1)))
	}
	for _, d := range r.Detectors {
		text += fmt.Sprintf("    %s: %d looks, %d failed, %d replaced, skipped %.1f %% of frames, %.1f ms a frame\n",
			d.Name, d.Looks, d.Failures, d.Replaced, 100*d.SkippedPct, d.MSPerFrame)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// perMinute is a rate in words; single pictures have no length.
func perMinute(n int, minutes float64) string {
	if minutes == 0 {
		return "- a minute"
	}
	return fmt.Sprintf("%.2f a minute", float64(n)/minutes)
}

func percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100**v)
}

func number(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v)
}
