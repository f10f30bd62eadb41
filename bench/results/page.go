package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/bench/internal/report"
)

// page returns the page.
func (r *results) page(dir string) (string, error) {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	put("# Results\n\nMade by `make results` (`go run ./bench/results`) from what the programs in bench wrote. Every section names its files.\n\n")
	t := report.Table{Title: "Machine, date, versions", Columns: []string{"part", "file", "date", "machine and versions"}}
	for _, f := range r.files {
		part, _, _ := strings.Cut(f.name, "/")
		t.Line(part, "`bench/"+f.name+"`", f.date, f.facts)
	}
	put("%s", t.Markdown())
	for _, m := range r.missing {
		put("`bench/%s` is not there yet: its part is left out.\n\n", m)
	}
	put("## Leak\n\n%s", r.leak())
	if len(r.ablation.Variants) > 0 {
		t := r.ablation.Table(len(r.leaks) + 1)
		t.Title, t.About = "Ablation", "The pipeline with one part taken away or set otherwise, people and whatever else the sets label: `bench/leak/ablation.json`."
		put("%s", t.Markdown())
	}
	for _, p := range []struct{ name, heading string }{
		{"attack/last", "Attack"}, {"peers/last", "Beside other tools"}, {"speed/last", "Speed"}, {"doorbell/last", "Doorbell"},
		{"doorbell/busy", "Doorbell on busy cores"}, {"soak/last", "Hours of faults"}, {"archive/last", "Archive"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p.name)+".md"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		// The page of the program is a section of this one.
		_, rest, ok := strings.Cut(string(text), "\n")
		if !ok {
			rest = "\nNot measured yet.\n"
		}
		put("## %s\n\n`bench/%s.md`, of the same run as `%s.json`.\n%s\n", p.heading, p.name, path.Base(p.name), strings.TrimRight(strings.ReplaceAll(rest, "\n## ", "\n### "), "\n")+"\n")
	}
	missed := r.missed()
	if len(missed) == 0 {
		missed = []string{"Nothing that was measured misses its target."}
	}
	put("## What is still missed\n\n- %s\n", strings.Join(missed, "\n- "))
	return b.String(), nil
}

func (r *results) leak() string {
	var b strings.Builder
	b.WriteString("A box leaks when less than 80 % of its pixels are hidden; a face's or a plate's when less than 90 % are. " +
		"Over-hidden is the share of pixels hidden that no label asked for, where labels are complete. " +
		"As shown is what the redacted pictures themselves show, whatever masks say. " +
		"A false track is hidden all the way and lies in no label or, in clips without labels, in nothing that three other networks find.\n\n")
	for i := range r.leaks {
		l := &r.leaks[i]
		fmt.Fprintf(&b, "%d: `bench/leak/%s`\n\n", i+1, r.names[i])
		if len(l.Sets) > 0 {
			t := leakreport.SetTable(l.Sets)
			b.WriteString(t.Markdown())
		}
		if t := leakreport.FalseTable(l.Runs); len(t.Lines) > 0 {
			b.WriteString(t.Markdown())
		}
		if len(l.Pictures) > 0 {
			t := leakreport.PictureTable(l.Pictures)
			b.WriteString(t.Markdown())
		}
		for _, x := range l.Runs {
			if x.FailedClosedShare > 0 || x.Dropped > 0 {
				fmt.Fprintf(&b, "%s, %s: %d frames out, %d dropped, %.1f %% hidden further than the policy asks; detectors %.1f ms a frame.\n\n",
					x.Set, x.Mode, x.Out, x.Dropped, 100*x.FailedClosedShare, x.DetectorMS)
			}
		}
	}
	return b.String()
}
