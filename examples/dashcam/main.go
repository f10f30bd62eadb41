// Command dashcam films the road without keeping it: the last minute of redacted
// video is held in memory, and written to a file only when something happens.
//
//	go run ./examples/dashcam -source camera:0 -policy policy.json -dir recordings
//
// What is filmed is the public road, so what is hidden comes first: the policy's
// property is the cabin and the bonnet (policy.json in this folder is one to
// begin with), and everything else is outside. With "outside": {"hide":
// "detected"} people, faces and plates are hidden there and the rest of the road
// is shown; with "all" only the car itself can be seen. The camera moves, so that
// a patch that moves says nothing: what no network finds is shown.
//
// # When something is written
//
// A file begins 30 s before the event (-before) and ends 30 s after the last
// (-after). An event is
//
//	POST /event      on 127.0.0.1:8081, with the header Authorization: Bearer TOKEN
//	SIGUSR1          kill -USR1 PID
//	a blow           the accelerometer (-accel) above -accel-threshold
//
// An event while another is being written makes that file longer. Files are named
// hedge-NUMBER-TIME.mp4, and the oldest are deleted when they are more, or larger
// together, or one is older, than allowed; a disk that is full is tried again every second. Nothing
// else is ever written: no video without an event, no sound, no place, no speed.
//
// # Another camera
//
// A camera of another aspect ratio than the last one is hidden whole, also after a
// restart, until kill -HUP PID says that the policy's zones fit it. A change of the
// policy's file does not say so.
//
// # Why this form
//
// The German Federal Court of Justice held permanent recording of the road
// without cause to be unlawful, and named, as a way in which the law can be
// kept, recording that is overwritten after a short time and kept only on a
// collision or a strong deceleration (BGH, judgment of 15 May 2018, VI ZR
// 233/17). This program has that form, and hides more. That is no legal advice:
// whether and how you may film differs from country to country, and the judgment
// itself is worth reading. An event by hand that nothing gave cause for is a
// recording without cause.
//
// Exit codes: 0 ended by a signal; 1 gave up; 2 wrong settings.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "dashcam: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, settings.Options{Args: os.Args[1:]}, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, so settings.Options, stderr io.Writer) int {
	// From the start on, so that an early signal does not end the program.
	byHand := make(chan os.Signal, 1)
	signal.Notify(byHand, syscall.SIGUSR1)
	defer signal.Stop(byHand)
	var c config
	so.Program, so.About = "dashcam", "holds redacted video in memory and writes it when something happens."
	if so.Stderr == nil {
		so.Stderr = stderr
	}
	if code, ok := settings.Start(&c, so); !ok {
		return code
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	fail := func(code int, err error) int {
		log.Error(err.Error())
		return code
	}
	policy, err := settings.LoadPolicy(c.Policy)
	if policy == nil {
		return fail(exitUsage, err)
	}
	var accel *accelerometer
	if c.Accel != "" {
		if accel, err = openAccelerometer(c.Accel); err != nil {
			return fail(exitUsage, err)
		}
	}
	var l net.Listener
	if c.Listen != "" {
		if l, err = listen(c.Listen); err != nil {
			return fail(exitUsage, err)
		}
		if c.Token == "" {
			c.Token = settings.Secret(rand.Text())
			if terminal(stderr) {
				log.Info("made a token for POST /event", "token", string(c.Token))
			} else {
				log.Warn("nobody can POST /event: the token is random, and is shown on a terminal only, never in a log; give one with -token file:PATH")
			}
		}
	}
	d := &dashcam{c: &c, log: log, byHand: byHand, accel: accel, listener: l}
	if err := d.run(ctx, policy); err != nil {
		return fail(exitFailed, err)
	}
	return exitDone
}

// terminal reports whether w is a terminal, and no file or journal that keeps
// what it is told.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// dashcam is the program, with its settings checked.
type dashcam struct {
	c        *config
	log      *slog.Logger
	byHand   <-chan os.Signal
	accel    *accelerometer // nil for none
	listener net.Listener   // nil for none

	source *camera.Source
	ring   *recorder.Ring
}

// run films until ctx ends, which is no error.
func (d *dashcam) run(ctx context.Context, policy *redact.Policy) (err error) {
	if d.listener != nil {
		// Once the server has begun it closes the listener itself.
		defer func() { _ = d.listener.Close() }()
	}
	set, err := detectors.OpenFor(ctx, policy, d.c.Networks, d.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	hub, err := stream.New(stream.Options{KeyInterval: time.Second, Fast: d.c.Fast})
	if err != nil {
		return err
	}
	d.source, err = camera.Open(d.c.Source, camera.Options{
		Password: string(d.c.SourcePassword), Pins: d.c.Policy + ".cameras",
		OnPin:  func(host, fingerprint string) { d.log.Warn(camera.Pinned(host, fingerprint)) },
		Rotate: d.c.Rotate,
		OnChange: func(s camera.State) {
			hub.Describe(s.Format)
			d.log.Info("camera", "state", s.String())
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.source.Close()) }()
	known, err := view.Load(d.c.Policy)
	if err != nil {
		d.log.Error(err.Error())
	}
	p, err := pipeline.New(pipeline.Config{
		Policy:     policy,
		Detectors:  set.Detectors,
		Mode:       pipeline.Live,
		Moving:     true,
		LookAhead:  d.c.LookAhead,
		Cores:      d.c.Cores,
		View:       known,
		SaveView:   view.Saver(d.c.Policy),
		Compressed: true,
		OnEvent:    func(e pipeline.Event) { d.log.Info(e.Kind.String(), "text", view.EventWords(e)) },
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	d.ring, err = recorder.NewRing(hub, recorder.RingOptions{Dir: d.c.Dir, Keep: d.c.Keep, Limits: d.c.limits(), OnEvent: d.tell})
	if err != nil {
		return errors.Join(err, hub.Close())
	}
	// An event under way is brought to its end.
	defer func() { err = errors.Join(err, d.ring.Close(), hub.Close()) }()

	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	d.startBeside(ctx, &beside, p)
	err = p.Run(ctx, d.source, hub)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	cancel()
	beside.Wait()
	return err
}

// startBeside starts what runs beside the pipeline, until ctx ends.
func (d *dashcam) startBeside(ctx context.Context, beside *sync.WaitGroup, p *pipeline.Pipeline) {
	beside.Go(func() {
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				p.Confirm()
				d.log.Info("zones confirmed")
			}
		}
	})
	beside.Go(func() { settings.FollowPolicy(ctx, d.c.Policy, p.SetPolicy, d.log) })
	beside.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-d.byHand:
				d.logged(d.event("signal"))
			}
		}
	})
	if d.accel != nil {
		beside.Go(func() {
			watchAccelerometer(ctx, d.accel, d.c.Threshold, func(text string) { d.logged(d.event("accelerometer: " + text)) },
				func(err error) { d.log.Error("no blow is noticed", "reason", err) })
		})
	}
	if d.listener == nil {
		return
	}
	server := newServer(string(d.c.Token), func() error { return d.event("POST /event") }, d.health)
	beside.Go(func() {
		d.log.Info("listening", "address", d.listener.Addr().String())
		if err := serve(server, d.listener); err != nil {
			d.log.Error("POST /event does not work any more", "reason", err)
		}
	})
	beside.Go(func() {
		<-ctx.Done()
		_ = server.Close() // everything ends
	})
}

// errNothing says that there is nothing to write.
var errNothing = errors.New("no event: there is no video in memory yet")

// event has a file written.
func (d *dashcam) event(cause string) error {
	if d.ring.Stats().Memory == 0 {
		return errNothing
	}
	d.log.Info("event", "cause", cause)
	d.ring.Trigger(d.c.Before, d.c.After)
	return nil
}

func (d *dashcam) logged(err error) {
	if err != nil {
		d.log.Warn(err.Error())
	}
}

// tell logs what happens to files.
func (d *dashcam) tell(e recorder.Event) {
	if e.Err != nil {
		d.log.Error(e.Kind.String(), "file", e.Path, "reason", e.Err)
		return
	}
	d.log.Info(e.Kind.String(), "file", e.Path)
}

// health says what is in memory, or why no event could be recorded now as it
// should.
func (d *dashcam) health() (string, error) {
	if s := d.source.State(); !s.Connected {
		return "", errors.New("camera: " + s.String())
	}
	s := d.ring.Stats()
	if s.Err != nil {
		return "", fmt.Errorf("recordings: %w", s.Err)
	}
	return fmt.Sprintf("ok: %v of video in memory, %.1f MB; files: %d, %.1f MB",
		s.Held.Round(time.Second/10), float64(s.Memory)/1e6, s.Files, float64(s.Bytes)/1e6), nil
}
