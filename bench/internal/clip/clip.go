// Package clip finds the clip that plays the camera where a program of bench needs
// one, and makes the camera's recording of it.
package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Find returns the clip to use: the one given, or else the demo's clip of a fixed
// camera with people in it, "" if it is nowhere.
func Find(given string) (string, error) {
	if given != "" {
		_, err := os.Stat(given)
		return given, err
	}
	var places []string
	if dir := os.Getenv("HEDGE_DATA"); dir != "" {
		places = append(places, filepath.Join(dir, "dev", "mot15_PETS09-S2L1", "vtest.avi"))
	}
	if dir, err := os.UserCacheDir(); err == nil {
		places = append(places, filepath.Join(dir, "hedge", "clips", "vtest.avi"))
	}
	places = append(places, "/usr/share/doc/opencv-doc/examples/data/vtest.avi")
	for _, p := range places {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
	}
	return "", nil
}

// Record makes the recording of a camera of the given size at 30 frames a second:
// H.264 without B frames, so many frames of the clip that Find returns for given,
// or of a generated test picture if there is none. A clip that is too short is repeated.
// filter is added to ffmpeg's filters. what describes the clip in words.
func Record(ctx context.Context, given, out string, size image.Point, frames int, filter string) (what string, err error) {
	from, err := Find(given)
	if err != nil {
		return "", err
	}
	args := []string{"-nostdin", "-v", "error"}
	if from == "" {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=30", size.X, size.Y), "-vf", "format=yuv420p"+filter)
		what = "no clip with people was found (see -clip): a generated test picture"
	} else {
		cut := fmt.Sprintf("crop='min(iw,ih*16/9)':'min(ih,iw*9/16)',scale=%d:%d:flags=bicubic,framerate=fps=30,format=yuv420p", size.X, size.Y)
		if filepath.Base(from) == "vtest.avi" {
			// Its header says 10 frames a second; they were taken at 7.
			cut = "setpts=PTS*10/7," + cut
		}
		args = append(args, "-stream_loop", "-1", "-i", from, "-vf", cut+filter)
		what = fmt.Sprintf("%s, cut to 16:9, scaled to %dx%d, blended to 30 frames a second", filepath.Base(from), size.X, size.Y)
	}
	args = append(args, "-frames:v", fmt.Sprint(frames), "-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-g", "60", out)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if text, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("making the camera's recording: %w: %s", err, strings.TrimSpace(string(text)))
	}
	return what, nil
}
