// Package report is the form in which the programs of bench write what they
// measured: values beside targets, tables, and notes; as JSON, Markdown and text.
package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/machine"
)

// Target is what a value is meant to reach.
type Target struct {
	Name, Unit string
	Least      bool // Bound is the least value, not the most
	Bound      float64
	Note       string
}

// Met reports whether a value reaches the target. NaN does not.
func (t *Target) Met(v float64) bool {
	if t.Least {
		return v >= t.Bound
	}
	return v <= t.Bound
}

// Text says what is to be reached.
func (t *Target) Text() string {
	word := "at most"
	if t.Least {
		word = "at least"
	}
	return fmt.Sprintf("%s %s %s", word, strconv.FormatFloat(t.Bound, 'g', -1, 64), t.Unit)
}

// missing says by how much a value misses the target.
func (t *Target) missing(v float64) string {
	if t.Bound == 0 {
		return fmt.Sprintf("misses by %s %s", Number(v), t.Unit)
	}
	return fmt.Sprintf("misses by %.0f %%", 100*math.Abs(v-t.Bound)/t.Bound)
}

// Row is one value beside its target. Value and Met are nil for what was not
// measured; Note says why then.
type Row struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"`
	Unit   string   `json:"unit"`
	Target string   `json:"reach"`
	Met    *bool    `json:"met"`
	Note   string   `json:"note,omitempty"`
}

// Result is a whole run of a program.
type Result struct {
	Machine     machine.Facts `json:"machine"`
	Date        string        `json:"date"`
	LiveSeconds int           `json:"live_seconds,omitempty"` // of the live run of bench/speed
	Seconds     int           `json:"seconds,omitempty"`      // of the run of bench/doorbell
	Rows        []Row         `json:"rows"`
	Tables      []Table       `json:"tables"`
	Notes       []string      `json:"notes,omitempty"`

	targets []Target
}

// New returns the result of a run that begins now, with a row for each target.
func New(targets []Target) *Result {
	r := &Result{Machine: machine.This(), Date: Now(), targets: targets}
	for i := range targets {
		t := &targets[i]
		r.Rows = append(r.Rows, Row{Name: t.Name, Unit: t.Unit, Target: t.Text(), Note: "not measured"})
	}
	return r
}

// Now returns the time as results have it.
func Now() string { return time.Now().UTC().Format("2006-01-02 15:04 UTC") }

// Measured enters the value of target i. The note, if any, says how it was measured. NaN
// stands for not measured.
func (r *Result) Measured(i int, v float64, note string, args ...any) {
	w, t := &r.Rows[i], &r.targets[i]
	if math.IsNaN(v) || math.IsInf(v, 0) {
		w.Note = "not measured: too few runs"
		return
	}
	met := t.Met(v)
	w.Value, w.Met, w.Note = &v, &met, Join(t.Note, fmt.Sprintf(note, args...))
	if !met {
		w.Note = Join(t.missing(v), w.Note)
	}
}

// Skip says why targets were not measured. Rows that have a value stay as they are.
func (r *Result) Skip(why string, targets ...int) {
	for _, i := range targets {
		if r.Rows[i].Value == nil {
			r.Rows[i].Note = "not measured: " + why
		}
	}
}

// Note adds a note.
func (r *Result) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Fits returns an error if the rows of a published result are not those of the
// targets: then the program has to be run and published again.
func (r *Result) Fits(targets []Target) error {
	if len(r.Rows) != len(targets) {
		return fmt.Errorf("%d rows, want %d: publish again", len(r.Rows), len(targets))
	}
	for i, w := range r.Rows {
		t := &targets[i]
		if w.Name != t.Name || w.Target != t.Text() {
			return fmt.Errorf("row %d is %q, %q; the program says %q, %q: publish again", i, w.Name, w.Target, t.Name, t.Text())
		}
		if w.Value != nil && (w.Met == nil || t.Met(*w.Value) != *w.Met) {
			return fmt.Errorf("%s: whether %v reaches the target is said wrongly", w.Name, *w.Value)
		}
	}
	return nil
}

// Markdown returns the result as a page.
func (r *Result) Markdown(title, about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s. %s.\n\n%s On %d cores, %s.\n\n", title, r.Date, r.Machine.Text(), about, r.Machine.Cores, r.Machine.Load())
	t := Table{Title: "Targets", Columns: []string{"what", "value", "target", "met", "note"}}
	for _, w := range r.Rows {
		value, met := "-", "-"
		if w.Value != nil {
			value = Number(*w.Value) + " " + w.Unit
		}
		if w.Met != nil {
			met = Yes(*w.Met)
		}
		t.Line(w.Name, value, w.Target, met, w.Note)
	}
	for _, t := range append([]Table{t}, r.Tables...) {
		b.WriteString(t.Markdown())
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}

// Yes returns yes, or no in bold type.
func Yes(v bool) string {
	if v {
		return "yes"
	}
	return "**no**"
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
