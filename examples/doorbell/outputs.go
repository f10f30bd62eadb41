package main

import (
	"fmt"

	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/ratelimit"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
)

// needs are what the program writes and reads and whom it connects to once everything is open.
func (a *app) needs() confine.Needs {
	n := a.c.Needs()
	n.Folders, n.Files = []string{a.c.State, a.c.Record}, []string{a.c.Policy}
	// To be rotated it needs its folder; it is open already.
	if a.c.Events != "-" && !confine.Shared(a.c.Events) {
		n.Files = append(n.Files, a.c.Events)
	}
	n.Watched = append(n.Watched, a.c.RingGPIO, a.c.PrivateGPIO)
	if a.c.MQTT != "" {
		n.Connects, n.Resolves = append(n.Connects, a.c.MQTT), n.Resolves || confine.Named(a.c.MQTT)
	}
	return n
}

// openOutputs begins to serve recorders over RTSP, and to record.
func (a *app) openOutputs() (err error) {
	if a.c.RTSP != off {
		if a.password, err = a.secret(a.c.RTSPPassword, "rtsp-password"); err != nil {
			return err
		}
		refused := ratelimit.NewRepeats(func(client, text string) { a.log.Add("access", text+", from "+client) })
		o := a.c.rtspOptions(a.password)
		o.OnRefused = func(client string) { refused.Tell(client, "password", "a wrong password for RTSP") }
		if a.rtsp, err = rtsp.New(a.broadcaster, o); err != nil {
			return fmt.Errorf("%w; -rtsp names another address, or off", err)
		}
	}
	if a.c.Record == "" {
		return nil
	}
	a.recorder, err = recorder.New(a.broadcaster, recorder.Options{
		Dir:     a.c.Record,
		Limits:  recorder.Limits{Age: a.c.keep(), Bytes: int64(a.c.RecordLimit)},
		OnEvent: a.recorded,
	})
	return err
}

// recorded tells of what the recorder does, except for the everyday.
func (a *app) recorded(e recorder.Event) {
	switch e.Kind {
	case recorder.Saved, recorder.Removed:
		return
	}
	text := e.Path
	if e.Err != nil {
		text = e.Err.Error()
	}
	a.log.Add("recording", e.Kind.String()+": "+text)
}
