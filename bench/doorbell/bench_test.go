package doorbell

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// options say what is measured.
type options struct {
	clip, networks string
	seconds        int
	busy           float64
}

var (
	given   options
	publish = flag.Bool("publish", false, "replace last.json and last.md; with -busy, busy.json and busy.md")
)

func init() {
	flag.IntVar(&given.seconds, "seconds", 60, "how long is measured, 2 to 600; under 10 the camera is of 640x360")
	flag.Float64Var(&given.busy, "busy", 0, "the share of each core that another process takes meanwhile, such as 0.33")
	flag.StringVar(&given.clip, "clip", "", "a clip of a fixed camera with people in it (default: vtest.avi as `make setup` fetches it)")
	flag.StringVar(&given.networks, "networks", networks.HedgeN, "which networks the program uses: "+networks.Names()+"; with none everything outside is hidden")
}

// BenchmarkDoorbell measures once, however long -benchtime is.
func BenchmarkDoorbell(b *testing.B) {
	r, err := run(b.Context(), given, b.Logf)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op") // leaves the unit out
	word := strings.NewReplacer(" ", "-", ",", "", ":", "")
	for _, w := range r.Rows {
		if w.Value != nil {
			b.ReportMetric(*w.Value, word.Replace(w.Name+" "+w.Unit))
		}
	}
	page := r.Markdown("bench/doorbell", fmt.Sprintf(about, given.seconds))
	b.Log("\n" + page)
	if *publish {
		name := map[bool]string{false: "last", true: "busy"}[given.busy > 0]
		err := errors.Join(command.WriteJSON(name+".json", r), os.WriteFile(name+".md", []byte(page), 0o644))
		if err != nil {
			b.Fatal(err)
		}
	}
}

// run measures all. Everything that it started has ended when it returns.
func run(ctx context.Context, o options, say func(format string, args ...any)) (r *report.Result, err error) {
	if o.seconds < 2 || o.seconds > 600 {
		return nil, fmt.Errorf("-seconds %d: must be 2 to 600", o.seconds)
	}
	for _, program := range []string{"go", "ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: install it (apt-get install ffmpeg golang)", err)
		}
	}
	dir, err := os.MkdirTemp("", "hedge-bench-doorbell")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, say: say, report: report.New(targets[:])}
	b.report.Seconds = o.seconds
	if o.seconds < 10 {
		b.report.Note("A run of less than 10 s only shows that everything works, at 640x360: its numbers say little.")
	}
	if o.busy > 0 {
		b.report.Note("Another process took %.0f %% of each core all the while.", 100*o.busy)
	}
	idle, err := keepBusy(ctx, o.busy)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, idle()) }()
	if err := b.measure(ctx); err != nil {
		// What a process said that was ended from outside explains nothing.
		return nil, errors.Join(ctx.Err(), err)
	}
	return b.report, nil
}
