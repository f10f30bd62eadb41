// Command archive measures the archive: what its queue costs, whether it loses anything
// when its processes are killed, and what holds up a thousand workers.
//
//	go run ./bench/archive [-jobs 10000] [-kills 200] [-clip FILE -policy FILE] [-json FILE] [-md FILE]
//
// The figures of the queue are those of passes without pictures: they read the original,
// and write evidence and a few bytes as the output. With -clip the programs redact-file and
// archive redact the same recording one after the other, with networks.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/bench/internal/command"
	"github.com/hedgecam/hedge/bench/internal/report"
)

func main() { command.Main("archive", run) }

// The targets, by their place in targets.
const (
	lost = iota
	twice
	stuck
	overhead
)

var targets = []report.Target{
	{Name: "recordings lost after kill -9", Unit: "recordings", Bound: 0},
	{Name: "outputs that are not whole, or there twice, after kill -9", Unit: "recordings", Bound: 0},
	{Name: "recordings of one second that were not done", Unit: "recordings", Bound: 0},
	{Name: "core time of archive against redact-file", Unit: "%", Bound: 3, Note: "more than redact-file takes"},
}

// options say what is measured.
type options struct {
	jobs, kills  int
	clip, policy string
	output       command.Output
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	f := flag.NewFlagSet("archive", flag.ContinueOnError)
	f.SetOutput(out)
	f.IntVar(&o.jobs, "jobs", 10000, "how many recordings of one second are queued; 0 leaves that out")
	f.IntVar(&o.kills, "kills", 200, "how often a worker or the server is killed; 0 leaves that out")
	f.StringVar(&o.clip, "clip", "", "a recording that both programs redact; it defaults to none")
	f.StringVar(&o.policy, "policy", "", "the policy for -clip")
	o.output.Flags(f)
	if err := command.Parse(f, args); err != nil {
		return err
	}
	r := report.New(targets)
	costs := defaults
	dir, err := os.MkdirTemp("", "hedge-bench-archive-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", dir+"/", "./examples/redact-file", "./examples/archive", "./examples/internal/archive/measure").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s: run it in the folder of the repository", err, said)
	}
	if o.jobs > 0 {
		if err := queued(ctx, dir, &o, r, &costs); err != nil {
			return err
		}
	}
	if o.kills > 0 {
		if err := killed(ctx, dir, o.kills, r); err != nil {
			return err
		}
	}
	if o.clip != "" {
		if err := beside(ctx, dir, &o, r, &costs); err != nil {
			return err
		}
		if err := several(ctx, dir, &o, r); err != nil {
			return err
		}
	} else {
		r.Skip("-clip was not given", overhead)
	}
	r.Tables = append(r.Tables, simulated(costs))
	return o.output.Write(out, r.Markdown("bench/archive", "The archive's queue, its recovery, and what holds up many workers."), r)
}

// measure runs the program that measures, and reads what it prints.
func measure(ctx context.Context, dir string, v any, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "measure"), args...)
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("measure %q: %w", args, err)
	}
	return json.Unmarshal(data, v)
}

// queued measures the queue with 1, 2 and 4 workers.
func queued(ctx context.Context, dir string, o *options, r *report.Result, c *costs) error {
	t := report.Table{Title: "Recordings of one second", Columns: []string{"workers", "recordings", "filed in, s", "done in, s", "recordings a second", "core time each, ms"},
		About: "Passes without pictures: all of the time is that of queue, store and encryption. Server and workers are one process on the same cores."}
	undone := 0
	for _, workers := range []int{1, 2, 4} {
		jobs := o.jobs
		if workers != 2 {
			jobs = max(o.jobs/10, 1)
		}
		var f struct {
			Filed, Done, Core float64
			Failed            int
		}
		if err := measure(ctx, dir, &f, "queue", fmt.Sprint(workers), fmt.Sprint(jobs)); err != nil {
			return err
		}
		undone += f.Failed
		c.queue = time.Duration(f.Core / float64(jobs) * float64(time.Second))
		t.Line(fmt.Sprint(workers), fmt.Sprint(jobs), f.Filed, f.Done, float64(jobs)/f.Done, 1000*f.Core/float64(jobs))
	}
	r.Tables = append(r.Tables, t)
	r.Measured(stuck, float64(undone), "%d recordings at once with 2 workers, and %d with 1 and with 4", o.jobs, max(o.jobs/10, 1))
	return nil
}

// killed measures what is lost when processes are killed.
func killed(ctx context.Context, dir string, kills int, r *report.Result) error {
	var f struct {
		Recordings, Missing, Broken, Workers, Servers int
		GivenUp                                       int `json:"given_up"`
		Seconds                                       float64
	}
	if err := measure(ctx, dir, &f, "kill", fmt.Sprint(kills)); err != nil {
		return err
	}
	r.Measured(lost, float64(f.Missing), "of %d recordings; a worker was killed %d times and the server %d times, of which all was done %.0f s after the first; "+
		"%d were given up because three of their workers were killed, and done when they were retried", f.Recordings, f.Workers, f.Servers, f.Seconds, f.GivenUp)
	r.Measured(twice, float64(f.Broken), "of %d recordings", f.Recordings)
	return nil
}
