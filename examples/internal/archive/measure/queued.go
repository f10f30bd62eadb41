package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/redact"
)

const version = "bench"

// open opens an archive over a server in this process.
func open(ctx context.Context, s *queue.Server, key *age.X25519Identity) (*archive.Archive, func(), error) {
	nc, err := s.Connect("bench")
	if err != nil {
		return nil, nil, err
	}
	q, err := queue.Open(ctx, nc, queue.Config{})
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	files, err := store.OpenObjects(ctx, q.JetStream(), 0)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return &archive.Archive{Queue: q, Files: files, Originals: store.NewVault(files, key)}, nc.Close, nil
}

// second is about the size of a second of 1080p.
const second = 500 << 10

// add files a recording of so many bytes that nobody decodes.
func add(ctx context.Context, a *archive.Archive, n, size int) error {
	content := bytes.Repeat([]byte(fmt.Sprintf("recording %d\n", n)), size/14+1)
	sum := sha256.Sum256(content)
	p := redact.HideEverything()
	r := queue.Recording{ID: hex.EncodeToString(sum[:16]), Name: fmt.Sprintf("%d.mp4", n), Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Policy: string(p.Canonical()), PolicySHA256: p.SHA256(), Networks: queue.NoNetworks, Version: version, Priority: queue.Normal}
	r.Original = "originals/" + r.ID + ".age"
	if err := a.Originals.Put(ctx, r.Original, bytes.NewReader(content)); err != nil {
		return err
	}
	_, err := a.Queue.Create(ctx, r)
	return err
}

// done waits until so many recordings have an output or were given up, and returns how
// many were given up.
func done(ctx context.Context, a *archive.Archive, n int) (failed int, err error) {
	all := errors.New("all")
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	final := map[string]queue.Status{}
	see := func(r *queue.Recording) {
		if r == nil || context.Cause(ctx) != nil {
			return
		}
		delete(final, r.ID)
		if r.Status.Final() {
			final[r.ID] = r.Status
		}
		if len(final) == n {
			end(all)
		}
	}
	for err = queue.ErrAway; errors.Is(err, queue.ErrAway); {
		err = a.Queue.Watch(ctx, see)
	}
	if errors.Is(context.Cause(ctx), all) {
		err = nil
	}
	for _, s := range final {
		if s == queue.Failed {
			failed++
		}
	}
	return failed, err
}

// queueFigures are what queued measures. Times are seconds.
type queueFigures struct {
	Filed  float64 `json:"filed"`
	Done   float64 `json:"done"`
	Core   float64 `json:"core"` // of the whole process while they were worked on
	Failed int     `json:"failed"`
}

// queued files so many recordings of one second at once and has so many workers, in the
// process of the server, work on them.
func queued(ctx context.Context, workers, jobs int) (f queueFigures, err error) {
	dir, remove, err := folder()
	if err != nil {
		return f, err
	}
	defer remove()
	s, err := queue.Serve(queue.ServerConfig{Dir: dir})
	if err != nil {
		return f, err
	}
	defer s.Close()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return f, err
	}
	a, closed, err := open(ctx, s, key)
	if err != nil {
		return f, err
	}
	defer closed()
	start := time.Now()
	size := second / 50 // what lies in the store must not fill the disk
	for i := range jobs {
		if err := add(ctx, a, i, size); err != nil {
			return f, err
		}
	}
	f.Filed = time.Since(start).Seconds()
	begun, used := time.Now(), coreTime()
	var all sync.WaitGroup
	work, end := context.WithCancel(ctx)
	defer all.Wait()
	defer end()
	for i := range workers {
		all.Go(func() {
			w := worker.New(worker.Config{Archive: a, Passes: &archivetest.Passes{}, Dir: filepath.Join(dir, fmt.Sprint("work", i)), Memory: memfile.NewBudget(1 << 30),
				Self: queue.Worker{ID: fmt.Sprint(i), Version: version}})
			_ = w.Run(work) // what is not done is counted
		})
	}
	f.Failed, err = done(ctx, a, jobs)
	f.Done, f.Core = time.Since(begun).Seconds(), (coreTime() - used).Seconds()
	return f, err
}

// coreTime returns the time that this process has computed.
func coreTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
