package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is a table with what stands above and below it.
type Table struct {
	Title   string     `json:"title"`
	About   string     `json:"about,omitempty"` // between the title and the table
	Columns []string   `json:"columns"`
	Lines   [][]string `json:"lines"`
	Note    string     `json:"note,omitempty"`
}

// Line adds a line: strings as they are, float64 with three digits.
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

// Markdown returns the table, below its title if it has one.
func (t *Table) Markdown() string {
	var b strings.Builder
	if t.Title != "" {
		fmt.Fprintf(&b, "## %s\n\n", t.Title)
	}
	if t.About != "" {
		fmt.Fprintf(&b, "%s\n\n", t.About)
	}
	if len(t.Columns) > 0 {
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(t.Columns, " | "), strings.Repeat(" --- |", len(t.Columns)))
	}
	tidy := strings.NewReplacer("|", "/", "\n", " ")
	for _, l := range t.Lines {
		cells := make([]string, len(l))
		for i, c := range l {
			cells[i] = tidy.Replace(c)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	if t.Note != "" {
		fmt.Fprintf(&b, "\n%s\n", t.Note)
	}
	b.WriteString("\n")
	return b.String()
}

// Text writes the table in columns, as a terminal shows it.
func (t *Table) Text(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, l := range append([][]string{t.Columns}, t.Lines...) {
		if _, err := fmt.Fprintln(tw, strings.Join(l, "\t")+"\t"); err != nil {
			return err
		}
	}
	return tw.Flush()
}

// Share returns a of b in percent, "-" for nothing of nothing.
func Share(a, b int) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(a)/float64(b))
}

// Percent returns a share in percent, "-" for nil.
func Percent(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100**v)
}

// Decimal returns a number with one digit after the point, "-" for nil.
func Decimal(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v)
}
