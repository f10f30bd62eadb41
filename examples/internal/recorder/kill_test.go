package recorder

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

// limitedWriter writes nothing while full, and a part of what it is given in the
// moment when it becomes full.
type limitedWriter struct {
	full atomic.Bool
}

func (w *limitedWriter) write(f *os.File, data []byte) (int, error) {
	if !w.full.Load() {
		return f.Write(data)
	}
	n, err := f.Write(data[:len(data)/2])
	if err != nil {
		return n, err
	}
	return n, fmt.Errorf("write: %w", syscall.ENOSPC)
}

// childDir is the environment variable that makes this test program a recorder,
// childSegment the one with the length of its segments.
const childDir, childSegment = "HEDGE_TEST_RECORD_DIR", "HEDGE_TEST_RECORD_SEGMENT"

// child records a stream of 25 pictures per second into a folder and writes to
// standard output how many pictures it has made, until it is killed.
func child(dir string) {
	ctx := context.Background()
	fatal := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	broadcaster, err := stream.New(stream.Options{BitRate: 300e3})
	fatal(err)
	segment, err := time.ParseDuration(os.Getenv(childSegment))
	fatal(err)
	_, err = New(broadcaster, Options{Dir: dir, Segment: segment})
	fatal(err)
	p := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}}
	r, err := redact.New(p, image.Pt(64, 48), redact.DefaultOptions())
	fatal(err)
	pic := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	tick := time.NewTicker(40 * time.Millisecond)
	for n := range 500 {
		for i := range pic.Y {
			pic.Y[i] = byte(60 + (i+3*n)%120)
		}
		f, err := r.Redact(pic, redact.Scene{Time: time.Duration(n) * 40 * time.Millisecond})
		fatal(err)
		fatal(broadcaster.Write(ctx, f))
		f.Release()
		fmt.Println(n + 1)
		<-tick.C
	}
}

// TestKilled: of a recorder that is killed at any moment every file can be read,
// at most the last two seconds are missing, and the next one repairs what is torn.
func TestKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const kills, together = 20, 5
	var wg sync.WaitGroup
	slots := make(chan struct{}, together)
	base := t.TempDir()
	made := make([]int, kills)
	for i := range kills {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			// Every other one changes files in between.
			made[i] = killed(t, exe, filepath.Join(base, strconv.Itoa(i)), []string{"1.5s", "1m"}[i%2])
		})
	}
	wg.Wait()
	worst := 0
	for i := range kills {
		dir := filepath.Join(base, strconv.Itoa(i))
		kept := 0
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if _, ok := parseName(e.Name()); ok {
				_, n := look(t, filepath.Join(dir, e.Name()))
				kept += n
			}
		}
		// 25 pictures per second.
		if lost := made[i] - kept; lost > 50 || lost < 0 {
			t.Errorf("run %d: %d of %d pictures are lost", i, lost, made[i])
		} else {
			worst = max(worst, lost)
		}
		s, err := openStore(dir, Limits{}, time.Now, func(Event) {})
		if err != nil {
			t.Fatal(err)
		}
		s.close()
		nothingElse(t, dir)
		if names := files(t, dir); len(names) != len(s.files) {
			t.Errorf("%d files, %d on the store", len(names), len(s.files))
		}
	}
	t.Logf("at most %d pictures lost (%v)", worst, time.Duration(worst)*40*time.Millisecond)
}

// killed starts a recorder, kills it after a random number of pictures, and
// returns how many it made.
func killed(t *testing.T, exe, dir, segment string) (made int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childSegment+"="+segment)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return 0
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return 0
	}
	// The moment within a picture is random too.
	stop := 10 + rand.IntN(70)
	pause := time.Duration(rand.IntN(40)) * time.Millisecond
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if made, err = strconv.Atoi(lines.Text()); err != nil {
			t.Errorf("it wrote %q", lines.Text())
			break
		}
		if made == stop {
			time.AfterFunc(pause, func() { _ = cmd.Process.Kill() }) // the wait tells
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v", err)
	}
	return made
}
