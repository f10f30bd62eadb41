package encoder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// Auto takes the cheapest encoder that works here: one in hardware before one in software.
const Auto = "auto"

// Flags are the settings of every program that encodes live. They are embedded in the program's
// own.
type Flags struct {
	Encoder string `name:"encoder" default:"auto" enum:"auto,x264,openh264,v4l2m2m,rkmpp,vaapi,qsv" help:"what encodes: auto tries the encoders in hardware at the start, takes the first that works, and x264 if none does; v4l2m2m (Raspberry Pi up to 4), rkmpp (Rockchip), vaapi and qsv (Intel, AMD) are not run on hardware yet: see docs/boards.md"`
	Fast    bool   `name:"fast" help:"for weak processors: x264 encodes in two thirds of the time, less sharp at the same bit rate"`
}

// ErrNone says that an encoder is not to be had.
var ErrNone = errors.New("no such encoder works here")

// kind is one that an owner can ask for.
type kind struct {
	name     string
	hardware bool
	// ways are tried one after the other. None: the encoder is part of the program.
	ways []childOf
}

// kinds are all kinds, in the order in which they are tried.
var kinds = []kind{
	{name: "rkmpp", hardware: true, ways: []childOf{{codec: "h264_rkmpp"}}},
	{name: "v4l2m2m", hardware: true, ways: []childOf{{codec: "h264_v4l2m2m"}}},
	{name: "vaapi", hardware: true, ways: []childOf{{codec: "h264_vaapi"}, {codec: "h264_vaapi", lowPower: true}}},
	{name: "qsv", hardware: true, ways: []childOf{{codec: "h264_qsv"}}},
	{name: "x264", ways: []childOf{{codec: "libx264"}}},
	{name: "openh264", ways: []childOf{{codec: "libopenh264"}}},
}

// Names are the names of all kinds.
func Names() (list []string) {
	for _, k := range kinds {
		list = append(list, k.name)
	}
	return list
}

// Attempt is a kind that was tried and does not work here.
type Attempt struct {
	Name string
	Err  error
}

// Choice is what was chosen.
type Choice struct {
	Factory
	// Hardware says that the encoder is not this machine's processor.
	Hardware bool
	// Tried are the kinds that were tried before.
	Tried []Attempt
}

// String says what was chosen, and why nothing else.
func (c Choice) String() string {
	s := c.Name
	if c.Hardware {
		s += " (hardware)"
	}
	for i, a := range c.Tried {
		s += map[bool]string{true: "; left out: ", false: "; "}[i == 0] + a.Name + ": " + a.Err.Error()
	}
	return s
}

// Choose returns the encoder of a name, or of Auto, after about a second of a test picture
// has gone through it. The one that is part of the program is not tried. ErrNone says what
// does not work, why, and what to do. Room is that of the processes of encoders, see
// ffmpeg.EncoderOptions.
func Choose(ctx context.Context, name string, room func(ffmpeg.Room) []string) (Choice, error) {
	return choose(ctx, name, kinds, Default(), func(ctx context.Context, w childOf) (Factory, error) {
		w.room = room
		return try(ctx, w)
	})
}

// try opens one way to an encoder for a second of a test picture.
func try(ctx context.Context, w childOf) (Factory, error) {
	if !ffmpeg.HasDevice(w.codec) {
		return Factory{}, fs.ErrNotExist
	}
	deaf, err := probe(ctx, w.open)
	w.deaf = deaf
	return Factory{Name: w.name, Open: w.open}, err
}

func choose(ctx context.Context, name string, kinds []kind, own Factory, try func(context.Context, childOf) (Factory, error)) (Choice, error) {
	if name == own.Name {
		return Choice{Factory: own}, nil
	}
	var c Choice
	for _, k := range kinds {
		if name != k.name && !(name == Auto && k.hardware) {
			continue
		}
		var err error
		for _, w := range k.ways {
			w.name = k.name
			if c.Factory, err = try(ctx, w); err == nil {
				c.Hardware = k.hardware
				return c, nil
			}
			if ctx.Err() != nil {
				return Choice{}, ctx.Err()
			}
		}
		if name != Auto {
			return Choice{}, fmt.Errorf("%w: %s: %w; %s; -encoder auto takes what works", ErrNone, name, explain(err), ffmpeg.HowToGet(k.ways[0].codec))
		}
		if !errors.Is(err, fs.ErrNotExist) {
			c.Tried = append(c.Tried, Attempt{k.name, explain(err)})
		}
	}
	if name != Auto {
		return Choice{}, fmt.Errorf("%w: %q is none of %s, %s", ErrNone, name, Auto, strings.Join(Names(), ", "))
	}
	c.Factory = own
	return c, nil
}

// explain puts the usual reasons into words.
func explain(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("this machine has no such device")
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("another program uses it: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("this user may not use it: %w", err)
	}
	return err
}

// IsHardware reports whether a kind is one in hardware.
func IsHardware(name string) bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.name == name && k.hardware })
}
