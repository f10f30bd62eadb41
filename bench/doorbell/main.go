// Command doorbell measures examples/doorbell as a home would use it: a camera
// of 1080p30, the page open in a browser, a recorder on RTSP, and recordings, all
// at once and with networks on.
//
//	go run ./bench/doorbell [-seconds N] [-clip F] [-networks S] [-json F] [-md F]
//
// It builds the real program, plays it a clip into which a counter is painted,
// pulls the picture with ffmpeg, and takes the page's picture twice: for N seconds
// by a client that decodes nothing, which is what a browser on another machine
// costs this one, and then for 20 s at most by Chromium on the same cores, which
// shows the page and tells the counter. What came out is counted by those who
// took it: packets by ffmpeg and the client, frames and the counter by Chromium,
// recordings by ffprobe. Frames dropped, lost and failed closed are the program's
// own figures.
//
// It needs the go command, ffmpeg and ffprobe, ONNX Runtime for the networks, and
// must run inside of the project's folder; without Chromium the rows of the page
// say so. A row that is missed is no fault of the run: the exit status is 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// options are the command line.
type options struct {
	output         command.Output
	clip, networks string
	seconds        int
}

func main() {
	command.Main("doorbell", func(ctx context.Context, args []string, out io.Writer) error { return run(ctx, args, out, os.Stderr) })
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("doorbell", flag.ContinueOnError)
	f.SetOutput(stderr)
	o.output.Flags(f)
	f.IntVar(&o.seconds, "seconds", 60, "how long is measured, 2 to 600; under 10 the camera is of 640x360")
	f.StringVar(&o.clip, "clip", "", "a clip of a fixed camera with people in it (default: vtest.avi as `make setup` fetches it)")
	f.StringVar(&o.networks, "networks", networks.HedgeN, "which networks the program uses: "+networks.Names()+"; with none everything outside is hidden")
	if err := command.Parse(f, args); err != nil {
		return o, err
	}
	if o.seconds < 2 || o.seconds > 600 {
		return o, fmt.Errorf("-seconds %d: must be 2 to 600", o.seconds)
	}
	for _, program := range []string{"go", "ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			return o, fmt.Errorf("%w: install it (apt-get install ffmpeg golang)", err)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hedge-bench-doorbell")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say := func(format string, args ...any) {
		_, _ = fmt.Fprintf(stderr, "doorbell: "+format+"\n", args...) // nowhere else to say it
	}
	b := &bench{options: o, dir: dir, say: say, report: report.New(targets[:])}
	b.report.Seconds = o.seconds
	if o.seconds < 10 {
		b.report.Note("A run of less than 10 s only shows that everything works, at 640x360: its numbers say little.")
	}
	if err := b.measure(ctx); err != nil {
		// What a process said that was ended from outside explains nothing.
		return errors.Join(ctx.Err(), err)
	}
	return o.output.Write(stdout, b.report.Markdown("bench/doorbell", fmt.Sprintf(about, o.seconds)), b.report)
}
