package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzFile: no file brings the parsers down, each error says something on one
// line, and what is accepted was on a line of the file.
func FuzzFile(f *testing.F) {
	for _, s := range []string{"keep: 5s\n", "# c\ncount: 1\npolicy: |\n  x\n", "a: {b: [c]}\n", "policy: &a x\nhide: *a\n", "--- \n", "? x\n: y\n", "\t", "{\"count\": 1}", "<<: *a", "!!str x: y", "|\u2029\u2029|(.00", "|\u0085\u2028("} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, asJSON bool) {
		if len(data) > MaxFileBytes {
			return
		}
		entries, line, err := parseFile(data, asJSON)
		lines := 1
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} { // those of YAML 1.1
			lines += strings.Count(string(data), end)
		}
		if err != nil && (err.Error() == "" || len(entries) > 0 || line < 0 || line > lines+1) {
			t.Fatalf("line %d of %d: %v, %d entries", line, lines, err, len(entries))
		}
		for _, e := range entries {
			if e.line < 1 || e.line > lines {
				t.Fatalf("%+v is in line %d of %d", e, e.line, lines)
			}
		}
	})
}

// TestReadFile: of another program's file the settings that are known are taken, the
// rest keep their defaults or are skipped; what is wrong with a known one is told.
func TestReadFile(t *testing.T) {
	type part struct {
		Days int    `name:"days" default:"7" min:"1" max:"30" help:"days"`
		Dir  string `name:"dir" default:"here" help:"a folder"`
	}
	path := filepath.Join(t.TempDir(), "other.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("source: camera:0\ndays: 3\nlist: [1, 2]\n")
	var p part
	if err := ReadFile(path, &p); err != nil || p.Days != 3 || p.Dir != "here" {
		t.Errorf("%+v, %v", p, err)
	}
	write("source: camera:0\ndays: 31\n")
	if err := ReadFile(path, &p); err == nil || !strings.Contains(err.Error(), path+":2: days") {
		t.Errorf("a setting out of range: %v", err)
	}
	for _, slip := range []string{"adys", "day", "dayss", "dats", "xdays"} {
		write("source: camera:0\n" + slip + ": 3\n")
		if err := ReadFile(path, &p); err == nil || !strings.Contains(err.Error(), path+":2: "+slip) || !strings.Contains(err.Error(), "is days meant?") {
			t.Errorf("%s: %v", slip, err)
		}
	}
	write("day-of-rest: 3\nsay: x\nyads: 1\n")
	if err := ReadFile(path, &p); err != nil {
		t.Errorf("other words: %v", err)
	}
	if err := ReadFile(path+".none", &p); err == nil {
		t.Error("no file, no error")
	}
}
