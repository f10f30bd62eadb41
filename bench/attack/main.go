// Command attack measures how strong a fill is: what a program that knows how
// Hedge works, and was trained on its output, gets back from what is hidden.
//
//	go run ./bench/attack [-json F] [-md F] [-only detect,recognise,motion,background,residue]
//
// Five attacks:
//
//   - detect: the project's own networks look at redacted pictures, at full size
//     and enlarged, and report objects where there is a fill.
//   - recognise: classifiers trained on redacted clips tell which of N plates or
//     faces is under the fill (McPherson, Shokri, Shmatikov, "Defeating Image
//     Obfuscation with Deep Learning", arXiv 1609.00408, 2016): one in the first
//     picture, one who passes through a place known before, one who stands there
//     for minutes. Times are simulated.
//   - background: the same classifiers, and the fill that shows the place with nobody
//     in it: who comes, passes, stays or comes back, found by a network or not.
//   - motion: a still picture is rebuilt from 60 frames in which it moves under
//     the fill, by averaging aligned frames and by back-projection.
//   - residue: the trace that compression leaves beside somebody, where nothing is
//     hidden.
//
// Solid and frost are painted by the real redact.Redactor. Averages of the picture
// at hand, a mosaic and a Gaussian are here as the warning example; Hedge does not
// offer them.
//
// The pictures come from the folder dev below $HEDGE_DATA. Without it the
// attacks on plates, which are drawn, still run. A whole run takes about half an
// hour of one core, half of it for the background.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
)

func main() { command.Main("attack", run) }

// options are the command line.
type options struct {
	output                  command.Output
	data, match             string
	pictures, people, train int
	seed                    uint64
	attacks                 map[string]bool
}

const allAttacks = "detect,recognise,motion,background,residue"

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{attacks: map[string]bool{}}
	var only string
	f := flag.NewFlagSet("attack", flag.ContinueOnError)
	f.SetOutput(out)
	o.output.Flags(f)
	f.StringVar(&o.data, "data", os.Getenv("HEDGE_DATA"), "folder with dev/; the default is $HEDGE_DATA")
	f.StringVar(&only, "only", allAttacks, "which attacks to run")
	f.StringVar(&o.match, "match", "", "recognise only rows with this in object, fill or visit, such as face")
	f.IntVar(&o.pictures, "pictures", 10, "pictures of each set for detect")
	f.IntVar(&o.people, "identities", 20, "plates and faces to tell apart")
	f.IntVar(&o.train, "train", 40, "training samples of each identity")
	f.Uint64Var(&o.seed, "seed", 1, "seed of all that is random")
	if err := command.Parse(f, args); err != nil {
		return nil, err
	}
	for a := range strings.SplitSeq(only, ",") {
		if !slices.Contains(strings.Split(allAttacks, ","), a) {
			return nil, fmt.Errorf("-only %q: must be some of %s", a, allAttacks)
		}
		o.attacks[a] = true
	}
	switch {
	case o.pictures < 1:
		return nil, fmt.Errorf("-pictures %d: must be at least 1", o.pictures)
	case o.people < 2 || o.people > 200:
		return nil, fmt.Errorf("-identities %d: must be 2 to 200", o.people)
	case o.train < 10 || o.train > 1000:
		return nil, fmt.Errorf("-train %d: must be 10 to 1000", o.train)
	}
	return o, nil
}

// matches reports whether a row is wanted.
func (o *options) matches(what, fill, seen string) bool {
	return strings.Contains(what+" "+fill+" "+seen, o.match)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	r := &results{Command: strings.TrimSpace("go run ./bench/attack " + strings.Join(args, " ")), Seed: o.seed,
		Date: report.Now(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	for _, a := range []struct {
		name string
		run  func(context.Context, *options, *results, io.Writer) error
	}{{"motion", attackMotion}, {"recognise", attackRecognise}, {"detect", attackDetect}, {"background", attackBackground}, {"residue", attackResidue}} {
		if !o.attacks[a.name] {
			continue
		}
		if err := a.run(ctx, o, r, out); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	r.judge()
	return o.output.Write(out, r.markdown(), r)
}
