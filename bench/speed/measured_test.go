package speed

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gocv.io/x/gocv"
	"gonum.org/v1/gonum/stat"

	"github.com/hedgecam/hedge/bench/internal/report"
)

// measured is what the benchmarks said.
type measured struct {
	lines   []*line
	runtime string // the version of ONNX Runtime
	notes   []string
	skipped map[string]string // why, by the benchmark's first name
}

// line is the result of one benchmark.
type line struct {
	name    string // without Benchmark
	units   []string
	metrics map[string]float64
}

// said is what the benchmarks of this run said.
var said = measured{skipped: map[string]string{}}

// tell reports a metric of a benchmark.
func tell(b *testing.B, v float64, unit string) {
	b.ReportMetric(v, unit)
	said.take(strings.TrimPrefix(b.Name(), "Benchmark"), v, unit)
}

func (m *measured) take(name string, v float64, unit string) {
	i := slices.IndexFunc(m.lines, func(l *line) bool { return l.name == name })
	if i < 0 {
		i, m.lines = len(m.lines), append(m.lines, &line{name: name, metrics: map[string]float64{}})
	}
	l := m.lines[i]
	if _, again := l.metrics[unit]; !again {
		l.units = append(l.units, unit)
		slices.SortFunc(l.units, func(a, b string) int { // memory last
			return cmp.Or(cmp.Compare(strings.Count(a, "/op"), strings.Count(b, "/op")), cmp.Compare(a, b))
		})
	}
	l.metrics[unit] = v
}

// skips ends a benchmark that cannot be run here.
func skips(b *testing.B, why error) {
	b.Helper()
	name, _, _ := strings.Cut(strings.TrimPrefix(b.Name(), "Benchmark"), "/")
	said.skipped[name] = why.Error()
	b.Skip(why)
}

// value returns a metric of a benchmark, NaN if it was not measured.
func (m *measured) value(name, unit string) float64 {
	for _, l := range m.lines {
		if v, ok := l.metrics[unit]; ok && l.name == name {
			return v
		}
	}
	return math.NaN()
}

// fill enters all into the result.
func (m *measured) fill(r *report.Result) {
	r.Machine.OpenCV, r.Machine.Runtime = gocv.OpenCVVersion(), m.runtime
	growth := m.growth()
	if len(growth.Lines) > 0 {
		r.Tables = append(r.Tables, growth)
	}
	for i, t := range targets {
		v := m.value(t.from, t.metric)
		family, _, _ := strings.Cut(t.from, "/")
		var beside []string
		for _, unit := range t.beside {
			beside = append(beside, report.Number(m.value(t.from, unit))+" "+unit)
		}
		switch why, ok := m.skipped[family]; {
		case !math.IsNaN(v):
			r.Measured(i, v, "%s", strings.Join(beside, ", "))
		case ok:
			r.Skip(why, i)
		default:
			r.Skip("no benchmark said it, see the notes", i)
		}
	}
	for _, s := range sections {
		t := report.Table{Title: s.title, Note: s.note}
		for _, l := range m.lines {
			if l.name != s.name && !strings.HasPrefix(l.name, s.name+"/") && !strings.HasPrefix(l.name, s.name+"=") {
				continue
			}
			keys, values := l.path()
			if t.Columns == nil {
				t.Columns = slices.Concat(keys, l.units)
			}
			cells := values
			for _, unit := range t.Columns[len(keys):] {
				v, ok := l.metrics[unit]
				if !ok {
					v = math.NaN()
				}
				cells = append(cells, report.Number(v))
			}
			t.Lines = append(t.Lines, cells)
		}
		if len(t.Lines) > 0 {
			r.Tables = append(r.Tables, t)
		}
	}
	r.Notes = append(r.Notes, m.notes...)
	for name, why := range m.skipped {
		r.Note("%s was not measured: %s", name, why)
	}
	slices.Sort(r.Notes)
}

// path splits the name "Redact/size=1080p/hidden=5%" into keys and values.
func (l *line) path() (keys, values []string) {
	for part := range strings.SplitSeq(l.name, "/") {
		if k, v, ok := strings.Cut(part, "="); ok {
			keys, values = append(keys, k), append(values, strings.ReplaceAll(v, "_", " "))
		}
	}
	return keys, values
}

// growths are costs over the value of a key, the rest of the name being the same.
// fixed is what the name must hold.
var growths = []struct{ name, cost, key, fixed string }{
	{"Memcpy", "memcpy", "size", ""},
	{"Redact", "redaction, the whole picture", "size", "hidden=100%"},
	{"Redact", "redaction, 1080p", "hidden", "size=1080p"},
	{"Prepare", "preparation to 640x384", "size", "input=640x384"},
	{"Track", "tracker", "objects", ""},
	{"Network", "1 thread", "input", ""},
}

// growth returns the table of how each cost grows with its input, and adds the
// exponents to the lines.
func (m *measured) growth() report.Table {
	t := report.Table{
		Title:   "How each cost grows with its input",
		Columns: []string{"cost", "of", "input", "from, to", "ms", "exponent"},
		Note: "The exponent k of the power law input^k that fits the measured points best: 1 is linear. Below 1 a fixed part weighs on " +
			"small inputs; above 1 for what only moves memory, small pictures fit into a cache and large ones do not. Sizes are in pixels, the share hidden in %.",
	}
	for _, g := range growths {
		var order []string
		x, y := map[string][]float64{}, map[string][]float64{}
		for _, l := range m.lines {
			if !strings.HasPrefix(l.name, g.name+"/") || !strings.Contains(l.name, g.fixed) {
				continue
			}
			keys, values := l.path()
			i := slices.Index(keys, g.key)
			if i < 0 || amount(values[i]) == 0 {
				continue
			}
			rest := strings.Join(slices.Delete(slices.Clone(values), i, i+1), ", ")
			if x[rest] == nil {
				order = append(order, rest)
			}
			x[rest], y[rest] = append(x[rest], amount(values[i])), append(y[rest], l.metrics[coreMS])
		}
		for _, rest := range order {
			a, b := x[rest], y[rest]
			k := exponent(a, b)
			if math.IsNaN(k) {
				continue
			}
			t.Line(g.cost, rest, g.key, fmt.Sprintf("%s to %s", report.Number(a[0]), report.Number(a[len(a)-1])),
				fmt.Sprintf("%s to %s", report.Number(b[0]), report.Number(b[len(b)-1])), k)
			m.take("growth: "+g.cost, k, times)
		}
	}
	return t
}

// sizes are the picture sizes of the benchmarks.
var sizes = map[string]image.Point{
	"360p": {X: 640, Y: 360}, "720p": {X: 1280, Y: 720}, "1080p": {X: 1920, Y: 1080}, "1440p": {X: 2560, Y: 1440}, "2160p": {X: 3840, Y: 2160},
}

// amount returns the number in a value: pixels of a size, percent, or a count.
func amount(value string) float64 {
	if s, ok := sizes[value]; ok {
		return float64(s.X * s.Y)
	}
	w, h, _ := strings.Cut(strings.TrimSuffix(value, "%"), "x")
	a, err := strconv.ParseFloat(w, 64)
	if err != nil {
		return 0
	}
	if b, err := strconv.ParseFloat(h, 64); err == nil {
		a *= b
	}
	return a
}

// exponent returns the k of the power law y = c*x^k that fits the points best
// (least squares of the logarithms): 1 is linear, 0 constant. It is NaN for fewer
// than two different x.
func exponent(x, y []float64) float64 {
	if slices.Max(x) == slices.Min(x) {
		return math.NaN()
	}
	var lx, ly []float64
	for i := range x {
		lx, ly = append(lx, math.Log(x[i])), append(ly, math.Log(y[i]))
	}
	_, k := stat.LinearRegression(lx, ly, nil, false)
	return k
}
