// Package streamtest makes a running stream for the tests of what takes one.
package streamtest

import (
	"context"
	"image"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

// Broadcaster returns a broadcaster into which hidden frames of 64x48 go, one every 10 ms,
// until the test ends.
func Broadcaster(t testing.TB) *stream.Broadcaster {
	t.Helper()
	broadcaster, err := stream.New(stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := image.Pt(64, 48)
	red, err := redact.New(nil, size, redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for at := time.Duration(0); ; at += 10 * time.Millisecond {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			f, err := red.Redact(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), redact.Scene{Time: at})
			if err != nil {
				t.Errorf("redact: %v", err)
				return
			}
			if err := broadcaster.Write(ctx, f); err != nil && ctx.Err() == nil {
				t.Errorf("broadcaster: %v", err)
			}
			f.Release()
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
		if err := broadcaster.Close(); err != nil {
			t.Errorf("close the broadcaster: %v", err)
		}
	})
	return broadcaster
}
