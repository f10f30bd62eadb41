// Command results writes one page out of the results that the other programs of
// bench left as JSON, with plots beside it.
//
//	go run ./bench/results [-bench bench]
//
// It reads leak/last*.json, leak/ablation.json, attack/last.json,
// peers/last.json, speed/last.json and doorbell/last.json below the folder, and
// writes RESULTS.md and plots/*.png there. A file that is not there is left out,
// and the page says so. It measures nothing, and draws no picture of anybody: only
// tables and plots.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintf(os.Stderr, "results: %v\n", err) // nowhere else to say it
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	f := flag.NewFlagSet("results", flag.ContinueOnError)
	f.SetOutput(out)
	dir := f.String("bench", "bench", "folder with the results, in which the page is written")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected %q: every input goes behind a flag", f.Arg(0))
	}
	in, err := read(*dir)
	if err != nil {
		return err
	}
	plots, err := writePlots(in, filepath.Join(*dir, "plots"))
	if err != nil {
		return err
	}
	file := filepath.Join(*dir, "RESULTS.md")
	if err := os.WriteFile(file, []byte(page(in, plots)), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s and %d plots\n", file, len(plots))
	return err
}
