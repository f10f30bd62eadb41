// Package machine says on what a program of bench has run.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"
)

// Facts describe the machine of a run. An unknown fact is "unknown", 0 or empty.
type Facts struct {
	CPU      string `json:"cpu"`
	Arch     string `json:"arch"`
	Cores    int    `json:"cores"`
	MemoryMB int    `json:"memory_mb"`
	System   string `json:"system"`
	Go       string `json:"go"`
	OpenCV   string `json:"opencv,omitempty"` // set by the caller, if it uses it
	FFmpeg   string `json:"ffmpeg"`
	Runtime  string `json:"onnx_runtime"`       // set by the caller
	Chromium string `json:"chromium,omitempty"` // set by the caller, if it uses it

	// LoadBefore and LoadAfter are the mean number of threads that were ready to
	// run in the last minute, at the beginning and at the end.
	LoadBefore float64 `json:"load_before"`
	LoadAfter  float64 `json:"load_after"`
	// Stolen is the share (0..1) of the cores' time during the run in which the
	// host of a virtual machine ran other guests.
	Stolen float64 `json:"stolen"`

	begin procfs.CPUStat
}

// This returns the facts of this machine, with its load now.
func This() Facts {
	m := Facts{CPU: "unknown", Arch: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), System: "unknown", Go: runtime.Version()}
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if list, err := fs.CPUInfo(); err == nil && len(list) > 0 && list[0].ModelName != "" {
			m.CPU = list[0].ModelName
		}
		if mem, err := fs.Meminfo(); err == nil && mem.MemTotal != nil {
			m.MemoryMB = int(*mem.MemTotal / 1024)
		}
	}
	if text, err := os.ReadFile("/etc/os-release"); err == nil {
		if _, rest, ok := strings.Cut(string(text), `PRETTY_NAME="`); ok {
			m.System, _, _ = strings.Cut(rest, `"`)
		}
	}
	if out, err := exec.Command("ffmpeg", "-version").Output(); err == nil { //nolint:noctx // ends by itself at once
		if words := strings.Fields(string(out)); len(words) > 2 {
			m.FFmpeg = words[2]
		}
	}
	m.LoadBefore, m.begin = now()
	return m
}

// End notes the load at the end of a run.
func (m *Facts) End() {
	load, end := now()
	m.LoadAfter, m.Stolen = load, stolen(m.begin, end)
}

// now returns the load and the times of all cores since the start of the
// machine, zeros where they are not known.
func now() (load float64, times procfs.CPUStat) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, times
	}
	if l, err := fs.LoadAvg(); err == nil {
		load = l.Load1
	}
	if s, err := fs.Stat(); err == nil {
		times = s.CPUTotal
	}
	return load, times
}

// stolen is the share of the time between two moments, 0 if nothing is known. The
// time of guests is part of User and Nice.
func stolen(a, b procfs.CPUStat) float64 {
	all := func(s procfs.CPUStat) float64 {
		return s.User + s.Nice + s.System + s.Idle + s.Iowait + s.IRQ + s.SoftIRQ + s.Steal
	}
	if all(a) == 0 || all(b) <= all(a) {
		return 0
	}
	return (b.Steal - a.Steal) / (all(b) - all(a))
}

// Text returns the facts in one line, without the load.
func (m *Facts) Text() string {
	text := fmt.Sprintf("%s, %d cores, %s, %d MB, %s; %s", m.CPU, m.Cores, m.Arch, m.MemoryMB, m.System, m.Go)
	for _, v := range [][2]string{{"OpenCV", m.OpenCV}, {"ffmpeg", m.FFmpeg}, {"ONNX Runtime", m.Runtime}, {"Chromium", m.Chromium}} {
		if v[1] != "" {
			text += ", " + v[0] + " " + v[1]
		}
	}
	return text
}

// Load returns in words what else kept the machine busy.
func (m *Facts) Load() string {
	text := fmt.Sprintf("load (1 minute) %.1f before, %.1f after", m.LoadBefore, m.LoadAfter)
	if m.Stolen > 0 {
		text += fmt.Sprintf("; %.1f %% of the cores' time taken by other guests of the host", 100*m.Stolen)
	}
	return text
}
