// Command archive redacts many recordings on as many machines as there are, and lets
// people have the last word.
//
//	go run ./examples/archive serve -dir STORE
//	go run ./examples/archive add -dir STORE -policy policy.json recordings/
//
// serve runs the queue, a page and a worker; worker adds a machine; add files recordings;
// ls, show, get, cancel and retry say and change what becomes of them. Each has -h. See
// docs/archive.md.
//
// Exit codes: 0 all done; 1 something failed; 2 wrong flags, policy or recording;
// 130 interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/internal/nodump"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	confine.Enable()
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "archive: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signals.Context()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one of the program's roles.
type command struct {
	name, args, about string
	run               func(ctx context.Context, f *flags, stdout, stderr io.Writer) error
}

var commands = []command{
	{"serve", "", "runs the queue, the page and a worker", serve},
	{"worker", "", "adds a machine that redacts", work},
	{"add", "FILE|FOLDER|URL...", "files recordings", add},
	{"ls", "", "lists the recordings and the workers", list},
	{"show", "ID...", "says all about recordings", show},
	{"get", "ID...", "writes what is handed over: a folder and a zip file", get},
	{"cancel", "ID...", "ends the work on recordings", cancel},
	{"retry", "ID...|failed", "files recordings anew that failed or were cancelled", retry},
}

// usageError is an error of what was asked: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	i := -1
	if len(args) > 0 {
		i = slices.IndexFunc(commands, func(c command) bool { return c.name == args[0] })
	}
	if i < 0 && len(args) == 1 && args[0] == "-version" {
		_, _ = fmt.Fprintln(stdout, "archive", version()) // nowhere else to say it
		return exitDone
	}
	if i < 0 {
		help(stderr)
		if len(args) > 0 && slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
			return exitDone
		}
		return exitUsage
	}
	c := &commands[i]
	f, err := parse(c, args[1:], stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err == nil {
		err = c.run(ctx, f, stdout, stderr)
	}
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(stderr, "archive: interrupted") // nowhere else to say it
		return exitInterrupted
	}
	_, _ = fmt.Fprintf(stderr, "archive: %v\n", err) // nowhere else to say it
	if u := (*usageError)(nil); errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}

func help(w io.Writer) {
	var b strings.Builder
	b.WriteString("archive redacts many recordings on as many machines as there are:\n\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  archive %-28s %s\n", c.name+" -dir STORE "+c.args, c.about)
	}
	b.WriteString("\narchive COMMAND -h says which flags each has.\n")
	_, _ = io.WriteString(w, b.String()) // nowhere else to say it
}
