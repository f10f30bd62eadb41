package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// targets are what instructions are counted of: arm64 (Cortex-A72), amd64
// without and with AVX2.
var targets = [...]string{"arm64", "amd64", "amd64_avx2"}

func known(target string) bool { return slices.Contains(targets[:], target) }

// tolerance is the growth of a count, as a share, that still passes.
const tolerance = 0.10

// fewest is the count per frame from which a function gets a row: what is below
// is bookkeeping, whose count may double without a cost.
const fewest = 2000

// module is the path that functions of this module begin with.
const module = "github.com/hedgecam/hedge/"

// kernels are the functions in C.
var kernels = []string{
	"redact_sum_cells", "redact_fill_frost",
	"hedge_box", "hedge_resample", "hedge_fill_bgr",
	"shrink", "diff", "box_mean", "classify", "learn", "gather",
}

// key names a row: a workload and a kernel, or a package for what is in Go.
type key struct {
	Work   string `json:"work"`
	Kernel string `json:"kernel"`
}

// row holds instructions per frame, by target.
type row struct {
	key
	Count map[string]int64 `json:"instructions"`
}

// report is the content of instructions.json.
type report struct {
	// Built names the compilers.
	Built string `json:"built"`
	Rows  []row  `json:"rows"`
}

// kernelOf returns the row's name of a function in a symbol table, "" if it has
// none.
func kernelOf(symbol string) string {
	if rest, ok := strings.CutPrefix(symbol, module); ok {
		// pkg/path.(*Type).Method; a dot in a path does not occur in the module.
		pkg, _, _ := strings.Cut(rest, ".")
		return "Go: " + pkg
	}
	// A static function may have become part of cgo's wrapper.
	if strings.HasPrefix(symbol, "_cgo_") {
		if _, name, ok := strings.Cut(symbol, "_Cfunc_"); ok {
			symbol = name
		}
	}
	// name.avx2.0 and name.constprop.0 are versions of a function.
	name, _, _ := strings.Cut(symbol, ".")
	if slices.Contains(kernels, name) {
		return name
	}
	return ""
}

// readCounts returns instructions per frame by row.
func readCounts(r io.Reader) (map[key]int64, error) {
	type section struct {
		work   string
		frames int64
	}
	works := map[int]section{}
	type sum struct {
		section int
		kernel  string
	}
	sums := map[sum]int64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var s int
		var n int64
		var kind, name string
		// A symbol may hold spaces.
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &kind, &s, &n); err == nil {
			if fields := strings.SplitN(lines.Text(), " ", 4); len(fields) == 4 {
				name = fields[3]
			}
		}
		switch {
		case kind == "work" && n > 0 && name != "":
			works[s] = section{name, n}
		case kind == "insn" && name != "":
			if k := kernelOf(name); k != "" {
				sums[sum{s, k}] += n
			}
		default:
			return nil, fmt.Errorf("line %q is neither a workload nor a count", lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	counts := map[key]int64{}
	for s, n := range sums {
		work, ok := works[s.section]
		if n /= max(work.frames, 1); ok && n >= fewest {
			counts[key{work.work, s.kernel}] = n
		}
	}
	if len(counts) == 0 {
		return nil, errors.New("no kernel was counted: was the program stripped, or the plugin not loaded?")
	}
	return counts, nil
}

// add enters the counts of a target.
func (r *report) add(target string, counts map[key]int64) {
	for k, n := range counts {
		i := slices.IndexFunc(r.Rows, func(o row) bool { return o.key == k })
		if i < 0 {
			i = len(r.Rows)
			r.Rows = append(r.Rows, row{k, map[string]int64{}})
		}
		r.Rows[i].Count[target] = n
	}
	slices.SortFunc(r.Rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Work, b.Work), cmp.Compare(a.Kernel, b.Kernel))
	})
}

func (r *report) count(k key, target string) (int64, bool) {
	for i := range r.Rows {
		if r.Rows[i].key == k {
			n, ok := r.Rows[i].Count[target]
			return n, ok
		}
	}
	return 0, false
}

// table prints thousands of instructions per frame and, in brackets, the change
// since then.
func (r *report) table(w io.Writer, then report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "| work on a 1080p frame | kernel | %s |\n| --- | --- |%s\n",
		strings.Join(targets[:], " | "), strings.Repeat(" ---: |", len(targets)))
	for _, row := range r.Rows {
		fmt.Fprintf(b, "| %s | %s |", row.Work, row.Kernel)
		for _, t := range targets {
			n, ok := row.Count[t]
			if !ok {
				fmt.Fprint(b, " |")
				continue
			}
			fmt.Fprintf(b, " %.1f", float64(n)/1000)
			if was, ok := then.count(row.key, t); ok && was != n {
				fmt.Fprintf(b, " (%+.1f %%)", 100*(float64(n)/float64(was)-1))
			}
			fmt.Fprint(b, " |")
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b, "\nThousands of instructions per frame; in brackets the change against what is published.")
	return b.Flush()
}

// compare returns an error that names every row that has become dearer, and
// every one that is not the published table's.
func (r *report) compare(then report) error {
	var errs []error
	for _, t := range targets {
		for _, row := range then.Rows {
			was, published := row.Count[t]
			n, counted := r.count(row.key, t)
			switch {
			case !published:
			case !counted:
				errs = append(errs, fmt.Errorf("%s, %s: %s has no count, %d is published", row.Work, row.Kernel, t, was))
			case float64(n) > float64(was)*(1+tolerance):
				errs = append(errs, fmt.Errorf("%s, %s: %s takes %d instructions a frame, %+.1f %% of the published %d",
					row.Work, row.Kernel, t, n, 100*(float64(n)/float64(was)-1), was))
			}
		}
		for _, row := range r.Rows {
			if _, published := then.count(row.key, t); row.Count[t] > 0 && !published {
				errs = append(errs, fmt.Errorf("%s, %s: %s takes %d instructions a frame, none are published",
					row.Work, row.Kernel, t, row.Count[t]))
			}
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("where this is meant, publish with `scripts/arm64.sh publish` and say why in the commit"))
	}
	return errors.Join(errs...)
}
