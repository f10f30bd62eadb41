package doorbell

import (
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// tick is the unit of times in /proc: the kernel shows a hundredth of a second to
// every program.
const tick = 10 * time.Millisecond

// processes returns what the kernel says of all processes of this machine, by
// their number; nothing where there is no /proc.
func processes() map[int]procfs.ProcStat {
	list := map[int]procfs.ProcStat{}
	all, err := procfs.AllProcs()
	if err != nil {
		return list
	}
	for _, p := range all {
		// One that has ended in the meantime is left out.
		if s, err := p.Stat(); err == nil {
			list[s.PID] = s
		}
	}
	return list
}

// core returns the core time of all threads of a process, and of its children
// that have ended and were waited for.
func core(s procfs.ProcStat) time.Duration {
	return time.Duration(int(s.UTime)+int(s.STime)+s.CUTime+s.CSTime) * tick
}

// family returns the core time of a process and all that descend from it.
func family(list map[int]procfs.ProcStat, root int) time.Duration {
	sum := core(list[root])
	for pid, p := range list {
		if p.PPID == root && pid != root {
			sum += family(list, pid)
		}
	}
	return sum
}

// cores are core times at a moment; those that are not known are 0.
type cores struct {
	doorbell, children, browser, puller, self time.Duration
}

func (b *bench) cores() (c cores) {
	list := processes()
	c.doorbell = core(list[b.program.Cmd.Process.Pid])
	c.children = family(list, b.program.Cmd.Process.Pid) - c.doorbell
	c.puller = core(list[b.puller.Cmd.Process.Pid])
	c.self = core(list[os.Getpid()])
	if b.watcher != nil {
		c.browser = family(list, b.watcher.pid)
	}
	return c
}
