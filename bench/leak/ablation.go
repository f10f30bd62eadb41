package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
)

// variant is the pipeline with one part taken away or set otherwise.
type variant struct {
	name string
	args []string
}

// variants are what -ablation runs.
var variants = []variant{
	{"as it is", nil},
	{"no look-ahead", []string{"-lookahead", "0s"}},
	{"no back-fill before the first observation", []string{"-track", "person.BackFill=0s,person.BackFillUncertain=0s"}},
	{"no hold after the last observation", []string{"-track", "person.Hold=0s,person.HoldUncertain=0s"}},
	{"no look-ahead, back-fill or hold", []string{"-lookahead", "0s", "-track", "person.BackFill=0s,person.BackFillUncertain=0s,person.Hold=0s,person.HoldUncertain=0s"}},
	{"no growth with doubt and age", []string{"-track", "person.MaxGrow=0.0001"}},
	{"padded boxes shrink at once", []string{"-track", "person.Shrink=1000"}},
	{"padded boxes shrink four times as fast", []string{"-track", "person.Shrink=0.3"}},
	{"sure detections only (person.Low 0.4)", []string{"-track", "person.Low=0.4"}},
	{"every doubt counts (person.Low 0.05)", []string{"-track", "person.Low=0.05"}},
	{"no motion voice", []string{"-moving", "yes"}},
	{"no motion voice, every doubt counts", []string{"-moving", "yes", "-track", "person.Low=0.05"}},
	{"10 % margin on top", []string{"-margin", "0.1"}},
	{"one look in 4 frames", []string{"-every", "4"}},
	{"one look in 8 frames", []string{"-every", "8"}},
	{"one block more, as for compressed input", []string{"-compressed=true"}},
}

// ablate runs the sets once for each variant. The networks look at each picture
// once: their answers are remembered.
func ablate(ctx context.Context, base *options, out io.Writer) (err error) {
	args := base.given
	if base.cache == "" {
		dir, err := os.MkdirTemp("", "hedge-leak")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		args = append([]string{"-cache", dir}, args...)
	}
	flags := args[:len(args)-len(base.sets)]
	a := leakreport.Ablation{}
	for _, v := range variants {
		line := append(append(append([]string{}, flags...), v.args...), base.sets...)
		o, err := parse(line, out)
		if err != nil {
			return fmt.Errorf("variant %q: %w", v.name, err)
		}
		r, err := measureAll(ctx, o, io.Discard)
		if err != nil {
			return fmt.Errorf("variant %q: %w", v.name, err)
		}
		a.Variants = append(a.Variants, leakreport.Variant{Name: v.name, Options: v.args, Report: *r})
	}
	t := a.Table(1)
	if err := t.Text(out); err != nil || base.json == "" {
		return err
	}
	return command.WriteJSON(base.json, a)
}
