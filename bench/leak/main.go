// Command leak measures what a privacy tool misses: how many of the labelled
// faces, people and license plates of real recordings are not hidden, for how
// long, and how much is hidden that nobody asked for.
//
//	go run ./bench/leak [-policy P] [-mode offline|live] [-fps F] [-cores N]
//	    [-networks NAME] [-lookahead N] [-json F] [-worst DIR] SET...
//
// A SET is a folder with labels.jsonl and SOURCE.md. Its recordings run through
// the pipeline that every program uses; only the covers of the frames that went
// out are kept and compared with the labels.
//
// A box leaks when less than 80 % of its pixels are hidden, 90 % for faces and
// plates. A frame that was dropped shows nothing: its boxes are counted apart.
// A frame that failed closed hides everything; the share of those is printed,
// and JSON has the leak without them. What no label asked for is given where
// SOURCE.md says that people are labelled completely; margins and the rest of
// a block count as hidden without need.
//
// Without -policy there is no property, and what is detected is hidden: the hard
// case. Clips run offline or live; live paces them by the wall clock at their
// own rate or at -fps, and gives the detectors -cores cores (limit the process
// itself with taskset on a machine that has more). Single pictures run one by
// one as recordings of one frame, always offline. The clip's rate and whether
// the camera is fixed are taken from SOURCE.md, see facts.
//
// -worst draws raw pictures, with the labels and the cover on them. This is a
// test tool for public data; it is the one place of the project that may, and
// nothing can import it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// hardCase is the default policy: everything is outside, and shown unless
// something is found in it.
const hardCase = `{"version":1,"outside":{"hide":"detected","fill":"frost"}}`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		_, _ = fmt.Fprintf(os.Stderr, "leak: %v\n", err) // nowhere else to say it
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	policy, mode, networks string
	json, worst            string
	fps, cores             float64
	lookAhead, every, skip int
	moving, classes        string
	complete               string
	compressed             bool
	minScore, track        string
	margin                 float64
	input                  string
	worstMax               int
	sets                   []string
	given                  []string
	classSet, completeSet  detect.ClassSet
	completeGiven          bool
	pipelineMode           pipeline.Mode
}

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{given: args}
	f := flag.NewFlagSet("leak", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.policy, "policy", "", "the policy file; without one nothing is property, and what is detected is hidden")
	f.StringVar(&o.mode, "mode", "offline", "offline: wait for the detectors; live: pace clips by the wall clock")
	f.Float64Var(&o.fps, "fps", 0, "frames per second of the clips; 0: what SOURCE.md or the clip says")
	f.Float64Var(&o.cores, "cores", 2, "live: core time for the detectors, in cores")
	f.StringVar(&o.networks, "networks", networks.Trio, "which networks: "+networks.Names())
	f.IntVar(&o.lookAhead, "lookahead", 8, "frames held back, 0 to 120")
	f.IntVar(&o.every, "every", 0, "offline: look at every n-th frame; 0: as many as fit into 100 ms")
	f.StringVar(&o.moving, "moving", "auto", "yes, no, or auto: as SOURCE.md says; clips of a moving camera have no motion voice")
	f.StringVar(&o.classes, "classes", "face,person,plate", "what is reported by the detectors, and scored")
	f.StringVar(&o.complete, "complete", "", "classes labelled completely, or none; empty: as the set says")
	f.IntVar(&o.skip, "skip", 0, "leave out the first frames of each clip")
	f.BoolVar(&o.compressed, "compressed", true, "grow what is hidden by one block, as for every decoded recording")
	f.StringVar(&o.minScore, "minscore", "", "thresholds of the networks, such as person=0.1,plate=0.5")
	f.StringVar(&o.input, "input", "", "input size of the networks, such as 960x576; empty: each one's own")
	f.StringVar(&o.track, "track", "", "tracker settings, such as person.Hold=2s,plate.Low=0.05")
	f.Float64Var(&o.margin, "margin", 0, "margin of the redactor, as a share of the box; 0: its default, negative: none")
	f.StringVar(&o.json, "json", "", "write the result to this file")
	f.StringVar(&o.worst, "worst", "", "draw the worst cases into this folder (raw pictures: test data only)")
	f.IntVar(&o.worstMax, "worst-max", 24, "how many of them for each set")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.sets = f.Args()
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *options) check() error {
	switch {
	case len(o.sets) == 0:
		return errors.New("no SET: name at least one folder with " + labelFile)
	case o.fps < 0 || o.cores <= 0 || o.every < 0 || o.skip < 0 || o.worstMax < 1:
		return errors.New("-fps, -every and -skip must not be negative, -cores and -worst-max must be positive")
	case o.lookAhead < 0 || o.lookAhead > 120:
		return fmt.Errorf("-lookahead %d: must be 0 to 120", o.lookAhead)
	case !slices.Contains([]string{"auto", "yes", "no"}, o.moving):
		return fmt.Errorf("-moving %s: must be auto, yes or no", o.moving)
	}
	switch o.mode {
	case "offline":
		o.pipelineMode = pipeline.File
	case "live":
		o.pipelineMode = pipeline.Live
	default:
		return fmt.Errorf("-mode %s: must be offline or live", o.mode)
	}
	var err error
	if o.classSet, err = parseClasses(o.classes); err != nil {
		return fmt.Errorf("-classes: %w", err)
	}
	if o.completeGiven = o.complete != ""; o.completeGiven && o.complete != "none" {
		if o.completeSet, err = parseClasses(o.complete); err != nil {
			return fmt.Errorf("-complete: %w", err)
		}
	}
	return nil
}

func parseClasses(s string) (set detect.ClassSet, err error) {
	for name := range strings.SplitSeq(s, ",") {
		c, err := parseClass(name)
		if err != nil {
			return 0, err
		}
		set |= detect.Classes(c)
	}
	return set, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	var sets []*set
	for _, dir := range o.sets {
		s, err := loadSet(dir)
		if err != nil {
			return err
		}
		if o.completeGiven {
			s.facts.complete = o.completeSet
		}
		sets = append(sets, s)
	}
	pl, models, err := o.plan(ctx)
	if err != nil {
		return err
	}
	defer models.Close()
	r := &report{Config: o.report(pl.config.Policy, models)}
	for _, s := range sets {
		sc, rr, err := pl.measure(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows := sc.reports(s.name, pl.classes, &s.facts)
		r.Sets = append(r.Sets, rows...)
		r.Runs = append(r.Runs, *rr)
		if err := table(out, rows, rr); err != nil {
			return err
		}
		if o.worst != "" {
			if err := drawWorst(ctx, o, s, sc, models, out); err != nil {
				return fmt.Errorf("%s: worst cases: %w", s.name, err)
			}
		}
	}
	if o.json != "" {
		return writeJSON(o.json, r)
	}
	return nil
}

// plan makes the configuration of all runs. The caller closes the networks.
func (o *options) plan(ctx context.Context) (*plan, *networks.Set, error) {
	policy, err := redact.ParsePolicy([]byte(hardCase))
	if o.policy != "" {
		policy, err = redact.LoadPolicy(o.policy)
	}
	if err != nil {
		return nil, nil, err
	}
	c := pipeline.Config{
		Policy: policy, Mode: o.pipelineMode, Cores: o.cores,
		LookAhead: o.lookAhead, Every: o.every, Compressed: o.compressed,
		Redact: redact.Options{Margin: float32(o.margin)},
	}
	if o.lookAhead == 0 {
		c.LookAhead = pipeline.NoLookAhead
	}
	if c.Track, err = parseTrack(o.track); err != nil {
		return nil, nil, fmt.Errorf("-track: %w", err)
	}
	n := networks.Options{}
	if n.MinScore, err = parseScores(o.minScore); err != nil {
		return nil, nil, fmt.Errorf("-minscore: %w", err)
	}
	if n.InputSize, err = parseSize(o.input); err != nil {
		return nil, nil, fmt.Errorf("-input: %w", err)
	}
	models, err := networks.Open(ctx, o.networks, n)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range models.Detectors {
		if d.Classes()&^o.classSet&^detect.Classes(detect.Vehicle) != 0 {
			d = &deaf{d, o.classSet | detect.Classes(detect.Vehicle)}
		}
		c.Detectors = append(c.Detectors, d)
	}
	return &plan{config: c, rate: o.fps, moving: o.moving, classes: o.classSet, skip: o.skip}, models, nil
}

func (o *options) report(p *redact.Policy, models *networks.Set) configReport {
	c := configReport{
		Policy: json.RawMessage(p.Canonical()), PolicySHA256: p.SHA256(), Mode: o.mode,
		FPS: o.fps, Cores: o.cores, Networks: o.networks, LookAhead: o.lookAhead,
		Every: o.every, Moving: o.moving, Classes: strings.Split(o.classes, ","), Skip: o.skip,
		Compressed: o.compressed, Options: o.given,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
	}
	for _, m := range models.Models {
		c.Models = append(c.Models, modelReport{m.Name, m.SHA256})
	}
	return c
}
