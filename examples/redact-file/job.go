package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// job redacts one recording.
type job struct {
	options
	file    file
	policy  *redact.Policy
	set     *networks.Set
	copies  []*networks.Set // further ones, like set
	stderr  io.Writer
	encoder fileEncoder
}

// run does the work, once more with x264 if another encoder fails in the midst of it. The
// report is complete as far as it went.
func (j *job) run(ctx context.Context) (*report, error) {
	rep, err := j.attempt(ctx, nil)
	if !j.mayRetry(ctx, err) {
		return rep, err
	}
	failed := fmt.Errorf("%s: the encoder %s has failed, and the file is begun anew with x264: %w", j.file.out, j.encoder.name, err)
	j.encoder = x264
	return j.attempt(ctx, failed)
}

// attempt does the work. note, if not nil, is a warning to begin with.
func (j *job) attempt(ctx context.Context, note error) (rep *report, err error) {
	rep = &report{Input: ffmpeg.ShownAddress(j.file.in), Output: j.file.out, PolicySHA256: j.policy.SHA256(), Networks: j.networks}
	rep.warn(j, note)
	if j.networks != networks.None {
		rep.Provider = j.provider
	}
	if !ffmpeg.IsPicture(j.file.out) {
		rep.Encoder = j.encoder.name
	}
	for _, m := range j.set.Models {
		rep.Models = append(rep.Models, modelReport{m.Name, m.SHA256})
	}
	defer func() {
		if err != nil {
			rep.Error = err.Error()
		}
	}()

	start := time.Now()
	src, err := ffmpeg.Open(ctx, j.file.in, ffmpeg.Options{Track: j.track, Room: j.room})
	if err != nil {
		return rep, asUsage(err)
	}
	defer func() { err = firstError(err, src.Close()) }()
	info := src.Info()
	for _, n := range notes(info) {
		rep.warn(j, fmt.Errorf("%s: %s", ffmpeg.ShownAddress(j.file.in), n))
	}
	enc, err := j.create(ctx, info)
	if err != nil {
		return rep, asUsage(err)
	}
	defer func() { err = firstError(err, enc.Close()) }()

	out := &output{enc: enc, encoder: j.encoder}
	if j.file.sheet != "" {
		out.sheet = &recording.Sheet{}
	}
	stats, err := j.redact(ctx, src, out, rep)
	out.progress.end()
	rep.fill(stats, time.Since(start))
	rep.warn(j, src.Warning())
	if err != nil {
		return rep, err
	}
	if stats.Missing != 0 {
		rep.warn(j, fmt.Errorf("nothing looks for %s: everything outside of the property is hidden", strings.Join(recording.Classes(stats.Missing), ", ")))
	}
	if n := stats.SilhouettesFailed; n > 0 {
		rep.warn(j, fmt.Errorf("%d silhouettes of %d could not be found: those visitors are hidden", n, n+stats.Silhouettes))
	}
	rep.place(j, stats)
	j.say("%s: %d frames in %.1f s, %.1f a second, %.0f %% of the picture hidden",
		j.file.out, stats.FramesOut, rep.Seconds, rep.FPS, 100*stats.HiddenShare)
	if out.sheet != nil {
		err = out.sheet.Write(j.file.sheet, j.force)
	}
	if out.tracks != nil {
		err = firstError(err, out.tracks.Write(j.file.tracks, j.force))
	}
	return rep, err
}

// redact takes the pictures from src to out: in two passes if the networks are
// needed and the input can be read again, else as a camera's.
func (j *job) redact(ctx context.Context, src *ffmpeg.Source, out *output, rep *report) (pipeline.Stats, error) {
	info := src.Info()
	if j.policy.Needs()|j.policy.NeedsBackground() != 0 && recording.ReadsTwice(info) {
		out.progress = newProgress(ffmpeg.ShownAddress(j.file.in), 2*info.Frames, j.stderr)
		return j.twice(ctx, src, out, rep)
	}
	if j.file.evidence != "" || j.file.tracks != "" {
		return pipeline.Stats{}, fmt.Errorf("-evidence and -tracks are for recordings in which something is looked for, and that are files: %s", ffmpeg.ShownAddress(j.file.in))
	}
	if j.policy.Visitors == redact.VisitorsSilhouette {
		rep.warn(j, errors.New(`"visitors": "silhouette" is for cameras and for recordings that can be read twice: here it counts as "box"`))
	}
	var away spans
	p, err := pipeline.New(pipeline.Config{
		OnEvent:   away.event,
		Policy:    j.policy,
		Detectors: j.set.Detectors,
		LookAhead: j.lookAhead,
		Every:     j.every,
		// Nothing moves in a picture: the networks alone say what is there.
		Moving:     j.moving || info.Still,
		Compressed: true,
	})
	if err != nil {
		return pipeline.Stats{}, err
	}
	out.progress = newProgress(ffmpeg.ShownAddress(j.file.in), info.Frames, j.stderr)
	out.counts = true
	err = p.Run(ctx, src, out)
	for _, e := range away.all(out.last) {
		rep.elsewhere(j, e)
	}
	return p.Stats(), firstError(err, p.Close())
}

// create begins the output.
func (j *job) create(ctx context.Context, info ffmpeg.Info) (*ffmpeg.Sink, error) {
	if ffmpeg.IsPicture(j.file.out) && !info.Still {
		return nil, usage(fmt.Errorf("output %s: a recording becomes an MP4 file: name one that ends in .mp4", j.file.out))
	}
	o := info.OutOptions()
	o.Overwrite, o.Codec, o.LowPower, o.Room = j.force, j.encoder.codec, j.encoder.lowPower, j.room
	return ffmpeg.Create(ctx, j.file.out, o)
}

// asUsage makes an error that the command line is to blame for a usage error.
func asUsage(err error) error {
	for _, e := range []error{ffmpeg.ErrOptions, ffmpeg.ErrExists, ffmpeg.ErrSameFile} {
		if errors.Is(err, e) {
			return usage(err)
		}
	}
	return err
}

// notes says what of a recording is not in its output, or is not as it was.
func notes(info ffmpeg.Info) (list []string) {
	if len(info.Tracks) > 1 {
		var left []string
		for i, t := range info.Tracks {
			if i+1 != info.Track {
				left = append(left, fmt.Sprintf("%d (%s, %dx%d)", i+1, t.Codec, t.Size.X, t.Size.Y))
			}
		}
		list = append(list, fmt.Sprintf("of its %d video tracks, track %d is redacted; left out: %s; -track chooses",
			len(info.Tracks), info.Track, strings.Join(left, ", ")))
	}
	if info.ToneMapped != "" {
		list = append(list, "high dynamic range ("+info.ToneMapped+") is tone-mapped to BT.709")
	}
	if info.Interlaced {
		list = append(list, "interlaced pictures are deinterlaced")
	}
	return list
}

func (j *job) say(format string, args ...any) {
	_, _ = fmt.Fprintf(j.stderr, format+"\n", args...) // nowhere else to say it
}

// output is the pipeline's sink: the encoder, and beside it the contact sheet
// and the progress bar.
type output struct {
	enc      *ffmpeg.Sink
	encoder  fileEncoder
	sheet    *recording.Sheet
	tracks   *recording.TrackSheet
	progress *progress
	last     time.Duration // time of the newest frame
	counts   bool          // each frame is one step of the progress
}

// Write takes one redacted frame.
func (o *output) Write(ctx context.Context, f redact.Frame) error {
	if err := o.encoder.patiently(ctx, writePatience, func(ctx context.Context) error { return o.enc.Write(ctx, f) }); err != nil {
		return err
	}
	o.last = f.Time()
	if o.sheet != nil {
		o.sheet.Add(f)
	}
	if o.tracks != nil {
		o.tracks.Add(f)
	}
	if o.counts {
		o.progress.step()
	}
	return nil
}

// Finish completes the file.
func (o *output) Finish(ctx context.Context) error {
	return o.encoder.patiently(ctx, finishPatience, o.enc.Finish)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
