package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// recording makes the configuration of both passes.
func (j *job) recording(info ffmpeg.Info, progress *progress) (*pipeline.Recording, error) {
	return recording.New(recording.Options{Policy: j.policy, Networks: append([]*networks.Set{j.set}, j.copies...),
		Every: j.every, Camera: j.camera(), OnPicture: func(int) { progress.step() }}, info)
}

func (j *job) camera() pipeline.Camera {
	switch {
	case !j.movingGiven:
		return pipeline.AnyCamera
	case j.moving:
		return pipeline.MovingCamera
	}
	return pipeline.FixedCamera
}

// twice redacts a recording in two passes. src is at its beginning.
func (j *job) twice(ctx context.Context, src *ffmpeg.Source, out *output, rep *report) (stats pipeline.Stats, err error) {
	info := src.Info()
	r, err := j.recording(info, out.progress)
	if err != nil {
		return stats, err
	}
	in, err := evidence.Sample(info.Path)
	if err != nil {
		return stats, err
	}
	known := !needsNetworks(j.file)
	ev, err := j.look(ctx, r, src, in)
	if err != nil {
		return r.Stats(), err
	}
	defer func() { err = firstError(err, ev.Close()) }()
	switch {
	case r.NeedsBackground(ev):
		err = r.LearnBackground(ctx, src, ev)
	case known:
		out.progress.skip(info.Frames)
	}
	if err != nil {
		return r.Stats(), err
	}
	rep.warn(j, src.Warning())
	if j.set.Segmenter == nil && j.policy.Visitors == redact.VisitorsSilhouette {
		rep.warn(j, errors.New(`"visitors": "silhouette" counts as "box" without networks`))
	}
	d, err := r.Decide(ev)
	if err != nil {
		return r.Stats(), err
	}
	j.tell(rep, d)
	if j.file.tracks != "" {
		if err := j.list(out, recording.NewTrackSheet(d)); err != nil {
			return r.Stats(), err
		}
	}
	if err := in.Check(info.Path); err != nil {
		return r.Stats(), err
	}
	again, err := ffmpeg.Open(ctx, info.Path, ffmpeg.Options{Track: info.Track, Room: j.room})
	if err != nil {
		return r.Stats(), err
	}
	defer func() { err = firstError(err, again.Close()) }()
	err = r.Redact(ctx, again, d, &recording.Checked{Sink: out, Input: in, Path: info.Path})
	return r.Stats(), err
}

// list prints the tracks that are hidden, and has their sheet drawn. Without tracks there is
// none.
func (j *job) list(out *output, s *recording.TrackSheet) error {
	if s.Empty() {
		j.say("%s: no track is hidden, so there is no sheet: %s is not written", ffmpeg.ShownAddress(j.file.in), j.file.tracks)
		return nil
	}
	out.tracks = s
	return s.Table(j.stderr)
}

// look returns the evidence: that of an earlier run, or, with the networks, new one.
func (j *job) look(ctx context.Context, r *pipeline.Recording, src *ffmpeg.Source, in evidence.Input) (*pipeline.Evidence, error) {
	path := j.file.evidence
	if path != "" {
		f, err := os.Open(path)
		if err == nil {
			ev, err := pipeline.LoadEvidence(f, "", 0)
			if err = firstError(err, f.Close()); err != nil {
				return nil, foreign(path, err)
			}
			if err := firstError(recording.Fits(ev.Header(), src.Info(), in), r.Check(ev)); err != nil {
				return nil, errors.Join(foreign(path, err), ev.Close())
			}
			return ev, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	ev, err := r.Inspect(ctx, src, in)
	if err != nil || path == "" {
		return ev, err
	}
	if err := ev.Save(path); err != nil {
		return nil, errors.Join(fmt.Errorf("evidence: %w", err), ev.Close())
	}
	return ev, nil
}

// foreign is the error for a file that is not evidence of this recording. It stays as it
// is.
func foreign(path string, err error) error {
	return fmt.Errorf("%s: %w; name another file with -evidence, or delete this one to look anew", path, err)
}

// tell says what the whole of the recording says.
func (j *job) tell(rep *report, d *pipeline.Decision) {
	rep.Camera = d.Camera.String()
	for _, e := range d.Elsewhere {
		rep.elsewhere(j, e)
	}
	if len(d.Unknown) > 0 {
		rep.warn(j, fmt.Errorf("there are no tracks %v to strike out", d.Unknown))
	}
	rep.Struck, rep.Added = len(d.Struck), len(d.Added)
}
