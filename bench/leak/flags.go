package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// options are the command line.
type options struct {
	leakreport.Config   // what the result says of it
	policy, json, worst string
	lookAhead           time.Duration
	ablation            bool
	picture, recording  bool
	redacted, reference string
	minScore, track     string
	redact              func(*redact.Options) // as -margin says
	cache               string
	sets                []string
	given               []string
	classSet            detect.ClassSet
	pipelineMode        pipeline.Mode
}

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{given: args}
	var classes string
	f := flag.NewFlagSet("leak", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.policy, "policy", "", "the policy file; without one nothing is property, and what is detected is hidden")
	f.StringVar(&o.Mode, "mode", "offline", "offline: wait for the detectors; live: pace clips by the wall clock; recording: two passes, whole tracks decide")
	f.Float64Var(&o.FPS, "fps", 0, "frames per second of the clips; 0: what SOURCE.md or the clip says")
	f.Float64Var(&o.Cores, "cores", 2, "live: core time for the detectors, in cores")
	f.StringVar(&o.Networks, "networks", networks.HedgeN, "which networks: "+networks.Names())
	f.DurationVar(&o.lookAhead, "lookahead", pipeline.DefaultConfig().LookAhead, "how long frames are held back, 0s to 4s")
	f.IntVar(&o.Every, "every", 0, "offline: look at every n-th frame; 0: as many as fit into 100 ms")
	f.StringVar(&o.Moving, "moving", "auto", "yes, no, or auto: as SOURCE.md says; clips of a moving camera have no motion evidence")
	f.StringVar(&classes, "classes", "face,person,plate", "what is reported by the detectors, and scored")
	f.BoolVar(&o.Compressed, "compressed", true, "grow what is hidden, as for every decoded recording: offline and live by 4 pixels, with -mode recording by one block of 2")
	f.StringVar(&o.minScore, "minscore", "", "thresholds of the networks, such as person=0.1,plate=0.5")
	f.StringVar(&o.track, "track", "", "tracker settings, such as person.Hold=2s,plate.Low=0.05")
	f.Func("margin", "a margin of the redactor beside that of the padded boxes, as a `share` of them", func(s string) error {
		margin, err := strconv.ParseFloat(s, 32)
		o.redact = func(r *redact.Options) { r.Margin = float32(margin) }
		return err
	})
	f.StringVar(&o.cache, "cache", "", "offline: remember in this folder what the networks find, and do not ask them again")
	f.BoolVar(&o.picture, "picture", true, "measure what the pictures show, too, and not only what their masks hide")
	f.StringVar(&o.redacted, "redacted", "", "judge this redacted recording, whatever program made it, against the SET's clip and labels; nothing else is run")
	f.StringVar(&o.reference, "reference", "", "recording: count false tracks only, those where neither labels nor these networks have anything; a SET may then be a clip without labels")
	f.BoolVar(&o.ablation, "ablation", false, "run the sets once for each part of the pipeline taken away")
	f.StringVar(&o.json, "json", "", "write the result to this file")
	f.StringVar(&o.worst, "worst", "", "draw the worst cases into this folder (raw pictures: test data only)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.sets, o.Classes = f.Args(), strings.Split(classes, ",")
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *options) check() error {
	switch {
	case len(o.sets) == 0:
		return errors.New("no SET: name at least one folder with " + labels.File)
	case o.FPS < 0 || o.Cores <= 0 || o.Every < 0:
		return errors.New("-fps and -every must not be negative, -cores must be positive")
	case o.lookAhead < 0 || o.lookAhead > 4*time.Second:
		return fmt.Errorf("-lookahead %v: must be 0s to 4s", o.lookAhead)
	case !slices.Contains([]string{"auto", "yes", "no"}, o.Moving):
		return fmt.Errorf("-moving %s: must be auto, yes or no", o.Moving)
	}
	switch o.Mode {
	case "offline":
		o.pipelineMode = pipeline.File
	case "live":
		if o.cache != "" {
			return errors.New("-cache with -mode live: the networks' time is what live mode is about")
		}
		o.pipelineMode = pipeline.Live
	case "recording":
		o.recording = true
	default:
		return fmt.Errorf("-mode %s: must be offline, live or recording", o.Mode)
	}
	if o.redacted != "" && len(o.sets) != 1 {
		return errors.New("-redacted is one recording: name the one SET that it belongs to")
	}
	if o.reference != "" && !o.recording {
		return errors.New("-reference is for -mode recording: false tracks are counted of whole tracks")
	}
	if o.ablation && (o.Mode == "live" || o.worst != "") {
		return errors.New("-ablation is for offline runs without -worst")
	}
	var err error
	if o.classSet, err = labels.ParseClasses(o.Classes); err != nil {
		return fmt.Errorf("-classes: %w", err)
	}
	return nil
}

// moves reports whether the camera of a set moves.
func (o *options) moves(s *labels.Set) bool {
	if o.Moving == "auto" {
		return s.Facts.Moving
	}
	return o.Moving == "yes"
}

// only returns the recording with the labels of the classes that are scored.
func (o *options) only(r *labels.Recording) *labels.Recording {
	out := &labels.Recording{File: r.File, Clip: r.Clip}
	for _, l := range r.Labels {
		k := *l
		k.Objects = slices.DeleteFunc(slices.Clone(l.Objects), func(t labels.Truth) bool { return !o.classSet.Has(t.Class) })
		out.Labels = append(out.Labels, &k)
	}
	return out
}
