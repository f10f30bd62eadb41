package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// tryTime is how long an encoder has for a second of a test picture.
const tryTime = 10 * time.Second

// TryEncoder has an encoder encode a second of a test picture as [Create] with the same
// options would, and looks at what comes out. Size defaults to 1280x720.
//
// Errors: [ErrNotInstalled], [ErrOptions], fs.ErrNotExist if a device that it needs is not
// there, [ErrStalled], [ErrUnit], *[ExitError], or ctx.Err().
func TryEncoder(ctx context.Context, o OutOptions) error {
	if o.Size.X == 0 {
		o.Size.X, o.Size.Y = 1280, 720
	}
	if err := o.defaults(); err != nil {
		return err
	}
	c := codecOf(o.Codec)
	device, ok := c.device()
	if !ok {
		return noDevice(o.Codec)
	}
	args := append(encoderArgs(), c.setup(device)...)
	args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=25", even(o.Size.X), even(o.Size.Y)), "-t", "1")
	args = append(append(args, c.fileArgs(o)...), "-color_range", "tv", "-f", "h264", "pipe:1")

	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("ffmpeg: pipe for a trial: %w", err)
	}
	proc, err := start(c.roomOf("", o.Room), "ffmpeg", args, nil, w, nil, nil)
	if err = errors.Join(err, w.Close()); proc == nil {
		return errors.Join(err, r.Close())
	}
	timed, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	defer context.AfterFunc(timed, proc.kill)()
	data, rerr := io.ReadAll(io.LimitReader(r, maxUnit))
	err = errors.Join(err, rerr, r.Close())
	<-proc.done
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case timed.Err() != nil:
		err = fmt.Errorf("%w: a second of a test picture took more than %v", ErrStalled, tryTime)
	case proc.status != nil:
		err = proc.exitError()
	case err == nil:
		var picture bool
		if picture, err = hasPicture(data); err == nil && !picture {
			err = fmt.Errorf("%w: no picture", ErrUnit)
		}
	}
	if err != nil {
		return fmt.Errorf("ffmpeg: encoder %s: %w", o.Codec, err)
	}
	return nil
}
