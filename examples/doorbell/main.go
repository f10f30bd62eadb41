// Command doorbell shows a camera in the browser, with everything hidden that
// is not on the owner's property, and lets the owner draw what is.
//
//	go run ./examples/doorbell -source file:clip.mp4
//
// It prints an address with a token, which opens the page. With -preset doorbell
// nothing is shown or recorded until somebody rings: POST /ring, the Enter key in
// the terminal, or the button's GPIO line.
//
// Exit codes: 0 ended by a signal; 1 a fault that may pass, such as a port that is
// taken, or after which only a new start helps, such as a network that hangs; 2 what the next start would meet again, such as wrong settings or policy, no
// networks, or a password that the camera refuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // private times, where the system has no time zones

	"golang.org/x/term"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/internal/nodump"
)

const program = "doorbell"

func main() {
	confine.Enable()
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "doorbell: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signals.Context()
	var keys io.Reader
	if term.IsTerminal(int(os.Stdin.Fd())) {
		keys = os.Stdin
	}
	code := run(ctx, os.Args[1:], keys, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code. Each line of keys, if that is not
// nil, is one typed at the terminal.
func run(ctx context.Context, args []string, keys io.Reader, stdout, stderr io.Writer) int {
	var c config
	code, ok := settings.Start(&c, settings.Options{
		Program: program, About: "shows a camera with everything hidden that is not on your property",
		Args: args, Stdout: stdout, Stderr: stderr,
	})
	if !ok {
		return code
	}
	fail := func(err error) int {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", program, err) // nowhere else to say it
		return live.ExitCode(err, rtsp.ErrCredentials, rtsp.ErrOptions, recorder.ErrOptions)
	}
	set, err := detectors.Open(ctx, c.Networks, networks.Options{Silhouettes: c.Networks != networks.None, Provider: c.Provider})
	if err != nil {
		return fail(err)
	}
	a, err := newApp(ctx, &c, set.Detectors, set.Segmenter, stdout)
	if err != nil {
		return fail(errors.Join(err, set.Close()))
	}
	if err := c.Process(a.needs()); err != nil {
		a.log.Add("confine", fmt.Sprintf("the program keeps rights that it does not need: %v", err))
	}
	f, ok := stderr.(*os.File)
	a.welcome(stderr, ok && term.IsTerminal(int(f.Fd())))
	if keys != nil {
		// Ends with the process: a terminal's read cannot be cancelled.
		go a.keys(keys)
	}
	err = a.run(ctx)
	err = errors.Join(err, live.Close(err, func() error { return errors.Join(a.Close(), set.Close()) }))
	if err != nil {
		return fail(err)
	}
	return live.ExitDone
}
