// Command dashcam films the road without keeping it: the last minute of redacted
// video is held in memory, and written to a file only when something happens.
//
//	go run ./examples/dashcam -source camera:0 -policy policy.json -dir recordings
//
// The public road is filmed, so hiding comes first: the policy's
// property is the cabin and the bonnet (policy.json in this folder is one to
// begin with), and everything else is outside. With "outside": {"hide":
// "detected"} people, faces and plates are hidden there and the rest of the road
// is shown; with "all" only the car itself can be seen. The camera moves, so that
// a patch that moves says nothing: what no network finds is shown.
//
// # When something is written
//
// A file begins 30 s before the event (-before) and ends 30 s after the last
// (-after). An event is
//
//	POST /event      on 127.0.0.1:8081, with the header Authorization: Bearer TOKEN
//	SIGUSR1          kill -USR1 PID
//	a blow           the accelerometer (-accel) above -accel-threshold
//
// Video in memory takes at most -memory: where that does not hold what -keep asks for, less
// is held, and the log says so.
//
// An event while another is being written makes that file longer. Files are named
// hedge-NUMBER-TIME.mp4, and the oldest are deleted when they are more, or larger
// together, or one is older, than allowed; a disk that is full is tried again every
// second. No other video is ever written. What is written has no sound, no place and no
// speed.
//
// The folder is one camera's: a second program on it ends with an error and touches
// nothing there.
//
// # Another camera
//
// A camera of another aspect ratio than the last one is hidden whole, also after a
// restart, until kill -USR2 PID says that the policy's zones fit it. A change of the
// policy's file does not say so.
//
// README.md says why it has this form, and that those filmed are to be told at once, not
// only when something is kept.
//
// Exit codes: 0 ended by a signal; 1 a fault that may pass, such as a port that is taken or
// an accelerometer that is not there yet, or after which only a new start helps, such as a
// network that hangs; 2 what the next start would meet again, such as
// wrong settings or a password that the camera refuses.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/hedgecam/hedge/examples/internal/accelerometer"
	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/internal/nodump"
)

func main() {
	confine.Enable()
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "dashcam: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signals.Context()
	code := run(ctx, settings.Options{Args: os.Args[1:]}, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, so settings.Options, stderr io.Writer) int {
	// From the start on, so that an early signal does not end the program.
	byHand := make(chan os.Signal, 1)
	signal.Notify(byHand, signals.Event)
	defer signal.Stop(byHand)
	var c config
	so.Program, so.About = "dashcam", "holds redacted video in memory and writes it when something happens."
	if so.Stderr == nil {
		so.Stderr = stderr
	}
	if code, ok := settings.Start(&c, so); !ok {
		return code
	}
	d := &dashcam{c: &c, log: slog.New(slog.NewTextHandler(stderr, nil)), byHand: byHand}
	policy, err := settings.LoadPolicy(c.Policy)
	if policy == nil {
		d.log.Error(err.Error())
		return live.ExitUsage
	}
	if err = d.openTriggers(stderr); err == nil {
		err = d.run(ctx, policy)
	}
	if err != nil {
		d.log.Error(err.Error())
		return live.ExitCode(err, accelerometer.ErrFolder, recorder.ErrOptions)
	}
	return live.ExitDone
}
