package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// Pass is one pass as a job of its own.
type Pass struct {
	Options
	// Path is the recording.
	Path string
	// Room is that of the ffmpeg that reads the recording and the one that writes it, see
	// ffmpeg.Options. It defaults to none.
	Room func(ffmpeg.Room) []string
	// Progress is called with the number of pictures done, and how many there are, 0 if
	// that is not known; it must return soon. It defaults to nothing.
	Progress func(done, total int64)

	total int64 // pictures, if it is not all of the recording
}

// begin opens the recording. The caller closes the source.
func (p *Pass) begin(ctx context.Context) (*ffmpeg.Source, *pipeline.Recording, error) {
	src, err := ffmpeg.Open(ctx, p.Path, ffmpeg.Options{Room: p.Room})
	if err != nil {
		return nil, nil, err
	}
	info := src.Info()
	if info.Still {
		return nil, nil, errors.Join(fmt.Errorf("%s is a picture and no recording: redact-file takes pictures", p.Path), src.Close())
	}
	o := p.Options
	if p.Progress != nil {
		done := int64(0)
		o.OnPicture = func(int) {
			done++
			if p.total > 0 {
				p.Progress(done, max(p.total, done))
				return
			}
			p.Progress(done, info.Frames)
		}
	}
	r, err := New(o, info)
	if err != nil {
		return nil, nil, errors.Join(err, src.Close())
	}
	return src, r, nil
}

// Inspect is the first pass: it writes the evidence to a new file.
func Inspect(ctx context.Context, p Pass, to string) error {
	return inspect(ctx, p, func(s pipeline.Source) pipeline.Source { return s }, to)
}

// InspectKnown is Inspect, and asks the networks only for what is not known from Look with
// the same key. The evidence is the same.
func InspectKnown(ctx context.Context, p Pass, key string, k Known, to string) error {
	read := p.knowing(key, k)
	return inspect(ctx, p, read, to)
}

func inspect(ctx context.Context, p Pass, read func(pipeline.Source) pipeline.Source, to string) (err error) {
	in, err := evidence.Sample(p.Path)
	if err != nil {
		return err
	}
	src, r, err := p.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	ev, err := r.Inspect(ctx, read(src), in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ev.Close()) }()
	if err := in.Check(p.Path); err != nil {
		return err
	}
	return ev.Save(to)
}

// Outputs are the files that Render writes. None may be there.
type Outputs struct {
	// Video is the redacted recording, MP4.
	Video string
	// Sheet is its contact sheet, PNG.
	Sheet string
	// Report is a Report, as JSON.
	Report string
}

// Report says what was hidden.
type Report struct {
	PolicySHA256 string  `json:"policy_sha256"`
	Frames       uint64  `json:"frames"`
	HiddenWhole  uint64  `json:"frames_hidden_whole"`
	HiddenShare  float64 `json:"hidden_share"`
	Camera       string  `json:"camera"`
	// Seconds is the recording's length.
	Seconds  float64  `json:"seconds"`
	Warnings []string `json:"warnings,omitempty"`
	// Elsewhere are the parts, in seconds, that do not show the place of the beginning.
	Elsewhere [][2]float64 `json:"camera_moved,omitempty"`
	Tracks    []Row        `json:"tracks"`
}

// Row is one track, of what is hidden or was taken out.
type Row struct {
	ID    uint64 `json:"id"`
	Class string `json:"class"`
	// From and To are the times at which it was seen first and last, in seconds.
	From float64 `json:"from"`
	To   float64 `json:"to"`
	// Pictures counts those in which it was seen.
	Pictures int     `json:"pictures"`
	Score    float32 `json:"score"`
	// Struck says that it was taken out: it is shown.
	Struck bool `json:"struck,omitempty"`
}

// Rows lists the tracks of a decision that are hidden, and those that were taken out.
func Rows(d *pipeline.Decision) []Row {
	rows := []Row{}
	for _, p := range d.Tracks.List {
		struck := slices.Contains(d.Struck, p.ID)
		if p.Class == detect.Vehicle || !p.Believed && !struck {
			continue
		}
		rows = append(rows, Row{ID: p.ID, Class: p.Class.String(), From: d.Time(p.SeenFirst).Seconds(), To: d.Time(p.SeenLast).Seconds(),
			Pictures: p.Observations, Score: p.Score, Struck: struck})
	}
	return rows
}

// Render is the second pass: it redacts by evidence that Inspect wrote, and what was
// changed in it. On an error nothing is left behind.
func Render(ctx context.Context, p Pass, evidencePath string, out Outputs) (rep Report, err error) {
	ev, err := load(evidencePath)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, ev.Close()) }()
	src, r, err := p.begin(ctx)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	info := src.Info()
	in, err := evidence.Sample(p.Path)
	if err != nil {
		return rep, err
	}
	if err := Fits(ev.Header(), info, in); err != nil {
		return rep, fmt.Errorf("the evidence: %w", err)
	}
	pictures := src
	if r.NeedsBackground(ev) {
		if err := r.LearnBackground(ctx, src, ev); err != nil {
			return rep, err
		}
		if pictures, err = ffmpeg.Open(ctx, p.Path, ffmpeg.Options{Room: p.Room}); err != nil {
			return rep, err
		}
		defer func() { err = errors.Join(err, pictures.Close()) }()
	}
	d, err := r.Decide(ev)
	if err != nil {
		return rep, err
	}
	o := info.OutOptions()
	o.Room = p.Room
	enc, err := ffmpeg.Create(ctx, out.Video, o)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, enc.Close()) }()
	sink := &sheeted{Sink: enc}
	if err := r.Redact(ctx, pictures, d, &Checked{Sink: sink, Input: in, Path: p.Path}); err != nil {
		return rep, err
	}
	rep = report(p.Policy, r.Stats(), d, sink.last, pictures.Warning())
	return rep, write(rep, sink, out)
}

// Classes returns the names of the classes of a set.
func Classes(s detect.ClassSet) (list []string) {
	for c := range detect.Class(detect.NumClasses) {
		if s.Has(c) {
			list = append(list, c.String())
		}
	}
	return list
}

func load(path string) (*pipeline.Evidence, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	ev, err := pipeline.LoadEvidence(f, "", 0)
	if cerr := f.Close(); err == nil && cerr != nil {
		return nil, errors.Join(cerr, ev.Close())
	}
	return ev, err
}

// report says what was hidden.
func report(policy *redact.Policy, s pipeline.Stats, d *pipeline.Decision, last time.Duration, warning error) Report {
	rep := Report{PolicySHA256: policy.SHA256(), Frames: s.FramesOut, HiddenWhole: s.FramesHidden, HiddenShare: s.HiddenShare,
		Camera: d.Camera.String(), Seconds: last.Seconds(), Tracks: Rows(d)}
	if warning != nil {
		rep.Warnings = append(rep.Warnings, warning.Error())
	}
	if s.Missing != 0 {
		rep.Warnings = append(rep.Warnings, fmt.Sprintf("nothing looked for %s: everything outside of the property is hidden", strings.Join(Classes(s.Missing), ", ")))
	}
	if policy.Visitors == redact.VisitorsSilhouette {
		rep.Warnings = append(rep.Warnings, `"visitors": "silhouette" counts as "box" without networks`)
	}
	if len(d.Unknown) > 0 {
		rep.Warnings = append(rep.Warnings, fmt.Sprintf("there are no tracks %v to take out", d.Unknown))
	}
	for _, e := range d.Elsewhere {
		rep.Elsewhere = append(rep.Elsewhere, [2]float64{e.From.Seconds(), e.To.Seconds()})
	}
	return rep
}

// write writes the contact sheet and the report beside the recording.
func write(rep Report, s *sheeted, out Outputs) error {
	err := s.sheet.Write(out.Sheet, false)
	if err == nil {
		err = atomicfile.Write(out.Report, false, func(f *os.File) error {
			e := json.NewEncoder(f)
			e.SetIndent("", "  ")
			return e.Encode(rep)
		})
	}
	if err != nil {
		// A recording without them is not what was asked for.
		return errors.Join(err, os.Remove(out.Video), ignoreMissing(os.Remove(out.Sheet)))
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// sheeted is an encoder with a contact sheet beside it.
type sheeted struct {
	*ffmpeg.Sink
	sheet Sheet
	last  time.Duration
}

// Write takes one redacted frame.
func (s *sheeted) Write(ctx context.Context, f redact.Frame) error {
	if err := s.Sink.Write(ctx, f); err != nil {
		return err
	}
	s.last = f.Time()
	s.sheet.Add(f)
	return nil
}
