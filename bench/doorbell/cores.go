package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// process is what the kernel says of a process.
type process struct {
	parent int
	core   time.Duration // of all its threads, and of children that have ended and were waited for
}

// tick is the unit of times in /proc: the kernel shows a hundredth of a second to
// every program.
const tick = 10 * time.Millisecond

// processes returns all processes of this machine, none where there is no /proc.
func processes() map[int]process {
	list := map[int]process{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return list
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// One that has ended in the meantime is none any more.
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil {
			if p, ok := parseStat(string(text)); ok {
				list[pid] = p
			}
		}
	}
	return list
}

// parseStat reads /proc/PID/stat, see proc(5). The name may hold anything.
func parseStat(text string) (p process, ok bool) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 15 {
		return p, false
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return p, false
	}
	p.parent = parent
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return p, false
		}
		p.core += time.Duration(n) * tick
	}
	return p, true
}

// cores are core times at a moment; those that are not known are 0.
type cores struct {
	doorbell, children, browser, puller, self time.Duration
}

func (b *bench) cores() (c cores) {
	list := processes()
	c.doorbell = list[b.program.cmd.Process.Pid].core
	c.children = family(list, b.program.cmd.Process.Pid) - c.doorbell
	c.puller = list[b.puller.cmd.Process.Pid].core
	c.self = list[os.Getpid()].core
	if b.watcher != nil {
		c.browser = family(list, b.watcher.pid)
	}
	return c
}

// family returns the core time of a process and all that descend from it.
func family(list map[int]process, root int) (sum time.Duration) {
	sum = list[root].core
	for pid, p := range list {
		if p.parent == root && pid != root {
			sum += family(list, pid)
		}
	}
	return sum
}
