// Command measure measures the archive's queue for bench/archive, which runs it: passes
// without pictures read the original, and write evidence and a few bytes as the output.
//
//	measure queue WORKERS RECORDINGS    how long it takes to file them and to work on them
//	measure kill TIMES                  what is lost when workers and the server are killed
//
// It prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/hedgecam/hedge/examples/internal/signals"
)

func main() {
	ctx, stop := signals.Context()
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "measure:", err) // nowhere else to say it
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	number := func(i int) int {
		if i >= len(args) {
			return 0
		}
		n, err := strconv.Atoi(args[i])
		if err != nil {
			return 0
		}
		return n
	}
	var v any
	var err error
	switch {
	case len(args) == 3 && args[0] == "queue" && number(1) > 0 && number(2) > 0:
		v, err = queued(ctx, number(1), number(2))
	case len(args) == 2 && args[0] == "kill" && number(1) > 0:
		v, err = killed(ctx, number(1))
	case len(args) == 3 && args[0] == roleServer, len(args) == 4 && args[0] == roleWorker:
		return role(ctx, args)
	default:
		return fmt.Errorf("say queue WORKERS RECORDINGS or kill TIMES, with numbers over 0")
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(v)
}

// folder makes a folder for a measurement, and returns what removes it.
func folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "hedge-measure-archive-")
	return dir, func() { _ = os.RemoveAll(dir) }, err // in the folder for temporary files
}
