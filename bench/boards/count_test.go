package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const counted = `work 1 10 frost
insn 0 99999999 redact_sum_cells
insn 1 30000 redact_sum_cells
insn 1 50000 redact_fill_frost.avx2.0
insn 1 10000 redact_fill_frost.default.1
insn 1 25000 github.com/hedgecam/hedge/redact.(*frost).spread
insn 1 15000 github.com/hedgecam/hedge/redact.nextSpan
insn 1 70000 github.com/hedgecam/hedge/detect/motion.sortBy[go.shape.int, go.shape.int]
insn 1 40000 _cgo_8aebd5ec9b0e_Cfunc_shrink
insn 1 10 diff
insn 1 800000 runtime.memmove
insn 1 800000 main.frost
insn 2 99999999 shrink
`

func TestReadCounts(t *testing.T) {
	counts, err := readCounts(strings.NewReader(counted))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"redact_sum_cells": 3000, "redact_fill_frost": 6000,
		"Go: redact": 4000, "Go: detect/motion": 7000, "shrink": 4000,
	}
	if len(counts) != len(want) {
		t.Errorf("rows %v, want %v", counts, want)
	}
	for k, n := range want {
		if got := counts[key{"frost", k}]; got != n {
			t.Errorf("%s: %d, want %d", k, got, n)
		}
	}
	for _, bad := range []string{"", "work 1 10 frost\n", "insn x 1 shrink\n", "work 1 0 frost\n", "hello\n"} {
		if counts, err := readCounts(strings.NewReader(bad)); err == nil {
			t.Errorf("%q gives %v", bad, counts)
		}
	}
}

func TestCompare(t *testing.T) {
	counts := func(n ...int64) report {
		r := report{Built: "b"}
		for i, v := range n {
			r.add("arm64", map[key]int64{{"frost", kernels[i]}: v})
		}
		return r
	}
	for name, c := range map[string]struct {
		now, then report
		says      string
	}{
		"same":    {counts(10000, 20000), counts(10000, 20000), ""},
		"cheaper": {counts(5000), counts(10000), ""},
		"within":  {counts(10999), counts(10000), ""},
		"dearer":  {counts(10000, 22001), counts(10000, 20000), "redact_fill_frost: arm64 takes 22001 instructions a frame, +10.0 %"},
		"new":     {counts(10000, 20000), counts(10000), "none are published"},
		"gone":    {counts(10000), counts(10000, 20000), "no count"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.now.compare(c.then)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

// What is published is read back as it was, and a dearer kernel fails the run.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	base, dearer := file("base", counted), file("dearer", strings.Replace(counted, "insn 1 30000", "insn 1 33100", 1))
	published := filepath.Join(dir, "instructions.json")
	var out strings.Builder
	for _, c := range []struct {
		publish     bool
		built, file string
		fails       bool
		says        string
	}{
		{true, "gcc 12", base, false, ""},
		{false, "gcc 12", base, false, "| frost | redact_sum_cells | 3.0 |"},
		{false, "gcc 12", dearer, true, "3.3 (+10.3 %)"},
		{false, "gcc 13", dearer, false, "Not compared: published with gcc 12, counted with gcc 13"},
	} {
		out.Reset()
		err := run(&out, published, c.publish, c.built, []string{"arm64=" + c.file})
		if (err != nil) != c.fails {
			t.Errorf("%+v: error %v", c, err)
		}
		if !strings.Contains(out.String(), c.says) {
			t.Errorf("%+v: does not say so:\n%s", c, out.String())
		}
	}
	for _, args := range [][]string{nil, {"arm64"}, {"mips=" + base}, {"arm64=" + filepath.Join(dir, "none")}} {
		if err := run(&out, published, true, "", args); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
