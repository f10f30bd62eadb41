package main

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar shows how far a download is: a progress bar on a terminal, otherwise one
// line for each quarter, which reads well in a log.
type bar struct {
	name    string
	out     io.Writer
	onTerm  bool
	bar     *progressbar.ProgressBar
	quarter int64
}

func newBar(out io.Writer, name string) *bar {
	f, ok := out.(*os.File)
	return &bar{name: name, out: out, onTerm: ok && term.IsTerminal(int(f.Fd()))}
}

// update is told how many bytes have come and how many there are, -1 if that is
// not known.
func (b *bar) update(done, total int64) {
	if !b.onTerm {
		if total <= 0 {
			return
		}
		if q := done * 4 / total; q > b.quarter {
			b.quarter = q
			fmt.Fprintf(b.out, "%s: %d %% of %.1f MB\n", b.name, q*25, float64(total)/1e6)
		}
		return
	}
	// A second address begins anew.
	if b.bar == nil || done < b.bar.State().CurrentNum {
		b.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionSetDescription(b.name),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish())
	}
	if err := b.bar.Set64(done); err != nil {
		// A terminal that cannot be written to must not end a download.
		b.onTerm = false
	}
}

// done ends the bar's line.
func (b *bar) done() {
	if b.bar != nil && !b.bar.IsFinished() {
		fmt.Fprintln(b.out)
	}
}
