package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hedgecam/hedge/examples/internal/accelerometer"
	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

// dashcam is the program, with its settings checked.
type dashcam struct {
	c        *config
	log      *slog.Logger
	byHand   <-chan os.Signal
	accel    *accelerometer.Sensor // nil for none
	listener net.Listener          // nil for none

	camera *live.Camera
	ring   *recorder.Ring
	blind  atomic.Pointer[error] // why no blow is noticed; nil while they are
}

// run films until ctx ends, which is no error.
func (d *dashcam) run(ctx context.Context, policy *redact.Policy) (err error) {
	if d.listener != nil {
		// Once the server has begun it closes the listener itself.
		defer func() { _ = d.listener.Close() }()
	}
	room, _ := d.c.Room() // live.Open says why there is none
	choice, err := encoder.Choose(ctx, d.c.Encoder, room)
	if err != nil {
		return err
	}
	d.log.Info("encoder", "name", choice.String())
	broadcaster, err := stream.New(stream.Options{KeyInterval: time.Second, Fast: d.c.Fast, Encoder: choice.Factory, OnFallback: func(from, to string, why error) {
		d.log.Warn("the encoder has failed, and another one encodes from now on", "failed", from, "encoder", to, "reason", why)
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, live.Close(err, broadcaster.Close)) }()
	d.camera, err = live.Open(ctx, policy, d.c.Settings, live.Options{Policy: d.c.Policy, LookAhead: d.c.LookAhead, Moving: true, Log: d.log,
		OnChange: func(s camera.State) { broadcaster.Describe(s.Format) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, live.Close(err, d.camera.Close)) }()
	d.ring, err = recorder.NewRing(broadcaster, recorder.RingOptions{Dir: d.c.Dir, Keep: d.c.Keep, Memory: int64(d.c.Memory), Limits: d.c.limits(), OnEvent: d.onEvent})
	if err != nil {
		return err
	}
	// An event under way is brought to its end.
	defer func() { err = errors.Join(err, live.Close(err, d.ring.Close)) }()

	if err := d.c.Process(d.needs()); err != nil {
		d.log.Warn("the program keeps rights that it does not need", "reason", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	d.startTriggers(ctx, &beside)
	err = d.camera.Run(ctx, broadcaster)
	cancel()
	beside.Wait()
	return err
}

// needs are what the program writes and reads and whom it connects to once everything is open.
func (d *dashcam) needs() confine.Needs {
	n := d.c.Needs()
	n.Folders, n.Files = []string{d.c.Dir}, []string{d.c.Policy}
	n.Watched = append(n.Watched, d.c.Accel)
	return n
}

// errNothing says that there is nothing to write.
var errNothing = errors.New("no event: there is no video in memory yet")

// event has a file written.
func (d *dashcam) event(cause string) error {
	if !d.ring.Trigger(d.c.Before, d.c.After) {
		return errNothing
	}
	d.log.Info("event", "cause", cause)
	return nil
}

// onEvent logs what happens to files.
func (d *dashcam) onEvent(e recorder.Event) {
	switch {
	case e.Kind == recorder.MemoryFull:
		d.log.Warn(e.Kind.String(), "reason", e.Err, "settings", "memory, keep, before")
	case e.Err != nil:
		d.log.Error(e.Kind.String(), "file", e.Path, "reason", e.Err)
	default:
		d.log.Info(e.Kind.String(), "file", e.Path)
	}
}

// health says what is in memory, or why no event could be recorded now as it
// should.
func (d *dashcam) health() (string, error) {
	if s := d.camera.State(); !s.Connected {
		return "", errors.New("camera: " + s.String())
	}
	s := d.ring.Stats()
	if s.Err != nil {
		return "", fmt.Errorf("recordings: %w", s.Err)
	}
	if err := d.blind.Load(); err != nil {
		return "", fmt.Errorf("no blow is noticed: %w", *err)
	}
	return fmt.Sprintf("ok: %v of video in memory, %.1f MB; files: %d, %.1f MB",
		s.Held.Round(time.Second/10), float64(s.Memory)/1e6, s.Files, float64(s.Bytes)/1e6), nil
}
