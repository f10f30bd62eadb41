package speed

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/bench/internal/clip"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

const (
	rate      = 30
	lookAhead = 9 // frames, as many as the default is at this rate
)

// recording makes the recording that plays the camera: 1080p30, from the middle of
// the clip; of a short run 640x360.
func recording(b *testing.B) string {
	b.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		skips(b, err)
	}
	seconds, size := 20, fullHD
	if testing.Short() {
		seconds, size = 2, sizes["360p"]
	}
	out := filepath.Join(b.TempDir(), "camera.mp4")
	what, err := clip.Record(b.Context(), *flagClip, out, size, seconds*rate, "")
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("note: The camera of the live run and the file: %s, a loop of %d s.\n", what, seconds)
	return out
}

// meter is a detector whose inferences and their core time are counted.
type meter struct {
	detect.Detector
	inferences, core atomic.Int64 // core in nanoseconds
}

// Detect implements detect.Detector. With one thread a network, all its work is
// done on the calling one.
func (m *meter) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) (found []detect.Detection, err error) {
	spent := threadTime(func() { found, err = m.Detector.Detect(ctx, pic, dst) })
	m.inferences.Add(1)
	m.core.Add(int64(spent))
	return found, err
}

// openMeters opens the networks, metered.
func openMeters(b *testing.B) (meters []*meter, detectors []detect.Detector, set *networks.Set) {
	b.Helper()
	set, err := networks.Open(b.Context(), *flagNetworks, networks.Options{Offline: true})
	if err != nil {
		skips(b, err)
	}
	for _, d := range set.Detectors {
		m := &meter{Detector: d}
		meters, detectors = append(meters, m), append(detectors, m)
	}
	return meters, detectors, set
}

// camera is a source of a fixed number of frames that notes when each came.
type camera struct {
	pipeline.Source
	frames int
	hooks  map[int]func() // called before the frame of that number is read

	mu   sync.Mutex
	pts  []time.Duration
	came []time.Time
}

// newCamera returns a source of the first frames of src. The hook of the number
// frames is called at the end.
func newCamera(src pipeline.Source, frames int, hooks map[int]func()) *camera {
	return &camera{Source: src, frames: frames, hooks: hooks,
		pts: make([]time.Duration, 0, frames), came: make([]time.Time, 0, frames)}
}

// Read implements pipeline.Source.
func (c *camera) Read(ctx context.Context, b *pipeline.Buffer) error {
	// Only this goroutine appends.
	n := len(c.pts)
	if hook := c.hooks[n]; hook != nil {
		delete(c.hooks, n)
		hook()
	}
	if n == c.frames {
		return io.EOF
	}
	if err := c.Source.Read(ctx, b); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pts, c.came = append(c.pts, b.Time), append(c.came, time.Now())
	return nil
}

// releaser returns the number of the frame of the given presentation time, at or
// after number from, and when the frame came whose arrival lets it go out, the
// frame held back at most longest; false if none came.
func (c *camera) releaser(from int, pts time.Duration) (n int, came time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = from
	for n < len(c.pts) && c.pts[n] != pts {
		n++
	}
	if n+lookAhead >= len(c.came) {
		return n, time.Time{}, false
	}
	return n, c.came[n+lookAhead], true
}

// timedSink notes how long each frame was under way after its look-ahead had
// ended.
type timedSink struct {
	pipeline.Sink
	camera      *camera
	warm        int
	next        int
	times       []float64 // milliseconds
	written     int       // from the warm-up on
	first, last time.Time
}

// Write implements pipeline.Sink.
func (o *timedSink) Write(ctx context.Context, f redact.Frame) error {
	pts := f.Time()
	if err := o.Sink.Write(ctx, f); err != nil {
		return err
	}
	now := time.Now()
	n, came, ok := o.camera.releaser(o.next, pts)
	o.next = n + 1
	if n < o.warm || !ok {
		return nil
	}
	o.times = append(o.times, ms(now.Sub(came)))
	if o.written == 0 {
		o.first = now
	}
	o.written, o.last = o.written+1, now
	return nil
}

// Finish implements pipeline.Finisher.
func (o *timedSink) Finish(ctx context.Context) error {
	if f, ok := o.Sink.(pipeline.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}

// mark is what had been used up at a moment of a run.
type mark struct {
	process    time.Duration
	inferences []int64
	core       []time.Duration // of the detectors
	heap       runtime.MemStats
	stats      pipeline.Stats
}

// liveRun is one live run.
type liveRun struct {
	warm, frames int // of the source: frames before measuring begins, and all
	meters       []*meter
	out          *timedSink
	begin, end   mark
	children     time.Duration
	stats        pipeline.Stats
}

func (l *liveRun) mark(p *pipeline.Pipeline, collect bool) (m mark) {
	if collect {
		runtime.GC()
	}
	runtime.ReadMemStats(&m.heap)
	m.stats, m.process = p.Stats(), processTime()
	for _, d := range l.meters {
		m.inferences, m.core = append(m.inferences, d.inferences.Load()), append(m.core, time.Duration(d.core.Load()))
	}
	return m
}

// encode redacts a camera at 1080p30 and encodes what comes out.
func (l *liveRun) encode(ctx context.Context, in, to string, detectors []detect.Detector) (err error) {
	children := childrenTime()
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{RealTime: true, Loop: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	sink, err := ffmpeg.Create(ctx, to, ffmpeg.OutOptions{Size: src.Info().Size, Rate: src.Info().Rate, Preset: "superfast", Overwrite: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := l.run(ctx, src, sink, detectors); err != nil {
		return err
	}
	err = errors.Join(sink.Close(), src.Close())
	l.children = childrenTime() - children
	return err
}

// run redacts what src gives and hands it to sink.
func (l *liveRun) run(ctx context.Context, src pipeline.Source, sink pipeline.Sink, detectors []detect.Detector) error {
	p, err := pipeline.New(pipeline.Config{
		Policy:    &redact.Policy{Version: 1, Outside: redact.Outside{Hide: redact.HideDetected}},
		Detectors: detectors, Mode: pipeline.Live, LookAhead: pipeline.DefaultConfig().LookAhead, Compressed: true,
	})
	if err != nil {
		return err
	}
	camera := newCamera(src, l.frames, map[int]func(){
		l.warm: func() { l.begin = l.mark(p, true) },
		l.frames: func() {
			l.end = l.mark(p, false)
			l.end.heap.HeapAlloc = l.mark(p, true).heap.HeapAlloc
		},
	})
	l.out = &timedSink{Sink: sink, camera: camera, warm: l.warm, times: make([]float64, 0, l.frames)}
	err = errors.Join(p.Run(ctx, camera, l.out), p.Close())
	l.stats = p.Stats()
	return err
}

// settled waits until no more goroutines are left than there were, for at most
// a second, and returns how many are.
func settled(before int) int {
	deadline, tick := time.NewTimer(time.Second), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for runtime.NumGoroutine() > before {
		select {
		case <-tick.C:
		case <-deadline.C:
			return runtime.NumGoroutine() - before
		}
	}
	return 0
}

func newLiveRun(meters []*meter) *liveRun {
	l := &liveRun{warm: 5 * rate, meters: meters}
	if testing.Short() {
		l.warm = rate / 3
	}
	l.frames = l.warm + *flagSeconds*rate
	return l
}

// check ends the benchmark if too few frames came out for a figure.
func (l *liveRun) check(b *testing.B) {
	b.Helper()
	if l.out.written >= 2 {
		return
	}
	why := fmt.Errorf("%d frames of the live run came out in time and %d were dropped: the machine is too busy", l.out.written, l.stats.FramesDropped)
	if l.stats.FramesDropped == 0 {
		b.Fatal(why)
	}
	skips(b, why)
}

// BenchmarkLive runs the pipeline on a camera at 1080p30 once, for as many seconds
// as the flag says.
func BenchmarkLive(b *testing.B) {
	needsRuntime(b)
	in := recording(b)
	runtime.GC()
	goroutines, native := runtime.NumGoroutine(), ort.Live.Load()
	meters, detectors, set := openMeters(b)
	l := newLiveRun(meters)
	if err := errors.Join(l.encode(b.Context(), in, filepath.Join(b.TempDir(), "live.mp4"), detectors), set.Close()); err != nil {
		b.Fatal(err)
	}
	l.check(b)
	leftover := map[string]float64{"goroutines-left": float64(settled(goroutines)), "native-left": float64(ort.Live.Load() - native)}
	says(b, "of=run", l.metrics(leftover))
	for _, g := range l.stats.Stages {
		says(b, "stage="+g.Name, map[string]float64{"runs": float64(g.Count), "mean-ms": ms(g.Total) / float64(max(g.Count, 1)),
			"p50-ms": ms(g.P50), "p95-ms": ms(g.P95), "p99-ms": ms(g.P99), "max-ms": ms(g.Max)})
	}
	n := float64(l.frames - l.warm)
	for i, m := range l.meters {
		k, core, st := float64(l.end.inferences[i]-l.begin.inferences[i]), l.end.core[i]-l.begin.core[i], l.stats.Detectors[i]
		says(b, "detector="+m.Name(), map[string]float64{"inferences": k, "inferences/s": k / n * rate, "ms/inference": ms(core) / max(1, k), "ms/frame": ms(core) / n,
			"replaced": float64(st.Replaced), "skipped": float64(st.Skipped), "failures": float64(st.Failures)})
	}
}

// says reports metrics as those of a benchmark.
func says(b *testing.B, name string, metrics map[string]float64) {
	b.Run(strings.ReplaceAll(name, " ", "_"), func(b *testing.B) {
		b.ReportMetric(0, "ns/op")
		for unit, v := range metrics {
			tell(b, v, unit)
		}
	})
}

// metrics returns what the run has shown, with what is given.
func (l *liveRun) metrics(m map[string]float64) map[string]float64 {
	n := float64(l.frames - l.warm)
	drops := func(s pipeline.Stats) float64 { return float64(s.FramesDropped + s.FramesLost) }
	process, used, all := ms(l.end.process-l.begin.process), 0.0, 0.0
	for i := range l.meters {
		core := ms(l.end.core[i] - l.begin.core[i])
		used += core
		// 0/0 where one has not looked once: then nothing was measured.
		all += core / float64(l.end.inferences[i]-l.begin.inferences[i]) * n
	}
	fps := float64(l.out.written-1) / l.out.last.Sub(l.out.first).Seconds()
	was, is := float64(l.begin.heap.HeapAlloc), float64(l.end.heap.HeapAlloc)
	for unit, v := range map[string]float64{
		"s": float64(*flagSeconds), "rest-ms": (process - used) / n, "process-ms": process / n, "detector-ms": used / n, "ffmpeg-ms": ms(l.children) / float64(l.frames),
		"frames/s": fps, "p50-ms": median(l.out.times), "p95-ms": quantile(l.out.times, 0.95), "p99-ms": quantile(l.out.times, 0.99), "max-ms": slices.Max(l.out.times),
		"drops": drops(l.stats) - drops(l.begin.stats), "drops-in-warm-up": drops(l.begin.stats),
		"failed-closed": float64(l.stats.FramesFailedClosed - l.begin.stats.FramesFailedClosed), "hidden-%": 100 * l.stats.HiddenShare,
		"allocs/frame": float64(l.end.heap.Mallocs-l.begin.heap.Mallocs) / n, "collections": float64(l.end.heap.NumGC - l.begin.heap.NumGC),
		"heap-growth-%": 100 * (is - was) / was, "heap-MB": was / 1e6,
	} {
		m[unit] = v
	}
	if i := slices.IndexFunc(targets, func(t target) bool { return t.metric == "frames/s" }); targets[i].Met(fps) {
		m["x-less-inference"] = all / used
	} else {
		// The budget counts wall time: a machine that is busy with other things
		// looks less often, which flatters the ratio.
		said.notes = append(said.notes, fmt.Sprintf("The live run was not in real time, so the networks looked less often than they should; it showed %s x less core time of detectors.", report.Number(all/used)))
	}
	return m
}

// BenchmarkFile redacts a recording as fast as it goes, in turn with ffmpeg alone,
// which decodes and encodes it and nothing else.
func BenchmarkFile(b *testing.B) {
	needsRuntime(b)
	in := recording(b)
	_, detectors, set := openMeters(b)
	defer closes(b, set.Close)
	frames, turns := 60, 3
	if testing.Short() {
		frames, turns = 4, 1
	}
	found := &redact.Policy{Version: 1, Outside: redact.Outside{Hide: redact.HideDetected}}
	out := filepath.Join(b.TempDir(), "file.mp4")
	ways := []struct {
		name string
		run  func() error
	}{
		{"ffmpeg alone", func() error { return transcode(b.Context(), in, out, frames) }},
		{"everything hidden", func() error { return redactFile(b.Context(), in, out, frames, redact.HideEverything(), nil, 0) }},
		{"what is found hidden, networks every 100 ms", func() error { return redactFile(b.Context(), in, out, frames, found, detectors, 0) }},
		{"what is found hidden, networks on every frame", func() error { return redactFile(b.Context(), in, out, frames, found, detectors, 1) }},
	}
	walls, cores := make([][]float64, len(ways)), make([][]float64, len(ways))
	for range turns {
		for i, w := range ways {
			start, core := time.Now(), processTime()+childrenTime()
			if err := w.run(); err != nil {
				b.Fatalf("%s: %v", w.name, err)
			}
			walls[i] = append(walls[i], ms(time.Since(start)))
			cores[i] = append(cores[i], ms(processTime()+childrenTime()-core))
		}
	}
	for i, w := range ways {
		n := float64(frames)
		says(b, "what="+w.name, map[string]float64{"frames/s": 1000 * n / median(walls[i]), "core-ms/frame": median(cores[i]) / n, times: ratio(walls[i], walls[0])})
	}
}

// transcode decodes and encodes with the same options as the pipeline's sink.
func transcode(ctx context.Context, in, out string, frames int) error {
	text, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-y", "-v", "error", "-i", in, "-frames:v", strconv.Itoa(frames),
		"-an", "-c:v", "libx264", "-preset", "superfast", "-crf", "21", out).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return nil
}

// redactFile redacts the first frames of a file.
func redactFile(ctx context.Context, in, out string, frames int, policy *redact.Policy, detectors []detect.Detector, every int) (err error) {
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	o := src.Info().OutOptions()
	o.Preset, o.Overwrite = "superfast", true
	sink, err := ffmpeg.Create(ctx, out, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := pipeline.New(pipeline.Config{Policy: policy, Detectors: detectors, Every: every, LookAhead: pipeline.DefaultConfig().LookAhead, Compressed: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return p.Run(ctx, newCamera(src, frames, nil), sink)
}
