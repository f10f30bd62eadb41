package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// fileEncoder is an encoder that a recording is written with.
type fileEncoder struct {
	name     string // as -encoder has it
	codec    string // as ffmpeg has it
	hardware bool
	lowPower bool
}

// x264 is the encoder that is taken untried.
var x264 = fileEncoder{name: "x264", codec: "libx264"}

// autoEncoder as -encoder takes the cheapest that works: one in hardware before one in
// software.
const autoEncoder = "auto"

// fileEncoders are all encoders, in the order in which auto tries them.
var fileEncoders = []fileEncoder{
	{name: "rkmpp", codec: "h264_rkmpp", hardware: true},
	{name: "v4l2m2m", codec: "h264_v4l2m2m", hardware: true},
	{name: "vaapi", codec: "h264_vaapi", hardware: true},
	{name: "vaapi", codec: "h264_vaapi", hardware: true, lowPower: true},
	{name: "qsv", codec: "h264_qsv", hardware: true},
	x264,
	{name: "openh264", codec: "libopenh264"},
}

// encoderNames are what -encoder may be.
func encoderNames() []string {
	list := []string{autoEncoder}
	for _, e := range fileEncoders {
		list = append(list, e.name)
	}
	return slices.Compact(list)
}

// tryEncoder encodes a second of a test picture.
func (o *options) tryEncoder(ctx context.Context, e fileEncoder) error {
	return ffmpeg.TryEncoder(ctx, ffmpeg.OutOptions{Codec: e.codec, LowPower: e.lowPower, Room: o.room})
}

// chooseEncoder returns the encoder of a name, after it has encoded a second of a test
// picture, and why others were left out.
func chooseEncoder(ctx context.Context, name string, try func(context.Context, fileEncoder) error) (fileEncoder, []string, error) {
	if name == x264.name {
		return x264, nil, nil
	}
	var left []string
	for _, e := range fileEncoders {
		if name != autoEncoder && name != e.name {
			continue
		}
		err := try(ctx, e)
		if err == nil {
			return e, left, nil
		}
		if ctx.Err() != nil {
			return e, nil, ctx.Err()
		}
		switch {
		case name != autoEncoder:
			left = append(left, fmt.Sprintf("%v; %s", err, ffmpeg.HowToGet(e.codec)))
		case !errors.Is(err, fs.ErrNotExist):
			left = append(left, fmt.Sprintf("%s: %v", e.name, err))
		}
	}
	if name != autoEncoder {
		return fileEncoder{}, nil, fmt.Errorf("-encoder %s does not work here: %s; -encoder auto takes what works", name, left[len(left)-1])
	}
	return fileEncoder{}, nil, fmt.Errorf("no encoder for H.264 works here (%s): %s", strings.Join(left, "; "), ffmpeg.HowToGet(x264.codec))
}

// encoderError is one of the encoder, and of nothing before it.
type encoderError struct{ err error }

func (e *encoderError) Error() string { return e.err.Error() }

func (e *encoderError) Unwrap() error { return e.err }

// mayRetry reports whether an encoder failed and x264 can take its place.
func (j *job) mayRetry(ctx context.Context, err error) bool {
	var failed *encoderError
	if !errors.As(err, &failed) || ctx.Err() != nil || j.encoder.codec == x264.codec {
		return false
	}
	for _, e := range []error{syscall.ENOSPC, syscall.EROFS, ffmpeg.ErrExists, ffmpeg.ErrNoFrames} {
		if errors.Is(err, e) {
			return false // x264 would meet the same
		}
	}
	return recording.IsFile(j.file.in)
}

const (
	// writePatience is how long an encoder in hardware may take no frame, finishPatience
	// how long it and the file's index may take at the end.
	writePatience, finishPatience = 10 * time.Second, 5 * time.Minute
)

// patiently calls f, and does not wait for an encoder in hardware that stands still.
func (e fileEncoder) patiently(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	if e.codec == x264.codec {
		if err := f(ctx); err != nil {
			return &encoderError{err}
		}
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := f(limited)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("%w for %v", ffmpeg.ErrStalled, patience)
	}
	return &encoderError{err}
}
