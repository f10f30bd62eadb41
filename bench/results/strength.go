package main

import "fmt"

func (t *text) leak(in *results) {
	if len(in.leaks) == 0 {
		t.line("Not measured yet.\n")
		return
	}
	t.line("A box leaks when less than 80 %% of its pixels are hidden; a face's or a plate's when less than 90 %% are. " +
		"Over-hidden is the share of pixels hidden that no label asked for, where labels are complete.\n")
	for i := range in.leaks {
		l := &in.leaks[i]
		t.line("%d: `bench/leak/%s.json`\n", i+1, l.Name)
		t.leakTable(l)
	}
}

func (t *text) leakTable(l *leakFile) {
	t.head("set", "class", "boxes", "leaked", "leak", "16 px and more", "tracks leaking", "over 3 frames", "longest run", "exposed before first cover, ms", "over-hidden", "flicker per 1000")
	for _, s := range l.Sets {
		from16 := "-"
		if b, ok := s.BySize["from_16"]; ok && b.Boxes > 0 {
			from16 = fmt.Sprintf("%s of %d", share(b.Leaked, b.Boxes), b.Boxes)
		}
		t.row(s.Set, s.Class, fmt.Sprint(s.Boxes), fmt.Sprint(s.Leaked), share(s.Leaked, s.Boxes), from16, fmt.Sprintf("%d of %d", s.TracksLeaking, s.Tracks),
			fmt.Sprint(s.TracksOver3), fmt.Sprint(s.LongestRun), number(s.FirstExposure), percent(s.OverHidden), number(s.Flicker))
	}
	t.line("")
	for _, r := range l.Runs {
		if r.FailedClosedShare > 0 || r.Dropped > 0 {
			t.line("%s, %s: %d frames out, %d dropped, %.1f %% hidden further than the policy asks; detectors %.1f ms a frame.\n",
				r.Set, r.Mode, r.Out, r.Dropped, 100*r.FailedClosedShare, r.DetectorMS)
		}
	}
}

func (t *text) ablation(in *results) {
	if in.ablation == nil {
		t.line("Not measured yet: `go run ./bench/leak -ablation -json bench/leak/ablation.json SET...` makes it.\n")
		return
	}
	t.line("The pipeline with one part taken away or set otherwise, people and whatever else the sets label.\n")
	t.head("", "variant", "set", "class", "boxes", "leaked", "leak", "tracks leaking", "over 3 frames", "longest run", "over-hidden")
	for i, v := range in.ablation.Variants {
		for _, s := range v.Sets {
			t.row(fmt.Sprint(len(in.leaks)+i+1), v.Name, s.Set, s.Class, fmt.Sprint(s.Boxes), fmt.Sprint(s.Leaked), share(s.Leaked, s.Boxes),
				fmt.Sprintf("%d of %d", s.TracksLeaking, s.Tracks), fmt.Sprint(s.TracksOver3), fmt.Sprint(s.LongestRun), percent(s.OverHidden))
		}
	}
	t.line("")
}

func (t *text) attack(in *results) {
	a := in.attack
	if a == nil {
		t.line("Not measured yet.\n")
		return
	}
	t.line("Made by `%s`; what each attacker has and does: `bench/attack/last.md`. Bold rows are Hedge's defaults and must stay within twice chance; "+
		"the other rows of frost say what somebody gives away who stands there for long and is found by nobody.\n", a.Command)
	t.head("object", "fill", "seen", "named rightly", "95 % interval", "chance", "times chance")
	for _, x := range a.Recognition {
		t.row(x.What, bold(x.Fill, x.Default), x.Seen, fmt.Sprintf("%.1f %%", 100*x.Accuracy), fmt.Sprintf("%.1f-%.1f %%", 100*x.Low, 100*x.High),
			fmt.Sprintf("%.1f %%", 100*x.Chance), fmt.Sprintf("%.1f", x.OverChance))
	}
	t.line("\nA still picture that moves under the fill, correlation with the truth:\n")
	t.head("picture", "fill", "best frame", "average of all", "back-projection of one frame", "of all")
	for _, m := range a.Motion {
		back := [2]string{"-", "-"}
		if m.Values > 0 {
			back = [2]string{fmt.Sprintf("%.3f", m.BackFrom1), fmt.Sprintf("%.3f", m.Back)}
		}
		t.row(m.What, bold(m.Fill, m.Default), fmt.Sprintf("%.3f", m.Best), fmt.Sprintf("%.3f", m.Average), back[0], back[1])
	}
	t.line("\nWhat the project's own networks report inside of fills:\n")
	t.head("set", "fill", "network input", "objects", "hits", "per 1000 objects")
	for _, d := range a.Detection {
		t.row(d.Set, d.Fill, fmt.Sprint(d.Input), fmt.Sprint(d.Objects), fmt.Sprint(d.Hits), fmt.Sprintf("%.0f", d.PerThousand))
	}
	t.line("")
	for _, n := range a.Notes {
		t.line("%s\n", n)
	}
}

// missed lists, from the same numbers, where the goals are not reached.
func (t *text) missed(in *results) {
	n := 0
	say := func(format string, args ...any) {
		t.line("- "+format, args...)
		n++
	}
	for i := range in.leaks {
		l := &in.leaks[i]
		for _, s := range l.Sets {
			if s.Leaked > 0 {
				say("Leak, %s, %s: %d of %d %s boxes are shown (%s), in %d of %d tracks, at most %d frames in a row.",
					l.Name, s.Set, s.Leaked, s.Boxes, s.Class, share(s.Leaked, s.Boxes), s.TracksLeaking, s.Tracks, s.LongestRun)
			}
			if s.OverHidden != nil && *s.OverHidden > 0.08 {
				say("Over-hiding, %s, %s: %s of what nobody asked to hide is hidden; the goal is 8 %%.", l.Name, s.Set, percent(s.OverHidden))
			}
		}
	}
	if in.attack != nil {
		for _, v := range in.attack.Verdicts {
			if !v.Kept {
				say("Attack: not kept: %s; %s.", v.Bar, v.Why)
			}
		}
		for _, x := range in.attack.Recognition {
			if !x.Default && !x.Warning && x.OverChance > 2 {
				say("Frost gives away who stays unfound: %s, %s: named in %.0f %%, %.1f times chance.", x.What, x.Seen, 100*x.Accuracy, x.OverChance)
			}
		}
	}
	if in.peers != nil {
		for _, r := range in.peers.Runs {
			for _, class := range []string{"person", "face", "plate"} {
				if c := r.Leak[class]; r.Tool == "Hedge" && r.Scope == "all" && c.Leaked > 0 {
					say("Beside other tools, %s: Hedge shows %d of %d %s boxes.", r.Clip, c.Leaked, c.Boxes, class)
				}
			}
		}
	}
	for _, part := range []struct {
		name string
		*speed
	}{{"Speed", in.speed}, {"Doorbell", in.doorbell}} {
		if part.speed == nil {
			continue
		}
		for _, r := range part.Rows {
			switch {
			case r.Met != nil && !*r.Met && r.Value != nil:
				say("%s: %s is %.3g %s, the goal is %s.", part.name, r.Name, *r.Value, r.Unit, r.Reach)
			case r.Value == nil:
				say("%s: %s is not measured.", part.name, r.Name)
			}
		}
	}
	for _, m := range in.missing {
		say("`bench/%s` is not there: nothing is known of it here.", m)
	}
	if n == 0 {
		t.line("Nothing that was measured misses its goal.")
	}
}

func bold(s string, yes bool) string {
	if yes {
		return "**" + s + "**"
	}
	return s
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
