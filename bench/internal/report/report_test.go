package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestMet(t *testing.T) {
	most, least := Target{Unit: "ms", Bound: 2}, Target{Unit: "x", Bound: 15, Least: true}
	for _, c := range []struct {
		t    Target
		v    float64
		want bool
	}{
		{most, 2, true}, {most, 2.01, false}, {most, 0, true}, {most, math.NaN(), false},
		{least, 15, true}, {least, 14.9, false}, {least, 100, true}, {least, math.NaN(), false},
	} {
		if got := c.t.Met(c.v); got != c.want {
			t.Errorf("%v against %q: met = %v", c.v, c.t.Text(), got)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.01234: "0.012", 0.00001234: "0.000012", -2: "-2.00"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
	if Number(math.Inf(1)) != "-" || Share(1, 0) != "-" || Share(1, 8) != "12.50 %" || Percent(nil) != "-" || Decimal(nil) != "-" {
		t.Error("what is not known has a number")
	}
}

// TestResult: what was measured, missed and left out is in the page, and comes
// back from JSON as it was.
func TestResult(t *testing.T) {
	targets := []Target{{Name: "rate", Unit: "frames/s", Least: true, Bound: 30}, {Name: "drops", Unit: "frames"},
		{Name: "wait", Unit: "s", Bound: 2}, {Name: "heap", Unit: "%", Bound: 1}, {Name: "blur", Unit: "x", Bound: 15, Least: true}}
	r := New(targets)
	r.Measured(0, 30, "%d in all", 900)
	r.Measured(1, 4, "")
	r.Measured(3, math.NaN(), "")
	r.Measured(4, 3, "")
	r.Skip("no browser", 0, 2)
	r.Tables = append(r.Tables, Table{Title: "Stages", About: "Of each frame.", Columns: []string{"stage", "ms"}, Note: "Wall times."})
	r.Tables[0].Line("read|write", 1.5)
	r.Note("A clip of %d s.", 20)
	page := r.Markdown("bench/some", "Some words.")
	for _, want := range []string{"# bench/some\n", "Some words. On ", "| rate | 30.0 frames/s | at least 30 frames/s | yes | 900 in all |",
		"| drops | 4.00 frames | at most 0 frames | **no** | misses by 4.00 frames |", "| wait | - | at most 2 s | - | not measured: no browser |",
		"| heap | - | at most 1 % | - | not measured: too few runs |", "**no** | misses by 80 % |",
		"## Stages\n\nOf each frame.\n\n| stage | ms |\n| --- | --- |\n| read/write | 1.50 |\n\nWall times.\n", "- A clip of 20 s.\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(data, &back); err != nil || back.Markdown("bench/some", "Some words.") != page || back.Fits(targets) != nil {
		t.Errorf("%v, %v", err, back.Fits(targets))
	}
	for _, change := range []func(){func() { targets[0].Name = "speed" }, func() { targets = targets[1:] }, func() { *back.Rows[1].Met = true }} {
		if change(); back.Fits(targets) == nil {
			t.Error("a result of other targets fits")
		}
	}
}

func TestText(t *testing.T) {
	table := Table{Columns: []string{"set", "boxes"}}
	table.Line("street", 12345)
	var b strings.Builder
	if err := table.Text(&b); err != nil || b.String() != "     set  boxes\n  street  12345\n" {
		t.Errorf("%v, %q", err, b.String())
	}
}
