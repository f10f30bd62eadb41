// Package live runs what every program with a camera has in common: the camera, the
// networks, the pipeline, the policy file that is followed, and the signal SIGUSR2, by which
// the owner confirms the zones.
package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// Settings are those that every program with a camera has. They are embedded in the
// program's own.
type Settings struct {
	Source         string          `name:"source" default:"camera:0" help:"the camera: camera:0, libcamera:0 (a Raspberry Pi's own, through rpicam-vid; not run on hardware yet), rtsp://user:password@host/path, http://user:password@host/path (MJPEG) or file:clip.mp4"`
	Rotate         int             `name:"rotate" default:"0" min:"0" max:"270" help:"0, 90, 180 or 270: the angle in degrees clockwise by which the picture is turned, for a camera mounted upside down or sideways"`
	SourcePassword settings.Secret `name:"source-password" help:"the password of a network camera, as file:PATH; then source is rtsp://user@host/path, and nobody sees the password among the arguments"`
	Decoder        string          `name:"decoder" default:"auto" enum:"auto,software,v4l2m2m,rkmpp,vaapi" help:"what decodes the H.264 or H.265 of a network camera: auto takes rkmpp or vaapi where there is one, and software on a Raspberry Pi; one that fails is replaced by software; v4l2m2m, rkmpp and vaapi are not run on hardware yet: see docs/boards.md"`
	Networks       string          `name:"networks" default:"hedge-n" enum:"hedge-n,hedge-p,trio,none" help:"which networks look for people, faces and plates"`
	Provider       string          `name:"provider" default:"cpu" enum:"cpu,openvino,openvino-gpu,openvino-npu,rknn" help:"what computes the networks; openvino is for Intel's processors, openvino-gpu for their graphics and openvino-npu for their NPUs, and need the library of onnxruntime-openvino; rknn is for Rockchip's NPUs, in a program built with the tag rknn; one that is not there is an error; openvino-gpu, openvino-npu and rknn are not run on hardware yet: see docs/boards.md"`
	Cores          float64         `name:"cores" default:"1" min:"0.1" max:"64" help:"how many processor cores the networks may use"`
	seal.Flags
	confine.Confinement
}

// CheckSource says what is wrong with the settings of the camera.
func (s *Settings) CheckSource() error {
	if path, ok := strings.CutPrefix(s.Source, "file:"); ok && path != "" {
		// camera.Open leaves this to the moment of reading.
		if info, err := os.Stat(path); err != nil {
			return fmt.Errorf("source: %w: name a recording that is there", err)
		} else if info.IsDir() {
			return fmt.Errorf("source: %s is a folder: name a recording", path)
		}
	}
	src, err := camera.Open(s.Source, camera.Options{Rotate: s.Rotate, Password: string(s.SourcePassword), Decoder: s.Decoder})
	if err == nil {
		err = src.Close()
	}
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	return nil
}

// Remote reports whether the camera is on the network.
func (s *Settings) Remote() bool { return strings.Contains(s.Source, "://") }

// Needs returns what the camera and the seal go on to need once everything is open.
func (s *Settings) Needs() confine.Needs {
	n := confine.Needs{Watched: []string{s.SealGPIO, s.SealFile}}
	if path, ok := strings.CutPrefix(s.Source, "file:"); ok {
		n.Reads = append(n.Reads, path)
	}
	if s.Remote() {
		n.Connects, n.Resolves = []string{s.Source}, confine.Named(s.Source)
		// ffmpeg is led to a camera over TLS by a port of this machine, another one each time, and
		// one by HTTP may send its viewers to any port.
		n.Anywhere = !strings.HasPrefix(s.Source, "rtsp:")
	}
	return n
}

// Options are what a Camera is made of, besides its Settings.
type Options struct {
	// Policy is the path of the policy file.
	Policy string
	// LookAhead, PlateSpan, and whether the camera moves, are those of pipeline.Config.
	LookAhead, PlateSpan time.Duration
	Moving               bool
	// Rate is the most pictures per second. It defaults to what the camera sends.
	Rate float64
	// OnChange is called when the camera comes, goes or changes its format. It
	// defaults to nothing.
	OnChange func(camera.State)
	// Log gets what happens.
	Log *slog.Logger
}

// Camera is a camera whose pictures are redacted.
type Camera struct {
	o      Options
	flags  seal.Flags
	seal   *seal.Seal
	told   string // why what is due could not be granted
	source *camera.Source
	set    *networks.Set
	events *Events
	pipe   *pipeline.Pipeline

	confirm chan os.Signal
}

// Open opens the camera, the networks that the policy needs, and the pipeline. Nothing
// runs before Run.
func Open(ctx context.Context, policy *redact.Policy, s Settings, o Options) (c *Camera, err error) {
	// From the start on, so that an early signal does not end the program.
	c = &Camera{o: o, flags: s.Flags, confirm: make(chan os.Signal, 1)}
	signal.Notify(c.confirm, signals.Confirm)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	room, err := s.Room()
	if err != nil {
		o.Log.Warn(err.Error())
	}
	c.source, err = camera.Open(s.Source, camera.Options{
		Room: room, Password: string(s.SourcePassword), Pins: o.Policy + ".cameras", Rate: o.Rate, Rotate: s.Rotate, Decoder: s.Decoder,
		OnPin: func(host, fingerprint string) { o.Log.Warn(camera.Pinned(host, fingerprint)) },
		OnChange: func(s camera.State) {
			if o.OnChange != nil {
				o.OnChange(s)
			}
			o.Log.Info("camera", "state", s.String())
		},
	})
	if err != nil {
		return c, err
	}
	policy = c.openSeal(policy)
	if c.set, err = detectors.OpenFor(ctx, policy, s.Networks, networks.Options{Provider: s.Provider}, o.Log); err != nil {
		return c, err
	}
	known, err := view.Load(o.Policy)
	if err != nil {
		o.Log.Error(err.Error())
	}
	c.events = NewEvents(func(kind, text string, _ eventlog.Data) { o.Log.Info(kind, "text", text) })
	c.pipe, err = pipeline.New(pipeline.Config{
		Policy: policy, Detectors: c.set.Detectors, Segmenter: c.set.Segmenter, Mode: pipeline.Live, Moving: o.Moving,
		LookAhead: o.LookAhead, PlateSpan: o.PlateSpan,
		Cores: s.Cores, View: known, SaveView: view.Saver(o.Policy), Compressed: true,
		Floor:   c.seal.Floor(),
		OnEvent: c.events.Add,
	})
	return c, err
}

// State says how the camera is.
func (c *Camera) State() camera.State { return c.source.State() }

// Run hands redacted frames to the sink until ctx ends, which is no error. Meanwhile it
// follows the policy file, and signals.Confirm confirms the zones.
func (c *Camera) Run(ctx context.Context, to pipeline.Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { settings.FollowPolicy(ctx, c.o.Policy, c.setPolicy, c.o.Log) })
	beside.Go(func() { c.seal.Run(ctx, c.flags, c.loosen) })
	beside.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.confirm:
				c.confirmZones()
			}
		}
	})
	err := c.pipe.Run(ctx, c.source, to)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	cancel()
	beside.Wait()
	return err
}

// confirmZones says that the zones fit what the camera sees. While it is away nobody knows
// what that is: another picture could come, and would be shown.
func (c *Camera) confirmZones() {
	if s := c.State(); !s.Connected {
		c.o.Log.Warn("the zones are not confirmed: do that once the camera is back, and you have seen where it points", "camera", s.String())
		return
	}
	c.pipe.Confirm()
	c.o.Log.Info("zones confirmed")
}

// Close frees pipeline, networks and camera.
func (c *Camera) Close() error {
	signal.Stop(c.confirm)
	var errs []error
	if c.seal != nil {
		c.seal.Close()
	}
	if c.pipe != nil {
		errs = append(errs, c.pipe.Close())
	}
	if c.events != nil {
		c.events.Close()
	}
	if c.source != nil {
		errs = append(errs, c.source.Close())
	}
	if c.set != nil { // the last: one that hangs cannot be closed
		errs = append(errs, c.set.Close())
	}
	return errors.Join(errs...)
}
