package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsOverwritten: whatever output names a file that must stay, under any
// of its names, nothing is done, and all files are as they were.
func TestNothingIsOverwritten(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	in := clip(t, at("in.mp4"))
	pol := write(t, at("p.json"), closedPolicy)
	old := write(t, at("old.mp4"), "old")
	oldReport := write(t, at("old.json"), "old")
	if err := errors.Join(os.Symlink("in.mp4", at("soft.mp4")), os.Link(in, at("hard.png")), os.Symlink("p.json", at("soft.json")),
		os.Mkdir(at("sub"), 0o755), os.Symlink("new.json", at("dangling.json")), os.Symlink(".", at("self"))); err != nil {
		t.Fatal(err)
	}
	before := contents(t, dir)
	for _, tt := range []struct {
		name string
		args []string
		says string
	}{
		{"report over the recording", []string{"-report", in}, "in.mp4"},
		{"sheet over the recording", []string{"-sheet", in}, "in.mp4"},
		{"sheet over a second name of it", []string{"-sheet", at("hard.png")}, "hard.png"},
		{"report over a link to it", []string{"-report", at("soft.mp4")}, "soft.mp4"},
		{"report over the policy", []string{"-report", pol}, "p.json"},
		{"sheet over a link to the policy", []string{"-sheet", at("soft.json")}, "soft.json"},
		{"output over the policy", []string{"-out", pol}, "p.json"},
		{"report over the output", []string{"-report", at("new.mp4")}, "new.mp4"},
		{"report over the output by another way", []string{"-report", at("self/sub/../new.mp4")}, "new.mp4"},
		{"sheet over the report", []string{"-report", at("new.json"), "-sheet", at("new.json")}, "new.json"},
		{"sheet over the report through a link", []string{"-report", at("new.json"), "-sheet", at("dangling.json")}, "dangling.json"},
		{"report into no folder", []string{"-report", at("none/r.json")}, "make the folder"},
		{"sheet into no folder", []string{"-sheet", at("none/s.png")}, "make the folder"},
		{"report over a folder", []string{"-report", at("sub")}, "sub"},
		{"report over a device", []string{"-report", "/dev/null"}, "/dev/null"},
		{"name of another kind", []string{"-out", at("new.mkv")}, ".mp4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-in", in, "-out", at("new.mp4"), "-policy", pol, "-force"}, tt.args...)
			if code, said := runProgram(t, args...); code != exitUsage || !strings.Contains(said, tt.says) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
	for name, args := range map[string][]string{
		"output": {"-out", old}, "report": {"-report", oldReport}, "sheet": {"-sheet", oldReport},
	} {
		t.Run(name+" that exists", func(t *testing.T) {
			args := append([]string{"-in", in, "-out", at("new.mp4"), "-policy", pol}, args...)
			if code, said := runProgram(t, args...); code != exitUsage || !strings.Contains(said, "-force") {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
	if after := contents(t, dir); after != before {
		t.Errorf("files before:\n%s\nafter:\n%s", before, after)
	}
	// Asked for, and through a link that stays.
	code, said := runProgram(t, "-in", in, "-out", old, "-policy", pol, "-report", oldReport, "-sheet", at("dangling.json"), "-force")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for _, name := range []string{"old.mp4", "old.json", "new.json"} {
		if data, err := os.ReadFile(at(name)); err != nil || string(data) == "old" {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
}

// TestOneName: two recordings of a folder that would become one file are both named.
func TestOneName(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	for _, names := range [][2]string{{"GH010042.LRV", "GH010042.mp4"}, {"sub/a.avi", "sub/a.mkv"}} {
		a, b := filepath.Join(in, names[0]), filepath.Join(in, names[1])
		if err := os.MkdirAll(filepath.Dir(a), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, a, "one")
		write(t, b, "other")
		code, said := runProgram(t, "-in", in, "-out", out, "-recursive", "-policy", write(t, filepath.Join(t.TempDir(), "p.json"), closedPolicy))
		if code != exitUsage || !strings.Contains(said, a+" and "+b+" would both be written to") {
			t.Errorf("exit code %d: %s", code, said)
		}
		if err := errors.Join(os.Remove(a), os.Remove(b)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNetworksAreNamed: the name is checked also where the policy needs no network.
func TestNetworksAreNamed(t *testing.T) {
	code, said := runProgram(t, "-in", "in.mp4", "-out", filepath.Join(t.TempDir(), "out.mp4"), "-policy",
		write(t, filepath.Join(t.TempDir(), "p.json"), closedPolicy), "-networks", "hedge-m")
	if code != exitUsage || !strings.Contains(said, "-networks hedge-m: must be one of hedge-n") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

// contents returns what is in a folder, as one text.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range remains(t, dir) {
		b.WriteString(name + ": ")
		if to, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			b.WriteString("-> " + to)
		} else if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			b.Write(data)
		}
		b.WriteString("\n")
	}
	return b.String()
}
