package speed

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/pipeline"
)

// The shares of the table are those that are hidden, and no tile is hidden twice.
func TestShares(t *testing.T) {
	for _, name := range sizeNames {
		pic := noise(sizes[name], 1)
		for _, k := range kinds {
			for _, share := range shares {
				run, hidden := redaction(t, pic, k, share)
				if err := run(); err != nil {
					t.Fatal(err)
				}
				// Blocks are whole: tiles of a small picture differ in size.
				if got := hidden(); math.Abs(got-share) > 0.2*share*(1-share)+0.001 {
					t.Errorf("%s, %s: %.3f hidden, want %.2f", name, k.name, got, share)
				}
			}
		}
	}
}

// Both preparations do the same work: they give the same tensor, within what
// different rounding and interpolation make of a smooth picture.
func TestPreparationsAgree(t *testing.T) {
	pic := image.NewYCbCr(image.Rectangle{Max: fullHD}, image.YCbCrSubsampleRatio420)
	for i := range pic.Y {
		pic.Y[i] = byte(30 + i%fullHD.X/12 + i/fullHD.X/30)
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = byte(90+i%(fullHD.X/2)/16), byte(160-i/(fullHD.X/2)/16)
	}
	c, err := newChain(pic, networkInput)
	if err != nil {
		t.Fatal(err)
	}
	defer closes(t, c.close)
	if err := c.run(); err != nil {
		t.Fatal(err)
	}
	p := newPreparation(fullHD, networkInput)
	if err := p.run(pic); err != nil {
		t.Fatal(err)
	}
	// The bars below the picture are detect/onnx's to fill, once.
	shown := p.small.Rect.Dy() * networkInput.X
	for plane := range 3 {
		at := plane * networkInput.X * networkInput.Y
		for i := range shown {
			if d := math.Abs(float64(c.tensor[at+i] - p.tensor[at+i])); d > 6 {
				t.Fatalf("plane %d, pixel %d,%d: %v with OpenCV, %v with ours", plane, i%networkInput.X, i/networkInput.X,
					c.tensor[at+i], p.tensor[at+i])
			}
		}
	}
}

// What OpenCV's way is measured on is a picture that is really blurred.
func TestBlurHides(t *testing.T) {
	pic := noise(image.Pt(640, 360), 1)
	b, err := newBlur(pic)
	if err != nil {
		t.Fatal(err)
	}
	defer closes(t, b.close)
	if err := b.run(); err != nil {
		t.Fatal(err)
	}
	if b.out.Rows() != 540 || b.out.Cols() != 640 {
		t.Fatalf("%dx%d, want planar 4:2:0 of 640x360", b.out.Cols(), b.out.Rows())
	}
	data, err := b.out.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	low, high := byte(255), byte(0)
	for _, v := range data[:640*360] {
		low, high = min(low, v), max(high, v)
	}
	if high-low > 60 {
		t.Errorf("luma from %d to %d after the blur: not blurred", low, high)
	}
}

type stills struct{ n int }

func (s *stills) Read(_ context.Context, b *pipeline.Buffer) error {
	b.Resize(32, 16)
	b.Time = time.Duration(s.n) * frameStep
	s.n++
	return nil
}

func TestCamera(t *testing.T) {
	var called []int
	hook := func(n int) func() { return func() { called = append(called, n) } }
	c := newCamera(&stills{}, 20, map[int]func(){5: hook(5), 20: hook(20)})
	var b pipeline.Buffer
	var err error
	for n := 0; err == nil; n++ {
		err = c.Read(t.Context(), &b)
	}
	if !errors.Is(err, io.EOF) || len(c.came) != 20 {
		t.Fatalf("%v after %d frames, want io.EOF after 20", err, len(c.came))
	}
	if len(called) != 2 || called[0] != 5 || called[1] != 20 {
		t.Errorf("hooks %v, want 5 and 20", called)
	}
	// Frame 7 goes out when number 15 comes; 12 was the last but 8.
	if n, came, ok := c.releaser(3, 7*frameStep); n != 7 || !ok || !came.Equal(c.came[7+lookAhead]) {
		t.Errorf("frame 7: number %d, %v", n, ok)
	}
	if _, _, ok := c.releaser(0, 12*frameStep); ok {
		t.Error("frame 12 was let go by a frame that never came")
	}
}

func TestFlags(t *testing.T) {
	for _, arg := range []string{"-seconds=0", "-seconds=4000"} {
		if out, err := exec.CommandContext(t.Context(), os.Args[0], arg).CombinedOutput(); err == nil {
			t.Errorf("%s is accepted: %s", arg, out)
		}
	}
}

// self runs the benchmarks of this very test binary, as short as they can be, and
// returns the result and the page that they publish.
func self(t *testing.T, pattern string) (r report.Result, page string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$", "-test.short", "-test.v", "-test.benchtime=3x", "-test.bench="+pattern, "-seconds=1", "-publish")
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(filepath.Join(cmd.Dir, "last.md"))
	if err != nil {
		t.Fatal(err)
	}
	return readResult(t, filepath.Join(cmd.Dir, "last.json")), string(data)
}

// Without ONNX Runtime the rest is measured, and the rows say what is missing.
func TestWithoutRuntime(t *testing.T) {
	t.Setenv(ort.Env, filepath.Join(t.TempDir(), "libonnxruntime.so"))
	got, _ := self(t, "Live|Track")
	for i, w := range got.Rows {
		switch {
		case strings.HasPrefix(targets[i].from, "Live"):
			if w.Value != nil || !strings.Contains(w.Note, ort.Env) {
				t.Errorf("row of the live run: %+v", w)
			}
		case strings.HasPrefix(w.Name, "tracker"):
			if w.Value == nil {
				t.Errorf("row of the tracker: %+v", w)
			}
		case w.Value != nil || !strings.HasPrefix(w.Note, "not measured"):
			t.Errorf("row that was not asked for: %+v", w)
		}
	}
}

// A whole run, as short as it can be. Rows whose parts need what this machine
// lacks say so; all others have a value.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some 20 s")
	}
	got, page := self(t, ".")
	for i, w := range got.Rows {
		family, _, _ := strings.Cut(targets[i].from, "/")
		lacking := (family == "Live" || family == "InProcess" || family == "Twice" || family == "Network") && strings.Contains(strings.Join(got.Notes, "\n"), family+" was not measured")
		// Not measured on a machine too busy for real time.
		if w.Value == nil && !lacking && targets[i].metric != "x-less-inference" {
			t.Errorf("%q has no value: %s", w.Name, w.Note)
		}
	}
	if !strings.Contains(page, "## Targets") || !strings.Contains(page, "only shows that everything works") {
		t.Errorf("the report is not complete:\n%s", page)
	}
	for _, s := range sections[:13] {
		if !strings.Contains(page, "## "+s.title+"\n") {
			t.Errorf("no table %q", s.title)
		}
	}
}

// What the benchmarks say becomes rows, tables and notes.
func TestFill(t *testing.T) {
	m := measured{skipped: map[string]string{"Live": "no ffmpeg"}, notes: []string{"A clip."}}
	for _, k := range []struct {
		name string
		v    float64
		unit string
	}{
		{"Memcpy/size=360p", 0.011, coreMS}, {"Memcpy/size=360p", 30.7, "GB/s"},
		{"Memcpy/size=1080p", 0.098, coreMS}, {"Memcpy/size=1080p", 10.9, "GB/s"}, {"Memcpy/size=1080p", 0.099, coreMS},
		{"Redact/fill=frost_anew/size=1080p/hidden=100%", 0, "B/op"},
		{"Redact/fill=frost_anew/size=1080p/hidden=100%", 0.981, times}, {"Redact/fill=frost_anew/size=1080p/hidden=100%", 0.278, coreMS},
		{"Ring/fill=frost_anew", 0.83, times}, {"Ring/fill=frost_anew", 0.35, coreMS}, {"Ring/fill=frost_anew", 9.5, "B/ns"}, {"Ring/fill=frost_anew", 7.9, "memcpy-B/ns"}, {"Ring/fill=frost_anew", 3.8, "B/cycle"},
		{"Part/fill=frost_anew", 0.041, coreMS}, {"Part/fill=frost_anew", 5, "hidden-%"}, {"Part/fill=frost_anew", 0.131, times},
		{"Track/objects=1", 0.01, coreMS}, {"Track/objects=100", 1, coreMS},
	} {
		m.take(k.name, k.v, k.unit)
	}
	r := newResult(60)
	m.fill(r)
	page := r.Markdown("bench/speed", "")
	for _, want := range []string{
		"| full-frame redaction 1080p out of memory, values taken anew | 0.830 x memcpy | at most 1 x memcpy | yes | 0.350 core-ms, 9.50 B/ns, 7.90 memcpy-B/ns, 3.80 B/cycle |",
		"| redaction of 5 % of 1080p, against the full frame, anew | 0.131 x | at most 0.1 x | **no** | misses by 31 %; 0.041 core-ms, 5.00 hidden-% |",
		"| tracker, growth from 1 to 500 objects | 1.00 exponent |",
		"rate | - | at least 29.9 frames/s | - | not measured: no ffmpeg |",
		"| memcpy |  | size | 230400 to 2073600 | 0.011 to 0.099 | 1.000 |",
		"## memcpy of the frame (4:2:0)\n\n| size | GB/s | core-ms |\n| --- | --- | --- |\n| 360p | 30.7 | 0.011 |\n",
		"| fill | size | hidden | core-ms | x | B/op |", "| frost anew | 1080p | 100% | 0.278 | 0.981 | 0 |", "- A clip.\n", "- Live was not measured: no ffmpeg\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

func TestQuantile(t *testing.T) {
	values := []float64{4, 1, 3, 2, 5}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 3}, {1, 5}, {0.25, 2}, {0.9, 4.6}} {
		if got := quantile(values, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("quantile %v = %v, want %v", c.q, got, c.want)
		}
	}
	if !slices.Equal(values, []float64{4, 1, 3, 2, 5}) || !math.IsNaN(median(nil)) || ratio([]float64{2, 200, 6}, []float64{1, 100, 3}) != 2 {
		t.Error("median or ratio")
	}
}

func TestExponent(t *testing.T) {
	x := []float64{1, 2, 5, 10, 100}
	for _, k := range []float64{0, 0.5, 1, 2} {
		var y []float64
		for _, v := range x {
			y = append(y, 3*math.Pow(v, k))
		}
		if got := exponent(x, y); math.Abs(got-k) > 1e-9 {
			t.Errorf("exponent %v, want %v", got, k)
		}
	}
	if !math.IsNaN(exponent([]float64{2, 2}, []float64{1, 3})) {
		t.Error("the exponent of a single input is a number")
	}
}

// spun keeps the compiler from leaving spin's loop out.
var spun int

// spin uses core time.
func spin(d time.Duration) {
	sum := 0
	for start := processTime(); processTime()-start < d; {
		sum++
	}
	spun = sum
}

func TestThreadTime(t *testing.T) {
	// Other threads of the process may do a part of what spin waits for.
	before := processTime()
	got := threadTime(func() { spin(2 * time.Millisecond) })
	if all := processTime() - before; got <= 0 || got > all || all < 2*time.Millisecond {
		t.Errorf("the thread took %v of %v", got, all)
	}
}

// The published result has these rows.
func TestLast(t *testing.T) {
	got := readResult(t, "last.json")
	if err := got.Fits(newTargets()); err != nil {
		t.Error(err)
	}
	if got.Machine.CPU == "" || got.Date == "" {
		t.Error("machine or date is missing")
	}
}

func readResult(t *testing.T, path string) (r report.Result) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}
