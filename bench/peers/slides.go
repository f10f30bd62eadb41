package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the format of the pictures
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
)

// The slides are a recording made of single pictures of plates, each shown for a
// few frames: no labelled film of plates is free.
const (
	slidesName  = "plates_openalpr_eu, slides"
	slidesSet   = "plates_openalpr_eu"
	slidesCount = 16
	slidesHold  = 6
)

// slides makes the recording.
func slides(ctx context.Context, o *options, dir string) (*clip, error) {
	from := filepath.Join(o.data, "dev", slidesSet)
	text, err := os.ReadFile(filepath.Join(from, "labels.jsonl"))
	if err != nil {
		return nil, err
	}
	c := &clip{name: slidesName, path: filepath.Join(dir, "slides.mp4"), size: image.Pt(960, 544), labels: map[int][]box{}}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba",
		"-s", fmt.Sprintf("%dx%d", c.size.X, c.size.Y), "-r", "12", "-i", "-", "-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", c.path)
	raw, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	err = errors.Join(c.show(from, text, raw), raw.Close(), cmd.Wait())
	if err != nil {
		return nil, fmt.Errorf("slides: %w", err)
	}
	return c, nil
}

// show writes the frames, and enters the labels.
func (c *clip) show(from string, text []byte, to io.Writer) error {
	for l := range strings.Lines(string(text)) {
		if c.frames == slidesCount*slidesHold {
			break
		}
		var label struct {
			Image string `json:"image"`
			Boxes []struct {
				Class      string `json:"class"`
				X, Y, W, H float64
			} `json:"boxes"`
		}
		if err := json.Unmarshal([]byte(l), &label); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		pic, scale, err := slide(filepath.Join(from, label.Image), c.size)
		if err != nil {
			return err
		}
		for range slidesHold {
			if _, err := to.Write(pic.Pix); err != nil {
				return err
			}
			c.frames++
			for _, b := range label.Boxes {
				// A track for each picture.
				c.labels[c.frames] = append(c.labels[c.frames], box{b.Class, (c.frames - 1) / slidesHold,
					image.Rect(int(b.X*scale), int(b.Y*scale), int((b.X+b.W)*scale)+1, int((b.Y+b.H)*scale)+1)})
			}
		}
	}
	return nil
}

// slide returns a picture in the upper left corner of a frame, and its scale.
func slide(path string, size image.Point) (*image.RGBA, float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	pic, _, err := image.Decode(f)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	b := pic.Bounds()
	scale := min(float64(size.X)/float64(b.Dx()), float64(size.Y)/float64(b.Dy()))
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Rect, image.Black, image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(out, image.Rect(0, 0, int(float64(b.Dx())*scale), int(float64(b.Dy())*scale)), pic, b, draw.Src, nil)
	return out, scale, nil
}
