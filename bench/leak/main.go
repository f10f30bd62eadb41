// Command leak measures what a privacy tool misses: how many of the labelled
// faces, people and license plates of real recordings are not hidden, for how
// long, and how much is hidden that nobody asked for.
//
//	go run ./bench/leak [-policy P] [-mode offline|live|recording] [-fps F] [-cores N]
//	    [-networks NAME] [-lookahead TIME] [-json F] [-worst DIR] SET...
//
// A SET is a folder with labels.jsonl and SOURCE.md. Its recordings run through
// the pipeline that every program uses; only the masks of the frames that went
// out are kept and compared with the labels.
//
// A box leaks when less than 80 % of its pixels are hidden, 90 % for faces and
// plates. A frame that was dropped shows nothing: its boxes are counted apart.
// A frame that failed closed hides everything; the share of those is printed,
// and JSON has the leak without them. What no label asked for is given where
// SOURCE.md says that people are labelled completely; margins and the rest of
// a block count as hidden without need.
//
// Beside the masks, the pictures themselves are judged: what of the detail of each
// labelled object is still shown, and how much of the rest is gone (see
// pictureJudge). A fill that shows the place without the person is judged by what
// it shows of the person. -redacted judges in this way a recording that any
// program has made.
//
// Without -policy there is no property, and what is detected is hidden: the hard
// case. Clips run offline or live; live paces them by the wall clock at their
// own rate or at -fps, and gives the detectors -cores cores (limit the process
// itself with taskset on a machine that has more). Single pictures run one by
// one as recordings of one frame, always offline. The clip's rate and whether
// the camera is fixed are taken from SOURCE.md, see facts.
//
// -reference counts the tracks of recordings that are hidden though nobody is there: where
// the labels have nothing or, in clips without labels, where other networks find nothing.
//
//	go run ./bench/leak -mode recording -reference trio street.mp4 SET...
//
// -ablation runs the sets once for each part of the pipeline that can be taken
// away, and prints what each is worth.
//
// -worst draws raw pictures, with the labels and the mask on them. This is a
// test tool for public data; it is the one place of the project that may, and
// nothing can import it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/bench/internal/report"
)

func main() { command.Main("leak", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if o.redacted != "" {
		return judgeOne(ctx, o, out)
	}
	if o.ablation {
		return ablate(ctx, o, out)
	}
	r, err := measureAll(ctx, o, out)
	if err != nil || o.json == "" {
		return err
	}
	return command.WriteJSON(o.json, r)
}

// measureAll runs all sets, and prints a table of each.
func measureAll(ctx context.Context, o *options, out io.Writer) (*leakreport.Report, error) {
	var sets []*labels.Set
	for _, dir := range o.sets {
		s, err := o.loadAny(ctx, dir)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	pl, models, err := o.plan(ctx)
	if err != nil {
		return nil, err
	}
	defer models.Close()
	r := &leakreport.Report{Config: o.report(pl.config.Policy, models)}
	for _, s := range sets {
		sc, rr, err := pl.measure(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		if err := pl.save(); err != nil {
			return nil, err
		}
		r.Runs = append(r.Runs, *rr)
		if o.reference != "" {
			continue
		}
		sets, pictures := sc.reports(s.Name, o.classSet, &s.Facts), sc.judges.reports(s.Name)
		r.Sets, r.Pictures = append(r.Sets, sets...), append(r.Pictures, pictures...)
		if err := printAll(out, leakreport.SetTable(sets), rr.Text(), leakreport.PictureTable(pictures)); err != nil {
			return nil, err
		}
		if o.worst != "" {
			if err := drawWorst(ctx, o, s, sc, models, out); err != nil {
				return nil, fmt.Errorf("%s: worst cases: %w", s.Name, err)
			}
		}
	}
	return r, printAll(out, leakreport.FalseTable(r.Runs))
}

// printAll writes tables, those that have lines, and text.
func printAll(out io.Writer, parts ...any) (err error) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			_, e := fmt.Fprintln(out, p)
			err = errors.Join(err, e)
		case report.Table:
			if len(p.Lines) > 0 {
				err = errors.Join(err, p.Text(out))
			}
		}
	}
	return err
}
