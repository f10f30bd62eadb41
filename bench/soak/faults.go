package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// fault is one kind of fault of the live run. begin makes it happen and says for how
// long it is to last and, in words, what it is this time; end puts everything right.
type fault struct {
	name  string
	begin func(ctx context.Context, l *live, r *rand.Rand) (lasts time.Duration, what string, end func() error, err error)
}

// within returns a random time from a to b.
func within(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)))
}

// errNone says that there is just now nothing that this fault could befall.
var errNone = errors.New("nothing is there that it could befall")

// faults are all kinds.
var faults = []fault{
	{"decoder killed", func(_ context.Context, l *live, _ *rand.Rand) (time.Duration, string, func() error, error) {
		pid, err := l.child()
		if err != nil {
			return 0, "", nil, err
		}
		return 0, fmt.Sprintf("SIGKILL to %d", pid), nil, signal(pid, syscall.SIGKILL)
	}},
	{"decoder stopped", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		pid, err := l.child()
		if err != nil {
			return 0, "", nil, err
		}
		return within(r, 100*time.Millisecond, 6*time.Second), fmt.Sprintf("SIGSTOP to %d", pid), func() error { return signal(pid, syscall.SIGCONT) }, signal(pid, syscall.SIGSTOP)
	}},
	{"doorbell stopped", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		pid := l.program.Cmd.Process.Pid
		return within(r, 50*time.Millisecond, 3*time.Second), "SIGSTOP", func() error { return signal(pid, syscall.SIGCONT) }, signal(pid, syscall.SIGSTOP)
	}},
	{"camera silent", camera1(func(r *rand.Rand) (time.Duration, trouble) {
		return within(r, time.Second, 8*time.Second), trouble{silent: true}
	})},
	{"camera gone", camera1(func(r *rand.Rand) (time.Duration, trouble) {
		return within(r, time.Second, 6*time.Second), trouble{refuses: true}
	})},
	{"network late", camera1(func(r *rand.Rand) (time.Duration, trouble) {
		return within(r, 2*time.Second, 8*time.Second), trouble{late: within(r, 50*time.Millisecond, 1500*time.Millisecond)}
	})},
	{"pictures damaged", camera1(func(r *rand.Rand) (time.Duration, trouble) {
		return within(r, time.Second, 6*time.Second), trouble{damage: 0.1 + 0.9*r.Float64()}
	})},
	{"connection cut", func(_ context.Context, l *live, _ *rand.Rand) (time.Duration, string, func() error, error) {
		l.camera.cut()
		return 0, "in the midst of the stream", nil, nil
	}},
	{"disk full", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		if !l.tmpfs {
			return 0, "", nil, errNone
		}
		path := filepath.Join(l.disk, "filler")
		err := fill(path)
		return within(r, time.Second, 5*time.Second), "its recordings' disk is filled", func() error { return os.Remove(path) }, err
	}},
	{"disk gone", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		away := l.records + ".away"
		return within(r, time.Second, 5*time.Second), "the folder of its recordings is moved away", func() error {
			// The program may have made another one meanwhile.
			return errors.Join(os.RemoveAll(l.records), os.Rename(away, l.records))
		}, os.Rename(l.records, away)
	}},
	{"policy broken", func(ctx context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		text, what := broken(r, l.good(r))
		return within(r, time.Second, 4*time.Second), what, func() error { return l.write(ctx, l.good(r), r.IntN(2) == 0) }, l.write(ctx, text, r.IntN(2) == 0)
	}},
	{"policy changed", func(ctx context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		return within(r, 0, time.Second), "another zone, another fill", nil, l.write(ctx, l.good(r), r.IntN(2) == 0)
	}},
	{"machine busy", func(ctx context.Context, _ *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		n := 2 * runtime.NumCPU()
		end, err := burn(ctx, n)
		return within(r, 2*time.Second, 10*time.Second), fmt.Sprintf("%d processes that only compute", n), end, err
	}},
	{"recorder hangs", func(ctx context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", "tcp", "-i", l.program.RTSP, "-c", "copy", "-f", "null", "-")
		cmd.SysProcAttr = withUs()
		if err := cmd.Start(); err != nil {
			return 0, "", nil, err
		}
		_ = wait(ctx, 2*time.Second)
		end := func() error {
			err := cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
			return err
		}
		return within(r, time.Second, 6*time.Second), "a recorder on RTSP takes nothing more", end, signal(cmd.Process.Pid, syscall.SIGSTOP)
	}},
	{"client hangs", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		end, n, err := l.hang(r)
		return within(r, time.Second, 5*time.Second), fmt.Sprintf("%d clients of the page say half of what they want", n), end, err
	}},
}

// camera1 is a fault of the camera.
func camera1(choose func(r *rand.Rand) (time.Duration, trouble)) func(context.Context, *live, *rand.Rand) (time.Duration, string, func() error, error) {
	return func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		lasts, t := choose(r)
		l.camera.set(t)
		return lasts, fmt.Sprintf("%+v", t), func() error { l.camera.set(trouble{}); return nil }, nil
	}
}

// child returns the number of an ffmpeg of the doorbell.
func (l *live) child() (int, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		if s, err := p.Stat(); err == nil && s.PPID == l.program.Cmd.Process.Pid && strings.HasPrefix(s.Comm, "ff") {
			return s.PID, nil
		}
	}
	return 0, errNone
}

// signal sends a signal to a process, which may have ended.
func signal(pid int, s syscall.Signal) error {
	if err := syscall.Kill(pid, s); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// fill writes a file for as long as the disk has room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for size := 1 << 20; err == nil || size > 1<<9; {
		if err != nil {
			size /= 2
		}
		_, err = f.Write(block[:size])
	}
	if err = errors.Join(err, f.Close()); errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return errors.Join(err, os.Remove(path))
}

// good returns a policy that shows at least the core and never more than most.
func (l *live) good(r *rand.Rand) []byte {
	pick := func(a, b int) int { // from a towards b
		if a == b {
			return a
		}
		if a < b {
			return a + r.IntN(b-a+1)
		}
		return a - r.IntN(a-b+1)
	}
	zone := image.Rect(pick(core.Min.X, most.Min.X), pick(core.Min.Y, most.Min.Y), pick(core.Max.X, most.Max.X), pick(core.Max.Y, most.Max.Y))
	return l.scene.policy(zone, []string{"frost", "solid"}[r.IntN(2)], l.inside)
}

// broken makes a policy file of a good one that cannot be used.
func broken(r *rand.Rand, good []byte) (text []byte, what string) {
	text = append(text, good...)
	switch r.IntN(6) {
	case 0:
		return text[:r.IntN(len(text)-2)], "cut off"
	case 1:
		return nil, "empty"
	case 2:
		return append([]byte(`{"everything":"shown",`), text[1:]...), "a field that does not exist"
	case 3:
		return []byte(strings.Replace(string(text), "[[[", "[[[7,0.1],[", 1)), "a point outside of the picture"
	case 4:
		for range 8 {
			text[r.IntN(len(text))] = 0xFF
		}
		return text, "bytes that are no text"
	default:
		return []byte(strings.Replace(string(text), `"version":1`, `"version":2`, 1)), "of another version"
	}
}

// write writes the policy file, at once or as an editor that empties it first.
func (l *live) write(ctx context.Context, text []byte, slow bool) error {
	if !slow {
		if err := os.WriteFile(l.policy+".new", text, 0o600); err != nil {
			return err
		}
		return os.Rename(l.policy+".new", l.policy)
	}
	f, err := os.Create(l.policy)
	if err != nil {
		return err
	}
	half := len(text) / 2
	_, err = f.Write(text[:half])
	_ = wait(ctx, 100*time.Millisecond) // whoever reads it now finds half of it
	_, err2 := f.Write(text[half:])
	return errors.Join(err, err2, f.Close())
}

// burn starts processes that only compute, with a low priority.
func burn(ctx context.Context, n int) (end func() error, err error) {
	var all []*exec.Cmd
	end = func() error {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait() // it was killed
		}
		return nil
	}
	for range n {
		c := exec.CommandContext(ctx, "nice", "-n", "10", "sh", "-c", "while :; do :; done")
		c.SysProcAttr = withUs()
		if err := c.Start(); err != nil {
			return nil, errors.Join(err, end())
		}
		all = append(all, c)
	}
	return end, nil
}

// hang opens connections to the page and to RTSP that say half of what they want.
func (l *live) hang(r *rand.Rand) (end func() error, n int, err error) {
	var all []net.Conn
	end = func() error {
		for _, c := range all {
			_ = c.Close()
		}
		return nil
	}
	for range 1 + r.IntN(20) {
		c, err := net.Dial("tcp", strings.TrimPrefix(l.program.Base, "http://")) //nolint:noctx // loopback answers at once
		if err == nil {
			all = append(all, c)
			_, err = c.Write([]byte("GET /status HTTP/1.1\r\nHost: "))
		}
		if err != nil {
			return nil, 0, errors.Join(err, end())
		}
	}
	return end, len(all), nil
}
