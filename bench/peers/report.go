package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/machine"
)

// report is what -json writes.
type report struct {
	Frames   int           `json:"frames"`
	Machine  machine.Facts `json:"machine"`
	Versions []string      `json:"versions"`
	Controls []controlled  `json:"controls"`
	Rows     []result      `json:"runs"`
	Damaged  []damaged     `json:"damaged"`
	Notes    []string      `json:"notes"`
}

// markdown returns the tables.
func (r *report) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Beside other tools\n\n%s; %s. The first %d frames of each recording. %s\n",
		r.Machine.Text(), r.Machine.Load(), r.Frames, strings.Join(r.Versions, "; "))
	line("Core time is user and system time of all processes. Frames a second are end to end, start included, and suffer from whatever else runs; core time does so less. " +
		"A box leaks when less than 80 %% (faces, plates 90 %%) of its 8x8 cells with detail lost it. " +
		"Rest hidden is the share of the cells with detail outside of all labels that lost it, people around a labelled face among them. " +
		"Sound and metadata: every input has a tone, a title, a place and a date. Hedge lets its networks look at as many frames as fit (its default); the others look at every frame.\n")
	line("| scope | tool | flags | recording | frames/s | core ms a frame | peak MB | leak | tracks leaking | longest run | rest hidden | sound kept | metadata kept | remarks |")
	line("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, scope := range []string{"faces", "all"} {
		for _, x := range r.Rows {
			if x.Scope != scope {
				continue
			}
			var leak, tracks, run []string
			for _, name := range classes(x.Leak) {
				c := x.Leak[name]
				leak = append(leak, fmt.Sprintf("%s %.1f %% (%d of %d)", name, 100*c.Rate, c.Leaked, c.Boxes))
				tracks = append(tracks, fmt.Sprintf("%d of %d", c.TracksLeaking, c.Tracks))
				run = append(run, strconv.Itoa(c.LongestRun))
			}
			remarks := x.Problem
			if scope == "faces" && remarks == "" && x.Leak["person"] != nil {
				remarks = "people were not asked for"
			}
			line("| %s | %s | %s | %s | %.1f | %.0f | %.0f | %s | %s | %s | %.1f %% | %s | %s | %s |", scope, x.Tool, x.Flags, x.Clip, x.FPS, x.CoreMS, x.PeakMB,
				strings.Join(leak, ", "), strings.Join(tracks, ", "), strings.Join(run, ", "), 100*x.RestGone, yes(x.Sound), strings.Join(x.Metadata, ", "), remarks)
		}
	}
	line("\n## A damaged file\n\n3000 bytes in the middle of the first recording are overwritten.\n")
	line("| scope | tool | flags | exit code | frames in | frames out | leak | last words |\n|---|---|---|---|---|---|---|---|")
	for _, d := range r.Damaged {
		out := strconv.Itoa(d.FramesOut)
		if d.FramesOut < 0 {
			out = "no file"
		}
		leak := "not measured"
		if c := d.Leak["person"]; c != nil {
			leak = fmt.Sprintf("person %d of %d", c.Leaked, c.Boxes)
		}
		line("| %s | %s | %s | %d | %d | %s | %s | %s |", d.Scope, d.Tool, d.Flags, d.Exit, d.FramesIn, out, leak, strings.ReplaceAll(d.Said, "|", "/"))
	}
	line("\n## Is the measure fair?\n\nA copy that is only encoded again must leak everywhere; grey boxes over the labels nowhere.\n")
	line("| recording | class | leak of the copy | leak of grey boxes | without detail | rest without detail after encoding |\n|---|---|---|---|---|---|")
	for _, c := range r.Controls {
		for _, name := range classes(c.Encoded) {
			e, g := c.Encoded[name], c.Boxes[name]
			line("| %s | %s | %d of %d | %d of %d | %d | %.1f %% |", c.Clip, name, e.Leaked, e.Boxes, g.Leaked, g.Boxes, e.Unjudged, 100*c.Rest)
		}
	}
	line("")
	for _, n := range r.Notes {
		line("%s\n", n)
	}
	return b.String()
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}
