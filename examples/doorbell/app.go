package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/mdp/qrterminal/v3"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/examples/doorbell/web"
	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// restartAfter is how long a pipeline that has stopped rests before it starts
// again.
const restartAfter = 2 * time.Second

// app is the program, put together.
type app struct {
	c       *config
	started time.Time

	source  *camera.Source
	clock   *clock
	pipe    *pipeline.Pipeline
	hub     *stream.Hub
	stills  *stream.Hub // makes JPEGs of stills
	still   sync.Mutex  // held while one is made
	gate    *gate
	bell    *bell
	zones   *web.Zones
	live    *web.Live
	journal *journal
	mqtt    *mqttClient
	server  *http.Server
	listen  net.Listener
	rtsp    *rtsp.Server

	token    string
	password string // of recorders
	cert     *tls.Certificate

	mu   sync.Mutex
	halt string // why the pipeline has stopped; "" while it runs
}

// newApp opens everything; the detectors stay the caller's. Nothing runs yet but
// the listeners' queues.
func newApp(c *config, detectors []detect.Detector, stdout io.Writer) (a *app, err error) {
	a = &app{c: c, started: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	policy, err := c.policy()
	if err != nil {
		return a, err
	}
	if a.mqtt, err = newMQTT(c, a); err != nil {
		return a, err
	}
	if a.journal, err = openJournal(c.Events, stdout, a.mqtt.event); err != nil {
		return a, err
	}
	if a.hub, err = stream.New(stream.Options{}); err != nil {
		return a, err
	}
	if a.stills, err = stream.New(stream.Options{}); err != nil {
		return a, err
	}
	if err := a.openPipeline(policy, detectors); err != nil {
		return a, err
	}
	if c.Preset == presetDoorbell {
		a.bell = newBell(a.hub, c.RingFor, func() time.Duration { return time.Duration(a.clock.newest.Load()) }, a.journal.add)
	}
	a.gate = &gate{hub: a.hub, bell: a.bell}
	a.zones = web.NewZones(web.ZonesOptions{
		Path: c.Policy, Saved: policy, Apply: a.pipe.SetPolicy,
		Unconfirmed: func() bool { return awaitsOwner(a.pipe.Stats().FailedClosed) },
	})
	if err := a.openRTSP(); err != nil {
		return a, err
	}
	if err := a.openServer(); err != nil {
		return a, err
	}
	return a, nil
}

// openRTSP begins to serve recorders.
func (a *app) openRTSP() (err error) {
	if a.c.RTSP == off {
		return nil
	}
	if a.password, err = a.secret(a.c.RTSPPassword, "rtsp-password"); err != nil {
		return err
	}
	a.rtsp, err = rtsp.New(a.hub, rtsp.Options{Address: a.c.RTSP, User: a.c.RTSPUser, Password: a.password})
	if err != nil {
		return fmt.Errorf("%w; -rtsp names another address, or off", err)
	}
	return nil
}

func (a *app) openPipeline(policy *redact.Policy, detectors []detect.Detector) (err error) {
	a.source, err = camera.Open(a.c.Source, camera.Options{OnChange: func(s camera.State) {
		a.journal.add("camera", s.String())
	}})
	if err != nil {
		return err
	}
	a.clock = &clock{Source: a.source}
	lookAhead := a.c.LookAhead
	if lookAhead == 0 {
		lookAhead = pipeline.NoLookAhead
	}
	a.pipe, err = pipeline.New(pipeline.Config{
		Policy: policy, Detectors: detectors, Mode: pipeline.Live, LookAhead: lookAhead,
		Cores: a.c.Cores, Compressed: true,
		OnEvent: func(e pipeline.Event) {
			text := e.Text
			if e.Err != nil {
				text += ": " + e.Err.Error()
			}
			a.journal.add(e.Kind.String(), text)
		},
	})
	return err
}

// openServer opens the page's listeners, TCP and UDP.
func (a *app) openServer() (err error) {
	addr, err := a.c.addr()
	if err != nil {
		return err
	}
	names := append(web.Names(), a.c.hosts()...)
	if a.c.TLSCert != "" || !addr.Addr().IsLoopback() {
		if a.cert, err = a.certificate(names); err != nil {
			return err
		}
	}
	if a.token, err = a.secret(a.c.Token, "token"); err != nil {
		return err
	}
	access, err := web.NewAccess(web.AccessOptions{Token: a.token, Hosts: names, TLS: a.cert != nil})
	if err != nil {
		return err
	}
	if a.listen, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr.String()); err != nil {
		return fmt.Errorf("%w; is it running already? -listen names another port", err)
	}
	// The same port number over UDP, so that a firewall needs one rule of each.
	port := a.listen.Addr().(*net.TCPAddr).AddrPort().Port()
	a.live, err = web.NewLive(web.LiveOptions{Hub: a.hub, Addr: netip.AddrPortFrom(addr.Addr(), port), Viewers: a.c.Viewers})
	if err != nil {
		return err
	}
	o := web.Options{
		Access: access, Zones: a.zones, Live: a.live,
		Still: a.stillJPEG, Snapshot: a.hub.Snapshot, Status: func() any { return a.status() }, Confirm: a.confirm,
		Metrics: a.metrics(), Healthy: a.healthy,
	}
	if a.bell != nil {
		o.Ring = a.bell.ring
	}
	a.server = web.NewServer(o)
	if a.cert != nil {
		a.server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*a.cert}}
	}
	return nil
}

func (a *app) certificate(names []string) (*tls.Certificate, error) {
	if a.c.TLSCert != "" {
		c, err := tls.LoadX509KeyPair(a.c.TLSCert, a.c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("tls-cert: %w", err)
		}
		return &c, nil
	}
	c, err := web.SelfSigned(a.c.State, names)
	return &c, err
}

// secret returns the secret given, or else the one kept under that name, or else
// a new one.
func (a *app) secret(given settings.Secret, name string) (string, error) {
	switch {
	case given != "":
		return string(given), nil
	case a.c.State != "":
		return web.KeptToken(filepath.Join(a.c.State, name))
	}
	return web.NewToken(), nil
}

// address returns the page's address with the token.
func (a *app) address() string {
	scheme, host := "http", a.listen.Addr().(*net.TCPAddr).AddrPort()
	if a.cert != nil {
		scheme = "https"
	}
	name := host.String()
	if host.Addr().IsUnspecified() {
		// The name that others can use.
		for _, n := range web.Names() {
			if ip, err := netip.ParseAddr(n); err == nil && ip.Is4() {
				name = netip.AddrPortFrom(ip, host.Port()).String()
				break
			}
		}
	}
	return scheme + "://" + name + "/enter?token=" + a.token
}

// welcome tells the owner how to get to the page.
func (a *app) welcome(w io.Writer) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // nowhere else to say it
	say("\nOpen this address; whoever has it can see the picture and change the zones:\n\n  %s\n", a.address())
	qrterminal.GenerateWithConfig(a.address(), qrterminal.Config{Level: qrterminal.L, Writer: w, HalfBlocks: true,
		BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
		BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK, QuietZone: 2})
	if a.cert != nil && a.c.TLSCert == "" {
		say("The certificate is this machine's own: the browser will warn. Compare before you go on; SHA-256:\n  %s\n", web.Fingerprint(*a.cert))
	}
	if a.rtsp != nil && a.c.RTSPPassword == "" {
		say("For a recorder: rtsp://%s:%s@%s/hedge\n", a.c.RTSPUser, a.password, a.rtsp.Addr())
	}
	if a.zones.State().Policy == nil {
		say("There is no policy yet, so everything is hidden. Draw your zones in the page.")
	}
	if a.bell != nil {
		say("Nothing is shown or recorded until somebody rings: POST /ring, or press Enter here.")
	}
}

// run runs everything until ctx ends, or until something that cannot be
// recovered from.
func (a *app) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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
		if err := a.pump(ctx); err != nil {
			fatal <- err
		}
	})
	group.Go(func() {
		err := settings.WatchPolicy(ctx, a.c.Policy, func(p *redact.Policy, err error) {
			if err := a.zones.Changed(p, err); err != nil {
				a.journal.add("policy", err.Error())
			}
		})
		if ctx.Err() == nil {
			fatal <- fmt.Errorf("watch the policy: %w", err)
		}
	})
	if a.bell != nil && a.c.RingGPIO != "" {
		group.Go(func() { a.bell.gpio(ctx, a.c.RingGPIO, a.c.RingAt) })
	}
	group.Go(func() { a.mqtt.run(ctx) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-fatal:
	}
	cancel()
	return errors.Join(err, a.stopServer())
}

func (a *app) serve() error {
	if a.cert != nil {
		return a.server.ServeTLS(a.listen, "", "")
	}
	return a.server.Serve(a.listen)
}

// stopServer ends the page, giving requests under way a moment.
func (a *app) stopServer() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.server.Shutdown(ctx); err != nil {
		return a.server.Close()
	}
	return nil
}

// pump runs the pipeline, and starts it again when it has stopped: nothing goes
// out meanwhile. An error is one that starting again cannot help.
func (a *app) pump(ctx context.Context) error {
	for {
		err := a.pipe.Run(ctx, a.clock, a.gate)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		var cam *camera.Error
		if errors.As(err, &cam) {
			return err
		}
		if err == nil {
			return errors.New("the camera came to an end")
		}
		a.setHalt(err.Error())
		a.journal.add("stopped", err.Error())
		t := time.NewTimer(restartAfter)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
		a.setHalt("")
		a.journal.add("started", "the pipeline starts again")
	}
}

func (a *app) setHalt(why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.halt = why
}

func (a *app) halted() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.halt
}

// stillJPEG returns a JPEG of the place with nobody in it.
func (a *app) stillJPEG(ctx context.Context) ([]byte, error) {
	f, err := a.pipe.Still(ctx)
	switch {
	case errors.Is(err, pipeline.ErrNoDetector):
		return nil, errors.New("no network looks for people here, so there is no picture of the place with nobody in it; start with -networks hedge-n")
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("the place has not been watched for long enough yet to show it with nobody in it")
	case err != nil:
		return nil, err
	}
	defer f.Release()
	a.still.Lock()
	defer a.still.Unlock()
	if err := a.stills.Write(ctx, f); err != nil {
		return nil, err
	}
	data, _, err := a.stills.Snapshot()
	return data, err
}

// confirm says that the zones fit what the camera sees now.
func (a *app) confirm() error {
	a.journal.add("confirmed", "the zones were confirmed")
	a.pipe.Confirm()
	return a.zones.Confirmed()
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
		a.zones.Close()
	}
	if a.bell != nil {
		a.bell.close()
	}
	closeIf(a.live, a.live != nil)
	closeIf(a.rtsp, a.rtsp != nil)
	if a.server == nil {
		closeIf(a.listen, a.listen != nil)
	}
	closeIf(a.pipe, a.pipe != nil)
	closeIf(a.source, a.source != nil)
	closeIf(a.hub, a.hub != nil)
	closeIf(a.stills, a.stills != nil)
	closeIf(a.journal, a.journal != nil)
	return errors.Join(errs...)
}
