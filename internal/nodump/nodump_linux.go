package nodump

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// Of linux/prctl.h, linux/mman.h and asm-generic/mman-common.h.
const (
	prSetDumpable = 4
	madvDontDump  = 16
	mclCurrent    = 1
	mclFuture     = 2
	mclOnFault    = 4
)

// Process forbids this process, and the programs that it starts from now on, to
// dump their memory, whatever the machine's handler of core dumps is, and keeps
// other programs of the same user from reading it. Where the limit of locked
// memory allows, its own memory is kept out of swap as well; a service's unit
// does that for the programs that it starts (MemorySwapMax=0).
//
// The error says what the kernel refused; the rest holds.
func Process() error {
	var errs []error
	// The filter is inherited, and holds where the limit does not: for a handler
	// that takes dumps through a pipe. It is written first, because a process that
	// cannot be dumped does not own its files in /proc any more.
	if err := filter("self"); err != nil {
		errs = append(errs, err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("limit of core dumps: %w", err))
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		errs = append(errs, fmt.Errorf("forbid core dumps: %w", errno))
	}
	// Without the right to, it fails as a whole, which is the ordinary case on a
	// desktop.
	_, _, _ = syscall.Syscall(syscall.SYS_MLOCKALL, mclCurrent|mclFuture|mclOnFault, 0, 0)
	return errors.Join(errs...)
}

// Child forbids a process that was just started to dump its memory.
func Child(pid int) error {
	none := syscall.Rlimit{}
	_, _, errno := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_CORE, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	if errno != 0 && errno != syscall.ESRCH {
		return fmt.Errorf("limit of core dumps: %w", errno)
	}
	// Where this process cannot be dumped, the child has its filter.
	_ = filter(strconv.Itoa(pid))
	return nil
}

// filter leaves all memory out of a process's core dump (core(5)).
func filter(process string) error {
	err := os.WriteFile("/proc/"+process+"/coredump_filter", []byte("0"), 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // no /proc, or a process that has ended
	}
	return err
}

// large is the size in bytes from which on Go gives memory pages of its own.
const large = 64 << 10

// Memory leaves b out of core dumps, if it is large enough to have pages of its
// own. It is best effort: an old kernel does not know how.
func Memory(b []byte) {
	if cap(b) < large {
		return
	}
	page := uintptr(os.Getpagesize())
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	begin, end := (begin+page-1)&^(page-1), (begin+uintptr(cap(b)))&^(page-1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, begin, end-begin, madvDontDump)
}
