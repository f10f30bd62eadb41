// Package command is the frame of bench's programs: how they begin and end, and
// how they write what they measured.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Main runs a program with the command line's arguments and ends the process: with
// exit code 0, or with 1 after writing the error to standard error. An interrupt
// ends ctx. Asking for help (flag.ErrHelp) is no error.
func Main(name string, run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	os.Exit(exitCode(name, err, os.Stderr))
}

func exitCode(name string, err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err) // nowhere else to say it
	return 1
}

// Parse parses the flags of a program that has no arguments behind them.
func Parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected %q: every input goes behind a flag", f.Arg(0))
	}
	return nil
}

// Output says where results go beside standard output. An empty path is nowhere.
type Output struct {
	json, markdown string
}

// Flags defines -json and -md.
func (o *Output) Flags(f *flag.FlagSet) {
	f.StringVar(&o.json, "json", "", "write the results (JSON) to this file")
	f.StringVar(&o.markdown, "md", "", "write the tables (Markdown) to this file")
}

// Write writes the tables to out and to the file of -md, and the results to that
// of -json.
func (o *Output) Write(out io.Writer, tables string, results any) error {
	if _, err := io.WriteString(out, tables); err != nil {
		return err
	}
	if o.markdown != "" {
		if err := os.WriteFile(o.markdown, []byte(tables), 0o644); err != nil {
			return err
		}
	}
	if o.json == "" {
		return nil
	}
	return WriteJSON(o.json, results)
}

// WriteJSON writes v to a file, indented by two spaces.
func WriteJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
