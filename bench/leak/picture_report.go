package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
)

// reports returns a row for each class and measure. j may be nil.
func (j *judges) reports(set string) (rows []leakreport.Picture) {
	if j == nil {
		return nil
	}
	rows = j.plain.reports(set, "plain")
	if j.fixed.frames > 0 {
		rows = append(rows, j.fixed.reports(set, "fixed")...)
	}
	return rows
}

func (j *pictureJudge) reports(set, measure string) (rows []leakreport.Picture) {
	for c := range detect.Class(detect.NumClasses) {
		t := &j.classes[c]
		if t.all.boxes+t.core.boxes == 0 {
			continue
		}
		r := leakreport.Picture{
			Set: set, Class: c.String(), Measure: measure, Frames: j.frames,
			Boxes: t.all.boxes, Leaked: t.all.leaked, LeakRate: rate(t.all.leaked, t.all.boxes),
			CoreLeakRate: rate(t.core.leaked, t.core.boxes), Tracks: len(t.tracks), LongestRun: t.longest,
			OverHidden: rate(j.hidden, j.rest), BySize: t.bySize.report(),
		}
		for _, k := range t.tracks {
			if k.leaked > 0 {
				r.Leaking++
			}
		}
		rows = append(rows, r)
	}
	if rows == nil {
		rows = append(rows, leakreport.Picture{Set: set, Class: "none", Measure: measure, Frames: j.frames, OverHidden: rate(j.hidden, j.rest)})
	}
	return rows
}

// judgeOne judges one redacted recording.
func judgeOne(ctx context.Context, o *options, out io.Writer) error {
	s, err := labels.Load(o.sets[0])
	if err != nil {
		return err
	}
	if len(s.Recordings) != 1 {
		return fmt.Errorf("%s has %d recordings: -redacted is for a set of one", s.Name, len(s.Recordings))
	}
	r := o.only(s.Recordings[0])
	j := &judges{}
	if err := j.file(ctx, filepath.Join(s.Dir, r.File), o.redacted, r, !o.moves(s)); err != nil {
		return fmt.Errorf("%s: %w", o.redacted, err)
	}
	rows := j.reports(s.Name)
	if err := printAll(out, leakreport.PictureTable(rows)); err != nil || o.json == "" {
		return err
	}
	return command.WriteJSON(o.json, &leakreport.Report{Pictures: rows})
}
