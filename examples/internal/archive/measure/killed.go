package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// Roles of this program's children.
const (
	roleServer = "server"
	roleWorker = "worker"
)

// silentFor is after which silence a job goes to another worker.
const silentFor = 3 * time.Second

// role is a child: server DIR ADDRESS, or worker DIR ADDRESS NAME.
func role(ctx context.Context, args []string) error {
	dir, address := args[1], args[2]
	if args[0] == roleServer {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return err
		}
		s, err := queue.Serve(queue.ServerConfig{Dir: filepath.Join(dir, "nats"), Host: a.IP.String(), Port: a.Port})
		if err != nil {
			return err
		}
		<-ctx.Done()
		s.Close()
		return nil
	}
	a, nc, err := connect(ctx, dir, address)
	if err != nil {
		return err
	}
	defer nc.Close()
	chance := rand.New(rand.NewPCG(uint64(os.Getpid()), 1)) //nolint:gosec // no secret
	p := &archivetest.Passes{Before: func(ctx context.Context, _ *queue.Recording, path string) error {
		t := time.NewTimer(time.Duration(chance.IntN(200)) * time.Millisecond)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		return ctx.Err()
	}}
	return worker.New(worker.Config{Archive: a, Passes: p, Dir: filepath.Join(dir, args[3]), Memory: memfile.NewBudget(1 << 20),
		Self: queue.Worker{ID: args[3], Version: version}}).Run(ctx)
}

// connect opens the archive of a server in another process, which may not be there yet.
func connect(ctx context.Context, dir, address string) (*archive.Archive, *nats.Conn, error) {
	key, err := store.Key(filepath.Join(dir, "archive.key"), false)
	if err != nil {
		return nil, nil, err
	}
	for {
		a, nc, err := try(ctx, address)
		if err == nil {
			a.Originals = store.NewVault(a.Files, key)
			return a, nc, nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, nil, errors.Join(err, ctx.Err())
		}
	}
}

func try(ctx context.Context, address string) (*archive.Archive, *nats.Conn, error) {
	nc, err := queue.Connect(ctx, "nats://"+address, "", "bench")
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.Open(ctx, nc, queue.Config{AckWait: silentFor, Poll: 200 * time.Millisecond})
	var files store.Store
	if err == nil {
		files, err = store.OpenObjects(ctx, q.JetStream(), 0)
	}
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return &archive.Archive{Queue: q, Files: files}, nc, nil
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// child is a process of this program.
type child struct {
	args []string
	cmd  *exec.Cmd
}

func (c *child) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.cmd = exec.CommandContext(ctx, self, c.args...)
	c.cmd.Stderr = os.Stderr
	return c.cmd.Start()
}

// kill kills it as kill -9 does, and waits until it has ended.
func (c *child) kill() error {
	if c.cmd == nil {
		return nil
	}
	err := c.cmd.Process.Kill()
	_ = c.cmd.Wait() // it was killed
	return err
}

// killFigures are what killed measures.
type killFigures struct {
	Recordings int `json:"recordings"`
	Missing    int `json:"missing"` // have no output
	Broken     int `json:"broken"`  // have one that is not whole, or that another has, too
	GivenUp    int `json:"given_up"`
	Workers    int `json:"workers"` // how often one was killed
	Servers    int `json:"servers"`
	// Seconds is how long all of it took.
	Seconds float64 `json:"seconds"`
}

// killed kills a worker or the server at random while recordings are worked on, and looks
// at what there is in the end.
func killed(ctx context.Context, kills int) (f killFigures, err error) {
	dir, remove, err := folder()
	if err != nil {
		return f, err
	}
	defer remove()
	if _, err := store.Key(filepath.Join(dir, "archive.key"), true); err != nil {
		return f, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return f, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return f, err
	}
	children := []*child{{args: []string{roleServer, dir, address}}}
	for i := range 3 {
		children = append(children, &child{args: []string{roleWorker, dir, address, fmt.Sprint("w", i)}})
	}
	defer func() {
		for _, c := range children {
			_ = c.kill() // the measurement has ended
		}
	}()
	for _, c := range children {
		if err := c.start(ctx); err != nil {
			return f, err
		}
	}
	a, nc, err := connect(ctx, dir, address)
	if err != nil {
		return f, err
	}
	defer nc.Close()
	jobs := 2 * kills
	for i := range jobs {
		if err := add(ctx, a, i, 2000); err != nil {
			return f, err
		}
	}
	begun, servers := time.Now(), 0
	for n := range kills {
		if !pause(ctx, time.Duration(50+rand.IntN(400))*time.Millisecond) { //nolint:gosec // no secret
			return f, ctx.Err()
		}
		c := children[1+rand.IntN(len(children)-1)] //nolint:gosec // no secret
		if n%5 == 0 {
			c, servers = children[0], servers+1
		}
		if err := errors.Join(c.kill(), c.start(ctx)); err != nil {
			return f, err
		}
	}
	if err := repaired(ctx, a); err != nil {
		return f, err
	}
	f.GivenUp, err = done(ctx, a, jobs)
	f.Recordings, f.Workers, f.Servers = jobs, kills-servers, servers
	if err == nil {
		err = inspect(ctx, a, &f)
	}
	f.Seconds = time.Since(begun).Seconds()
	return f, err
}

// repaired files what should wait, as serve does when it begins.
func repaired(ctx context.Context, a *archive.Archive) error {
	for {
		_, err := a.Queue.Repair(ctx)
		if err == nil || !pause(ctx, 200*time.Millisecond) {
			return err
		}
	}
}

// inspect retries what was given up, and looks at every recording.
func inspect(ctx context.Context, a *archive.Archive, f *killFigures) error {
	list, err := a.Queue.List(ctx)
	if err != nil {
		return err
	}
	for _, rec := range list {
		if rec.Status == queue.Failed {
			if !strings.Contains(rec.Error, "lost 3 times") {
				return fmt.Errorf("%s has failed: %s", rec.Name, rec.Error)
			}
			if _, err := a.Retry(ctx, rec.ID, version, evidence.Change{By: "somebody"}); err != nil {
				return err
			}
		}
	}
	if f.GivenUp > 0 {
		if _, err := done(ctx, a, f.Recordings); err != nil {
			return err
		}
	}
	if list, err = a.Queue.List(ctx); err != nil {
		return err
	}
	f.Missing = f.Recordings - len(list)
	seen := map[string]bool{}
	for i := range list {
		rec := &list[i]
		if rec.Status != queue.Done || rec.Output == nil {
			f.Missing++
			continue
		}
		if seen[rec.Output.ID] || !whole(ctx, a, rec.Output) {
			f.Broken++
		}
		seen[rec.Output.ID] = true
	}
	return nil
}

// whole reports whether an output has all of its files.
func whole(ctx context.Context, a *archive.Archive, o *queue.Output) bool {
	for name, has := range map[string]string{o.Video: "redacted by", o.Sheet: "sheet", o.Report: "tracks", o.Evidence: `{"end":1}`, archive.Index(o): o.VideoSHA256} {
		f, err := a.Files.Open(ctx, name)
		if err != nil {
			return false
		}
		data, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || !bytes.Contains(data, []byte(has)) {
			return false
		}
	}
	return true
}
