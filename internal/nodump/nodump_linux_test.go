package nodump

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"
)

const helperEnv = "HEDGE_TEST_NODUMP"

// TestHelper is not a test: TestProcess starts it as a process of its own.
func TestHelper(t *testing.T) {
	if os.Getenv(helperEnv) == "" {
		t.Skip("only for TestProcess")
	}
	if err := Process(); err != nil {
		t.Fatalf("error: %v", err)
	}
	out, err := exec.Command("/bin/sh", "-c", "cat /proc/$$/limits /proc/$$/coredump_filter").CombinedOutput()
	if _, err := fmt.Fprintf(os.Stdout, "child %s %v\nready\n", out, err); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
}

// TestProcess: neither the process nor what it starts can be dumped.
func TestProcess(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelper$")
	cmd.Env = append(os.Environ(), helperEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(said.String(), "ready") {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %s", err, said.String())
		}
	}
	text := said.String()
	if strings.Contains(text, "error:") || !noCore(text) || !strings.Contains(text, "\n00000000\n") {
		t.Errorf("the child may dump: %s", text)
	}
	proc := fmt.Sprintf("/proc/%d/", cmd.Process.Pid)
	limits, err := os.ReadFile(proc + "limits")
	if err != nil || !noCore(string(limits)) {
		t.Errorf("the process may dump: %s%v", limits, err)
	}
	// The files of a process that cannot be dumped belong to root (proc(5)).
	if os.Getuid() != 0 {
		if _, err := os.ReadFile(proc + "environ"); err == nil {
			t.Error("another program of the same user may read the process")
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// noCore reports whether a text of limits forbids core dumps.
func noCore(limits string) bool {
	for line := range strings.Lines(limits) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") {
			return f[4] == "0" && f[5] == "0"
		}
	}
	return false
}

// TestPicture: the kernel has the picture's pages marked "dd", do not dump
// (proc(5), smaps), but for the one that it shares.
func TestPicture(t *testing.T) {
	p := Picture(641, 479)
	if len(p.Y) != 641*479 || len(p.Cb) != 321*240 || len(p.Cr) != len(p.Cb) || p.YStride != 641 || p.CStride != 321 {
		t.Fatalf("planes of %d, %d, %d samples", len(p.Y), len(p.Cb), len(p.Cr))
	}
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	for _, at := range []*byte{&p.Y[0], &p.Y[len(p.Y)-1], &p.Cr[len(p.Cr)-8192]} {
		if flags := flagsOf(string(maps), uint64(uintptr(unsafe.Pointer(at)))); !strings.Contains(flags, " dd") {
			t.Errorf("flags of a picture's memory: %q", flags)
		}
	}
}

// flagsOf returns the VmFlags line of the mapping that holds an address.
func flagsOf(smaps string, at uint64) string {
	in := false
	for line := range strings.Lines(smaps) {
		var lo, hi uint64
		if n, _ := fmt.Sscanf(line, "%x-%x ", &lo, &hi); n == 2 {
			in = lo <= at && at < hi
		}
		if in && strings.HasPrefix(line, "VmFlags:") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
