// Package machine says on what a program of bench has run.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Facts are where a run took place. What is not known is "unknown", 0 or empty.
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
	Busy
}

// This returns the facts of this machine, with its load now.
func This() Facts {
	m := Facts{
		CPU: field("/proc/cpuinfo", "model name", "Model"), Arch: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		System: strings.Trim(field("/etc/os-release", "PRETTY_NAME"), `"`),
		Go:     runtime.Version(), Busy: Begin(),
	}
	if kb, err := strconv.Atoi(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		m.MemoryMB = kb / 1024
	}
	if out, err := exec.Command("ffmpeg", "-version").Output(); err == nil { //nolint:noctx // ends by itself at once
		if words := strings.Fields(string(out)); len(words) > 2 {
			m.FFmpeg = words[2]
		}
	}
	return m
}

// Text is the facts in one line, without the load.
func (m Facts) Text() string {
	text := fmt.Sprintf("%s, %d cores, %s, %d MB, %s; %s", m.CPU, m.Cores, m.Arch, m.MemoryMB, m.System, m.Go)
	if m.OpenCV != "" {
		text += ", OpenCV " + m.OpenCV
	}
	text += ", ffmpeg " + m.FFmpeg
	if m.Runtime != "" {
		text += ", ONNX Runtime " + m.Runtime
	}
	if m.Chromium != "" {
		text += ", Chromium " + m.Chromium
	}
	return text
}

// field returns the value of the first line of a file of the form "name : value"
// or "name=value" that has one of the names, or "unknown".
func field(path string, names ...string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for _, name := range names {
		for line := range strings.SplitSeq(string(data), "\n") {
			key, value, ok := strings.Cut(line, ":")
			if !ok {
				key, value, ok = strings.Cut(line, "=")
			}
			if ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
	}
	return "unknown"
}
