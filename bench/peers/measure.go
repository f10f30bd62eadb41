package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// result is one run of a tool over a clip.
type result struct {
	Tool      string            `json:"tool"`
	Scope     string            `json:"scope"`
	Flags     string            `json:"flags"`
	Clip      string            `json:"clip"`
	FramesIn  int               `json:"frames_in"`
	FramesOut int               `json:"frames_out"`
	Seconds   float64           `json:"seconds"`
	FPS       float64           `json:"frames_per_second"`
	CoreMS    float64           `json:"core_ms_per_frame"`
	PeakMB    float64           `json:"peak_memory_mb"`
	Leak      map[string]*count `json:"leak"`
	RestGone  float64           `json:"rest_gone"`
	Sound     bool              `json:"sound_kept"`
	Metadata  []string          `json:"metadata_kept"`
	Size      string            `json:"output_size"`
	Problem   string            `json:"problem,omitempty"`
}

// measure runs a tool over a clip and compares what comes out with what went in.
func measure(ctx context.Context, t tool, c *clip, dir string) (r result, err error) {
	r = result{Tool: t.name, Scope: t.scope, Flags: t.flags, Clip: c.name, FramesIn: c.frames}
	out := filepath.Join(dir, strings.NewReplacer(" ", "-", "-", "").Replace(t.name+t.scope+t.flags+c.name)+".mp4")
	k, err := start(ctx, t.args(c.path, out))
	if err != nil {
		return r, err
	}
	r.Seconds = k.wall.Seconds()
	r.CoreMS = float64(k.core.Milliseconds()) / float64(c.frames)
	r.PeakMB = float64(k.memory) / 1e6
	if k.exit != 0 {
		r.Problem = fmt.Sprintf("exit code %d: %s", k.exit, k.said)
		return r, nil
	}
	p, err := probe(ctx, out)
	if err != nil {
		return r, err
	}
	r.FramesOut, r.Sound, r.Metadata, r.Size = p.frames, p.sound, p.secrets, fmt.Sprintf("%dx%d", p.size.X, p.size.Y)
	r.FPS = float64(p.frames) / r.Seconds
	if p.frames != c.frames {
		// Which picture is which is not known any more.
		r.Problem = fmt.Sprintf("%d frames of %d came out: leak not measured", p.frames, c.frames)
		return r, nil
	}
	r.Leak, r.RestGone, err = compare(ctx, c, out, nil)
	return r, err
}

// line is the result in one line.
func (r *result) line() string {
	var leaks []string
	for class, c := range r.Leak {
		leaks = append(leaks, fmt.Sprintf("%s %d of %d", class, c.Leaked, c.Boxes))
	}
	return fmt.Sprintf("%-10s %-5s %-40s %-30s %5.1f fps, %5.0f ms core, %4.0f MB, leak %s %s",
		r.Tool, r.Scope, r.Flags, r.Clip, r.FPS, r.CoreMS, r.PeakMB, strings.Join(leaks, ", "), r.Problem)
}

// control measures two outputs of which the result is known.
func (r *report) control(ctx context.Context, clips []*clip, dir string) error {
	for _, c := range clips {
		again := filepath.Join(dir, "again-"+c.name+".mp4")
		if err := ffmpeg(ctx, "-i", c.path, "-map", "0:v", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", again); err != nil {
			return err
		}
		shown, rest, err := compare(ctx, c, again, nil)
		if err != nil {
			return err
		}
		hidden, _, err := compare(ctx, c, again, func(frame int, luma []byte) {
			for _, b := range c.labels[frame] {
				for y := max(b.area.Min.Y, 0); y < min(b.area.Max.Y, c.size.Y); y++ {
					for x := max(b.area.Min.X, 0); x < min(b.area.Max.X, c.size.X); x++ {
						luma[y*c.size.X+x] = 112
					}
				}
			}
		})
		if err != nil {
			return err
		}
		r.Controls = append(r.Controls, controlled{c.name, shown, hidden, rest})
	}
	return nil
}

// controlled is the result of the controls on a clip.
type controlled struct {
	Clip    string            `json:"clip"`
	Encoded map[string]*count `json:"only_encoded"`
	Boxes   map[string]*count `json:"grey_boxes"`
	Rest    float64           `json:"rest_gone_by_encoding"`
}

// damaged is what a tool does with a file of which bytes are overwritten.
type damaged struct {
	Tool      string `json:"tool"`
	Scope     string `json:"scope"`
	Flags     string `json:"flags"`
	Exit      int    `json:"exit_code"`
	FramesIn  int    `json:"frames_in"`
	FramesOut int    `json:"frames_out"` // -1: no file, or none that can be read
	// Leak is counted against the damaged file as ffmpeg decodes it.
	Leak map[string]*count `json:"leak,omitempty"`
	Said string            `json:"said"`
}

// corrupt runs a tool over a clip in the middle of which 3000 bytes are damaged.
func corrupt(ctx context.Context, t tool, c *clip, dir string) (d damaged, err error) {
	d = damaged{Tool: t.name, Scope: t.scope, Flags: t.flags, FramesIn: c.frames, FramesOut: -1}
	bad, out := filepath.Join(dir, "damaged.mp4"), filepath.Join(dir, "from-damaged.mp4")
	data, err := os.ReadFile(c.path)
	if err != nil {
		return d, err
	}
	damage(data)
	if err := os.WriteFile(bad, data, 0o644); err != nil {
		return d, err
	}
	if err := os.Remove(out); err != nil && !errors.Is(err, os.ErrNotExist) {
		return d, err
	}
	k, err := start(ctx, t.args(bad, out))
	if err != nil {
		return d, err
	}
	d.Exit, d.Said = k.exit, strings.ReplaceAll(k.said, dir, "")
	if p, err := probe(ctx, out); err == nil {
		d.FramesOut = p.frames
	}
	was, err := probe(ctx, bad)
	if err != nil {
		return d, err
	}
	if t.scope == "all" && d.FramesOut == was.frames {
		hurt := *c
		hurt.path = bad
		d.Leak, _, err = compare(ctx, &hurt, out, nil)
	}
	return d, err
}

// damage overwrites bytes at two fifths of a file, away from its index.
func damage(data []byte) {
	at := len(data) * 2 / 5
	for i := at; i < min(at+3000, len(data)); i++ {
		data[i] ^= byte(0x5a + i*37)
	}
}

// classes returns the names in a map, in order.
func classes(m map[string]*count) (names []string) {
	for c := range m {
		names = append(names, c)
	}
	slices.Sort(names)
	return names
}
