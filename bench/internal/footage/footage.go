// Package footage finds the recording that plays the camera where a program of
// bench needs one, and says how it becomes a camera's picture.
package footage

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
)

// Find returns the recording to use: the one given, or else the demo's clip of a
// fixed camera with people in it, "" if it is nowhere.
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

// Camera returns ffmpeg's arguments that read the recording, or a test picture
// if it is "", as a camera of the given size with 30 pictures a second, and says
// what that camera is. The last argument is the value of -vf: filters may be
// added to it.
func Camera(clip string, size image.Point) (args []string, what string) {
	if clip == "" {
		return []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=30", size.X, size.Y), "-vf", "format=yuv420p"},
			"no clip with people was found (see -clip): a generated test picture"
	}
	filter := fmt.Sprintf("crop='min(iw,ih*16/9)':'min(ih,iw*9/16)',scale=%d:%d:flags=bicubic,framerate=fps=30,format=yuv420p", size.X, size.Y)
	if filepath.Base(clip) == "vtest.avi" {
		// Its header says 10 pictures a second; they were taken at 7.
		filter = "setpts=PTS*10/7," + filter
	}
	return []string{"-i", clip, "-vf", filter},
		fmt.Sprintf("%s, cut to 16:9, scaled to %dx%d, blended to 30 frames a second", filepath.Base(clip), size.X, size.Y)
}
