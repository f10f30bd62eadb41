package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/bench/internal/report"
)

// target is what the redacted pictures of some sets are to show at most, as shares. 1 is
// no target.
type target struct {
	mode, sets   string  // sets: with what their names begin
	leak         float64 // of the boxes
	over, hidden float64 // of the rest, and of all of the picture
	anything     float64 // of the pictures: those in which anything is hidden; 0: no target
}

var targets = []target{
	{"recording", "mot15_PETS09-S2L1", 0.0005, 0.015, 1, 0},
	{"live", "mot15_PETS09-S2L1", 0.001, 0.02, 1, 0},
	{"recording", "mot15_TUD-Campus", 0, 0.02, 1, 0},
	{"live", "mot15_TUD-Campus", 0, 0.02, 1, 0},
	{"recording", "window", 0.003, 0.06, 1, 0},
	{"recording", "face_video_portrait", 1, 0.05, 1, 0},
	{"recording", "tokyo_street", 1, 1, 0.33, 0},
	{"recording", "paris_street", 1, 1, 0.35, 0},
	{"recording", "indoor", 1, 1, 0.21, 0},
	{"recording", "ego_parking", 1, 1, 0.05, 0},
	{"recording", "negatives", 1, 1, 1, 0.05},
}

// falseTracks is how many false tracks a recording may have each minute.
const falseTracks = 1

func targetOf(mode, set string) target {
	for _, t := range targets {
		if t.mode == mode && strings.HasPrefix(set, t.sets) {
			return t
		}
	}
	return target{leak: 1, over: 1, hidden: 1}
}

// missed lists, from the same numbers, which targets are not reached.
func (r *results) missed() (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for i := range r.leaks {
		name := strings.TrimSuffix(r.names[i], ".json")
		missedByMasks(&r.leaks[i], name, say)
		missedAsShown(&r.leaks[i], name, say)
		missedByTracks(&r.leaks[i], name, say)
	}
	for _, v := range r.attack.Verdicts {
		if !v.Kept {
			say("Attack: not kept: %s; %s.", v.Bar, v.Why)
		}
	}
	for _, x := range r.attack.Recognition {
		if !x.Default && !x.Warning && x.TimesChance > 2 {
			say("Frost gives away who stays unfound: %s, %s: named in %.0f %%, %.1f times chance.", x.What, x.Seen, 100*x.Accuracy, x.TimesChance)
		}
	}
	for _, x := range r.attack.Background {
		if !x.Default && !x.Warning && x.TimesChance > 2 {
			say("The background gives away who enters it: %s, %s, %s: named in %.0f %%, %.1f times chance.",
				x.What, x.Seen, strings.TrimPrefix(x.Fill, "background, "), 100*x.Accuracy, x.TimesChance)
		}
	}
	for _, x := range r.peers.Runs {
		for _, class := range []string{"person", "face", "plate"} {
			if c := x.Leak[class]; x.Tool == "Hedge" && x.Scope == "all" && c.Leaked > 0 {
				say("Beside other tools, %s: Hedge shows %d of %d %s boxes.", x.Clip, c.Leaked, c.Boxes, class)
			}
		}
	}
	missedRows(slices.Concat(r.speed.Rows, r.doorbell.Rows), "", say)
	missedRows(r.busy.Rows, " on busy cores", say)
	missedRows(slices.Concat(r.soak.Rows, r.archive.Rows), "", say)
	for _, m := range r.missing {
		say("`bench/%s` is not there: nothing is known of it here.", m)
	}
	return list
}

// missedRows says which rows are missed, and when.
func missedRows(rows []report.Row, when string, say func(string, ...any)) {
	for _, w := range rows {
		switch {
		case w.Value == nil:
			say("%s is not measured%s.", w.Name, when)
		case w.Met != nil && !*w.Met:
			say("%s is %.3g %s%s, the target is %s.", w.Name, *w.Value, w.Unit, when, w.Target)
		}
	}
}

// missedByMasks says what is missed by what the masks hide.
func missedByMasks(l *leakreport.Report, name string, say func(string, ...any)) {
	for i := range l.Sets {
		s := &l.Sets[i]
		if s.Leaked > 0 {
			say("Leak, %s, %s: %d of %d %s boxes are shown (%s), in %d of %d tracks, at most %d frames in a row.",
				name, s.Set, s.Leaked, s.Boxes, s.Class, report.Share(s.Leaked, s.Boxes), s.TracksLeaking, s.Tracks, s.LongestRun)
		}
		if s.OverHidden != nil && *s.OverHidden > 0.08 {
			say("Over-hiding, %s, %s: masks hide %s of what nobody asked to hide; the target is 8 %%.", name, s.Set, report.Percent(s.OverHidden))
		}
	}
}

// missedAsShown says what is missed by what the pictures show. Where the empty scene is
// known, only what is not of it counts as shown.
func missedAsShown(l *leakreport.Report, name string, say func(string, ...any)) {
	for i := range l.Pictures {
		p := &l.Pictures[i]
		fixed := func(o leakreport.Picture) bool { return o.Measure == "fixed" && o.Set == p.Set && o.Class == p.Class }
		if !fixed(*p) && slices.ContainsFunc(l.Pictures, fixed) {
			continue
		}
		t := targetOf(l.Config.Mode, p.Set)
		if p.LeakRate != nil && *p.LeakRate > t.leak {
			say("Leak as shown, %s, %s: %d of %d %s boxes are shown (%s); the target is %.3g %%.",
				name, p.Set, p.Leaked, p.Boxes, p.Class, report.Percent(p.LeakRate), 100*t.leak)
		}
		if p.OverHidden != nil && *p.OverHidden > t.over {
			say("Over-hiding as shown, %s, %s: %s of what nobody asked to hide is gone; the target is %.3g %%.",
				name, p.Set, report.Percent(p.OverHidden), 100*t.over)
		}
	}
}

// missedByTracks says of which recordings too much is hidden, and where nobody is.
func missedByTracks(l *leakreport.Report, name string, say func(string, ...any)) {
	for i := range l.Runs {
		x := &l.Runs[i]
		t := targetOf(l.Config.Mode, x.Set)
		if share := float64(x.Hiding) / float64(max(x.Out, 1)); t.anything > 0 && share > t.anything {
			say("Negatives, %s, %s: something is hidden in %.1f %% of the pictures; the target is %.3g %%.", name, x.Set, 100*share, 100*t.anything)
		}
		if x.HiddenShare > t.hidden {
			say("Hidden, %s, %s: %.1f %% of the picture; the target is %.3g %%.", name, x.Set, 100*x.HiddenShare, 100*t.hidden)
		}
		if x.Minutes > 0 && float64(x.False) > falseTracks*x.Minutes {
			say("False tracks, %s, %s: %.1f a minute (%d of %d tracks); the target is %d a minute.",
				name, x.Set, float64(x.False)/x.Minutes, x.False, x.Judged, falseTracks)
		}
	}
}
