// Package reach holds what was measured against what was to be reached, and
// writes it as Markdown.
package reach

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Reach is a goal in words and its bound.
type Reach struct {
	Name, Unit string
	Least      bool // the bound is the least value, not the most
	Bound      float64
	Note       string
}

// Met reports whether the value reaches the goal. NaN does not.
func (r Reach) Met(v float64) bool {
	if r.Least {
		return v >= r.Bound
	}
	return v <= r.Bound
}

// Text says what is to be reached.
func (r Reach) Text() string {
	word := "at most"
	if r.Least {
		word = "at least"
	}
	return fmt.Sprintf("%s %s %s", word, strconv.FormatFloat(r.Bound, 'g', -1, 64), r.Unit)
}

// Missing says by how much a value falls short, as a share of the bound.
func (r Reach) Missing(v float64) string {
	if r.Bound == 0 {
		return fmt.Sprintf("misses by %s %s", Number(v), r.Unit)
	}
	return fmt.Sprintf("misses by %.0f %%", 100*math.Abs(v-r.Bound)/r.Bound)
}

// Row is one line of a result. Value and Met are nil for what was not measured;
// Note says why then.
type Row struct {
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
	Unit  string   `json:"unit"`
	Reach string   `json:"reach"`
	Met   *bool    `json:"met"`
	Note  string   `json:"note,omitempty"`
}

// Rows returns a row for each goal, none of them measured.
func Rows(goals []Reach) []Row {
	rows := make([]Row, len(goals))
	for i, r := range goals {
		rows[i] = Row{Name: r.Name, Unit: r.Unit, Reach: r.Text(), Note: "not measured"}
	}
	return rows
}

// Measured enters the value of the row's goal; note, if any, says how it came
// about. What is not a number was not measured.
func (w *Row) Measured(r Reach, v float64, note string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		w.Note = "not measured: too few runs"
		return
	}
	met := r.Met(v)
	w.Value, w.Met, w.Note = &v, &met, Join(r.Note, note)
	if !met {
		w.Note = Join(r.Missing(v), w.Note)
	}
}

// Skip says why the row was not measured. If it was it stays as it is.
func (w *Row) Skip(why string) {
	if w.Value == nil {
		w.Note = "not measured: " + why
	}
}

// TableOf returns the rows as a table; met and missed are what its column "met"
// says.
func TableOf(title string, rows []Row, met, missed string) Table {
	t := Table{Title: title, Columns: []string{"what", "value", "reach", "met", "note"}}
	for _, w := range rows {
		value, kept := "-", "-"
		if w.Value != nil {
			value = Number(*w.Value) + " " + w.Unit
		}
		if w.Met != nil {
			kept = missed
			if *w.Met {
				kept = met
			}
		}
		t.Line(w.Name, value, w.Reach, kept, w.Note)
	}
	return t
}

// Table holds what was measured beside the goals.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"`
	Lines   [][]string `json:"lines"`
	Note    string     `json:"note,omitempty"`
}

// Line adds a line: strings as they are, numbers to three digits.
func (t *Table) Line(cells ...any) {
	var l []string
	for _, c := range cells {
		switch c := c.(type) {
		case string:
			l = append(l, c)
		case float64:
			l = append(l, Number(c))
		default:
			l = append(l, fmt.Sprint(c))
		}
	}
	t.Lines = append(t.Lines, l)
}

// Markdown writes the table under its title.
func (t *Table) Markdown(b *strings.Builder) {
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

// Number writes v with three significant digits, without an exponent.
func Number(v float64) string {
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

// Join puts a semicolon between what there is.
func Join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
