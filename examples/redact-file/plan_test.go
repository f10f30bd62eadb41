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
			files, left, err := plan(options{in: in, out: tt.out, recursive: tt.recursive, sheet: "x"}, &folders{})
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
	files, _, err := plan(o, &folders{})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.guard(files); err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), "a.mp4") {
		t.Errorf("got %v", err)
	}
}

// TestRefusedFolder: a run over a folder that writes nothing leaves no output folder, and
// one that was there stays.
func TestRefusedFolder(t *testing.T) {
	needFFmpeg(t)
	in, dir := t.TempDir(), t.TempDir()
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	there := filepath.Join(dir, "there")
	if err := os.Mkdir(there, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(in, "a.mp4"), "no recording")
	for _, c := range []struct {
		name, second, out, report string
		want                      int
	}{
		{"two of one name", "a.mov", "deep/er", "", exitUsage},
		{"not a recording", "b.mp4", "deep/er", "", exitFailed},
		{"report that cannot be written", "b.mp4", "deep", "nowhere/r.json", exitUsage},
		{"into a folder", "b.mp4", "there", "", exitFailed},
	} {
		path := write(t, filepath.Join(in, c.second), "no recording")
		args := []string{"-in", in, "-out", filepath.Join(dir, c.out), "-policy", p, "-networks", "none"}
		if c.report != "" {
			args = append(args, "-report", filepath.Join(dir, c.report))
		}
		if code, said := runProgram(t, args...); code != c.want {
			t.Errorf("%s: exit code %d, want %d: %s", c.name, code, c.want, said)
		}
		if got := remains(t, dir); len(got) != 2 {
			t.Errorf("%s: the policy and the folder that was there, and %v", c.name, got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
