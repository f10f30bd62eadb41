package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// clip is a recording that the tools get, and its labels by frame from 1.
type clip struct {
	name   string
	path   string
	size   image.Point
	frames int
	labels map[int][]box
}

// box is a labelled object.
type box struct {
	class string
	track int
	area  image.Rectangle
}

// recordings are the sets and their files.
var recordings = []struct{ set, file string }{
	{"mot15_TUD-Campus", "TUD-Campus.mp4"},
	{"face_video_portrait_1080x608", "egoblur_gen1_600f.mp4"},
	{"mot15_PETS09-S2L1", "vtest.avi"},
}

// The marks of an input that must not be in an output.
const (
	secretTitle = "secret title"
	secretPlace = "+48.1234+011.5678/"
)

// prepare cuts the recordings to their first frames, and gives them sound, a
// title and a place.
func prepare(ctx context.Context, o *options, dir string) (clips []*clip, err error) {
	for _, r := range recordings {
		from := filepath.Join(o.data, "dev", r.set)
		c := &clip{name: r.set, path: filepath.Join(dir, r.set+".mp4")}
		if c.labels, err = readLabels(filepath.Join(from, "labels.jsonl"), o.frames); err != nil {
			return nil, err
		}
		err := ffmpeg(ctx, "-i", filepath.Join(from, r.file), "-f", "lavfi", "-i", "sine=frequency=440", "-map", "0:v:0", "-map", "1:a",
			"-frames:v", strconv.Itoa(o.frames), "-c:v", "libx264", "-preset", "fast", "-crf", "12", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest",
			"-metadata", "title="+secretTitle, "-metadata", "location="+secretPlace, "-metadata", "creation_time=2021-03-04T05:06:07Z", c.path)
		if err != nil {
			return nil, err
		}
		p, err := probe(ctx, c.path)
		if err != nil {
			return nil, err
		}
		c.size, c.frames = p.size, p.frames
		if !p.sound || len(p.secrets) < 2 {
			return nil, fmt.Errorf("%s: the input carries no sound or metadata to lose", c.path)
		}
		clips = append(clips, c)
	}
	return clips, nil
}

// readLabels returns the boxes of a clip's first frames that are not to be
// ignored.
func readLabels(path string, frames int) (map[int][]box, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[int][]box{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for line := 1; sc.Scan(); line++ {
		var l struct {
			Frame    int   `json:"frame"`
			Labelled *bool `json:"labelled"`
			Boxes    []struct {
				Class      string `json:"class"`
				X, Y, W, H float64
				Track      int
				Ignore     bool
			} `json:"boxes"`
		}
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, line, err)
		}
		if l.Frame < 1 {
			return nil, fmt.Errorf("%s, line %d: frames count from 1", path, line)
		}
		if l.Frame > frames || l.Labelled != nil && !*l.Labelled {
			continue
		}
		for _, b := range l.Boxes {
			if b.Ignore || !(b.W > 0 && b.H > 0) {
				continue
			}
			out[l.Frame] = append(out[l.Frame], box{b.Class, b.Track, image.Rect(
				int(math.Floor(b.X)), int(math.Floor(b.Y)), int(math.Ceil(b.X+b.W)), int(math.Ceil(b.Y+b.H)))})
		}
	}
	return out, sc.Err()
}

// ffmpeg runs ffmpeg and returns what it says as the error.
func ffmpeg(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// probed is what is known of a file.
type probed struct {
	size    image.Point
	frames  int
	sound   bool
	secrets []string // tags of the input that it has
}

// probe counts the frames by decoding them.
func probe(ctx context.Context, path string) (p probed, err error) {
	text, err := exec.CommandContext(ctx, "ffprobe", "-v", "quiet", "-count_frames", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err != nil {
		return p, fmt.Errorf("ffprobe %s: %w", path, err)
	}
	var v struct {
		Streams []struct {
			Type   string            `json:"codec_type"`
			Width  int               `json:"width"`
			Height int               `json:"height"`
			Frames string            `json:"nb_read_frames"`
			Tags   map[string]string `json:"tags"`
		} `json:"streams"`
		Format struct {
			Tags map[string]string `json:"tags"`
		} `json:"format"`
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return p, fmt.Errorf("ffprobe %s: %w", path, err)
	}
	tags := []map[string]string{v.Format.Tags}
	for _, s := range v.Streams {
		tags = append(tags, s.Tags)
		switch s.Type {
		case "audio":
			p.sound = true
		case "video":
			p.size = image.Pt(s.Width, s.Height)
			if p.frames, err = strconv.Atoi(s.Frames); err != nil {
				return p, errors.Join(fmt.Errorf("%s: no frames", path), err)
			}
		}
	}
	seen := map[string]bool{}
	for _, t := range tags {
		for name, value := range t {
			secret := value == secretTitle || value == secretPlace || strings.HasPrefix(value, "2021-03-04")
			name, _, _ = strings.Cut(name, "-")
			if secret && !seen[name] {
				seen[name] = true
				p.secrets = append(p.secrets, name)
			}
		}
	}
	return p, nil
}
