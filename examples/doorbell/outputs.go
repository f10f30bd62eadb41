package main

import (
	"fmt"

	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
)

// needs are what the program writes and whom it connects to once everything is open.
func (a *app) needs() confine.Needs {
	return confine.Needs{Folders: []string{a.c.State, a.c.Record}, Files: []string{a.c.Policy}, Connects: a.c.Remote() || a.c.MQTT != ""}
}

// openOutputs begins to serve recorders over RTSP, and to record.
func (a *app) openOutputs() (err error) {
	if a.c.RTSP != off {
		if a.password, err = a.secret(a.c.RTSPPassword, "rtsp-password"); err != nil {
			return err
		}
		a.rtsp, err = rtsp.New(a.broadcaster, rtsp.Options{Address: a.c.RTSP, User: a.c.RTSPUser, Password: a.password, Auth: rtsp.Auth(a.c.RTSPAuth),
			OnRefused: func(client string) { a.log.Add("access", "a wrong password for RTSP, from "+client) }})
		if err != nil {
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
