package ffmpeg

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// container is a kind of file that is written.
type container struct {
	// still is set for pictures: there is one frame.
	still bool
	// args are the encoder and the muxer of a still.
	args []string
	// scale and pixels say how samples become what the encoder takes. Viewers expect
	// the matrix of BT.601 (JFIF) in a JPEG and a WebP.
	scale, pixels string
}

// containers are the kinds of files by the extension of their name.
var containers = map[string]container{
	".mp4": {}, ".m4v": {},
	".jpg": jpeg, ".jpeg": jpeg,
	".png": {still: true, args: []string{"-c:v", "png", "-f", "image2pipe"}, scale: "scale=in_range=tv:out_range=pc", pixels: "rgb24"},
	".webp": {still: true, args: []string{"-c:v", "libwebp", "-quality", "90", "-f", "webp"},
		scale: "scale=in_range=tv:out_range=tv:out_color_matrix=bt601", pixels: "yuv420p"},
}

var jpeg = container{still: true, args: []string{"-c:v", "mjpeg", "-q:v", "2", "-huffman", "optimal", "-f", "image2pipe"},
	scale: "scale=in_range=tv:out_range=pc:out_color_matrix=bt601", pixels: "yuvj420p"}

// containerOf returns the kind of file that a name asks for.
func containerOf(name string) (container, bool) {
	c, ok := containers[strings.ToLower(filepath.Ext(name))]
	return c, ok
}

// CheckName returns [ErrOptions] for a name that [Create] would refuse for its
// extension.
func CheckName(name string) error {
	if _, ok := containerOf(name); ok {
		return nil
	}
	return fmt.Errorf("ffmpeg: output %q: %w: a video must end in .mp4, a picture in .jpg, .png or .webp", name, ErrOptions)
}

// IsPicture reports whether a file of that name is written as a picture.
func IsPicture(name string) bool {
	c, _ := containerOf(name)
	return c.still
}

// pictureArgs returns the arguments of the encoder of a picture.
func pictureArgs(c container, o OutOptions, v version, path string) []string {
	f := []string{c.scale, "format=" + c.pixels}
	if even(o.Size.X) != o.Size.X || even(o.Size.Y) != o.Size.Y {
		// The column or row that was added on the way to the encoder.
		f = append(f, "crop="+strconv.Itoa(o.Size.X)+":"+strconv.Itoa(o.Size.Y)+":0:0:exact=1")
	}
	if o.SampleAspect.Known() {
		f = append(f, "setsar="+o.SampleAspect.String())
	}
	a := slices.Concat(encoderArgs(), framesInput(), []string{"-vf", strings.Join(f, ","), "-frames:v", "1"})
	a = append(a, c.args...)
	return append(a, v.frameSync(), "passthrough", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-y", "file:"+path)
}
