package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
)

// TestMemoryIsShared: two workers together never hold more than the limit: the second of two
// recordings that do not fit beside each other waits, and does not count as standing still.
func TestMemoryIsShared(t *testing.T) {
	a := archivetest.New(t, fast)
	const limit = 100
	var held, most atomic.Int64
	second := make(chan struct{}) // the second recording has come as far as its pass, or waits
	var once sync.Once
	arrived := func() { once.Do(func() { close(second) }) }
	p := &archivetest.Passes{Before: func(ctx context.Context, r *queue.Recording, _ string) error {
		n := held.Add(r.Bytes)
		defer held.Add(-r.Bytes)
		if n > limit {
			most.Store(n)
			arrived()
		}
		select {
		case <-second:
		case <-ctx.Done():
		}
		return ctx.Err()
	}}
	log := slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
		if bytes.Contains(line, []byte("waits until others leave it the memory")) {
			arrived()
		}
		return len(line), nil
	}), nil))
	memory := memfile.NewBudget(limit)
	for _, id := range []string{"v", "w"} {
		start(t, a, id, p, func(c *worker.Config) { c.Memory, c.Log = memory, log })
	}
	first, other := a.Add(t, "a.mp4", strings.Repeat("a", 60)), a.Add(t, "b.mp4", strings.Repeat("b", 60))
	for _, id := range []string{first.ID, other.ID} {
		if r := a.Wait(t, id, archivetest.Status(queue.Done)); r.Attempts != 1 {
			t.Errorf("%+v", r)
		}
	}
	if n := most.Load(); n > 0 {
		t.Errorf("%d bytes at once, of %d", n, limit)
	}
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
