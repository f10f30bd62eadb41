package doorbell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/internal/ort"
)

// openings is how often the page is opened; the worst counts.
const openings = 3

// bench is one run of this program.
type bench struct {
	options
	dir    string // of everything that is written meanwhile
	say    func(format string, args ...any)
	report *report.Result

	loop    *loop
	program *program.Doorbell
	records string // its folder
	puller  *puller
	viewer  *viewer
	watcher *watcher // nil without Chromium, and before its turn
	nobody  error    // why there is none

	before   program.Metrics // as ffmpeg began to pull
	alone    window          // with a viewer that decodes nothing
	shared   window          // with Chromium on the same cores
	first    []time.Duration // pictures of the page
	pictures sampled
	last     program.Metrics // after the puller has gone
}

// window is a time that was measured.
type window struct {
	start, end mark
	bases      []told // once a second
}

// told is when by the doorbell's account the camera began, and when it said so,
// in ms. A camera that comes late moves its beginning.
type told struct{ at, began float64 }

// began returns when the camera began, as it was said nearest to a time.
func (w *window) began(at float64) float64 {
	best := w.bases[0]
	for _, b := range w.bases[1:] {
		if math.Abs(b.at-at) < math.Abs(best.at-at) {
			best = b
		}
	}
	return best.began
}

// wavering returns by how much the camera's beginning moved, in ms.
func (w *window) wavering() float64 {
	low, high := w.bases[0].began, w.bases[0].began
	for _, b := range w.bases {
		low, high = min(low, b.began), max(high, b.began)
	}
	return high - low
}

func (w *window) seconds() float64 { return w.end.at.Sub(w.start.at).Seconds() }

// grown returns by how much a figure of /metrics has grown.
func (w *window) grown(name string) float64 { return w.end.metrics[name] - w.start.metrics[name] }

// frames returns how many frames of a kind there were.
func (w *window) frames(kind string) float64 {
	return w.end.metrics.Frames(kind) - w.start.metrics.Frames(kind)
}

// mark is the state of everything at a moment.
type mark struct {
	at       time.Time
	metrics  program.Metrics
	cores    cores
	counted  counted  // by the viewer
	received received // by Chromium
}

// measure runs it all. Everything that it started has ended when it returns.
func (b *bench) measure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(b.seconds)*time.Second+15*time.Minute)
	defer cancel()
	if err := b.runtime(); err != nil {
		return err
	}
	var err error
	b.say("making the camera's recording")
	if b.loop, err = b.record(ctx); err != nil {
		return err
	}
	b.say("building the doorbell")
	path, err := program.Build(ctx, b.dir)
	if err != nil {
		return err
	}
	if err := b.live(ctx, path); err != nil {
		return err
	}
	b.say("reading what was recorded")
	return b.evaluate(ctx)
}

// runtime looks whether the networks can run here, and which version runs them.
func (b *bench) runtime() error {
	if b.networks == networks.None {
		return nil
	}
	library, err := ort.Library()
	if err == nil {
		err = onnx.Load(library)
	}
	if err != nil {
		return fmt.Errorf("%w\nor measure without networks: -networks none", err)
	}
	b.report.Machine.Runtime = onnx.Version()
	return nil
}

// live runs the doorbell and all who take its picture.
func (b *bench) live(ctx context.Context, path string) (err error) {
	if b.program, err = b.open(ctx, path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.program.Close()) }()
	if err := b.warmUp(ctx); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	if b.before, err = b.program.Metrics(ctx); err != nil {
		return err
	}
	if b.puller, err = b.pull(ctx, b.program.RTSP); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.puller.Close()) }()
	err = program.Until(ctx, 30*time.Second, func() (bool, error) {
		m, err := b.program.Metrics(ctx)
		return m["hedge_rtsp_viewers"] >= 1, err
	})
	if err != nil {
		return fmt.Errorf("nobody came to RTSP: %w", err)
	}
	if err := b.watchAlone(ctx); err != nil {
		return err
	}
	if err := b.watchShared(ctx); err != nil {
		return err
	}
	if err := b.puller.finish(); err != nil {
		b.report.Note("ffmpeg, which pulled RTSP, ended with: %v", err)
	}
	if b.last, err = b.program.Metrics(ctx); err != nil {
		return err
	}
	return b.program.Stop()
}

// open starts the doorbell with the recording as its camera.
func (b *bench) open(ctx context.Context, path string) (*program.Doorbell, error) {
	rules := filepath.Join(b.dir, "policy.json")
	if err := os.WriteFile(rules, []byte(policy(b.networks)), 0o600); err != nil {
		return nil, err
	}
	b.records = filepath.Join(b.dir, "recordings")
	return program.Open(ctx, path, program.Options{Dir: b.dir, Source: "file:" + b.loop.path, Policy: rules, Networks: b.networks, Records: b.records})
}

// warmUp waits until pictures come out, looked at by networks.
func (b *bench) warmUp(ctx context.Context) error {
	return program.Until(ctx, time.Minute, func() (bool, error) {
		m, err := b.program.Metrics(ctx)
		return m.Frames("out") >= 2*frameRate && (b.networks == networks.None || m.Inferences() > 3), err
	})
}

// watchAlone measures with a viewer that is no burden, for as long as was asked.
func (b *bench) watchAlone(ctx context.Context) (err error) {
	if b.viewer, err = view(ctx, b.program); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.viewer.close()) }()
	err = program.Until(ctx, 30*time.Second, func() (bool, error) { return b.viewer.count().frames > 3*frameRate, b.program.Alive() })
	if err != nil {
		return fmt.Errorf("the live picture does not come: %w", err)
	}
	b.say("measuring for %d s", b.seconds)
	return b.span(ctx, &b.alone, b.seconds)
}

// watchShared measures with the page open in Chromium, for a shorter time.
func (b *bench) watchShared(ctx context.Context) (err error) {
	if b.watcher, b.nobody = browse(ctx, b.loop); b.watcher == nil {
		return nil
	}
	b.report.Machine.Chromium = b.watcher.version
	defer func() { err = errors.Join(err, b.watcher.close()) }()
	b.say("opening the page in Chromium")
	for range openings {
		took, err := b.watcher.open(b.program.Page)
		if err != nil {
			return err
		}
		b.first = append(b.first, took)
	}
	if err := b.settle(ctx); err != nil {
		return err
	}
	if err := b.span(ctx, &b.shared, min(b.seconds, 20)); err != nil {
		return err
	}
	b.pictures, err = value[sampled](b.watcher, `({ pictures: hedge.pictures, latency: document.getElementById("latency").textContent })`)
	return err
}

// span measures for some seconds.
func (b *bench) span(ctx context.Context, w *window, seconds int) (err error) {
	if w.start, err = b.mark(ctx); err != nil {
		return err
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for range seconds {
		select {
		case <-second.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		base, err := b.program.Began(ctx)
		if err != nil {
			return err
		}
		w.bases = append(w.bases, told{float64(time.Now().UnixNano()) / 1e6, base})
	}
	w.end, err = b.mark(ctx)
	b.report.Machine.End()
	return err
}

// settle waits until the page that was opened last has shown pictures for a
// while, and begins to read their counters.
func (b *bench) settle(ctx context.Context) error {
	err := program.Until(ctx, 30*time.Second, func() (bool, error) {
		r, err := value[received](b.watcher, "hedge.stats()")
		return r.Decoded > 3*frameRate, err
	})
	if err != nil {
		return fmt.Errorf("the page shows too few pictures: %w", err)
	}
	_, err = value[bool](b.watcher, "hedge.sample() || true")
	return err
}

// mark notes the state now.
func (b *bench) mark(ctx context.Context) (m mark, err error) {
	if b.watcher != nil {
		if m.received, err = value[received](b.watcher, "hedge.stats()"); err != nil {
			return m, err
		}
	}
	m.counted = b.viewer.count()
	m.cores = b.cores()
	m.metrics, err = b.program.Metrics(ctx)
	m.at = time.Now()
	return m, err
}

// recordings probes the doorbell's own recordings.
func (b *bench) recordings(ctx context.Context) (all probed, files int, err error) {
	list, err := filepath.Glob(filepath.Join(b.records, "*.mp4"))
	if err != nil {
		return all, 0, err
	}
	for _, path := range list {
		p, err := probe(ctx, path)
		if err != nil {
			return all, 0, err
		}
		all.packets, all.missing, all.seconds = all.packets+p.packets, all.missing+p.missing, all.seconds+p.seconds
		all.errors = append(all.errors, p.errors...)
	}
	return all, len(list), nil
}

// latency returns how late pictures were on the screen, in ms, and how many of
// them had a number that could not be read.
func (b *bench) latency() (late []float64, unread int) {
	for _, p := range b.pictures.Pictures {
		if p[1] < 0 || int(p[1]) >= b.loop.frames {
			unread++
			continue
		}
		late = append(late, b.loop.late(p[0], b.shared.began(p[0]), int(p[1])))
	}
	slices.Sort(late)
	return late, unread
}

// events counts what the doorbell told of, by what it was.
func (b *bench) events() map[string]int {
	count := map[string]int{}
	for _, line := range b.program.Out.Lines() {
		var e struct{ Kind, Text string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Kind != "" && e.Kind != "camera" {
			count[e.Kind+": "+e.Text]++
		}
	}
	return count
}

// median returns the middle of the values, which stay as they are.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(v))[len(v)/2]
}
