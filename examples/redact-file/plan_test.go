package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlan lists a folder with all that is found in folders.
func TestPlan(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	long := strings.Repeat("l", 252) + ".ts" // with .mp4 a byte too long
	for _, name := range []string{"a.mp4", "B.MTS", "c.h264", "d.dv", "e.insv", "f.vob", "g.m2ts", "h.265", "i.JPG", "i.png", "i.mp4", ".x.mp4", "._a.mp4",
		"notes.txt", "none", "deep/a.mp4", "deep/er/b.mkv", "deep/.c.mp4", ".git/d.mp4", "done/o.mp4", long} {
		path := filepath.Join(in, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("nowhere.mp4", filepath.Join(in, "lost.mp4")), os.Symlink("deep", filepath.Join(in, "again")),
		os.Symlink("a.mp4", filepath.Join(in, "link.mp4"))); err != nil {
		t.Fatal(err)
	}
	flat := "B.mp4 a.mp4 c.mp4 d.mp4 e.mp4 f.mp4 g.mp4 h.mp4 i.JPG i.mp4 i.png link.mp4 " + strings.Repeat("l", 251) + ".mp4"
	for _, tt := range []struct {
		name      string
		out       string
		recursive bool
		files     string
		left      string
	}{
		{"flat", out, false, flat, "._a.mp4 .git .x.mp4 again deep done lost.mp4 none notes.txt"},
		{"recursive", out, true, strings.Replace(flat, "e.mp4", "deep/a.mp4 deep/er/b.mp4 done/o.mp4 e.mp4", 1),
			"._a.mp4 .git .x.mp4 again deep/.c.mp4 lost.mp4 none notes.txt"},
		{"into the folder itself", filepath.Join(in, "done"), true, strings.Replace(flat, "e.mp4", "deep/a.mp4 deep/er/b.mp4 e.mp4", 1),
			"._a.mp4 .git .x.mp4 again deep/.c.mp4 done lost.mp4 none notes.txt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, left, err := plan(options{in: in, out: tt.out, recursive: tt.recursive, sheet: "x"})
			if err != nil {
				t.Fatal(err)
			}
			var outs, names []string
			for _, f := range files {
				rel, err := filepath.Rel(tt.out, f.out)
				if err != nil {
					t.Fatal(err)
				}
				outs = append(outs, rel)
				if ext := filepath.Ext(f.out); ext != ".mp4" {
					if f.sheet != "" || ext != filepath.Ext(f.in) {
						t.Errorf("picture %+v", f)
					}
					continue
				}
				if len(filepath.Base(f.sheet)) > maxName || filepath.Dir(f.sheet) != filepath.Dir(f.out) || f.sheet == f.out {
					t.Errorf("sheet %s", f.sheet)
				}
				if _, err := os.Stat(filepath.Dir(f.out)); err != nil {
					t.Error(err)
				}
			}
			for _, l := range left {
				rel, err := filepath.Rel(in, l.path)
				if err != nil || l.why == "" {
					t.Errorf("%+v: %v", l, err)
				}
				names = append(names, rel)
			}
			if got := strings.Join(outs, " "); got != tt.files {
				t.Errorf("outputs\n%s\nwant\n%s", got, tt.files)
			}
			if got := strings.Join(names, " "); got != tt.left {
				t.Errorf("left out\n%s\nwant\n%s", got, tt.left)
			}
		})
	}
	// Two recordings that would become one file are refused before the work.
	if err := os.WriteFile(filepath.Join(in, "a.mov"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := options{in: in, out: out, policy: "none.json"}
	files, _, err := plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.guard(files); err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), "a.mp4") {
		t.Errorf("got %v", err)
	}
}
