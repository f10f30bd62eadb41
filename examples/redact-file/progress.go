package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a recording is, over all passes: a bar with rate and time left on a
// terminal, and a plain line every few seconds elsewhere.
type progress struct {
	name  string
	total int64 // 0 if unknown
	done  int64
	bar   *progressbar.ProgressBar
	out   io.Writer
	start time.Time
	told  time.Time
}

const plainEvery = 5 * time.Second

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func newProgress(name string, total int64, out io.Writer) *progress {
	p := &progress{name: filepath.Base(name), total: total, out: out, start: time.Now(), told: time.Now()}
	if isTerminal(out) {
		bound := total
		if bound <= 0 {
			bound = -1
		}
		p.bar = progressbar.NewOptions64(bound,
			progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(p.name),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("frames"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	return p
}

// step counts one frame.
func (p *progress) step() {
	p.done++
	if p.bar != nil {
		_ = p.bar.Add(1) // a bar that cannot be drawn is no reason to stop
		return
	}
	if time.Since(p.told) < plainEvery {
		return
	}
	p.told = time.Now()
	rate := float64(p.done) / time.Since(p.start).Seconds()
	line := fmt.Sprintf("%s: %d frames, %.1f a second", p.name, p.done, rate)
	if p.total > p.done {
		left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second))
		line = fmt.Sprintf("%s: %d of %d frames, %.1f a second, %v left", p.name, p.done, p.total, rate, left.Round(time.Second))
	}
	_, _ = fmt.Fprintln(p.out, line) // likewise
}

// skip counts a pass that is not needed.
func (p *progress) skip(frames int64) {
	p.done += frames
	if p.bar != nil {
		_ = p.bar.Add64(frames) // likewise
	}
}

// end takes the bar away. Progress that never began has none.
func (p *progress) end() {
	if p != nil && p.bar != nil {
		_ = p.bar.Finish() // likewise
	}
}

// progressOf shows a download.
func progressOf(name string, out io.Writer) func(done, total int64) {
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if !isTerminal(out) {
			if done == total {
				_, _ = fmt.Fprintf(out, "%s: %d bytes\n", name, done) // likewise
			}
			return
		}
		if bar == nil {
			bar = progressbar.DefaultBytes(total, name)
		}
		_ = bar.Set64(done) // likewise
	}
}
