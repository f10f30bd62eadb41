package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// residue is the trace that compression leaves beside somebody: the mean absolute
// difference in luma between two decoded recordings that differ only in the person in the
// box.
type residue struct {
	Codec string  `json:"codec"`
	Speed float64 `json:"pixels_per_frame"`
	// Inside is the difference in the box; Beside those in pixels 1 and 2 beside it, 3
	// and 4, and so on as residueBands says.
	Inside float64   `json:"inside"`
	Beside []float64 `json:"beside"`
}

// residueBands are distances from the box, first and last pixel.
var residueBands = [][2]int{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 12}, {13, 16}, {17, 24}, {60, 100}}

// residueCodecs are what cameras and recorders compress with: arguments of ffmpeg.
var residueCodecs = []struct {
	name string
	args []string
}{
	{"H.264, crf 18", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "18"}},
	{"H.264, crf 23", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "23"}},
	{"H.264, crf 28", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "28"}},
	{"H.264, crf 35", []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "35"}},
	{"MPEG-4, q 5", []string{"-c:v", "mpeg4", "-q:v", "5"}},
	{"JPEG, q 6", []string{"-c:v", "mjpeg", "-q:v", "6"}},
}

const residueFrames = 48

var (
	residueSize = image.Pt(768, 576)
	residueBox  = image.Rect(200, 250, 232, 334) // in the first frame
)

// attackResidue measures how far from somebody their trace reaches in a compressed
// recording: regions have to grow by that (redact.Residue).
func attackResidue(ctx context.Context, o *options, r *results, out io.Writer) error {
	if o.data == "" {
		r.Notes = append(r.Notes, "The residue of compression was left out: HEDGE_DATA is not set.")
		return nil
	}
	place, err := lumaOf(ctx, filepath.Join(o.data, "dev", "mot15_PETS09-S2L1", "vtest.avi"), residueSize, 200)
	if err != nil {
		return err
	}
	people, err := lumaOf(ctx, filepath.Join(o.data, "dev", "mot15_TUD-Campus", "TUD-Campus.mp4"), image.Pt(640, 480), 20)
	if err != nil {
		return err
	}
	for _, speed := range []float64{0, 2.5, 7} {
		a, b := walk(place, people, image.Pt(100, 150), speed, o.seed), walk(place, people, image.Pt(240, 150), speed, o.seed)
		for _, codec := range residueCodecs {
			da, err := throughCodec(ctx, a, codec.args)
			if err != nil {
				return err
			}
			db, err := throughCodec(ctx, b, codec.args)
			if err != nil {
				return err
			}
			res := residue{Codec: codec.name, Speed: speed, Inside: difference(da, db, speed, -residueBox.Dx(), 0)}
			for _, band := range residueBands {
				res.Beside = append(res.Beside, difference(da, db, speed, band[0], band[1]))
			}
			r.Residue = append(r.Residue, res)
			if _, err := fmt.Fprintf(out, "%-14s %.1f px a frame: inside %.1f, beside %.2f\n", res.Codec, speed, res.Inside, res.Beside); err != nil {
				return err
			}
		}
	}
	return nil
}

// lumaOf returns the luma of one frame of a clip, at a size.
func lumaOf(ctx context.Context, clip string, size image.Point, n int) ([]byte, error) {
	return ffmpeg(ctx, nil, "-i", clip, "-vf", fmt.Sprintf("select=eq(n\\,%d),scale=%d:%d", n, size.X, size.Y),
		"-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
}

// ffmpeg runs the program and returns what it writes.
func ffmpeg(ctx context.Context, in []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-threads", "1"}, args...)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	data, err := cmd.Output()
	if err == nil && len(data) == 0 {
		err = errors.New("no picture came out")
	}
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w", err)
	}
	return data, nil
}

// walk returns frames of the place with the part of people at from, a third as large,
// moving through it, and a camera's noise.
func walk(place, people []byte, from image.Point, speed float64, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable noise
	var all []byte
	for n := range residueFrames {
		f := bytes.Clone(place)
		for i, v := range f {
			f[i] = uint8(min(max(float64(v)+1.5*rng.NormFloat64(), 0), 255))
		}
		box := boxAt(n, speed)
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				f[y*residueSize.X+x] = people[(from.Y+3*(y-box.Min.Y))*640+from.X+3*(x-box.Min.X)]
			}
		}
		all = append(all, f...)
	}
	return all
}

func boxAt(n int, speed float64) image.Rectangle {
	return residueBox.Add(image.Pt(int(speed*float64(n)), 0))
}

// throughCodec compresses frames and returns them decoded.
func throughCodec(ctx context.Context, frames []byte, codec []string) ([]byte, error) {
	args := []string{"-f", "rawvideo", "-pix_fmt", "gray", "-s", strconv.Itoa(residueSize.X) + "x" + strconv.Itoa(residueSize.Y), "-r", "15", "-i", "-", "-pix_fmt", "yuv420p"}
	coded, err := ffmpeg(ctx, frames, append(append(args, codec...), "-f", "matroska", "-")...)
	if err != nil {
		return nil, err
	}
	data, err := ffmpeg(ctx, coded, "-i", "-", "-pix_fmt", "gray", "-vsync", "passthrough", "-f", "rawvideo", "-")
	if err == nil && len(data) != len(frames) {
		err = fmt.Errorf("%d bytes of frames became %d", len(frames), len(data))
	}
	return data, err
}

// difference returns the mean absolute difference of two clips at a distance of first
// to last pixels from the box: 1 is beside it, 0 and less in it. The first frames,
// coded like still pictures, do not count.
func difference(a, b []byte, speed float64, first, last int) float64 {
	sum, count := 0, 0
	for n := 8; n < residueFrames; n++ {
		box := boxAt(n, speed)
		part := box.Inset(-max(last, 0)).Intersect(image.Rectangle{Max: residueSize})
		for y := part.Min.Y; y < part.Max.Y; y++ {
			for x := part.Min.X; x < part.Max.X; x++ {
				d := max(box.Min.X-x, x-box.Max.X+1, box.Min.Y-y, y-box.Max.Y+1)
				if d < first || d > last {
					continue
				}
				i := (n*residueSize.Y+y)*residueSize.X + x
				sum += max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
				count++
			}
		}
	}
	return float64(sum) / float64(max(count, 1))
}
