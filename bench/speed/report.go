package main

import (
	"fmt"
	"strings"
	"time"

	"gocv.io/x/gocv"

	"github.com/hedgecam/hedge/bench/internal/machine"
	"github.com/hedgecam/hedge/bench/internal/reach"
)

// report is the result of a run.
type report struct {
	Machine machine.Facts `json:"machine"`
	Date    string        `json:"date"`
	Seconds int           `json:"live_seconds"`
	Rows    []reach.Row   `json:"rows"`
	Tables  []reach.Table `json:"tables"`
	Notes   []string      `json:"notes,omitempty"`

	growth reach.Table
}

func newReport(seconds int) report {
	r := report{Machine: machine.This(), Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Seconds: seconds, Rows: reach.Rows(reaches[:])}
	r.Machine.OpenCV = gocv.OpenCVVersion()
	r.growth = reach.Table{
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
	r.Machine.End()
	if len(r.growth.Lines) > 0 {
		r.Tables = append([]reach.Table{r.growth}, r.Tables...)
	}
}

// grows notes how a cost grows: as the power k of its input.
func (r *report) grows(cost, input string, x, y []float64) {
	if len(x) < 2 {
		return
	}
	r.growth.Line(cost, input, fmt.Sprintf("%s to %s", reach.Number(x[0]), reach.Number(x[len(x)-1])),
		fmt.Sprintf("%s to %s", reach.Number(y[0]), reach.Number(y[len(y)-1])), growth(x, y))
}

func (r *report) markdown() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "# bench/speed\n\n%s. %s.\n\n", r.Date, m.Text())
	fmt.Fprintf(&b, "Core times unless said otherwise, medians; ratios are medians of ratios taken in turn. "+
		"On %d cores, %s; the live run took %d s.\n\n",
		m.Cores, m.Busy.Text(), r.Seconds)
	t := reach.TableOf("Reach", r.Rows, "yes", "no")
	t.Markdown(&b)
	for i := range r.Tables {
		r.Tables[i].Markdown(&b)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	return b.String()
}
