// Package leakreport is what bench/leak measured: its JSON form, and the tables that
// bench/leak and bench/results make of it.
package leakreport

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/report"
)

// Report is the JSON form of a run of the program.
type Report struct {
	Sets []Set `json:"sets"`
	// Pictures is what the pictures show, beside Sets, which is of masks.
	Pictures []Picture `json:"pictures,omitempty"`
	Runs     []Run     `json:"runs"`
	Config   Config    `json:"config"`
}

// Set is the result of one class of a set. Rates are 0..1; what is not
// known is null.
type Set struct {
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
	Flickers    int             `json:"flickers"`
	FlickerRate *float64        `json:"flickers_per_1000"`
	BySize      map[string]Size `json:"by_size"`
}

// Size counts the boxes of one size.
type Size struct {
	Boxes    int      `json:"boxes"`
	Leaked   int      `json:"leaked"`
	LeakRate *float64 `json:"leak_rate"`
}

// Run is what the pipeline did with a set.
type Run struct {
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
	// Hiding counts the frames in which anything at all was hidden.
	Hiding uint64 `json:"frames_hiding,omitempty"`
	// Believed counts the tracks that a recording in two passes hides. Judged counts those
	// for which labels can decide, and False those that belong to no labelled object.
	Believed int     `json:"tracks_believed,omitempty"`
	Judged   int     `json:"tracks_judged,omitempty"`
	False    int     `json:"tracks_false,omitempty"`
	Minutes  float64 `json:"minutes,omitempty"`
	// Labelled frames: scored, not out, marked unlabelled.
	Scored     int `json:"labels_scored"`
	NotOut     int `json:"labels_not_out"`
	Unlabelled int `json:"labels_unlabelled"`

	// HiddenShare is the mean share of a frame that was hidden, AskedShare that
	// of its labelled boxes, those to be ignored included.
	HiddenShare float64    `json:"hidden_share"`
	AskedShare  float64    `json:"asked_share"`
	Detectors   []Detector `json:"detectors"`
	// DetectorMS is the detectors' core time per frame.
	DetectorMS float64 `json:"detector_ms_per_frame"`
	// LagMS is how late the paced source was at most.
	LagMS   float64 `json:"source_lag_ms"`
	Seconds float64 `json:"seconds"`
}

// Detector is what a detector did with a set.
type Detector struct {
	Name       string  `json:"name"`
	Looks      uint64  `json:"looks"`
	Failures   uint64  `json:"failures"`
	Replaced   uint64  `json:"replaced"` // by a newer frame before they began
	SkippedBy  uint64  `json:"skipped"`  // frames on which no look was needed
	SkippedPct float64 `json:"skipped_share"`
	MSPerFrame float64 `json:"ms_per_frame"`

	Time time.Duration `json:"-"`
}

// Config is how the sets were run.
type Config struct {
	Policy       json.RawMessage `json:"policy"`
	PolicySHA256 string          `json:"policy_sha256"`
	Mode         string          `json:"mode"`
	FPS          float64         `json:"fps"`
	Cores        float64         `json:"cores"`
	Networks     string          `json:"networks"`
	Models       []Model         `json:"models"`
	LookAheadMS  float64         `json:"lookahead_ms"`
	LookAhead    int             `json:"lookahead,omitempty"` // in frames, of older results
	Every        int             `json:"every"`
	Moving       string          `json:"moving"`
	Classes      []string        `json:"classes"`
	Compressed   bool            `json:"compressed"`
	Options      []string        `json:"options"` // as given on the command line, without folders
	Go           string          `json:"go"`
	Platform     string          `json:"platform"`
	CPUs         int             `json:"cpus"`
}

// Model is a network by its name and checksum.
type Model struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Picture is what the pictures of a set show of one class.
type Picture struct {
	Set   string `json:"set"`
	Class string `json:"class"` // "none" in a set without any labelled object
	// Measure is "plain", or "fixed": only what is not the empty scene's detail
	// counts for a box.
	Measure      string   `json:"measure"`
	Frames       int      `json:"frames"`
	Boxes        int      `json:"boxes"`
	Leaked       int      `json:"leaked"`
	LeakRate     *float64 `json:"leak_rate"`
	CoreLeakRate *float64 `json:"core_leak_rate"`
	Tracks       int      `json:"tracks"`
	Leaking      int      `json:"tracks_leaking"`
	LongestRun   int      `json:"longest_run"`
	// OverHidden is the share of the telling blocks that no label asked for and
	// that are gone. It belongs to the set, not to the class.
	OverHidden *float64        `json:"over_hidden"`
	BySize     map[string]Size `json:"by_size"`
}

// Ablation is the JSON form of an ablation.
type Ablation struct {
	Variants []Variant `json:"variants"`
}

// Variant is a run with one part taken away or set otherwise.
type Variant struct {
	Name    string   `json:"name"`
	Options []string `json:"options"` // beside those of the command line
	Report
}

// SizeNames are the keys of BySize, by the shorter side of the label in pixels.
var SizeNames = [...]string{"under_16", "16_32", "32_64", "over_64"}

// SetTable returns what the masks of frames hide and miss.
func SetTable(rows []Set) report.Table {
	t := report.Table{Columns: []string{"set", "class", "boxes", "leaked", "leak", "<16 px", "16-32", "32-64", ">64", "16 up",
		"tracks", "leaking", "over 3", "longest", "exposed ms", "median", "over-hidden", "flicker/1000"}}
	for i := range rows {
		r := &rows[i]
		cells := []any{r.Set, r.Class, r.Boxes, r.Leaked, report.Percent(r.LeakRate)}
		for _, n := range append(SizeNames[:], "from_16") {
			s := r.BySize[n]
			text := "-"
			if s.Boxes > 0 {
				text = fmt.Sprintf("%s of %d", report.Percent(s.LeakRate), s.Boxes)
			}
			cells = append(cells, text)
		}
		t.Line(append(cells, r.Tracks, r.TracksLeaking, r.TracksOver3, r.LongestRun, report.Decimal(r.FirstExposure),
			report.Decimal(r.FirstExposureMedian), report.Percent(r.OverHidden), report.Decimal(r.FlickerRate))...)
	}
	return t
}

// FalseTable returns how many tracks of recordings are hidden though nobody is there, how much of
// the pictures is hidden, and in how many anything is; no line for runs of which nobody can
// say.
func FalseTable(runs []Run) report.Table {
	t := report.Table{Columns: []string{"set", "pictures", "minutes", "tracks hidden", "judged", "false", "a minute", "a picture", "hidden", "pictures with anything hidden"}}
	for i := range runs {
		r := &runs[i]
		if r.Judged == 0 {
			continue
		}
		minutes, rate := r.falseRate()
		t.Line(r.Set, r.Out, minutes, r.Believed, r.Judged, r.False, rate, fmt.Sprintf("%.4f", float64(r.False)/float64(max(r.Out, 1))),
			fmt.Sprintf("%.1f %%", 100*r.HiddenShare), r.hiding())
	}
	return t
}

// hiding returns the pictures in which anything is hidden.
func (r *Run) hiding() string {
	if r.Hiding == 0 {
		return "-" // or not counted yet
	}
	return fmt.Sprintf("%d (%.1f %%)", r.Hiding, 100*float64(r.Hiding)/float64(max(r.Out, 1)))
}

// falseRate returns the length and the false tracks of each minute; single pictures have
// none.
func (r *Run) falseRate() (minutes, rate string) {
	if r.Minutes == 0 {
		return "-", "-"
	}
	return fmt.Sprintf("%.2f", r.Minutes), fmt.Sprintf("%.2f", float64(r.False)/r.Minutes)
}

// PictureTable returns what the redacted pictures show.
func PictureTable(rows []Picture) report.Table {
	t := report.Table{Columns: []string{"as shown", "class", "measure", "boxes", "leaked", "leak", "core", "<16 px", "16-32", "32-64", ">64",
		"tracks", "leaking", "longest", "over-hidden"}}
	for i := range rows {
		r := &rows[i]
		cells := []any{r.Set, r.Class, r.Measure, r.Boxes, r.Leaked, report.Percent(r.LeakRate), report.Percent(r.CoreLeakRate)}
		for _, n := range SizeNames {
			cells = append(cells, fmt.Sprintf("%d of %d", r.BySize[n].Leaked, r.BySize[n].Boxes))
		}
		t.Line(append(cells, r.Tracks, r.Leaking, r.LongestRun, report.Percent(r.OverHidden))...)
	}
	return t
}

// Table returns a line for each variant, set and class. Variants are numbered
// from first.
func (a *Ablation) Table(first int) report.Table {
	t := report.Table{Columns: []string{"", "variant", "set", "class", "boxes", "leaked", "leak", "tracks leaking", "over 3", "longest run", "over-hidden"}}
	for i := range a.Variants {
		v := &a.Variants[i]
		for k := range v.Sets {
			s := &v.Sets[k]
			t.Line(first+i, v.Name, s.Set, s.Class, s.Boxes, s.Leaked, report.Share(s.Leaked, s.Boxes),
				fmt.Sprintf("%d of %d", s.TracksLeaking, s.Tracks), s.TracksOver3, s.LongestRun, report.Percent(s.OverHidden))
		}
	}
	return t
}

// Text says what the pipeline did, in some lines.
func (r *Run) Text() string {
	camera := "fixed camera"
	if r.Moving {
		camera = "moving camera"
	}
	text := fmt.Sprintf("  %s, %s, %d recordings in %.1f s: frames in %d, out %d, dropped %d, lost %d; failed closed %d (%.1f %%), hidden whole %d, anything hidden in %d (%s); mean hidden %.1f %%, asked %.1f %%\n",
		r.Mode, camera, r.Recordings, r.Seconds, r.In, r.Out, r.Dropped, r.Lost, r.FailedClosed, 100*r.FailedClosedShare, r.HiddenWhole,
		r.Hiding, report.Share(int(r.Hiding), int(r.Out)), 100*r.HiddenShare, 100*r.AskedShare)
	text += fmt.Sprintf("  labelled frames scored %d, not out %d, unlabelled %d; detectors %.1f ms a frame\n",
		r.Scored, r.NotOut, r.Unlabelled, r.DetectorMS)
	if r.Mode == "recording" {
		_, rate := r.falseRate()
		text += fmt.Sprintf("  tracks hidden %d, of %d judged by labels %d false: %s a minute, %.3f a picture\n",
			r.Believed, r.Judged, r.False, rate, float64(r.False)/float64(max(r.Out, 1)))
	}
	for _, d := range r.Detectors {
		text += fmt.Sprintf("    %s: %d looks, %d failed, %d replaced, skipped %.1f %% of frames, %.1f ms a frame\n",
			d.Name, d.Looks, d.Failures, d.Replaced, 100*d.SkippedPct, d.MSPerFrame)
	}
	return text
}

// Text says in one line how the sets were run.
func (c *Config) Text() string {
	parts := []string{c.Mode, "networks " + c.Networks}
	for _, m := range c.Models {
		parts = append(parts, fmt.Sprintf("%s %.8s", m.Name, m.SHA256))
	}
	ahead := fmt.Sprintf("look-ahead %g ms", c.LookAheadMS)
	if c.LookAhead != 0 {
		ahead = fmt.Sprintf("look-ahead %d", c.LookAhead)
	}
	return strings.Join(append(parts, fmt.Sprintf("%g cores", c.Cores), ahead, c.Go, c.Platform, strings.Join(c.Options, " ")), ", ")
}
