package main

import (
	"context"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/footage"
)

// prepareClip makes the recording that plays the camera: 1080p30, H.264, from
// the middle of the clip. It is made once a run, and removed at its end.
func (s *suite) prepareClip(ctx context.Context) (string, error) {
	if s.clipAt != "" {
		return s.clipAt, nil
	}
	clip, err := footage.Find(s.clip)
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
	camera, what := footage.Camera(clip, size)
	args := append([]string{"-nostdin", "-v", "error"}, camera...)
	s.report.Notes = append(s.report.Notes, fmt.Sprintf("The camera of the live run and the file: %s, a loop of %d s.", what, length))
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
