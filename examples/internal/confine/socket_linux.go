package confine

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// architectures are the kernel's names (linux/audit.h) of those whose system calls the
// filter knows by their numbers.
var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// x32 is the bit of the numbers of a second set of system calls on amd64.
const x32 = 0x40000000

// Where a filter finds the number of a system call, its architecture, and the low half of
// its third argument: struct seccomp_data of linux/seccomp.h, little endian.
const (
	dataNumber, dataArchitecture = 0, 4
	dataThird                    = 16 + 2*8
)

// refuseSockets has the kernel refuse sockets to this process, all its threads and all that
// it becomes or starts: all of them, or, with network, those of Multipath TCP, which Landlock
// does not look at. On an architecture that is not known here it does nothing.
func refuseSockets(network bool) error {
	arch, ok := architectures[runtime.GOARCH]
	if !ok {
		return nil
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	end := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	jump := func(how uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | how | unix.BPF_K, Jt: yes, Jf: no, K: k}
	}
	refuse := end(unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT))
	filter := []unix.SockFilter{
		load(dataArchitecture),
		jump(unix.BPF_JEQ, arch, 1, 0),
		refuse,
		load(dataNumber),
		jump(unix.BPF_JGE, x32, 3, 0),
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 2, 0), // it makes sockets too
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 2, 0),
		end(unix.SECCOMP_RET_ALLOW),
		refuse,
	}
	if network {
		filter = append(filter, load(dataThird), jump(unix.BPF_JEQ, unix.IPPROTO_MPTCP, 0, 1))
	}
	filter = append(filter, refuse, end(unix.SECCOMP_RET_ALLOW))
	runtime.LockOSThread() // both belong to the thread, the second takes the others along
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("refuse sockets: %w", errno)
	}
	runtime.KeepAlive(filter)
	return nil
}
