package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sourceClip returns the clip to use, or "" for a generated one.
func (s *suite) sourceClip() (string, error) {
	if s.clip != "" {
		_, err := os.Stat(s.clip)
		return s.clip, err
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

// prepareClip makes the recording that plays the camera: 1080p30, H.264, from
// the middle of the clip. It is made once a run, and removed at its end.
func (s *suite) prepareClip(ctx context.Context) (string, error) {
	if s.clipAt != "" {
		return s.clipAt, nil
	}
	clip, err := s.sourceClip()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "hedge-speed")
	if err != nil {
		return "", err
	}
	s.tidy = append(s.tidy, func() error { return os.RemoveAll(dir) })
	length, size := 20, fullHD
	if s.short() {
		length, size = 2, image.Pt(640, 360)
	}
	args := []string{"-nostdin", "-v", "error"}
	if clip == "" {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=30", size.X, size.Y))
		s.report.Notes = append(s.report.Notes, "No clip with people was found (see -clip): the camera was a generated test picture.")
	} else {
		filter := fmt.Sprintf("crop='min(iw,ih*16/9)':'min(ih,iw*9/16)',scale=%d:%d:flags=bicubic,framerate=fps=30,format=yuv420p", size.X, size.Y)
		if filepath.Base(clip) == "vtest.avi" {
			// Its header says 10 pictures a second; they were taken at 7.
			filter = "setpts=PTS*10/7," + filter
		}
		args = append(args, "-i", clip, "-vf", filter)
		s.report.Notes = append(s.report.Notes, fmt.Sprintf("The camera of the live run and the file: %s, cut to 16:9, scaled to %dx%d, "+
			"blended to 30 frames a second, a loop of %d s.", filepath.Base(clip), size.X, size.Y, length))
	}
	out := filepath.Join(dir, "camera.mp4")
	args = append(args, "-t", strconv.Itoa(length), "-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", out)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if text, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("making the camera's recording: %w: %s", err, strings.TrimSpace(string(text)))
	}
	s.clipAt = out
	return out, nil
}
