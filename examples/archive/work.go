package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// work is the role worker.
func work(ctx context.Context, f *flags, _, stderr io.Writer) error {
	a, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer a.Close()
	return workers(ctx, f, a.Archive, slog.New(slog.NewTextHandler(stderr, nil)))
}

// workers runs as many workers as were asked for, until ctx ends. Once they are there, the
// program gives up what it does not need.
func workers(ctx context.Context, f *flags, a *archive.Archive, log *slog.Logger) (err error) {
	room, err := f.room()
	if err != nil {
		log.Warn("it goes on", "reason", err)
	}
	all := make([]*worker.Worker, f.workers)
	ends := make([]func(stuck bool), 0, len(all))
	errs := make([]error, len(all))
	defer func() {
		for i, end := range ends {
			end(errors.Is(errs[i], pipeline.ErrStuck))
		}
	}()
	memory := memfile.NewBudget(f.memory << 20)
	for i := range all {
		w, end, err := newWorker(ctx, f, a, memory, room, log)
		if err != nil {
			return err
		}
		all[i], ends = w, append(ends, end)
	}
	f.confineProcess(log)
	var done sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for i, w := range all {
		done.Go(func() {
			if errs[i] = w.Run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// newWorker makes one worker. The caller calls end once it does not run any more.
func newWorker(ctx context.Context, f *flags, a *archive.Archive, memory *memfile.Budget, room func(ffmpeg.Room) []string, log *slog.Logger) (w *worker.Worker, end func(stuck bool), err error) {
	dir, free, err := slot(f.in("work"))
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	id := make([]byte, 4)
	rand.Read(id)
	self := queue.Worker{ID: hex.EncodeToString(id), Host: host, Version: version()}
	passes := &worker.Networked{Room: room}
	key, sets, why := look(ctx, f)
	if why != nil {
		// It still renders, and redacts what nothing is looked for in.
		self.Why = why.Error()
		log.Warn("without networks: this worker makes second passes only, and recordings in which nothing is looked for", "reason", why)
	} else if key != queue.NoNetworks {
		self.Networks, passes.Sets = []string{key}, map[string][]*networks.Set{key: sets}
		self.Machine = recording.Machine()
	}
	end = func(stuck bool) {
		defer free()
		if stuck {
			return // its networks cannot be closed
		}
		for _, s := range sets {
			if err := s.Close(); err != nil {
				log.Warn("a network was not closed", "reason", err)
			}
		}
	}
	return worker.New(worker.Config{Archive: a, Passes: passes, Self: self, Dir: dir, Memory: memory, Scratch: f.scratch, Log: log}), end, nil
}

// look opens the networks, one set for each core up to two that the workers here have.
func look(ctx context.Context, f *flags) (key string, sets []*networks.Set, err error) {
	if key, err = archive.NetworksKey(f.networks, nil); err != nil || key == queue.NoNetworks {
		return key, nil, err
	}
	for range max(1, min(runtime.NumCPU()/f.workers, 2)) {
		s, err := networks.Open(ctx, f.networks, networks.Options{MinScore: pipeline.RecordingScores})
		if err != nil {
			for _, s := range sets {
				err = errors.Join(err, s.Close())
			}
			return key, nil, err
		}
		sets = append(sets, s)
	}
	return key, sets, nil
}

// slot finds a folder that no other worker uses. One of a worker that was killed is taken
// again, and emptied by the next.
func slot(root string) (dir string, free func(), err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", nil, err
	}
	for i := range mostWorkers {
		dir := filepath.Join(root, strconv.Itoa(i))
		lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return "", nil, err
		}
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = lock.Close() // another worker has it
			continue
		}
		return dir, func() { _ = lock.Close() }, nil
	}
	return "", nil, fmt.Errorf("%s: %d workers are at work in this folder: end some, or name another -dir", root, mostWorkers)
}
