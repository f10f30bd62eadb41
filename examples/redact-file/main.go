// Command redact-file hides in a recording or a picture, or in a folder of them,
// what is not on the owner's property.
//
//	go run ./examples/redact-file -in street.mp4 -out redacted.mp4 -policy policy.json
//	go run ./examples/redact-file -in photo.jpg -out redacted.jpg -policy policy.json
//
// Recordings become MP4; pictures stay JPEG, PNG or WebP, upright and without
// metadata. No input is ever written to, and nothing is replaced without -force.
//
// Exit codes: 0 all done; 1 a file could not be redacted; 2 wrong flags,
// policy, network or output; 130 interrupted. A file that could not be redacted
// to its end is not left behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/buildinfo"
	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
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
		_, _ = fmt.Fprintf(os.Stderr, "redact-file: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signals.Context()
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintf(stderr, "redact-file: %v\n", err) // nowhere else to say it
		return code
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	if o.version {
		fmt.Println("redact-file", buildinfo.Version())
		return exitDone
	}
	policy, err := redact.LoadPolicy(o.policy)
	if err != nil {
		return fail(exitUsage, err)
	}
	if o.room, err = (confine.Confinement{Confine: o.confine, ConfineRead: true}).Room(); err != nil {
		_, _ = fmt.Fprintf(stderr, "%v\n", err) // likewise, and it goes without
	}
	var made folders
	defer made.sweep()
	files, left, err := plan(o, &made)
	for _, l := range left {
		_, _ = fmt.Fprintf(stderr, "left out: %s (%s)\n", l.path, l.why) // likewise
	}
	if err == nil {
		err = o.guard(files)
	}
	if err != nil {
		return fail(exitCode(err), err)
	}
	encoder, skipped, err := chooseEncoder(ctx, o.encoding, o.tryEncoder)
	if ctx.Err() != nil {
		return fail(exitInterrupted, errors.New("interrupted"))
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	if o.encoding == autoEncoder {
		_, _ = fmt.Fprintf(stderr, "encoder %s\n", strings.Join(append([]string{encoder.name}, skipped...), "; left out ")) // likewise
	}
	sets, err := openNetworks(ctx, &o, policy, files, stderr)
	if err != nil {
		return fail(exitUsage, err)
	}

	code, stuck := exitDone, false
	var reports []*report
	for i, f := range files {
		j := job{options: o, policy: policy, set: sets[0], copies: sets[1:], stderr: stderr, file: f, encoder: encoder}
		rep, err := j.run(ctx)
		reports = append(reports, rep)
		encoder = j.encoder // one that has failed is not tried again
		if ctx.Err() != nil {
			code = fail(exitInterrupted, fmt.Errorf("interrupted; %s is not left half done", f.out))
			break
		}
		if err != nil {
			code = max(code, fail(exitCode(err), fmt.Errorf("%s: %w", ffmpeg.ShownAddress(f.in), err)))
		}
		if stuck = errors.Is(err, pipeline.ErrStuck); stuck {
			if left := len(files) - i - 1; left > 0 { // they would wait for it
				code = fail(code, fmt.Errorf("%d further files were not begun: start again, which does them", left))
			}
			break
		}
	}
	// An interrupt leaves no report of a recording that is not there.
	if o.report != "" && (code != exitInterrupted || len(reports) > 1) {
		if err := writeReport(o.report, o.force, reports); err != nil {
			code = max(code, fail(exitUsage, err))
		}
	}
	if stuck {
		return code // nor could the networks be closed
	}
	for _, s := range sets {
		if err := s.Close(); err != nil {
			code = max(code, fail(exitFailed, err))
		}
	}
	return code
}
