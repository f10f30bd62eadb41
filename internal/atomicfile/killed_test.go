package atomicfile_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// writesEnv makes the test program another one, which writes the file of that name each time
// that it is told to, full of another byte, and says so.
const writesEnv = "HEDGE_TEST_WRITES"

const wholeSize = 1 << 18

func TestMain(m *testing.M) {
	name := os.Getenv(writesEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	told := bufio.NewScanner(os.Stdin)
	for n := byte(1); told.Scan(); n++ {
		if err := atomicfile.WriteData(name, bytes.Repeat([]byte{n}, wholeSize), 0o600); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err) // nowhere else to say it
			os.Exit(1)
		}
		if _, err := fmt.Fprintln(os.Stdout, n); err != nil {
			return
		}
	}
}

// TestKilled: of a program that is killed while it writes a file, the old or the new one is
// there, whole and for its owner alone, and no further write minds what is left.
func TestKilled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for run := range 30 {
		dir := t.TempDir()
		path := filepath.Join(dir, "state")
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
		cmd.Env = append(os.Environ(), writesEnv+"="+path)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Skipf("this system has no /proc/self/exe: %v", err)
		}
		said := bufio.NewScanner(out)
		writes := 1 + r.IntN(3)
		for n := range writes + 1 {
			if n > 0 && !said.Scan() {
				t.Fatalf("run %d: %v", run, said.Err())
			}
			if _, err := fmt.Fprintln(in); err != nil {
				t.Fatal(err)
			}
		}
		// It is at work on the last one, wherever, or done.
		for range r.IntN(1000) {
			if _, err := os.Lstat(path); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
		data, err := os.ReadFile(path)
		old, last := bytes.Repeat([]byte{byte(writes)}, wholeSize), bytes.Repeat([]byte{byte(writes + 1)}, wholeSize)
		if err != nil || !bytes.Equal(data, old) && !bytes.Equal(data, last) {
			t.Fatalf("run %d: %d bytes, neither the old ones nor the new, %v", run, len(data), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("run %d: %v, %v", run, info.Mode(), err)
		}
		if err := atomicfile.WriteData(path, []byte("next"), 0o600); err != nil {
			t.Errorf("run %d: %v", run, err)
		}
		holds(t, path, "next")
	}
}
