// Command results writes one page out of what the other programs of bench left.
//
//	go run ./bench/results [-bench bench]
//
// It reads leak/last*.json, leak/ablation.json, and last.json and last.md of
// attack, peers, speed and doorbell below the folder, and writes RESULTS.md there.
// If a file is not there, the page says so. The program measures nothing.
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
