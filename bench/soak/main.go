// Command soak has one thing after another go wrong with a running doorbell, for hours,
// and looks at all that comes out of it.
//
//	go run ./bench/soak -hours 3 [-seed N] [-faults 10000] [-fps 15] [-networks S] [-note TEXT] [-publish]
//
// The camera is a drawn scene of 1080p over HTTP with a chessboard on every block, so
// that a raw block outside of the zones is known wherever it turns up: in the stream of
// RTSP and in every recording, both decoded as a whole, and in a snapshot every two
// seconds. Meanwhile the decoder is killed and stopped, the camera falls silent, goes away
// and sends rubbish, the network is late, the disk is full, the policy file is written
// anew, half of the time so that it cannot be used, and twice as many processes as there
// are cores compute beside it.
//
// Before that, as many single faults as -faults says befall small pipelines in this
// program's own process: of detectors, of sources and their clocks, of sinks and their
// disks, of policies. Their sink compares every pixel.
//
// Every fault is printed with its time; a run with the same -seed has the same ones. It
// needs ffmpeg and ffprobe, and root for the disk that is full. A raw block makes it fail;
// what else misses its target does not. With -publish the result replaces last.json,
// last.md and last.svg beside this file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

func main() { command.Main("soak", run) }

// options say what is run.
type options struct {
	seed     uint64
	faults   int           // single ones
	lasts    time.Duration // the live run
	least    int           // faults of it at least
	rate     float64       // pictures a second
	networks string
	size     image.Point
	rest     time.Duration // the longest one between two faults
	brief    bool          // faults last a tenth of the time
	note     string        // of who ran it
}

// chance returns a run's random numbers, of which there are several independent series.
func chance(seed, series uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, series)) //nolint:gosec // the same again with the same seed, and no secret
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.SetOutput(out)
	o := options{size: image.Pt(1920, 1080), rest: 6 * time.Second}
	hours := f.Float64("hours", 3, "how long the doorbell runs, 0 to 1000; 0 leaves it out")
	f.Uint64Var(&o.seed, "seed", 0, "which faults there are; without one it is random, and printed")
	f.IntVar(&o.faults, "faults", 10000, "how many single faults befall small pipelines before that")
	f.Float64Var(&o.rate, "fps", 15, "pictures a second of the camera, 1 to 30")
	f.StringVar(&o.networks, "networks", networks.HedgeN, "which networks the doorbell uses: "+networks.Names())
	f.StringVar(&o.note, "note", "", "what else there is to say of the run, such as what ran beside it: the result repeats it")
	publish := f.Bool("publish", false, "replace bench/soak/last.json, last.md and last.svg")
	dir := f.String("out", "", "folder for last.json, last.md and last.svg of this run")
	if err := command.Parse(f, args); err != nil {
		return err
	}
	if !(*hours >= 0 && *hours <= 1000) || !(o.rate >= 1 && o.rate <= 30) || o.faults < 0 {
		return errors.New("-hours must be 0 to 1000, -fps 1 to 30, -faults not negative")
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1 << 32) //nolint:gosec // no secret: it is printed
	}
	o.lasts = time.Duration(*hours * float64(time.Hour))
	if *publish {
		*dir = filepath.Join("bench", "soak")
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) } // nowhere else to say it
	r, err := soak(ctx, o, say)
	if r == nil {
		return err
	}
	return errors.Join(err, r.write(*dir, out))
}

// soak runs it all. Everything that it started has ended when it returns. After an error
// the result is of what was measured until then, nil if there is nothing.
func soak(ctx context.Context, o options, say func(format string, args ...any)) (r *result, err error) {
	r = &result{Result: report.New(targets[:]), options: o}
	say("seed %d", o.seed)
	if o.faults > 0 {
		if r.singles, err = single(ctx, o.seed, o.faults, say); err != nil {
			return nil, err
		}
	}
	if o.lasts > 0 || o.least > 0 {
		err = r.runLive(ctx, say)
	}
	r.Machine.End()
	r.evaluate()
	for _, g := range []int{goalSinglesRaw, goalRaw, goalRecordedRaw} {
		if w := r.Rows[g]; w.Met != nil && !*w.Met {
			err = errors.Join(err, fmt.Errorf("%s: %v", w.Name, *w.Value))
		}
	}
	if l := r.live; l != nil && l.snaps != nil && l.snaps.seen.raw > 0 {
		err = errors.Join(err, fmt.Errorf("doorbell, snapshots: raw blocks outside of every zone: %d", l.snaps.seen.raw))
	}
	return r, err
}

func (r *result) runLive(ctx context.Context, say func(format string, args ...any)) (err error) {
	for _, program := range []string{"go", "ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: install it (apt-get install ffmpeg golang)", err)
		}
	}
	dir, err := os.MkdirTemp("", "hedge-bench-soak")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r.live = &live{options: r.options, say: say, scene: scene{r.options.size}, dir: dir}
	if r.options.networks != networks.None {
		r.live.inside = `"face","person"`
	}
	return r.live.run(ctx)
}
