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
// signal SIGUSR2 (kill -USR2 PID) says that the policy's zones are right for what the
// camera sees now. A change of the policy's file does not say so. What the camera
// showed is kept beside that file, as FILE.view, in a form that no picture can be
// made of.
//
// To keep a program from the real camera, take from its user the right to read
// /dev/video0.
//
// Exit codes: 0 ended by a signal; 1 a fault that may pass, such as a device that is not
// there yet, or after which only a new start helps, such as a network that hangs; 2 what the next start would meet again, such as wrong settings or a password
// that the camera refuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/signals"
	"github.com/hedgecam/hedge/examples/internal/videoout"
	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

func main() {
	confine.Enable()
	if err := nodump.Process(); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "virtualcam: raw pictures may end up in a core dump: %v\n", err) // nowhere else to say it
	}
	ctx, stop := signals.Context()
	code := run(ctx, settings.Options{Args: os.Args[1:]}, os.Stderr)
	stop()
	os.Exit(code)
}

// config is the command line, the environment and the file.
type config struct {
	live.Settings
	Policy         string        `name:"policy" default:"policy.json" help:"the policy file (JSON); a change takes effect at once"`
	Out            string        `name:"out" default:"/dev/video9" help:"where to: a v4l2loopback device, or pipe:/path for a named pipe"`
	LookAhead      time.Duration `name:"lookahead" default:"300ms" min:"0s" max:"4s" help:"by how much the picture is late, so that who is found now is hidden in the pictures before, too"`
	BackgroundSpan time.Duration `name:"background-span" default:"30s" min:"10s" max:"24h" help:"for how long a place must have looked the same, with nobody found in it, before the fill background shows it; who stands still for longer and is not found is part of the place"`
	Rate           int           `name:"rate" default:"30" min:"1" max:"240" help:"the most frames a second, and what readers are told"`
}

// Check says what is wrong with settings that were understood.
func (c *config) Check() error {
	_, policyErr := settings.LoadPolicy(c.Policy)
	_, outErr := videoout.Parse(c.Out)
	return errors.Join(policyErr, c.CheckSource(), outErr)
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
		return fail(live.ExitUsage, err)
	}
	to, err := videoout.Parse(c.Out)
	if err != nil {
		return fail(live.ExitUsage, err)
	}
	var cam *live.Camera
	out, err := videoout.Open(to, videoout.Options{Rate: c.Rate, Log: log, Aspect: func() ffmpeg.Rational { return cam.State().Format.SampleAspect }})
	if err != nil {
		return fail(live.ExitCode(err, videoout.ErrKind), err)
	}
	cam, err = live.Open(ctx, policy, c.Settings, live.Options{Policy: c.Policy, LookAhead: c.LookAhead, PlateSpan: c.BackgroundSpan, Rate: float64(c.Rate), Log: log})
	if err == nil {
		pipe, _ := strings.CutPrefix(c.Out, "pipe:")
		needs := c.Needs()
		needs.Files = []string{c.Policy, pipe}
		if err := c.Process(needs); err != nil {
			log.Warn("the program keeps rights that it does not need", "reason", err)
		}
		err = cam.Run(ctx, out)
		err = errors.Join(err, live.Close(err, cam.Close))
	}
	if err = errors.Join(err, live.Close(err, out.Close)); err != nil {
		return fail(live.ExitCode(err, videoout.ErrKind), err)
	}
	return live.ExitDone
}
