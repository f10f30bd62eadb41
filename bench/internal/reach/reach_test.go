package reach

import (
	"math"
	"strings"
	"testing"
)

func TestMet(t *testing.T) {
	most, least := Reach{Unit: "ms", Bound: 2}, Reach{Unit: "x", Bound: 15, Least: true}
	for _, c := range []struct {
		r    Reach
		v    float64
		want bool
	}{
		{most, 2, true}, {most, 2.01, false}, {most, 0, true}, {most, math.NaN(), false},
		{least, 15, true}, {least, 14.9, false}, {least, 100, true}, {least, math.NaN(), false},
	} {
		if got := c.r.Met(c.v); got != c.want {
			t.Errorf("%v against %q: met = %v", c.v, c.r.Text(), got)
		}
	}
	if got := most.Missing(3); got != "misses by 50 %" {
		t.Error(got)
	}
	if got := (Reach{Unit: "frames"}).Missing(3); got != "misses by 3.00 frames" {
		t.Error(got)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 123.4: "123", 12.34: "12.3", 1.234: "1.23", 0.01234: "0.012", 0.00001234: "0.000012", -2: "-2.00"} {
		if got := Number(v); got != want {
			t.Errorf("Number(%v) = %q, want %q", v, got, want)
		}
	}
	if Number(math.Inf(1)) != "-" {
		t.Error("an infinite number is written")
	}
}

func TestTable(t *testing.T) {
	goals := []Reach{{Name: "rate", Unit: "frames/s", Least: true, Bound: 30}, {Name: "drops", Unit: "frames"}, {Name: "wait", Unit: "s", Bound: 2}}
	rows := Rows(goals)
	rows[0].Measured(goals[0], 30, "well")
	rows[1].Measured(goals[1], 4, "")
	rows[2].Skip("no browser")
	rows[0].Skip("it was")
	table := TableOf("Reach", rows, "yes", "**missed**")
	var b strings.Builder
	table.Markdown(&b)
	for _, want := range []string{"## Reach\n", "| rate | 30.0 frames/s | at least 30 frames/s | yes | well |",
		"| drops | 4.00 frames | at most 0 frames | **missed** | misses by 4.00 frames |", "| wait | - | at most 2 s | - | not measured: no browser |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
