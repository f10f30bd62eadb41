package ffmpeg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// probeResult is the part of ffprobe's JSON that is used.
type probeResult struct {
	Program struct {
		Version string `json:"version"`
	} `json:"program_version"`
	Streams []probeStream `json:"streams"`
	Format  struct {
		Name     string `json:"format_name"`
		Streams  int    `json:"nb_streams"`
		Duration string `json:"duration"`
	} `json:"format"`
}

type probeStream struct {
	Codec      string `json:"codec_name"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Pixels     string `json:"pix_fmt"`
	Aspect     string `json:"sample_aspect_ratio"`
	Range      string `json:"color_range"`
	Space      string `json:"color_space"`
	Transfer   string `json:"color_transfer"`
	Primaries  string `json:"color_primaries"`
	RealRate   string `json:"r_frame_rate"`
	MeanRate   string `json:"avg_frame_rate"`
	TimeBase   string `json:"time_base"`
	Duration   string `json:"duration"`
	FrameCount string `json:"nb_frames"`
	Fields     string `json:"field_order"`
	Tags       struct {
		Rotate string `json:"rotate"`
	} `json:"tags"`
	SideData []struct {
		Rotation *float64 `json:"rotation"`
	} `json:"side_data_list"`
}

// maxProbe is the most bytes of ffprobe's answer that are read.
const maxProbe = 1 << 20

// runProbe runs ffprobe and decodes its answer. list is what it reads from its
// standard input.
func runProbe(ctx context.Context, in input, list string, args ...string) (probeResult, error) {
	var res probeResult
	r, w, err := os.Pipe()
	if err != nil {
		return res, fmt.Errorf("ffmpeg: pipe for ffprobe: %w", err)
	}
	base := []string{"-hide_banner", "-loglevel", "repeat+level+" + in.probeLevel(), "-of", "json", "-show_program_version"}
	stdin, err := pipeOf(list)
	if err != nil {
		return res, errors.Join(err, w.Close(), r.Close())
	}
	var format string
	p, err := start(in.before, "ffprobe", append(base, args...), stdin, w, in.hide, in.formatOf(&format))
	err = errors.Join(err, w.Close(), closeIf(stdin))
	if p == nil {
		return res, errors.Join(err, r.Close())
	}
	stop := context.AfterFunc(ctx, p.kill)
	answer, rerr := io.ReadAll(io.LimitReader(r, maxProbe))
	err = errors.Join(err, rerr, r.Close())
	<-p.done
	stop()
	switch {
	case ctx.Err() != nil:
		return res, ctx.Err()
	case p.status != nil:
		return res, p.exitError()
	case err != nil:
		return res, fmt.Errorf("ffmpeg: read from ffprobe: %w", err)
	}
	if err := json.Unmarshal(answer, &res); err != nil {
		return res, fmt.Errorf("ffmpeg: answer of ffprobe: %w", err)
	}
	if in.secret {
		// Of the input, not of the list.
		res.Format.Name = format
		if in.kind == kindRTSP {
			res.Format.Name = "rtsp"
		}
	}
	return res, nil
}

// installed returns the version of the installed programs.
func installed(ctx context.Context) (version, error) {
	res, err := runProbe(ctx, input{}, "")
	return parseVersion(res.Program.Version), err
}

// probe asks ffprobe about the input.
func probe(ctx context.Context, in input, o Options) (Info, error) {
	info := Info{Input: in.name, Path: in.path, Live: in.live(), Track: max(o.Track, 1)}
	if in.live() {
		// The options for a camera depend on the version.
		var err error
		if info.version, err = installed(ctx); err != nil {
			return info, err
		}
		if in.kind == kindDevice {
			// A device is opened once only: some need time to recover.
			return info, nil
		}
	}
	args := []string{"-select_streams", "V", "-show_entries",
		"format=format_name,nb_streams,duration:stream:stream_tags=rotate:stream_side_data"}
	list, err := in.list(o, info.version)
	if err != nil {
		return info, err
	}
	res, err := runProbe(ctx, in, list, append(args, in.args(o, info.version)...)...)
	var exit *ExitError
	if errors.As(err, &exit) && exit.Err == nil {
		return info, fmt.Errorf("ffmpeg: input %q: %w (cut off, or of another kind?): %w", in.name, ErrNotVideo, err)
	}
	if err != nil {
		return info, fmt.Errorf("ffmpeg: input %q: %w", in.name, err)
	}
	info.version = parseVersion(res.Program.Version)
	if err := res.check(in, info.Track); err != nil {
		return info, err
	}
	res.describe(&info)
	if info.Still {
		info.orientation = readOrientation(info.Path, info.Codec)
		info.Rotation = info.orientation.degrees()
	}
	return info, nil
}

// check refuses what is not a recording, or does not have the track.
func (res *probeResult) check(in input, track int) error {
	switch res.Format.Name {
	case "tty", "bin", "xbin", "adf", "idf":
		// ffmpeg can draw texts as pictures.
		return fmt.Errorf("ffmpeg: input %q: %w: it is a text (ffmpeg calls it %q)", in.name, ErrNotVideo, res.Format.Name)
	case "concat", "hls", "dash", "imf":
		if in.kind == kindFile {
			return fmt.Errorf("ffmpeg: input %q: %w: it is a playlist (%q), name the files in it instead", in.name, ErrNotVideo, res.Format.Name)
		}
	}
	if len(res.Streams) == 0 {
		return fmt.Errorf("ffmpeg: input %q: %w among its %d tracks (sound only?)", in.name, ErrNoVideo, res.Format.Streams)
	}
	if track > len(res.Streams) {
		return fmt.Errorf("ffmpeg: input %q: %w: Track %d: it has %d video tracks", in.name, ErrOptions, track, len(res.Streams))
	}
	if s := res.Streams[track-1]; s.Width <= 0 || s.Height <= 0 {
		return fmt.Errorf("ffmpeg: input %q: %w: its %s track has no picture size (file cut off?)", in.name, ErrNotVideo, clean([]byte(s.Codec)))
	}
	return nil
}

// describe fills in what does not come from the first picture.
func (res *probeResult) describe(info *Info) {
	s := res.Streams[info.Track-1]
	for _, t := range res.Streams {
		info.Tracks = append(info.Tracks, Track{clean([]byte(t.Codec)), image.Pt(t.Width, t.Height)})
	}
	info.Container, info.Codec, info.PixelFormat = clean([]byte(res.Format.Name)), clean([]byte(s.Codec)), clean([]byte(s.Pixels))
	info.Rotation = s.rotation()
	info.TimeBase = parseRational(s.TimeBase)
	info.Rate = parseRational(s.MeanRate)
	if !info.Rate.Known() {
		info.Rate = parseRational(s.RealRate)
	}
	info.SourceRange = known(s.Range)
	info.Color = Color{Range: "tv", Matrix: known(s.Space), Primaries: known(s.Primaries), Transfer: known(s.Transfer)}
	if s.rgb() {
		info.Color.Matrix = rgbMatrix
	}
	if hdr(s.Transfer) {
		info.ToneMapped = s.Transfer
		info.Color.Matrix, info.Color.Primaries, info.Color.Transfer = "bt709", "bt709", "bt709"
	}
	switch s.Fields {
	case "tt", "bb", "tb", "bt":
		info.Interlaced = true
	}
	info.Still = info.Path != "" && stillContainer(res.Format.Name)
	if info.Live {
		info.Live = res.Format.Duration == "" || res.Format.Duration == "N/A"
	}
	if info.Live {
		return
	}
	info.Duration = seconds(s.Duration)
	if info.Duration == 0 {
		info.Duration = seconds(res.Format.Duration)
	}
	if n, err := strconv.ParseInt(s.FrameCount, 10, 64); err == nil && n > 0 {
		info.Frames = n
	} else {
		info.Frames = int64(math.Round(info.Duration.Seconds() * info.Rate.Float()))
	}
}

// stillContainer reports whether a container of that name is a picture file.
func stillContainer(name string) bool {
	return name == "image2" || strings.HasSuffix(name, "_pipe")
}

// rgbMatrix is the matrix by which RGB sources are turned into luma and chroma.
const rgbMatrix = "bt709"

// rgb reports whether the decoder delivers RGB.
func (s *probeStream) rgb() bool {
	if s.Space == "gbr" {
		return true
	}
	for _, p := range []string{"rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr", "bayer"} {
		if strings.HasPrefix(s.Pixels, p) {
			return true
		}
	}
	return false
}

// rotation returns the angle clockwise, 0 to 359 degrees.
func (s *probeStream) rotation() int {
	angle := 0.0
	if r, err := strconv.ParseFloat(s.Tags.Rotate, 64); err == nil {
		angle = r
	}
	for _, d := range s.SideData {
		if d.Rotation != nil {
			angle = -*d.Rotation
		}
	}
	if math.IsNaN(angle) || math.Abs(angle) > 1e6 {
		return 0
	}
	return (int(math.Round(angle))%360 + 360) % 360
}

// known drops ffprobe's words for "not known".
func known(s string) string {
	switch s {
	case "unknown", "unspecified", "reserved", "N/A":
		return ""
	}
	return s
}

// seconds reads a number of seconds, 0 if it is none.
func seconds(s string) time.Duration {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x > 0) || x > 1e9 {
		return 0
	}
	return time.Duration(x * float64(time.Second))
}
