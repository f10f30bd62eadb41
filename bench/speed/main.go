// Command speed measures what Hedge costs, part by part and as a whole, and
// writes it beside what it is meant to reach.
//
//	go run ./bench/speed [-json F] [-md F] [-seconds N] [-clip F] [-networks S] [-bench PATTERN]
//
// Everything is measured by the Go benchmarks in this folder. They may be run by
// themselves, and two runs compared with benchstat:
//
//	go test -run '^$' -bench Redact -count 6 ./bench/speed
//
// Times are core times of the process (all its threads), so that other work on
// the machine moves them little; the latencies of the live run are wall times
// and need a quiet machine. What is compared runs in turn, in one run, and a
// ratio is the median of the ratios of each turn.
//
// The networks need ONNX Runtime and their weights (`make setup`), the live run
// and the file run also ffmpeg and a clip with people. Without them those rows
// say so, and the rest is measured. -seconds is the length of the live run; the
// last published result, last.json and last.md, says how long it was there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// options are the command line.
type options struct {
	output                command.Output
	clip, networks, bench string
	seconds               int
}

func main() {
	command.Main("speed", func(ctx context.Context, args []string, out io.Writer) error {
		return run(ctx, args, out, os.Stderr, "go", "test", "./bench/speed", "-timeout=2h", "-v", "-run=^$")
	})
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("speed", flag.ContinueOnError)
	f.SetOutput(stderr)
	o.output.Flags(f)
	f.IntVar(&o.seconds, "seconds", 60, "length of the live run, 1 to 3600; under 10 everything else is measured in less time too")
	f.StringVar(&o.clip, "clip", "", "a clip of a fixed camera with people in it (default: vtest.avi as `make setup` fetches it)")
	f.StringVar(&o.networks, "networks", networks.HedgeN, "which networks the live run and the file run use: "+networks.Names())
	f.StringVar(&o.bench, "bench", ".", "run only the benchmarks of this pattern")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	if o.seconds < 1 || o.seconds > 3600 {
		return o, fmt.Errorf("-seconds %d: must be 1 to 3600", o.seconds)
	}
	return o, nil
}

const about = "Core times unless said otherwise, medians; ratios (x) are medians of ratios taken in turn. The live run took %d s."

// run runs the benchmarks by the given command, to which flags of the test binary
// are added.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, test ...string) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	flags, length := "-test.", "300ms"
	if test[0] == "go" {
		flags = "-"
	}
	if o.seconds < 10 {
		length = "3x"
		test = append(test, flags+"short")
	}
	test = append(test, flags+"bench="+o.bench, flags+"benchtime="+length,
		"-seconds="+strconv.Itoa(o.seconds), "-clip="+o.clip, "-networks="+o.networks)
	cmd := exec.CommandContext(ctx, test[0], test[1:]...)
	// The benchmarks clean up behind them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 15 * time.Second
	// Both streams of the benchmarks are written to it, each by a goroutine.
	stderr = &lockedWriter{w: stderr}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	r := newResult(o.seconds)
	if err := cmd.Start(); err != nil {
		return err
	}
	m, err := read(io.TeeReader(out, stderr))
	err = errors.Join(err, cmd.Wait())
	if ctx.Err() == nil && err != nil && len(m.lines) == 0 {
		return fmt.Errorf("the benchmarks failed: %w", err)
	}
	if ctx.Err() == nil && err != nil {
		r.Note("The benchmarks ended with: %v", err)
	}
	m.fill(r, ctx.Err())
	r.Machine.End()
	return errors.Join(o.output.Write(stdout, r.Markdown("bench/speed", fmt.Sprintf(about, o.seconds)), r), ctx.Err())
}

// lockedWriter lets several goroutines write.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func newTargets() (list []report.Target) {
	for i := range targets {
		list = append(list, targets[i].Target)
	}
	return list
}

func newResult(seconds int) *report.Result {
	r := report.New(newTargets())
	r.LiveSeconds = seconds
	if seconds < 10 {
		r.Note("A run of less than 10 s only shows that everything works, the live run and the file run at 640x360: its numbers say little.")
	}
	return r
}
