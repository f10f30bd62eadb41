// Command boards turns the instruction counts of the per-frame kernels into a
// table and holds them against the published ones. A count is the same on every
// machine and under any load, so that a change that makes a kernel dearer is
// seen without a board and without a quiet computer. Call it through
// `make arm64`.
//
//	go run ./bench/boards [-publish] [-built TOOLS] arm64=FILE amd64=FILE amd64_avx2=FILE
//
// The files hold what `internal/kernelsum -cost` and the plugin
// scripts/arm64/count.c wrote.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/command"
)

func main() {
	published := flag.String("published", "bench/boards/instructions.json", "the published counts")
	publish := flag.Bool("publish", false, "write the counts to the published file instead of comparing")
	built := flag.String("built", "", "the compilers used; counts of other compilers are not compared")
	flag.Parse()
	if err := run(os.Stdout, *published, *publish, *built, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "boards:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, path string, publish bool, built string, args []string) error {
	now := report{Built: built}
	for _, arg := range args {
		target, file, ok := strings.Cut(arg, "=")
		if !ok || !known(target) {
			return fmt.Errorf("argument %q is not one of %s, each with =FILE", arg, strings.Join(targets[:], ", "))
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		counts, err := readCounts(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		now.add(target, counts)
	}
	if len(now.Rows) == 0 {
		return errors.New("no counts given: name a file, as in arm64=FILE")
	}
	if publish {
		return command.WriteJSON(path, now)
	}
	var then report
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &then); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if err := now.table(w, then); err != nil {
		return err
	}
	if then.Built != now.Built {
		_, err := fmt.Fprintf(w, "\nNot compared: published with %s, counted with %s.\n", then.Built, now.Built)
		return err
	}
	return now.compare(then)
}
