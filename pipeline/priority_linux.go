package pipeline

import "syscall"

// lookNice is the nice value of the threads that detectors run on in Live mode.
// Where the frames' way, decoder and encoder need all cores, the scheduler then
// serves them first: a detector that comes late only has more hidden.
const lookNice = 5

// yield lowers the priority of the calling goroutine's thread. The goroutine
// must be locked to it, and end locked.
func yield() {
	// On Linux 0 is the calling thread. Lowering a priority is always allowed;
	// where a sandbox forbids the call, all threads stay equal.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, lookNice)
}
