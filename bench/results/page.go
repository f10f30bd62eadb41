package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/machine"
)

// text is a page of Markdown in the making.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

func (t *text) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.ReplaceAll(c, "|", "/"), "\n", " ")
	}
	t.line("| %s |", strings.Join(cells, " | "))
}

// head begins a table.
func (t *text) head(cells ...string) {
	t.row(cells...)
	t.line("|%s", strings.Repeat(" --- |", len(cells)))
}

// page returns the page.
func page(in *results, plots []picture) string {
	t := &text{}
	t.line("# Results\n\nMade by `make results` (`go run ./bench/results`) from the JSON files that the programs in bench wrote. Every section names them.\n")
	t.source(in)
	shows := func(file string) {
		for _, p := range plots {
			if p.file == file {
				t.line("![%s](plots/%s)\n\n%s\n", p.text, p.file, p.text)
			}
		}
	}
	t.line("## Leak\n")
	t.leak(in)
	shows("leak.png")
	t.line("## Ablation\n")
	t.ablation(in)
	t.line("## Attack\n")
	t.attack(in)
	shows("attack.png")
	t.line("## Beside other tools\n")
	t.peers(in)
	t.line("## Speed\n")
	t.speed(in)
	shows("speed.png")
	t.line("## Doorbell\n")
	t.doorbell(in)
	t.line("## What is still missed\n")
	t.missed(in)
	return strings.TrimRight(t.String(), "\n") + "\n"
}

// source says on what, when and with what everything was measured.
func (t *text) source(in *results) {
	t.line("## Machine, date, versions\n")
	t.head("part", "file", "date", "machine and versions")
	for _, n := range in.names {
		var facts string
		switch {
		case n == "attack/last.json":
			facts = join(in.attack.Go, in.attack.Platform)
		case n == "peers/last.json":
			facts = join(where(&in.peers.Machine), strings.Join(in.peers.Versions, ", "))
		case n == "speed/last.json":
			facts = where(&in.speed.Machine)
		case n == "doorbell/last.json":
			facts = where(&in.doorbell.Machine)
		case n == "leak/ablation.json" && len(in.ablation.Variants) > 0:
			facts = in.ablation.Variants[0].Config.facts()
		default:
			for _, l := range in.leaks {
				if n == "leak/"+l.Name+".json" {
					facts = l.Config.facts()
				}
			}
		}
		t.row(strings.SplitN(n, "/", 2)[0], "`bench/"+n+"`", in.made[n], facts)
	}
	t.line("")
	for _, m := range in.missing {
		t.line("`bench/%s` is not there yet: its part is left out.\n", m)
	}
}

func where(m *machine.Facts) string { return m.Text() + "; " + m.Busy.Text() }

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func (c *leakConfig) facts() string {
	parts := []string{c.Mode, "networks " + c.Networks}
	for _, m := range c.Models {
		parts = append(parts, fmt.Sprintf("%s %.8s", m.Name, m.SHA256))
	}
	ahead := fmt.Sprintf("look-ahead %g ms", c.LookAheadMS)
	if c.LookAhead != 0 {
		ahead = fmt.Sprintf("look-ahead %d", c.LookAhead)
	}
	return join(append(parts, fmt.Sprintf("%g cores", c.Cores), ahead, c.Go, c.Platform, strings.Join(c.Options, " "))...)
}

func (t *text) speed(in *results) {
	if in.speed == nil {
		t.line("Not measured yet.\n")
		return
	}
	t.reached(in.speed)
	t.line("The tables behind these rows, predictions for boards among them: `bench/speed/last.md`.\n")
}

// reached writes what was measured beside what was to be reached.
func (t *text) reached(s *speed) {
	t.head("what", "measured", "reach", "kept", "remarks")
	for _, r := range s.Rows {
		value, kept := "not measured", "-"
		if r.Value != nil {
			value = fmt.Sprintf("%.3g %s", *r.Value, r.Unit)
		}
		if r.Met != nil {
			kept = map[bool]string{true: "yes", false: "**no**"}[*r.Met]
		}
		t.row(r.Name, value, r.Reach, kept, r.Note)
	}
	t.line("")
	for _, n := range s.Notes {
		t.line("%s\n", n)
	}
}

func (t *text) doorbell(in *results) {
	d := in.doorbell
	if d == nil {
		t.line("Not measured yet: `go run ./bench/doorbell -json bench/doorbell/last.json -md bench/doorbell/last.md` makes it.\n")
		return
	}
	t.line("`examples/doorbell` with the page in a browser, a recorder on RTSP and recordings at once, for %d s.\n", d.Seconds)
	t.reached(d)
	for _, x := range d.Tables {
		t.line("%s:\n", x.Title)
		t.head(x.Columns...)
		for _, l := range x.Lines {
			t.row(l...)
		}
		t.line("\n%s\n", x.Note)
	}
}

func (t *text) peers(in *results) {
	if in.peers == nil {
		t.line("Not measured yet.\n")
		return
	}
	t.line("The first %d frames of each recording. How it is measured, and whether the measure is fair: `bench/peers/last.md`.\n", in.peers.Frames)
	t.head("scope", "tool", "flags", "recording", "frames/s", "core ms a frame", "peak MB", "leak", "tracks leaking", "rest hidden", "sound kept", "metadata kept")
	for _, r := range in.peers.Runs {
		if r.Problem != "" {
			t.row(r.Scope, r.Tool, r.Flags, r.Clip, r.Problem, "", "", "", "", "", "", "")
			continue
		}
		leak, tracks := counts(r.Leak)
		t.row(r.Scope, r.Tool, r.Flags, r.Clip, fmt.Sprintf("%.1f", r.FPS), fmt.Sprintf("%.0f", r.CoreMS), fmt.Sprintf("%.0f", r.PeakMB),
			leak, tracks, fmt.Sprintf("%.1f %%", 100*r.RestGone), map[bool]string{true: "yes", false: "no"}[r.Sound], strings.Join(r.Metadata, ", "))
	}
	t.line("\nA damaged file:\n")
	t.head("scope", "tool", "flags", "exit code", "frames in", "frames out", "leak")
	for _, d := range in.peers.Damaged {
		leak := "not measured"
		if len(d.Leak) > 0 {
			leak, _ = counts(d.Leak)
		}
		t.row(d.Scope, d.Tool, d.Flags, fmt.Sprint(d.Exit), fmt.Sprint(d.In), fmt.Sprint(d.Out), leak)
	}
	t.line("")
}

// counts says how much leaked of each class, in the order of their names.
func counts(m map[string]count) (leak, tracks string) {
	var a, b []string
	for _, class := range slices.Sorted(maps.Keys(m)) {
		c := m[class]
		a = append(a, fmt.Sprintf("%s %s (%d of %d)", class, share(c.Leaked, c.Boxes), c.Leaked, c.Boxes))
		b = append(b, fmt.Sprintf("%d of %d", c.TracksLeaking, c.Tracks))
	}
	return strings.Join(a, ", "), strings.Join(b, ", ")
}

func share(a, b int) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(a)/float64(b))
}
