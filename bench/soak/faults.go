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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

// fault is one kind of fault of the live run.
type fault struct {
	name  string
	begin begin
}

// begin makes a fault happen and says for how long it is to last and, in words, what it is
// this time. end, which may be nil, puts everything right.
type begin func(ctx context.Context, l *live, r *rand.Rand) (lasts time.Duration, what string, end func() error, err error)

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
	{"decoder stopped", stopped(100*time.Millisecond, 6*time.Second, (*live).child)},
	{"doorbell stopped", stopped(50*time.Millisecond, 3*time.Second, func(l *live) (int, error) { return l.program.Cmd.Process.Pid, nil })},
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
		var all ends
		for range n {
			_, end, err := start(ctx, "nice", "-n", "10", "sh", "-c", "while :; do :; done")
			if all = append(all, end); err != nil {
				return 0, "", nil, errors.Join(err, all.all())
			}
		}
		return within(r, 2*time.Second, 10*time.Second), fmt.Sprintf("%d processes that only compute", n), all.all, nil
	}},
	{"recorder hangs", func(ctx context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		cmd, end, err := start(ctx, "ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", "tcp", "-i", l.program.RTSP, "-c", "copy", "-f", "null", "-")
		if err != nil {
			return 0, "", nil, errors.Join(err, end())
		}
		_ = wait(ctx, 2*time.Second)
		return within(r, time.Second, 6*time.Second), "a recorder on RTSP takes nothing more", end, signal(cmd.Process.Pid, syscall.SIGSTOP)
	}},
	{"client hangs", func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		end, n, err := l.hang(r)
		return within(r, time.Second, 5*time.Second), fmt.Sprintf("%d clients of the page say half of what they want", n), end, err
	}},
}

// stopped is the fault of a process that is stopped for a while.
func stopped(least, most time.Duration, process func(*live) (int, error)) begin {
	return func(_ context.Context, l *live, r *rand.Rand) (time.Duration, string, func() error, error) {
		pid, err := process(l)
		if err != nil {
			return 0, "", nil, err
		}
		return within(r, least, most), fmt.Sprintf("SIGSTOP to %d", pid), func() error { return signal(pid, syscall.SIGCONT) }, signal(pid, syscall.SIGSTOP)
	}
}

// camera1 is a fault of the camera.
func camera1(choose func(r *rand.Rand) (time.Duration, trouble)) begin {
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
	zone := image.Rect(core.Min.X-r.IntN(core.Min.X-most.Min.X+1), core.Min.Y-r.IntN(core.Min.Y-most.Min.Y+1),
		core.Max.X+r.IntN(most.Max.X-core.Max.X+1), core.Max.Y+r.IntN(most.Max.Y-core.Max.Y+1))
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

// ends are what ends things that have begun.
type ends []func() error

// all calls them, the last one first.
func (e ends) all() (err error) {
	for _, end := range slices.Backward(e) {
		err = errors.Join(err, end())
	}
	return err
}

// start starts a process, which end kills.
func start(ctx context.Context, name string, args ...string) (cmd *exec.Cmd, end func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd = exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = withUs()
	end = func() error {
		cancel()
		_ = cmd.Wait() // it was killed
		return nil
	}
	err = cmd.Start()
	return cmd, end, err
}

// hang opens connections to the page that say half of what they want.
func (l *live) hang(r *rand.Rand) (end func() error, n int, err error) {
	var all ends
	for range 1 + r.IntN(20) {
		c, err := net.Dial("tcp", strings.TrimPrefix(l.program.Base, "http://")) //nolint:noctx // loopback answers at once
		if err == nil {
			all = append(all, c.Close)
			_, err = c.Write([]byte("GET /status HTTP/1.1\r\nHost: "))
		}
		if err != nil {
			return nil, 0, errors.Join(err, all.all())
		}
	}
	return all.all, len(all), nil
}
