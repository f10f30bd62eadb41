package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/examples/doorbell/web"
	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/gpio"
	"github.com/hedgecam/hedge/examples/internal/homeassistant"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/examples/internal/whep"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

const (
	// restartAfter is how long a pipeline that has stopped rests before it starts again.
	// Each rest is twice as long as the one before, up to restartMost, until the pipeline
	// has run for that long.
	restartAfter = 2 * time.Second
	restartMost  = time.Minute
)

// app is the program, put together.
type app struct {
	c       *config
	started time.Time

	source      *camera.Source
	clock       *clock
	pipe        *pipeline.Pipeline
	broadcaster *stream.Broadcaster
	preview     *stream.Broadcaster // has the pictures of a preview
	encoder     string              // the kind that was chosen
	gate        *gate
	privacy     *privacy
	seal        *seal.Seal
	sealFault   string // why a loosening that is due is not in force
	bell        *bell
	zones       *web.Zones
	live        *whep.Server
	log         *eventlog.Log
	events      *live.Events // of the pipeline; for the log
	mqtt        *homeassistant.Client
	server      *http.Server
	listen      net.Listener
	rtsp        *rtsp.Server
	recorder    *recorder.Recorder

	token      string
	watchToken string
	password   string // of recorders
	cert       *tls.Certificate
	ownCert    bool // it is this machine's own

	policies sync.Mutex     // held while one is put in force
	policy   *redact.Policy // the one in force but for privacy; nil hides everything

	mu   sync.Mutex
	halt string          // why the pipeline has stopped; "" while it runs
	why  pipeline.Reason // why more is hidden than the policy asks
}

// newApp opens everything; detectors and segmenter stay the caller's. Nothing runs yet but
// the listeners' queues. ctx ends newApp, and nothing later.
func newApp(ctx context.Context, c *config, detectors []detect.Detector, seg detect.Segmenter, stdout io.Writer) (a *app, err error) {
	a = &app{c: c, started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	policy, err := c.policy()
	var damage *settings.Damage
	if err != nil && !errors.As(err, &damage) {
		return a, err
	}
	if a.mqtt, err = homeassistant.New(homeassistant.Options{Broker: c.MQTT, User: c.MQTTUser, Password: string(c.MQTTPassword), Name: c.MQTTName, Prefix: c.MQTTPrefix, Model: program, State: a.mqttState, Privacy: a.mqttPrivacy}); err != nil {
		return a, err
	}
	if a.log, err = eventlog.Open(c.Events, stdout, a.mqtt.Event); err != nil {
		return a, err
	}
	a.events = live.NewEvents(a.log.AddData)
	policy = a.openSeal(policy)
	room, err := c.Room()
	if err != nil {
		a.log.Add("confine", err.Error())
	}
	if err := a.openEncoder(ctx, room); err != nil {
		return a, err
	}
	if err := a.openPipeline(policy, room, detectors, seg); err != nil {
		return a, err
	}
	if err := a.openPrivacy(policy); err != nil {
		return a, err
	}
	if c.Preset == presetDoorbell {
		a.bell = newBell(a.broadcaster, c.RingFor, func() time.Duration { return time.Duration(a.clock.newest.Load()) }, a.log.Add)
	}
	a.gate = &gate{broadcaster: a.broadcaster, bell: a.bell, tally: newTally(), sized: a.seal.Seen}
	a.zones = web.NewZones(web.ZonesOptions{
		Path: c.Policy, Saved: policy, Apply: a.apply, Try: a.try,
		Drawing:     func() { a.log.Add("drawing", "a page draws zones, and sees the place with nobody in it") },
		Unconfirmed: func() bool { return a.closedBecause().AwaitsOwner() }, Private: a.privacy.isOn,
		Confirm: func() {
			if a.unseen() == "" {
				a.pipe.Confirm()
			}
		},
		Judge: a.seal.Judge, Ask: a.seal.Ask, Grant: a.grant,
	})
	a.recordStart()
	if err := a.openOutputs(); err != nil {
		return a, err
	}
	if err := a.openServer(); err != nil {
		return a, err
	}
	return a, nil
}

func (a *app) openPipeline(policy *redact.Policy, room func(ffmpeg.Room) []string, finders []detect.Detector, seg detect.Segmenter) (err error) {
	a.source, err = camera.Open(a.c.Source, camera.Options{Room: room, Rotate: a.c.Rotate, Decoder: a.c.Decoder, Password: string(a.c.SourcePassword), Pins: a.c.Policy + ".cameras",
		OnPin: func(host, fingerprint string) { a.log.Add("certificate", camera.Pinned(host, fingerprint)) },
		OnChange: func(s camera.State) {
			a.broadcaster.Describe(s.Format)
			a.log.Add("camera", s.String())
		},
	})
	if err != nil {
		return err
	}
	a.clock = &clock{Source: a.source}
	known, err := view.Load(a.c.Policy)
	if err != nil {
		a.log.Add("view", err.Error())
	}
	a.pipe, err = pipeline.New(pipeline.Config{
		Policy: policy, Floor: a.seal.Floor(), Detectors: finders, Segmenter: seg, Mode: pipeline.Live, LookAhead: a.c.LookAhead,
		PlateSpan: a.c.BackgroundSpan, Cores: a.c.Cores, Compressed: true, View: known, SaveView: view.Saver(a.c.Policy),
		OnEvent: a.happens,
	})
	return err
}

// happens takes in an event of the pipeline: the state follows each one, the log has few
// lines of what repeats itself.
func (a *app) happens(e pipeline.Event) {
	switch e.Kind {
	case pipeline.FailedClosed, pipeline.Recovered:
		a.setReason(e.Reason)
	}
	a.events.Add(e)
}

// run runs everything until ctx ends, or until something that cannot be
// recovered from.
func (a *app) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.gate.tally.record(a.log) // when no picture comes any more
	var group sync.WaitGroup
	defer group.Wait()
	fatal := make(chan error, 2)
	group.Go(func() {
		err := a.serve()
		if err != nil && !errors.Is(err, http.ErrServerClosed) {
			fatal <- fmt.Errorf("serve the page: %w", err)
		}
	})
	group.Go(func() {
		if err := a.pump(ctx, func(ctx context.Context) error { return a.pipe.Run(ctx, a.clock, a.gate) }); err != nil {
			fatal <- err
		}
	})
	group.Go(func() {
		err := settings.WatchPolicy(ctx, a.c.Policy, func(p *redact.Policy, err error) {
			if err := a.zones.Changed(p, err); err != nil {
				a.log.Add("policy", err.Error())
			}
		})
		if ctx.Err() == nil {
			fatal <- fmt.Errorf("watch the policy: %w", err)
		}
	})
	if a.bell != nil && a.c.RingGPIO != "" {
		group.Go(func() { gpio.Watch(ctx, a.c.RingGPIO, a.c.RingAt, a.bell.ring, a.log.Add) })
	}
	group.Go(func() { a.mqtt.Run(ctx) })
	group.Go(func() { a.gate.tally.keep(ctx, a.log) })
	group.Go(func() { a.privacy.run(ctx) })
	group.Go(func() { a.seal.Run(ctx, a.c.Settings.Flags, a.loosen) })
	if a.c.PrivateGPIO != "" {
		group.Go(func() { gpio.Follow(ctx, a.c.PrivateGPIO, a.c.PrivateAt, a.privacy.setLine, a.log.Add) })
	}

	var err error
	select {
	case <-ctx.Done():
	case err = <-fatal:
	}
	cancel()
	return errors.Join(err, a.stopServer())
}

// pump runs the pipeline by run, and starts it again when it has stopped: nothing goes
// out meanwhile. An error is one that starting again cannot help.
func (a *app) pump(ctx context.Context, run func(context.Context) error) error {
	for rest := restartAfter; ; rest = min(2*rest, restartMost) {
		began := time.Now()
		err := run(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		var cam *camera.Error
		switch {
		case errors.Is(err, pipeline.ErrStuck): // each further start would leave one more thread behind
			a.log.Add(live.Stopped, "the program ends, and only a new start of it helps: "+err.Error())
			return err
		case errors.As(err, &cam):
			return err
		case err == nil:
			return errors.New("the camera came to an end")
		}
		if time.Since(began) >= restartMost {
			rest = restartAfter
		}
		a.setReason(pipeline.NoReason) // it begins anew
		a.setHalt(err.Error())
		a.events.Stop(err.Error())
		t := time.NewTimer(rest)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		a.setHalt("")
		a.events.Start()
	}
}

func (a *app) setHalt(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.halt = why
}

func (a *app) setReason(why pipeline.Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.why = why
}

func (a *app) closedBecause() pipeline.Reason {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.why
}

func (a *app) halted() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.halt
}

// stillJPEG returns a JPEG of the place with nobody in it.
func (a *app) stillJPEG(ctx context.Context) ([]byte, error) {
	if a.privacy.isOn() {
		return nil, web.ErrPrivate
	}
	f, err := a.pipe.BackgroundPlate(ctx)
	if a.privacy.isOn() { // switched on meanwhile
		f.Release()
		return nil, web.ErrPrivate
	}
	switch {
	case errors.Is(err, pipeline.ErrNoDetector):
		return nil, errors.New("no network looks for people here, so there is no picture of the place with nobody in it; start with -networks hedge-n")
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("the place has not been watched for long enough yet to show it with nobody in it")
	case err != nil:
		return nil, err
	}
	defer f.Release()
	return stream.JPEG(f, ffmpeg.Rational{})
}

// previewRate is how many pictures of a preview come in a second.
const previewRate = 10

// try shows a policy to who draws it, nil to nobody.
func (a *app) try(p *redact.Policy) error {
	err := a.pipe.SetPreview(p, &gate{broadcaster: a.preview, bell: a.bell})
	if p == nil {
		a.log.Record(eventlog.PreviewOver, eventlog.Data{})
		a.live.ShowPreview("")
		a.preview.Flush()
	} else if err == nil {
		a.log.Record(eventlog.Preview, eventlog.Data{Policy: p.SHA256()})
	}
	return err
}

// sumOf is the checksum of a policy, of the one that hides everything if it is nil.
func sumOf(p *redact.Policy) string {
	if p == nil {
		p = redact.HideEverything()
	}
	return p.SHA256()
}

// unseen returns why nobody knows what the camera sees just now, or "".
func (a *app) unseen() string {
	if why := a.halted(); why != "" {
		return "nothing is looked at: " + why
	}
	if s := a.source.State(); !s.Connected {
		return fmt.Sprintf("the camera is %s", s)
	}
	return ""
}

// confirm says that the zones fit what the camera sees now. While it is away nobody knows what
// that is: another picture could come, and would be shown.
func (a *app) confirm() error {
	if why := a.unseen(); why != "" {
		return fmt.Errorf("%w: %s", web.ErrNoCamera, why)
	}
	a.log.Add(eventlog.Confirmed, "the zones were confirmed")
	a.pipe.Confirm()
	return nil
}

// Close frees everything. It is called once nothing runs any more.
func (a *app) Close() error {
	var errs []error
	closeIf := func(c io.Closer, is bool) {
		if is {
			errs = append(errs, c.Close())
		}
	}
	if a.zones != nil {
		errs = append(errs, a.zones.Close())
	}
	if a.bell != nil {
		a.bell.close()
	}
	if a.seal != nil {
		a.seal.Close()
	}
	closeIf(a.live, a.live != nil)
	closeIf(a.rtsp, a.rtsp != nil)
	closeIf(a.recorder, a.recorder != nil)
	if a.server == nil {
		closeIf(a.listen, a.listen != nil)
	}
	closeIf(a.pipe, a.pipe != nil)
	closeIf(a.source, a.source != nil)
	closeIf(a.broadcaster, a.broadcaster != nil)
	closeIf(a.preview, a.preview != nil)
	if a.events != nil {
		a.events.Close()
	}
	closeIf(a.log, a.log != nil)
	return errors.Join(errs...)
}
