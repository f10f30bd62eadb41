package doorbell

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"github.com/hedgecam/hedge/bench/internal/program"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

func TestOptions(t *testing.T) {
	for _, seconds := range []int{0, 1, 601} {
		if _, err := run(t.Context(), options{seconds: seconds}, t.Logf); err == nil {
			t.Errorf("%d s are accepted", seconds)
		}
	}
}

func TestMetrics(t *testing.T) {
	m, err := program.ParseMetrics([]byte("# HELP hedge_frames_total Pictures: in, out.\n# TYPE hedge_frames_total counter\n" +
		"hedge_frames_total{kind=\"in\"} 1709\nhedge_frames_total{kind=\"out\"} 1.7e+03\n" +
		"hedge_detector_looks_total{detector=\"face+person detector\",result=\"done\"} 12\n" +
		"hedge_detector_looks_total{detector=\"face+person detector\",result=\"failed\"} 3\n\nhedge_rtsp_viewers 1\n"))
	if err != nil || m.Frames("in") != 1709 || m.Frames("out") != 1700 || m.Inferences() != 12 || m["hedge_rtsp_viewers"] != 1 {
		t.Errorf("%v, %v", m, err)
	}
	for _, text := range []string{"name", "name x"} {
		if _, err := program.ParseMetrics([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestFamily(t *testing.T) {
	list := map[int]procfs.ProcStat{1: {UTime: 1}, 2: {PPID: 1, STime: 10}, 3: {PPID: 2, CUTime: 100}, 4: {PPID: 1, CSTime: 1000}, 9: {PPID: 7, UTime: 10000}}
	if sum := family(list, 1); sum != 1111*tick {
		t.Errorf("a family has %v", sum)
	}
	if me, ok := processes()[os.Getpid()]; !ok || me.PPID != os.Getppid() {
		t.Errorf("this process is %+v, %v", me, ok)
	}
}

// TestCount: frames that are missing are known by the gaps, whatever the rounding
// of the time stamps and the order.
func TestCount(t *testing.T) {
	var r probed
	r.count([]float64{0.067, 0, 0.033, 0.2, 0.233, 0.4})
	if r.packets != 6 || r.missing != 3+4 || math.Abs(r.seconds-0.433) > 0.001 {
		t.Errorf("%+v", r)
	}
	r = probed{}
	if r.count(nil); r.packets != 0 || r.missing != 0 || r.seconds != 0 {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestLate(t *testing.T) {
	f := &loop{frames: 600}
	for _, c := range []struct {
		shown  float64
		number int
		want   float64
	}{
		{1000 + 10000 + 350, 300, 350}, {1000 + 20000 + 10000 + 350, 300, 350}, {1000 + 20000 + 340, 597, 440}, {1000 + 9995, 300, -5},
	} {
		if got := f.late(c.shown, 1000, c.number); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("number %d at %v is %v late, want %v", c.number, c.shown, got, c.want)
		}
	}
}

// TestBegan: a picture is held against what was said of the camera at its time.
func TestBegan(t *testing.T) {
	w := window{bases: []told{{1000, 50}, {2000, 55}, {3000, 90}}}
	for at, want := range map[float64]float64{0: 50, 1400: 50, 1600: 55, 2600: 90, 9000: 90} {
		if got := w.began(at); got != want {
			t.Errorf("at %v it began at %v, want %v", at, got, want)
		}
	}
	if got := w.wavering(); got != 40 {
		t.Errorf("wavers by %v", got)
	}
}

// TestCounter: the numbers in the recording's pictures are theirs.
func TestCounter(t *testing.T) {
	needs(t, "ffmpeg")
	b := &bench{options: options{seconds: 2, networks: networks.None}, dir: t.TempDir(), say: t.Logf, report: report.New(targets[:])}
	f, err := b.record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", f.path, "-f", "rawvideo", "-pix_fmt", "gray", "-")
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != f.frames*f.size.X*f.size.Y {
		t.Fatalf("%d bytes, want %d frames of %v", len(data), f.frames, f.size)
	}
	for n := range f.frames {
		pic := data[n*f.size.X*f.size.Y:][:f.size.X*f.size.Y]
		at := func(i, row int) byte {
			p := f.corner().Add(image.Pt(i*f.cell()+f.cell()/2, row*f.cell()+f.cell()/2))
			return pic[p.Y*f.size.X+p.X]
		}
		got := 0
		for i := range bits {
			up, down := at(i, 0), at(i, 1)
			if max(up, down) < 200 || min(up, down) > 60 {
				t.Fatalf("picture %d, digit %d: %d above %d", n, i, up, down)
			}
			if up > down {
				got |= 1 << i
			}
		}
		if got != n {
			t.Fatalf("picture %d has the number %d", n, got)
		}
	}
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("no %s: apt-get install ffmpeg", p)
		}
	}
}

// TestRun is a whole run, as short as it can be, without networks so that it goes
// everywhere. How fast anything was depends on the machine and is not asserted.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the doorbell and runs it for half a minute")
	}
	needs(t, "go", "ffmpeg", "ffprobe")
	t.Setenv("TMPDIR", t.TempDir())
	got, err := run(t.Context(), options{seconds: 5, networks: networks.None}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	page := got.Markdown("bench/doorbell", about)
	t.Log(page)
	value := func(goal int) float64 {
		t.Helper()
		if w := got.Rows[goal]; w.Value != nil {
			return *w.Value
		}
		t.Errorf("%q has no value: %s", got.Rows[goal].Name, got.Rows[goal].Note)
		return math.NaN()
	}
	for _, g := range []int{goalIn, goalOut, goalViewed} {
		if v := value(g); !(v > 1) {
			t.Errorf("%s: %v", got.Rows[g].Name, v)
		}
	}
	for _, g := range []int{goalLost, goalPullErrors, goalRecorded, goalRecordErrors} {
		if v := value(g); v != 0 {
			t.Errorf("%s: %v, %s", got.Rows[g].Name, v, got.Rows[g].Note)
		}
	}
	for g, form := range map[int]string{goalPullMissing: `(\d+) packets in`, goalRecorded: `(\d+) frames, .* segments`} {
		m := regexp.MustCompile(form).FindStringSubmatch(got.Rows[g].Note)
		if m == nil {
			t.Fatalf("%s: %s", got.Rows[g].Name, got.Rows[g].Note)
		}
		if n, err := strconv.Atoi(m[1]); err != nil || n < 2*frameRate {
			t.Errorf("%s: %d of them (%v)", got.Rows[g].Name, n, err)
		}
	}
	value(goalSent)
	browser := !strings.Contains(got.Rows[goalPage].Note, errNoBrowser.Error())
	for _, g := range []int{goalFirst, goalPage, goalLatency} {
		if browser {
			if v := value(g); !(v > 0) {
				t.Errorf("%s: %v", got.Rows[g].Name, v)
			}
		}
	}
	if got.Machine.CPU == "" || browser == (got.Machine.Chromium == "") || !strings.Contains(page, "only shows that everything works") {
		t.Errorf("machine, or what kind of run it was, is missing: %+v", got.Machine)
	}
	nothingLeft(t)
}

// nothingLeft asserts that a run has left neither files nor processes.
func nothingLeft(t *testing.T) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(os.TempDir(), "hedge-bench-doorbell*"))
	if err != nil || len(list) > 0 {
		t.Errorf("left behind: %v (%v)", list, err)
	}
	for pid, p := range processes() {
		if p.PPID == os.Getpid() {
			t.Errorf("process %d is left behind", pid)
		}
	}
}

// TestInterrupted: nothing is left behind, and the error is the interrupt's,
// whether nothing runs yet or everything does.
func TestInterrupted(t *testing.T) {
	needs(t, "go", "ffmpeg", "ffprobe")
	for _, at := range []string{"making", "measuring"} {
		t.Run(at, func(t *testing.T) {
			if testing.Short() && at == "measuring" {
				t.Skip("builds the doorbell and runs it for some seconds")
			}
			t.Setenv("TMPDIR", t.TempDir())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			when := func(format string, _ ...any) {
				if strings.Contains(format, at) {
					cancel()
				}
			}
			if _, err := run(ctx, options{seconds: 9, networks: networks.None}, when); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			nothingLeft(t)
		})
	}
}

// TestLast: the published results have the rows of this program.
func TestLast(t *testing.T) {
	for _, path := range []string{"last.json", "busy.json"} {
		got := readResult(t, path)
		if err := got.Fits(targets[:]); err != nil {
			t.Errorf("%s: %v", path, err)
		}
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

// TestTake: frames are told apart by their time stamps, lost packets by their
// numbers, also where those begin anew.
func TestTake(t *testing.T) {
	var v viewer
	at := time.UnixMilli(5000)
	for _, p := range []struct {
		sequence uint16
		stamp    uint32
		marker   bool
	}{{65534, 90000, false}, {65535, 90000, true}, {0, 93000, true}, {3, 96000, true}, {2, 96000, false}, {4, 99000, true}} {
		v.take(p.sequence, p.stamp, p.marker, at)
	}
	if got := v.count(); got.frames != 4 || got.lost != 1 || got.late != 1 || got.whole != 4 || len(v.whole) != 4 || v.whole[0] != (arrival{5000, 1000}) {
		t.Errorf("%+v, %v", got, v.whole)
	}
}
