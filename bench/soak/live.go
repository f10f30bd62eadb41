package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// live is a run of the real doorbell with a camera, and all that befalls it.
type live struct {
	options
	say func(format string, args ...any)

	scene   scene
	inside  string // what the policies hide inside, as they have it
	dir     string
	policy  string // the file
	disk    string // folder in which it is
	records string // folder
	tmpfs   bool   // disk is a small one of its own

	ends     ends
	camera   *camera
	program  *program.Doorbell
	watcher  *watcher
	recorded *recorded
	snaps    *snapshots

	befallen []befallen
	samples  []sample
	first    program.Metrics // when the faults began
	last     program.Metrics
	took     time.Duration
}

// befallen is a fault that has happened.
type befallen struct {
	At       float64 `json:"at"` // seconds since the faults began
	Kind     string  `json:"kind"`
	What     string  `json:"what"`
	Lasted   float64 `json:"lasted"`   // seconds
	Recovery float64 `json:"recovery"` // seconds from its end until the zone was shown again
	Never    bool    `json:"never,omitempty"`
	Owner    bool    `json:"owner,omitempty"` // the owner had to confirm the view
}

// patience is how long a recovery is waited for before the run goes on without it, or,
// where it must not, ends.
const patience = time.Minute

// run runs everything for as long as was asked, or for as many faults.
func (l *live) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { err = errors.Join(err, l.ends.all()) }()
	if err := l.open(ctx); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	if l.watcher, err = watch(watching, l.scene, l.program); err != nil {
		return err
	}
	var beside sync.WaitGroup
	var looking, snapping error
	l.recorded = &recorded{scene: l.scene, dir: l.records, known: map[string]bool{}}
	began := time.Now()
	l.snaps = &snapshots{scene: l.scene, program: l.program, every: snapshotEvery}
	if l.brief {
		l.snaps.every /= 10
	}
	beside.Go(func() { looking = l.recorded.watch(watching) })
	beside.Go(func() { snapping = l.snaps.watch(watching) })
	beside.Go(func() { l.sample(watching, began) })
	err = l.befall(ctx, began)
	if err == nil {
		l.last, err = l.program.Metrics(ctx)
	}
	l.took = time.Since(began)
	err = errors.Join(err, l.program.Close())
	stop()
	beside.Wait()
	return errors.Join(err, looking, snapping, l.watcher.close(), l.recorded.finish(ctx))
}

// open starts camera and doorbell. What ends them is in l.ends, also after an error.
func (l *live) open(ctx context.Context) (err error) {
	l.policy, l.disk = filepath.Join(l.dir, "policy.json"), filepath.Join(l.dir, "disk")
	l.records = filepath.Join(l.disk, "recordings")
	if err := os.Mkdir(l.disk, 0o700); err != nil {
		return err
	}
	switch err := mount(l.disk); {
	case err == nil:
		l.tmpfs = true
		l.ends = append(l.ends, func() error { return unmount(l.disk) })
	case !errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("mount a small disk: %w", err)
	}
	if err := os.Mkdir(l.records, 0o700); err != nil {
		return err
	}
	l.say("drawing the camera's pictures")
	pictures, err := l.scene.loop(chance(l.seed, 0))
	if err != nil {
		return err
	}
	l.camera = openCamera(pictures, l.rate, l.seed)
	l.ends = append(l.ends, l.camera.close)
	if err := l.write(ctx, l.scene.policy(most, "frost", l.inside), false); err != nil {
		return err
	}
	l.say("building the doorbell")
	path, err := program.Build(ctx, l.dir)
	if err != nil {
		return err
	}
	l.program, err = program.Open(ctx, path, program.Options{Dir: l.dir, Source: l.camera.URL + "/", Policy: l.policy, Networks: l.networks, Records: l.records,
		More: []string{"-record-limit", "400MB", "-cores", "0.5"}})
	if err == nil {
		l.ends = append(l.ends, l.program.Close)
	}
	return err
}

// befall has one fault after the other happen, each with a rest after it.
func (l *live) befall(ctx context.Context, began time.Time) (err error) {
	if err := l.recover(ctx, time.Now()); err != nil {
		return fmt.Errorf("the zone is not shown at first: %w", err)
	}
	if l.first, err = l.program.Metrics(ctx); err != nil {
		return err
	}
	r := chance(l.seed, 2)
	for n := 0; time.Since(began) < l.lasts || n < l.least; n++ {
		f := faults[r.IntN(len(faults))]
		if n < len(faults) {
			f = faults[n] // every one of them once
		}
		b, err := l.happen(ctx, f, began, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			l.say("%8.1f s  %-17s could not be made: %v", b.At, f.name, err)
			_ = wait(ctx, l.rest/4)
			continue
		}
		ended := time.Now()
		b.Lasted = ended.Sub(began).Seconds() - b.At
		if err := l.settle(ctx, ended, &b); err != nil {
			return fmt.Errorf("%s (%s): %w", f.name, b.What, err)
		}
		l.befallen = append(l.befallen, b)
		if err := wait(ctx, within(r, l.rest/2, l.rest)); err != nil {
			return err
		}
	}
	return nil
}

// happen has a fault happen, and ends it. An error is its own.
func (l *live) happen(ctx context.Context, f fault, began time.Time, r *rand.Rand) (b befallen, err error) {
	b = befallen{At: time.Since(began).Seconds(), Kind: f.name}
	lasts, what, end, err := f.begin(ctx, l, r)
	if err != nil {
		return b, err
	}
	if end != nil {
		defer func() { err = errors.Join(err, end()) }()
	}
	if l.brief {
		lasts /= 10
	}
	b.What = what
	l.say("%8.1f s  %-17s %s, for %.1f s", b.At, f.name, what, lasts.Seconds())
	return b, wait(ctx, lasts)
}

// settle waits until the zone is shown again, and notes how long it took.
func (l *live) settle(ctx context.Context, ended time.Time, b *befallen) error {
	err := l.recover(ctx, ended)
	if errors.Is(err, program.ErrInVain) {
		b.Never = true
		b.Owner = l.awaitsOwner(ctx)
		l.say("%8s    not back within %v; awaits the owner: %t", "", patience, b.Owner)
		if b.Owner {
			_, err = l.program.Ask(ctx, http.MethodPost, "/confirm")
		} else {
			err = nil
		}
		if err == nil {
			err = l.recover(ctx, ended)
		}
	}
	if err != nil {
		return err
	}
	_, newest := l.watcher.count()
	b.Recovery = max(0, newest.Sub(ended).Seconds())
	if b.Recovery > 5 {
		l.say("%8s    back after %.1f s", "", b.Recovery)
	}
	return nil
}

// recover waits until a picture has come since that shows the zone.
func (l *live) recover(ctx context.Context, since time.Time) error {
	return program.Until(ctx, patience, func() (bool, error) {
		_, newest := l.watcher.count()
		return newest.After(since), l.program.Alive()
	})
}

// awaitsOwner reports whether only the owner's word is missing.
func (l *live) awaitsOwner(ctx context.Context) bool {
	data, err := l.program.Ask(ctx, http.MethodGet, "/status")
	var s struct{ Confirm bool }
	return err == nil && json.Unmarshal(data, &s) == nil && s.Confirm
}

// sample is what the doorbell takes of the machine at a moment.
type sample struct {
	At         float64 `json:"at"`     // seconds since the faults began
	RSS        float64 `json:"rss_mb"` // of the program without its children
	Heap       float64 `json:"heap_mb"`
	Files      float64 `json:"descriptors"`
	Goroutines float64 `json:"goroutines"`
	Threads    float64 `json:"threads"`
	Out        float64 `json:"frames_out"` // so far
	RedactMS   float64 `json:"redact_p99_ms"`
	WriteMS    float64 `json:"write_p99_ms"`
}

// sample notes every few seconds what the doorbell needs, until ctx ends.
func (l *live) sample(ctx context.Context, began time.Time) {
	every := max(time.Second, min(10*time.Second, l.lasts/200))
	for wait(ctx, every) == nil {
		m, err := l.program.Metrics(ctx)
		if err != nil {
			continue // it is stopped, or has no time just now
		}
		l.samples = append(l.samples, sample{
			At: time.Since(began).Seconds(), RSS: m["process_resident_memory_bytes"] / (1 << 20), Heap: m["go_memstats_heap_inuse_bytes"] / (1 << 20),
			Files: m["process_open_fds"], Goroutines: m["go_goroutines"], Threads: m["go_threads"], Out: m.Frames("out"),
			RedactMS: 1000 * m[`hedge_stage_seconds{quantile="0.99", stage="redact"}`], WriteMS: 1000 * m[`hedge_stage_seconds{quantile="0.99", stage="write"}`],
		})
	}
}
