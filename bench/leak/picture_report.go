package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/detect"
)

// pictureReport is what the pictures of a set show of one class.
type pictureReport struct {
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
	OverHidden *float64              `json:"over_hidden"`
	BySize     map[string]sizeReport `json:"by_size"`
}

// reports returns a row for each class and measure. j may be nil.
func (j *judges) reports(set string) (rows []pictureReport) {
	if j == nil {
		return nil
	}
	rows = j.plain.reports(set, "plain")
	if j.fixed != nil {
		rows = append(rows, j.fixed.reports(set, "fixed")...)
	}
	return rows
}

func (j *pictureJudge) reports(set, measure string) (rows []pictureReport) {
	for c := range detect.Class(detect.NumClasses) {
		t := &j.classes[c]
		if t.all.boxes+t.core.boxes == 0 {
			continue
		}
		r := pictureReport{
			Set: set, Class: c.String(), Measure: measure, Frames: j.frames,
			Boxes: t.all.boxes, Leaked: t.all.leaked, LeakRate: rate(t.all.leaked, t.all.boxes),
			CoreLeakRate: rate(t.core.leaked, t.core.boxes), Tracks: len(t.tracks), LongestRun: t.longest,
			OverHidden: rate(j.hidden, j.rest), BySize: map[string]sizeReport{},
		}
		for _, k := range t.tracks {
			if k.leaked > 0 {
				r.Leaking++
			}
		}
		for i, n := range sizeNames {
			r.BySize[n] = t.bySize[i].report()
		}
		rows = append(rows, r)
	}
	if rows == nil {
		rows = append(rows, pictureReport{Set: set, Class: "none", Measure: measure, Frames: j.frames, OverHidden: rate(j.hidden, j.rest)})
	}
	return rows
}

// pictureTable prints what the pictures show.
func pictureTable(w io.Writer, rows []pictureReport) error {
	if len(rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	put := func(format string, args ...any) {
		_, _ = fmt.Fprintf(t, format, args...) // Flush reports the error
	}
	put("as shown\tmeasure\tboxes\tleaked\tleak\tcore\t<16 px\t16-32\t32-64\t>64\ttracks\tleak\tlongest\tover-hidden\t\n")
	for _, r := range rows {
		put("%s\t%s\t%d\t%d\t%s\t%s\t", r.Class, r.Measure, r.Boxes, r.Leaked, percent(r.LeakRate), percent(r.CoreLeakRate))
		for _, n := range sizeNames {
			put("%d of %d\t", r.BySize[n].Leaked, r.BySize[n].Boxes)
		}
		put("%d\t%d\t%d\t%s\t\n", r.Tracks, r.Leaking, r.LongestRun, percent(r.OverHidden))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// judgeOne judges one redacted recording.
func judgeOne(ctx context.Context, o *options, out io.Writer) error {
	s, err := loadSet(o.sets[0])
	if err != nil {
		return err
	}
	if len(s.recordings) != 1 {
		return fmt.Errorf("%s has %d recordings: -redacted is for a set of one", s.name, len(s.recordings))
	}
	r := (&plan{classes: o.classSet}).only(s.recordings[0])
	fixed := !s.facts.moving
	if o.moving != "auto" {
		fixed = o.moving == "no"
	}
	j, err := judgeFile(ctx, filepath.Join(s.dir, r.file), o.redacted, r, fixed)
	if err != nil {
		return fmt.Errorf("%s: %w", o.redacted, err)
	}
	rows := j.reports(s.name)
	if err := pictureTable(out, rows); err != nil || o.json == "" {
		return err
	}
	return errors.Join(command.WriteJSON(o.json, &report{Pictures: rows}))
}
