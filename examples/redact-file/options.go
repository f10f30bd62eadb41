package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// options are the command line.
type options struct {
	in, out, policy string
	report, sheet   string
	evidence        string
	tracks          string
	networks        string
	provider        string
	silhouettes     bool // of visitors, by policy and networks
	lookAhead       time.Duration
	every           int
	moving          bool
	movingGiven     bool
	force           bool
	version         bool
	recursive       bool
	track           int
	encoding        string
	confine         bool
	room            func(ffmpeg.Room) []string // of the ffmpeg that reads the input, see ffmpeg.Options
}

// parse reads the command line. Its error says what is wrong and what would be right.
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
	f.StringVar(&o.provider, "provider", string(onnx.CPU), detectors.ProviderHelp+": "+strings.Join(networks.Providers(), ", "))
	f.DurationVar(&o.lookAhead, "lookahead", pipeline.DefaultConfig().LookAhead, "how long an object is hidden before it is first seen, 0s to 4s")
	f.IntVar(&o.every, "every", 0, "let the networks look at every n-th frame; 0 is each frame of a file, and of another input as many as fit into 100 ms")
	f.BoolVar(&o.moving, "moving", false, "the camera moves (a dashcam): do not hide what only its own movement moves; without this flag it is found out")
	f.StringVar(&o.evidence, "evidence", "", "the evidence (JSON lines): written to this file if it is not there; if it is, no network is needed")
	f.StringVar(&o.tracks, "tracks", "", "print the tracks that are hidden, and write a sheet of their outlines (PNG) to this file")
	f.BoolVar(&o.confine, "confine", true, "the ffmpeg that reads the input has no rights but to read that, the one that writes the output none but to write that, and neither has a network (Linux with Landlock)")
	f.BoolVar(&o.version, "version", false, "print the version, and end")
	f.BoolVar(&o.force, "force", false, "replace outputs that exist; an input or the policy never is")
	f.BoolVar(&o.recursive, "recursive", false, "take the recordings of a folder's subfolders as well")
	f.IntVar(&o.track, "track", 1, "which video track of a recording is redacted")
	f.StringVar(&o.encoding, "encoder", x264.name, "what encodes a recording: "+strings.Join(encoderNames(), ", ")+"; auto takes the cheapest that works, most often with more bytes or less quality than x264; those in hardware (rkmpp, v4l2m2m, vaapi, qsv) are not run on hardware yet: see docs/boards.md")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	f.Visit(func(f *flag.Flag) { o.movingGiven = o.movingGiven || f.Name == "moving" })
	switch {
	case o.version:
		return o, nil
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected %q: every input goes behind a flag", ffmpeg.ShownAddress(f.Arg(0)))
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
	case !slices.Contains(strings.Split(networks.Names(), ", "), o.networks):
		// Also where the policy needs none: the next one may.
		return o, fmt.Errorf("-networks %s: must be one of %s", o.networks, networks.Names())
	case networks.CheckProvider(o.provider) != nil:
		return o, networks.CheckProvider(o.provider)
	case !slices.Contains(encoderNames(), o.encoding):
		return o, fmt.Errorf("-encoder %s: must be one of %s", o.encoding, strings.Join(encoderNames(), ", "))
	case o.every < 0:
		return o, fmt.Errorf("-every %d: must not be negative", o.every)
	}
	return o, nil
}
