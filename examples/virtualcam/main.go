// Command virtualcam makes a camera that shows nothing but redacted pictures,
// for any program that wants a camera: a video call, a recorder, a stream.
//
//	modprobe v4l2loopback video_nr=9 exclusive_caps=1 card_label=Hedge
//	go run ./examples/virtualcam -source camera:0 -policy policy.json -out /dev/video9
//
//	go run ./examples/virtualcam -source camera:0 -policy policy.json -out pipe:/run/user/1000/hedge.y4m
//	ffplay -f yuv4mpegpipe /run/user/1000/hedge.y4m
//
// A device is written through the ffmpeg program; a named pipe carries
// YUV4MPEG2, and is made, for this user alone, unless there is one. Readers may
// come and go: each gets the stream from its beginning, one at a time. While
// nobody reads, pictures are dropped. The camera may come and go as well.
//
// When the camera is moved everything is hidden, also after a restart, until the
// signal SIGHUP (kill -HUP PID) says that the policy's zones are right for what the
// camera sees now. A change of the policy's file does not say so. What the camera
// showed is kept beside that file, as FILE.view, in a form that no picture can be
// made of.
//
// To keep a program from the real camera, take from its user the right to read
// /dev/video0.
//
// Exit codes: 0 ended by a signal; 1 gave up; 2 wrong settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/examples/internal/camera"
	"github.com/hedgecam/hedge/examples/internal/detectors"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
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
		_, _ = fmt.Fprintf(os.Stderr, "virtualcam: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, settings.Options{Args: os.Args[1:]}, os.Stderr)
	stop()
	os.Exit(code)
}

// config is the command line, the environment and the file.
type config struct {
	Source         string          `name:"source" default:"camera:0" help:"the camera: camera:0, rtsp://user:password@host/path, http://user:password@host/path (MJPEG) or file:clip.mp4"`
	Rotate         int             `name:"rotate" default:"0" min:"0" max:"270" help:"0, 90, 180 or 270: the angle in degrees clockwise by which the picture is turned, for a camera mounted upside down or sideways"`
	SourcePassword settings.Secret `name:"source-password" help:"the password of a network camera, as file:PATH; then source is rtsp://user@host/path, and nobody sees the password among the arguments"`
	Policy         string          `name:"policy" default:"policy.json" help:"the policy file (JSON); a change takes effect at once"`
	Out            string          `name:"out" default:"/dev/video9" help:"where to: a v4l2loopback device, or pipe:/path for a named pipe"`
	Networks       string          `name:"networks" default:"hedge-n" enum:"hedge-n,hedge-p,trio,none" help:"which networks look for people, faces and plates"`
	LookAhead      time.Duration   `name:"lookahead" default:"300ms" min:"0s" max:"4s" help:"by how much the picture is late, so that who is found now is hidden in the pictures before, too"`
	Rate           int             `name:"rate" default:"30" min:"1" max:"240" help:"the most frames a second, and what readers are told"`
	Cores          float64         `name:"cores" default:"1" min:"0.1" max:"64" help:"how many processor cores the networks may use"`
}

// Check says what is wrong with settings that were understood.
func (c *config) Check() error {
	_, err := settings.LoadPolicy(c.Policy)
	src, sourceErr := camera.Open(c.Source, camera.Options{Rotate: c.Rotate, Password: string(c.SourcePassword)})
	if sourceErr != nil {
		sourceErr = fmt.Errorf("source: %w", sourceErr)
	} else {
		sourceErr = src.Close()
	}
	_, outErr := parseOut(c.Out)
	if outErr != nil {
		outErr = fmt.Errorf("out: %w", outErr)
	}
	return errors.Join(err, sourceErr, outErr)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, so settings.Options, stderr io.Writer) int {
	var c config
	so.Program, so.About = "virtualcam", "makes a camera that shows nothing but redacted pictures."
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
	src, err := camera.Open(c.Source, camera.Options{
		Password: string(c.SourcePassword), Pins: c.Policy + ".cameras",
		OnPin:    func(host, fingerprint string) { log.Warn(camera.Pinned(host, fingerprint)) },
		Rate:     float64(c.Rate),
		Rotate:   c.Rotate,
		OnChange: func(s camera.State) { log.Info("camera", "state", s.String()) },
	})
	if err != nil {
		return fail(exitUsage, err)
	}
	to, err := parseOut(c.Out)
	if err != nil {
		return fail(exitUsage, err)
	}
	open, err := to.prepare()
	if err != nil {
		return fail(exitUsage, err)
	}
	err = c.carry(ctx, policy, src, &sink{open: open, rate: c.Rate, aspect: func() ffmpeg.Rational { return src.State().Format.SampleAspect }, log: log}, log)
	err = errors.Join(err, src.Close(), to.remove())
	if err != nil {
		return fail(exitFailed, err)
	}
	return exitDone
}

// carry takes pictures from src to out until ctx ends, which is no error.
func (c *config) carry(ctx context.Context, policy *redact.Policy, src pipeline.Source, to *sink, log *slog.Logger) (err error) {
	set, err := detectors.OpenFor(ctx, policy, c.Networks, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	known, err := view.Load(c.Policy)
	if err != nil {
		log.Error(err.Error())
	}
	p, err := pipeline.New(pipeline.Config{
		Policy:     policy,
		Detectors:  set.Detectors,
		Mode:       pipeline.Live,
		LookAhead:  c.LookAhead,
		Cores:      c.Cores,
		View:       known,
		SaveView:   view.Saver(c.Policy),
		Compressed: true,
		OnEvent:    func(e pipeline.Event) { log.Info(e.Kind.String(), "text", view.EventWords(e)) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		settings.FollowPolicy(ctx, c.Policy, p.SetPolicy, log)
	}()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	confirmed := make(chan struct{})
	go func() {
		defer close(confirmed)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				p.Confirm()
				log.Info("zones confirmed")
			}
		}
	}()
	err = p.Run(ctx, src, to)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	cancel()
	<-watched
	<-confirmed
	return errors.Join(err, to.Close(), p.Close())
}
