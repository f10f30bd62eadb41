package nodump

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

const swapEnv = "HEDGE_TEST_SWAP"

// pageOut asks the kernel to put a picture's memory into swap (madvise(2), Linux 5.4). It
// refuses for memory that is locked.
func pageOut(y []byte) error {
	const madvPageOut = 21
	page := uintptr(os.Getpagesize())
	begin := (uintptr(unsafe.Pointer(&y[0])) + page - 1) &^ (page - 1)
	if _, _, errno := syscall.Syscall(syscall.SYS_MADVISE, begin, (uintptr(len(y))-page)&^(page-1), madvPageOut); errno != 0 {
		return errno
	}
	return nil
}

// mayLock reports whether this process may lock all of its memory.
func mayLock() bool {
	const rlimitMemlock, infinity = 8, ^uint64(0)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(rlimitMemlock, &limit); err != nil || limit.Cur == infinity {
		return err == nil
	}
	// More than the limit can be locked by who has the right to (capabilities(7), CAP_IPC_LOCK).
	b := make([]byte, 64<<20)
	return limit.Cur < uint64(len(b)) && syscall.Mlock(b) == nil && syscall.Munlock(b) == nil
}

// TestSwapHelper is not a test: TestSwap starts it as a process of its own.
func TestSwapHelper(t *testing.T) {
	if os.Getenv(swapEnv) == "" {
		t.Skip("only for TestSwap")
	}
	fill := func(y []byte) []byte {
		for i := range y {
			y[i] = byte(i)
		}
		return y
	}
	before := fill(Picture(1280, 720).Y)
	ordinary, may := pageOut(before), mayLock()
	if err := Process(); err != nil {
		t.Fatal(err)
	}
	old, young := pageOut(before), pageOut(fill(Picture(1280, 720).Y))
	if _, err := fmt.Fprintf(os.Stdout, "ordinary: %v\nmay: %t\nold: %v\nnew: %v\n", ordinary, may, old, young); err != nil {
		t.Fatal(err)
	}
}

// TestSwap: where memory may be locked, neither pictures from before Process nor those
// from after it can be put into swap; without it they can.
func TestSwap(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSwapHelper$")
	cmd.Env = append(os.Environ(), swapEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	said := string(out)
	switch {
	case !strings.Contains(said, "ordinary: <nil>"):
		t.Skipf("this kernel puts nothing into swap on demand: %s", said)
	case !strings.Contains(said, "may: true"):
		t.Skip("only root, or a service with LimitMEMLOCK=infinity, may lock all of its memory")
	}
	refused := syscall.EINVAL.Error()
	if !strings.Contains(said, "old: "+refused) || !strings.Contains(said, "new: "+refused) {
		t.Errorf("raw pictures can be put into swap: %s", said)
	}
}
