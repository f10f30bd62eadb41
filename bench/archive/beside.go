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
	cmd = exec.CommandContext(ctx, at("archive"), "serve", "-dir", at("store"), "-http", "none")
	var said bytes.Buffer
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	where, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := until(where, &said, "the queue: "); err != nil {
		return fmt.Errorf("archive serve: %w: %s", err, said.String())
	}
	start = time.Now()
	filing := exec.CommandContext(ctx, at("archive"), "add", "-dir", at("store"), "-policy", o.policy, o.clip)
	if out, err := filing.CombinedOutput(); err != nil {
		return fmt.Errorf("archive add: %w: %s", err, out)
	}
	if err := until(pipe, &said, "stage=render"); err != nil {
		return fmt.Errorf("archive serve: %w: %s", err, said.String())
	}
	wall = time.Since(start)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	_ = cmd.Wait() // its exit code says that it was interrupted
	both := used(cmd) + used(filing)
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

// until reads until a text has come.
func until(r io.Reader, said *bytes.Buffer, text string) error {
	b := make([]byte, 4096)
	for !bytes.Contains(said.Bytes(), []byte(text)) {
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
