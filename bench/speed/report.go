package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// report is the result of a run.
type report struct {
	Machine machine  `json:"machine"`
	Date    string   `json:"date"`
	Seconds int      `json:"live_seconds"`
	Rows    []row    `json:"rows"`
	Tables  []table  `json:"tables"`
	Notes   []string `json:"notes,omitempty"`

	growth table
}

// table holds what was measured beside the goals.
type table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Lines   [][]string `json:"lines"`
	Note    string     `json:"note,omitempty"`
}

func newReport(seconds int) report {
	r := report{Machine: thisMachine(), Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Seconds: seconds, Rows: newRows()}
	r.growth = table{
		Title:   "How each cost grows with its input",
		Columns: []string{"cost", "input", "from, to", "ms", "exponent"},
		Note: "The exponent k of the power law input^k that fits the measured points best: 1 is linear. Below 1 a fixed part weighs on " +
			"small inputs; above 1 for what only moves memory, small pictures fit into a cache and large ones do not.",
	}
	if seconds < 10 {
		r.Notes = append(r.Notes, "A run of less than 10 s only shows that everything works, the live run and the file run at 640x360: its numbers say little.")
	}
	return r
}

// finish notes what is known only at the end.
func (r *report) finish() {
	r.Machine.LoadAfter = load()
	if len(r.growth.Lines) > 0 {
		r.Tables = append([]table{r.growth}, r.Tables...)
	}
}

// line adds a line: strings as they are, numbers to three digits.
func (t *table) line(cells ...any) {
	var l []string
	for _, c := range cells {
		switch c := c.(type) {
		case string:
			l = append(l, c)
		case float64:
			l = append(l, number(c))
		default:
			l = append(l, fmt.Sprint(c))
		}
	}
	t.Lines = append(t.Lines, l)
}

// grows notes how a cost grows: as the power k of its input.
func (r *report) grows(cost, input string, x, y []float64) {
	if len(x) < 2 {
		return
	}
	r.growth.line(cost, input, fmt.Sprintf("%s to %s", number(x[0]), number(x[len(x)-1])),
		fmt.Sprintf("%s to %s", number(y[0]), number(y[len(y)-1])), growth(x, y))
}

// number writes v with three significant digits, without an exponent.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "-"
	case a == 0 || a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a >= 0.001:
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 6, 64)
}

func (r *report) writeJSON(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

func (r *report) markdown() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "# bench/speed\n\n%s. %s.\n\n", r.Date, m.text())
	fmt.Fprintf(&b, "Core times unless said otherwise, medians; ratios are medians of ratios taken in turn. "+
		"Load (1 minute) %s at the beginning, %s at the end, on %d cores; the live run took %d s.\n\n",
		number(m.LoadBefore), number(m.LoadAfter), m.Cores, r.Seconds)
	t := table{Title: "Reach", Columns: []string{"what", "value", "reach", "met", "note"}}
	for _, w := range r.Rows {
		value, met := "-", "-"
		if w.Value != nil {
			value, met = number(*w.Value)+" "+w.Unit, "no"
			if *w.Met {
				met = "yes"
			}
		}
		t.line(w.Name, value, w.Reach, met, w.Note)
	}
	t.markdown(&b)
	for i := range r.Tables {
		r.Tables[i].markdown(&b)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

func (t *table) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## %s\n\n", t.Title)
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(t.Columns, " | "), strings.Repeat(" --- |", len(t.Columns)))
	for _, l := range t.Lines {
		fmt.Fprintf(b, "| %s |\n", strings.ReplaceAll(strings.Join(l, " | "), "\n", " "))
	}
	if t.Note != "" {
		fmt.Fprintf(b, "\n%s\n", t.Note)
	}
	b.WriteString("\n")
}
