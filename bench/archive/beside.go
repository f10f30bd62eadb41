package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/bench/internal/report"
	"github.com/hedgecam/hedge/redact"
)

// beside redacts one recording with redact-file and with archive, one after the other, and
// compares the time that their cores have worked, with that of their ffmpeg processes.
func beside(ctx context.Context, dir string, o *options, r *report.Result, c *costs) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	t := report.Table{Title: "One recording", Columns: []string{"program", "core time, s", "wall, s"},
		About: "The same recording, policy and networks; both with their ffmpeg processes. archive's two passes are jobs of their own, so that the background is learned in a pass of its own, where the policy shows one."}
	start := time.Now()
	cmd := exec.CommandContext(ctx, at("redact-file"), "-in", o.clip, "-out", at("out.mp4"), "-policy", o.policy, "-sheet", at("s.png"), "-report", at("r.json"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("redact-file: %w: %s", err, out)
	}
	alone, wall := used(cmd), time.Since(start)
	t.Line("redact-file", alone.Seconds(), wall.Seconds())
	both, wall, err := served(ctx, dir, "store", 1, o.clip, o.policy)
	if err != nil {
		return err
	}
	t.Line("archive", both.Seconds(), wall.Seconds())
	r.Tables = append(r.Tables, t)
	r.Measured(overhead, 100*(both.Seconds()/alone.Seconds()-1), "one run of each")
	return c.minute(at("r.json"), both)
}

// minute sets what a minute of 30 pictures a second takes, by the number of pictures in
// redact-file's report.
func (c *costs) minute(path string, took time.Duration) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var rep struct {
		Frames struct{ Out int }
	}
	if err := json.Unmarshal(data, &rep); err != nil {
		return err
	}
	if rep.Frames.Out > 0 {
		c.work = took * 60 * 30 / time.Duration(rep.Frames.Out)
	}
	return nil
}

// served has so many workers of archive redact a recording under each of the policies, and
// returns the time that all its processes have computed, and how long it took.
func served(ctx context.Context, dir, store string, workers int, clip string, policies ...string) (core, wall time.Duration, err error) {
	program, store := filepath.Join(dir, "archive"), filepath.Join(dir, store)
	cmd := exec.CommandContext(ctx, program, "serve", "-dir", store, "-http", "none", "-workers", fmt.Sprint(workers))
	var said bytes.Buffer
	log, err := cmd.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	where, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	if err := until(where, &said, "the queue: ", 1); err != nil {
		return 0, 0, fmt.Errorf("archive serve: %w: %s", err, said.String())
	}
	start := time.Now()
	for _, p := range policies {
		filing := exec.CommandContext(ctx, program, "add", "-dir", store, "-policy", p, clip)
		if out, err := filing.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("archive add: %w: %s", err, out)
		}
		core += used(filing)
	}
	if err := until(log, &said, "stage=render", len(policies)); err != nil {
		return 0, 0, fmt.Errorf("archive serve: %w: %s", err, said.String())
	}
	wall = time.Since(start)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	_ = cmd.Wait() // its exit code says that it was interrupted
	return core + used(cmd), wall, nil
}

// several has 1, 2 and 4 workers redact four recordings: the same one under policies that
// differ in a small mask.
func several(ctx context.Context, dir string, o *options, r *report.Result) error {
	var policies []string
	for i := range 4 {
		var p redact.Policy
		data, err := os.ReadFile(o.policy)
		if err == nil {
			err = p.UnmarshalJSON(data)
		}
		if err != nil {
			return err
		}
		side := 0.01 * float64(i+1)
		p.Mask = append(p.Mask, redact.Polygon{{X: 0, Y: 0}, {X: side, Y: 0}, {X: side, Y: side}, {X: 0, Y: side}})
		path := filepath.Join(dir, fmt.Sprint("policy", i, ".json"))
		if err := os.WriteFile(path, p.Canonical(), 0o600); err != nil {
			return err
		}
		policies = append(policies, path)
	}
	t := report.Table{Title: "Four recordings", Columns: []string{"workers", "wall, s", "core time, s", "recordings a minute of core time"},
		About: "With networks, and as many workers in the process of the server. The machine's cores are what limits them: more workers than cores cost only what they lose by changing places."}
	for _, n := range []int{1, 2, 4} {
		core, wall, err := served(ctx, dir, fmt.Sprint("store", n), n, o.clip, policies...)
		if err != nil {
			return err
		}
		t.Line(fmt.Sprint(n), wall.Seconds(), core.Seconds(), 4/core.Minutes())
	}
	r.Tables = append(r.Tables, t)
	return nil
}

// until reads until a text has come so many times.
func until(r io.Reader, said *bytes.Buffer, text string, times int) error {
	b := make([]byte, 4096)
	for bytes.Count(said.Bytes(), []byte(text)) < times {
		n, err := r.Read(b)
		said.Write(b[:n])
		if err != nil {
			return err
		}
	}
	return nil
}

// used returns the time that a program and those that it has waited for have computed.
func used(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
