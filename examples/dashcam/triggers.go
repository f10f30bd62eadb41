package main

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/hedgecam/hedge/examples/internal/accelerometer"
	"github.com/hedgecam/hedge/examples/internal/settings"
)

// openTriggers opens the accelerometer, and the port for POST /event with its token. The
// caller closes the port.
func (d *dashcam) openTriggers(stderr io.Writer) (err error) {
	if d.c.Accel != "" {
		if d.accel, err = accelerometer.Open(d.c.Accel); err != nil {
			return err
		}
	}
	if d.c.Listen == "" {
		return nil
	}
	if d.listener, err = listen(d.c.Listen); err != nil || d.c.Token != "" {
		return err
	}
	d.c.Token = settings.Secret(rand.Text())
	if terminal(stderr) {
		d.log.Info("made a token for POST /event", "token", string(d.c.Token))
	} else {
		d.log.Warn("nobody can POST /event: the token is random, and is shown on a terminal only, never in a log; give one with -token file:PATH")
	}
	return nil
}

// terminal reports whether w is a terminal, and no file or log that keeps what it is
// told.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// startTriggers starts everything that may cause an event, until ctx ends.
func (d *dashcam) startTriggers(ctx context.Context, beside *sync.WaitGroup) {
	logged := func(err error) {
		if err != nil {
			d.log.Warn(err.Error())
		}
	}
	beside.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-d.byHand:
				logged(d.event("signal"))
			}
		}
	})
	if d.accel != nil {
		beside.Go(func() {
			d.accel.Watch(ctx, d.c.Threshold, func(text string) { logged(d.event("accelerometer: " + text)) }, d.sensor)
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

// sensor is told that the accelerometer cannot be read, or with nil that it can again.
func (d *dashcam) sensor(err error) {
	if err == nil {
		d.blind.Store(nil)
		d.log.Info("blows are noticed again")
		return
	}
	d.blind.Store(&err)
	d.log.Error("no blow is noticed", "reason", err)
}
