// Command speed measures what Hedge costs, part by part and as a whole, and
// holds it against what it is meant to reach.
//
//	go run ./bench/speed [-json F] [-md F] [-seconds N] [-clip F] [-networks S] [-only a,b]
//
// Times are core times of this process (all its threads), so that other work on
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
	"image"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// options are the command line.
type options struct {
	json, md, clip string
	seconds        int
	networks       string
	only           string
}

func main() {
	command.Main("speed", func(ctx context.Context, args []string, out io.Writer) error { return run(ctx, args, out, os.Stderr) })
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("speed", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.json, "json", "", "write the result as JSON to this file")
	f.StringVar(&o.md, "md", "", "write the result as Markdown to this file")
	f.IntVar(&o.seconds, "seconds", 60, "length of the live run, 1 to 3600; under 10 everything else is measured in less time too")
	f.StringVar(&o.clip, "clip", "", "a clip of a fixed camera with people in it (default: vtest.avi as `make setup` fetches it)")
	f.StringVar(&o.networks, "networks", networks.HedgeN, "which networks the live run and the file run use: "+networks.Names())
	f.StringVar(&o.only, "only", "", "measure only these parts, separated by commas: "+strings.Join(partNames(), ", "))
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q: every argument goes behind a flag", f.Arg(0))
	case o.seconds < 1 || o.seconds > 3600:
		return o, fmt.Errorf("-seconds %d: must be 1 to 3600", o.seconds)
	}
	for name := range strings.SplitSeq(o.only, ",") {
		if o.only != "" && !isPart(name) {
			return o, fmt.Errorf("-only %s: there is no such part (one of %s)", name, strings.Join(partNames(), ", "))
		}
	}
	return o, nil
}

// part is one part of the suite and the goals that it measures.
type part struct {
	name  string
	goals []goal
	run   func(context.Context, *suite) error
}

// parts are in the order in which they run: what needs a quiet process before
// what starts threads of its own.
var parts = []part{
	{"copy", nil, measureCopy},
	{"redact", []goal{goalFull, goalFullHeld, goalPart, goalPartHeld, goalBlur}, measureRedact},
	{"prepare", []goal{goalPrepare, goalPrepareCopy, goalPrepareChains}, measurePrepare},
	{"track", []goal{goalTrack}, measureTrack},
	{"motion", []goal{goalMotion}, measureMotion},
	{"mjpeg", []goal{goalMJPEG, goalMJPEGGarbage}, measureMJPEG},
	{"networks", nil, measureNetworks},
	{"live", []goal{goalRest, goalRate, goalP99, goalDrops, goalDetectors,
		goalAllocs, goalGoroutines, goalNative, goalHeap}, measureLive},
	{"file", nil, measureFile},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func isPart(name string) bool {
	for _, p := range parts {
		if p.name == name {
			return true
		}
	}
	return false
}

// suite is one run of the program.
type suite struct {
	options
	report report
	said   io.Writer
	clipAt string           // prepared clip; empty until something asked for it
	tidy   []func() error   // what to clean up at the end
	looks  map[string]looks // networks measured, for the predictions
}

// looks are the core times of a network in milliseconds, by the size of its input.
type looks map[image.Point]float64

// short reports whether this run is only to see that everything works.
func (s *suite) short() bool { return s.seconds < 10 }

// budget returns how long one comparison may take.
func (s *suite) budget(d time.Duration) time.Duration {
	if s.short() {
		return d / 20
	}
	return d
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	s := &suite{options: o, said: stderr, looks: map[string]looks{}}
	defer func() {
		for _, f := range s.tidy {
			err = errors.Join(err, f())
		}
	}()
	s.report = newReport(o.seconds)
	for _, p := range parts {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+p.name+",") {
			s.report.skip(p.goals, "not asked for (-only)")
			continue
		}
		if ctx.Err() != nil {
			s.report.skip(p.goals, "the run was interrupted")
			continue
		}
		start := time.Now()
		if err := p.run(ctx, s); err != nil {
			// One part that cannot run here, or that was interrupted, leaves the
			// others standing.
			s.say("%s: %v", p.name, err)
			s.report.skip(p.goals, err.Error())
			s.report.Notes = append(s.report.Notes, p.name+" was not measured: "+err.Error())
			continue
		}
		s.say("%s: %.1f s", p.name, time.Since(start).Seconds())
	}
	s.predict()
	s.report.finish()
	if o.json != "" {
		if err := command.WriteJSON(o.json, &s.report); err != nil {
			return err
		}
	}
	if o.md != "" {
		if err := os.WriteFile(o.md, []byte(s.report.markdown()), 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, s.report.markdown())
	return errors.Join(err, ctx.Err())
}

func (s *suite) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.said, "speed: "+format+"\n", args...) // nowhere else to say it
}
