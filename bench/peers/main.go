// Command peers runs what a user would take instead of Hedge over the same
// recordings, in one run on one machine, and measures all the same way.
//
//	go run ./bench/peers [-json F] [-md F] [-venv DIR] [-frames N] [-keep DIR]
//
// The others are deface (PyPI), installed into a virtual environment that is
// thrown away unless -venv names one, and bench/peers/plain, the common
// frame-by-frame program with gocv and the networks of Hedge. A tool that cannot
// be had is left out, and the results say why. The recordings come from the
// folder dev below $HEDGE_DATA; needed are ffmpeg and ffprobe.
//
// # What is measured
//
// A box leaks when less than 80 % (faces and plates: 90 %) of its detail is gone
// from the output. Detail is taken in cells of 8x8 pixels of luma: how much of the
// input's deviation from the plane that fits the cell best is still in the
// output (the regression coefficient) decides, gone is less than a half. Cells
// of the input without detail (standard deviation under 3) count neither way. Two controls say whether
// that is fair: a copy that is only encoded again must leak everywhere, and a
// copy with grey boxes exactly over the labels nowhere.
//
// Core time is user and system time of the program and of all that it started
// and waited for; peak memory is of its largest process. Frames per second
// include the start of the program and the loading of networks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/machine"
)

func main() { command.Main("peers", run) }

// options are the command line.
type options struct {
	output                 command.Output
	data, venv, keep, only string
	frames                 int
}

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(out)
	o.output.Flags(f)
	f.StringVar(&o.data, "data", os.Getenv("HEDGE_DATA"), "folder with dev/; the default is $HEDGE_DATA")
	f.StringVar(&o.venv, "venv", "", "virtual environment with deface, made if it is not there; the default is a temporary one")
	f.StringVar(&o.keep, "keep", "", "keep inputs and outputs in this folder")
	f.StringVar(&o.only, "only", "", "run only tools with this in their name")
	f.IntVar(&o.frames, "frames", 150, "frames of each recording")
	if err := command.Parse(f, args); err != nil {
		return nil, err
	}
	switch {
	case o.frames < 20:
		return nil, fmt.Errorf("-frames %d: must be at least 20", o.frames)
	case o.data == "":
		return nil, errors.New("no recordings: set HEDGE_DATA or -data")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	dir := o.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "peers"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	clips, err := prepare(ctx, o, dir)
	if err != nil {
		return err
	}
	s, err := slides(ctx, o, dir)
	if err != nil {
		return err
	}
	clips = append(clips, s)
	r := &report{Frames: o.frames, Machine: machine.This()}
	tools, err := r.install(ctx, o, dir)
	if err != nil {
		return err
	}
	if err := r.control(ctx, clips, dir); err != nil {
		return fmt.Errorf("controls: %w", err)
	}
	for _, t := range tools {
		for _, c := range clips {
			if !strings.Contains(c.name, t.clips) || t.scope == "faces" && c.name == slidesName {
				continue
			}
			row, err := measure(ctx, t, c, dir)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", t.name, c.name, err)
			}
			r.Rows = append(r.Rows, row)
			if _, err := fmt.Fprintln(out, row.line()); err != nil {
				return err
			}
		}
		if t.clips != "" {
			continue
		}
		row, err := corrupt(ctx, t, clips[0], dir)
		if err != nil {
			return fmt.Errorf("%s on a damaged file: %w", t.name, err)
		}
		r.Damaged = append(r.Damaged, row)
	}
	r.Machine.End()
	return o.output.Write(out, r.markdown(), r)
}
