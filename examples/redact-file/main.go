// Command redact-file hides in a recording or a picture, or in a folder of them,
// what is not on the owner's property.
//
//	go run ./examples/redact-file -in street.mp4 -out redacted.mp4 -policy policy.json
//	go run ./examples/redact-file -in photo.jpg -out redacted.jpg -policy policy.json
//
// Recordings become MP4; pictures stay JPEG, PNG or WebP, upright and without
// metadata. No input is ever written to, and nothing is replaced without -force.
//
// Exit codes: 0 all done; 1 a file could not be redacted; 2 wrong flags,
// policy, network or output; 130 interrupted. A file that could not be redacted
// to its end is not left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "redact-file: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	in, out, policy string
	report, sheet   string
	evidence        string
	tracks          string
	networks        string
	lookAhead       time.Duration
	every           int
	moving          bool
	movingGiven     bool
	force           bool
	recursive       bool
	track           int
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("redact-file", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.in, "in", "", "the recording or picture, or a folder of them")
	f.StringVar(&o.out, "out", "", "the file to write, .mp4, or .jpg, .png or .webp for a picture; for a folder, the folder")
	f.StringVar(&o.policy, "policy", "", "the policy file (JSON)")
	f.StringVar(&o.report, "report", "", "write a report (JSON) to this file")
	f.StringVar(&o.sheet, "sheet", "", "write a contact sheet (PNG) of redacted frames to this file; for a folder, one beside each output")
	f.StringVar(&o.networks, "networks", networks.HedgeN, "which networks look for people, faces and plates: "+networks.Names())
	f.DurationVar(&o.lookAhead, "lookahead", pipeline.DefaultConfig().LookAhead, "how long an object is hidden before it is first seen, 0s to 4s")
	f.IntVar(&o.every, "every", 0, "let the networks look at every n-th frame; 0 is each frame of a file, and of another input as many as fit into 100 ms")
	f.BoolVar(&o.moving, "moving", false, "the camera moves (a dashcam): do not hide what merely moves; without this flag it is found out")
	f.StringVar(&o.evidence, "evidence", "", "the evidence (JSON lines): written to this file if it is not there; if it is, no network is needed")
	f.StringVar(&o.tracks, "tracks", "", "print the tracks that are hidden, and write a sheet of their outlines (PNG) to this file")
	f.BoolVar(&o.force, "force", false, "replace outputs that exist; an input or the policy never is")
	f.BoolVar(&o.recursive, "recursive", false, "take the recordings of a folder's subfolders as well")
	f.IntVar(&o.track, "track", 1, "which video track of a recording is redacted")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	f.Visit(func(f *flag.Flag) { o.movingGiven = o.movingGiven || f.Name == "moving" })
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q: every input goes behind a flag", f.Arg(0))
	case o.in == "":
		return o, errors.New("-in is missing: name the recording to redact")
	case o.out == "":
		return o, errors.New("-out is missing: name the file to write")
	case o.policy == "":
		return o, errors.New("-policy is missing: name the policy file; README.md says how to write one")
	case o.lookAhead < 0 || o.lookAhead > 4*time.Second:
		return o, fmt.Errorf("-lookahead %v: must be 0s to 4s", o.lookAhead)
	case o.track < 1:
		return o, fmt.Errorf("-track %d: tracks are counted from 1", o.track)
	case o.every < 0:
		return o, fmt.Errorf("-every %d: must not be negative", o.every)
	}
	return o, nil
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintf(stderr, "redact-file: %v\n", err) // nowhere else to say it
		return code
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	policy, err := redact.LoadPolicy(o.policy)
	if err != nil {
		return fail(exitUsage, err)
	}
	files, left, err := plan(o)
	for _, l := range left {
		_, _ = fmt.Fprintf(stderr, "left out: %s (%s)\n", l.path, l.why) // likewise
	}
	if err == nil {
		err = o.guard(files)
	}
	if err != nil {
		return fail(exitCode(err), err)
	}
	sets, err := openNetworks(ctx, &o, policy, files, stderr)
	if err != nil {
		return fail(exitUsage, err)
	}

	code := exitDone
	var reports []*report
	for _, f := range files {
		j := job{options: o, policy: policy, set: sets[0], copies: sets[1:], stderr: stderr, file: f}
		rep, err := j.run(ctx)
		reports = append(reports, rep)
		if ctx.Err() != nil {
			code = fail(exitInterrupted, fmt.Errorf("interrupted; %s is not left half done", f.out))
			break
		}
		if err != nil {
			code = max(code, fail(exitCode(err), fmt.Errorf("%s: %w", ffmpeg.ShownAddress(f.in), err)))
		}
	}
	if o.report != "" {
		if err := writeReport(o.report, o.force, reports); err != nil {
			code = max(code, fail(exitUsage, err))
		}
	}
	for _, s := range sets {
		if err := s.Close(); err != nil {
			code = max(code, fail(exitFailed, err))
		}
	}
	return code
}

// openNetworks opens the networks, one set for each core up to two. Those that the
// policy never asks need not be there, nor any where evidence stands in for them.
func openNetworks(ctx context.Context, o *options, policy *redact.Policy, files []file, stderr io.Writer) (sets []*networks.Set, err error) {
	if policy.Needs()|policy.NeedsBackground() == 0 || !slices.ContainsFunc(files, needsNetworks) {
		o.networks = networks.None
	}
	for range min(runtime.NumCPU(), 2) {
		s, err := detectors.Open(ctx, o.networks, networks.Options{Progress: progressOf("weights", stderr), MinScore: pipeline.RecordingScores})
		if err != nil {
			for _, s := range sets {
				err = errors.Join(err, s.Close())
			}
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// needsNetworks reports whether there is no evidence of the file.
func needsNetworks(f file) bool {
	if f.evidence == "" {
		return true
	}
	_, err := os.Stat(f.evidence)
	return err != nil
}
