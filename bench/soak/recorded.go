package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recorded looks at the doorbell's recordings, each once, when it is complete.
type recorded struct {
	scene  scene
	dir    string
	known  map[string]bool
	seen   counted
	files  int
	absent int // were gone before they could be looked at
}

// lookEvery is how often there may be new files.
const lookEvery = 5 * time.Second

// watch looks at what is complete until ctx ends.
func (r *recorded) watch(ctx context.Context) error {
	for wait(ctx, lookEvery) == nil {
		list, err := r.list()
		if err != nil {
			return err
		}
		for _, path := range list[:max(0, len(list)-1)] { // the newest still grows
			if err := r.look(ctx, path); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
	return nil
}

// finish looks at all that is left. The doorbell has ended.
func (r *recorded) finish(ctx context.Context) error {
	list, err := r.list()
	for _, path := range list {
		err = errors.Join(err, r.look(ctx, path))
	}
	return err
}

func (r *recorded) list() ([]string, error) {
	list, err := filepath.Glob(filepath.Join(r.dir, "hedge-*.mp4"))
	slices.Sort(list)
	return list, err
}

// look decodes a file that it does not know yet.
func (r *recorded) look(ctx context.Context, path string) error {
	if r.known[filepath.Base(path)] {
		return nil
	}
	// Nothing that removes the file, or its folder, is in its way: it is open.
	f, err := os.Open(path)
	if err != nil {
		r.absent++
		return nil // the oldest ones are removed, and a fault takes the folder away for a while
	}
	defer f.Close()
	var text []byte
	err = output(ctx, f, func(out io.Reader) { text, _ = io.ReadAll(out) }, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", "-i", "/dev/stdin")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	last := math.Inf(-1)
	for line := range strings.Lines(string(text)) {
		at, err := strconv.ParseFloat(strings.TrimRight(line, ",\n"), 64)
		if err != nil || at <= last {
			r.seen.back++
		}
		last = at
	}
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		err = output(ctx, f, func(out io.Reader) { r.scene.each(out, r.seen.add) }, "ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-i", "/dev/stdin", "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "pipe:1")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	r.known[filepath.Base(path)] = true
	r.files++
	return nil
}

// output runs a program on a file and hands what it writes to read. A file that is torn is
// no error: what can be read of it is read.
func output(ctx context.Context, in *os.File, read func(io.Reader), name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	read(out)
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		return nil
	}
	return err
}
