package queue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// TestServerProcess is no test: TestDiskFull runs it as a process of its own, whose files
// can be kept from growing. It ends with its standard input.
func TestServerProcess(t *testing.T) {
	dir := os.Getenv("HEDGE_TEST_QUEUE")
	if dir == "" {
		t.Skip("only as a process of another test")
	}
	s, err := queue.Serve(queue.ServerConfig{Dir: dir, Host: "127.0.0.1", Port: -1, Check: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Println(s.Address())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the other test has ended
}

// process starts a server of its own process, and returns its address and how to keep its
// files from growing, which stands for a disk without room.
func process(t *testing.T) (address string, full func(bool)) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestServerProcess$")
	c.Env = append(os.Environ(), "HEDGE_TEST_QUEUE="+t.TempDir())
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		if err := c.Wait(); err != nil {
			t.Errorf("the server's process: %v", err)
		}
	})
	lines := bufio.NewReader(out)
	if address, err = lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // ends with the process
	var was unix.Rlimit
	if err := unix.Prlimit(c.Process.Pid, unix.RLIMIT_FSIZE, nil, &was); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address), func(full bool) {
		t.Helper()
		now := was
		if full {
			now.Cur = 0
		}
		if err := unix.Prlimit(c.Process.Pid, unix.RLIMIT_FSIZE, &now, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull: a server that could not write begins anew when it can. Who was refused asks
// again, and nothing is lost.
func TestDiskFull(t *testing.T) {
	address, full := process(t)
	nc, err := queue.Connect(t.Context(), address, "", "test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	a := archivetest.Over(t, nc, key, queue.Config{Poll: 20 * time.Millisecond})
	first := a.Add(t, "first", "1")
	full(true)
	second := first
	second.ID, second.Name = "0123", "second"
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = a.Queue.Create(short, second); err == nil {
		t.Fatal("it was taken without room")
	}
	full(false)
	again, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	for err != nil && !errors.Is(err, queue.ErrExists) { // what was refused may have been taken
		if again.Err() != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(again, 500*time.Millisecond)
		_, err = a.Queue.Create(short, second)
		cancel()
	}
	var names []string
	for p := pull(t, a, "w"); len(names) < 2; {
		j := next(t, p)
		names = append(names, j.Recording.Name)
		if _, err := j.Done(t.Context(), func(r *queue.Recording) { r.Status = queue.Done }); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"first", "second"}) {
		t.Errorf("%q", names)
	}
}
