package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Busy is what else kept the machine busy during a run. What is not known is 0.
type Busy struct {
	// LoadBefore and LoadAfter are the mean number of threads ready to run over
	// the last minute, at the beginning and at the end.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
	// Stolen is the share of the cores' time between the two in which something
	// was ready to run and the host of a virtual machine ran others.
	Stolen float64 `json:"stolen"`

	begin ticks
}

// Begin returns what is known at the beginning of a run.
func Begin() Busy { return Busy{LoadBefore: load(), begin: now()} }

// End says that the run is over.
func (b *Busy) End() {
	b.LoadAfter = load()
	b.Stolen = stolen(b.begin, now())
}

// Text is all of it in words.
func (b *Busy) Text() string {
	text := fmt.Sprintf("load (1 minute) %.1f before, %.1f after", b.LoadBefore, b.LoadAfter)
	if b.Stolen > 0 {
		text += fmt.Sprintf("; %.1f %% of the cores' time taken by other guests of the host", 100*b.Stolen)
	}
	return text
}

// ticks are the cores' times since the machine was started.
type ticks struct{ all, stolen float64 }

// now returns nothing where there is no /proc/stat.
func now() ticks {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}
	}
	return parseTicks(string(data))
}

// parseTicks reads the line "cpu user nice system idle iowait irq softirq steal
// guest guest_nice" of /proc/stat (proc(5)); guests are counted in user and nice.
func parseTicks(stat string) (t ticks) {
	line, _, _ := strings.Cut(stat, "\n")
	words := strings.Fields(line)
	if len(words) < 9 || words[0] != "cpu" {
		return ticks{}
	}
	for i, w := range words[1:9] {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return ticks{}
		}
		t.all += v
		if i == 7 {
			t.stolen = v
		}
	}
	return t
}

// stolen is the share between two moments, 0 if nothing passed or is known.
func stolen(a, b ticks) float64 {
	if b.all <= a.all || a.all == 0 {
		return 0
	}
	return (b.stolen - a.stolen) / (b.all - a.all)
}

// load returns the mean number of threads ready to run over the last minute, 0
// if it is not known.
func load() float64 {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return v
}
