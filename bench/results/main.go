// Command results writes one page from the results of the other programs of bench.
//
//	go run ./bench/results [-bench bench]
//
// It reads leak/last*.json, leak/ablation.json, last.json and last.md of attack, peers,
// speed, doorbell, soak and archive below the folder, and busy.json and busy.md of doorbell, and
// writes RESULTS.md there.
// If a file is missing, the page says so. The program measures nothing itself.
package main

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/bench/internal/command"
)

func main() { command.Main("results", run) }

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("results", flag.ContinueOnError)
	f.SetOutput(out)
	dir := f.String("bench", "bench", "folder with the results, in which the page is written")
	if err := command.Parse(f, args); err != nil {
		return err
	}
	in, err := read(ctx, *dir)
	if err != nil {
		return err
	}
	page, err := in.page(*dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*dir, "RESULTS.md"), []byte(page), 0o644)
}
