package ffmpeg

import (
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// codec is one of ffmpeg's encoders for H.264.
type codec struct {
	// name is ffmpeg's.
	name string
	// nodes are the devices it needs, as patterns of file names. The encoder can be
	// used only if a file matches each.
	nodes []string
	// hardware are the arguments before the input.
	hardware []string
	// filter turns the samples of a frame into those that the encoder takes.
	filter string
	// live is for pictures as they come: no B-frames and nothing held back, key
	// pictures that can be decoded by themselves. file is for a recording, in
	// which bytes count more than time; in it words stand for a quantiser and a bit
	// rate.
	live, file []string
	// get says how to get the encoder.
	get string
}

// Words in arguments that stand for the first device, a quantiser and a bit rate.
const deviceWord, quality, bitRate = "DEVICE", "QUALITY", "BITRATE"

// codecs are the encoders whose command line is known.
var codecs = []codec{
	{
		name: "libx264", filter: "format=yuv420p",
		live: []string{"-preset", "superfast", "-tune", "zerolatency", "-forced-idr", "1"},
		file: []string{"-crf", quality},
		get:  "apt install ffmpeg",
	},
	{
		// It has no constant quality: a recording gets a bit rate.
		name: "libopenh264", filter: "format=yuv420p",
		live: []string{"-rc_mode", "bitrate", "-allow_skip_frames", "0"},
		file: []string{"-rc_mode", "bitrate", "-allow_skip_frames", "0", "-b:v", bitRate},
		get:  "it needs an ffmpeg that has libopenh264",
	},
	{
		name: "h264_v4l2m2m", filter: "format=yuv420p", nodes: []string{"/dev/video[0-9]*"},
		file: []string{"-b:v", bitRate},
		get:  "it needs a board with an encoder among /dev/video*, such as a Raspberry Pi up to 4, the group video, and apt install ffmpeg",
	},
	{
		// In low delay it waits for each picture in place of taking four more.
		name: "h264_rkmpp", filter: "format=nv12", nodes: []string{"/dev/mpp_service"},
		live: []string{"-rc_mode", "CBR", "-flags:v", "+low_delay"},
		file: []string{"-rc_mode", "CQP", "-qp_init", quality},
		get:  "it needs a Rockchip board with /dev/mpp_service and an ffmpeg that has h264_rkmpp (ffmpeg-rockchip)",
	},
	{
		name: "h264_vaapi", filter: "format=nv12,hwupload", nodes: []string{"/dev/dri/renderD[0-9]*"},
		hardware: []string{"-init_hw_device", "vaapi=hw:" + deviceWord, "-filter_hw_device", "hw"},
		live:     []string{"-bf", "0", "-idr_interval", "0"},
		file:     []string{"-bf", "0", "-rc_mode", "CQP", "-qp", quality},
		get:      "it needs /dev/dri/renderD*, the group render, and apt install ffmpeg intel-media-va-driver or mesa-va-drivers",
	},
	{
		name: "h264_qsv", filter: "format=nv12", nodes: []string{"/dev/dri/renderD[0-9]*"},
		live: []string{"-preset", "veryfast", "-bf", "0", "-async_depth", "1", "-forced_idr", "1", "-idr_interval", "0"},
		file: []string{"-preset", "medium", "-bf", "0", "-global_quality", quality},
		get:  "it needs /dev/dri/renderD*, the group render, and apt install ffmpeg intel-media-va-driver libmfx1 or libmfx-gen1.2",
	},
}

// codecOf returns what is known of an encoder: only its name, if it is another one.
func codecOf(name string) codec {
	if i := slices.IndexFunc(codecs, func(c codec) bool { return c.name == name }); i >= 0 {
		return codecs[i]
	}
	return codec{name: name, filter: "format=yuv420p"}
}

// known reports whether it is one of the table.
func (c codec) known() bool { return c.get != "" }

// HowToGet says what has to be installed for one of ffmpeg's encoders, "" if that is not
// known.
func HowToGet(name string) string { return codecOf(name).get }

func noDevice(name string) error {
	return fmt.Errorf("ffmpeg: encoder %s: %w: %s", name, fs.ErrNotExist, strings.Join(codecOf(name).nodes, ", "))
}

// HasDevice reports whether this machine has the device that one of ffmpeg's encoders
// needs: whether to try it makes sense at all. For those in software it is
// true.
func HasDevice(name string) bool {
	_, ok := codecOf(name).device()
	return ok
}

// device returns the first device that the encoder needs, "" if it needs none, and
// whether all are there.
func (c codec) device() (string, bool) { return firstNode(c.nodes) }

// firstNode returns the first device of patterns of file names, and whether each of them
// has one.
func firstNode(patterns []string) (string, bool) {
	first := ""
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			return "", false
		}
		if first == "" {
			first = found[0]
		}
	}
	return first, true
}

// liveArgs returns the arguments of an encoder of pictures as they come. Pictures
// and their times come as a Matroska stream on the standard input, and for each access
// unit a line with its time and size goes to file 3, and then its bytes to the standard
// output: so that a unit is known to be complete before the next one comes.
//
// A picture becomes a key picture if its time in microseconds is odd.
func (c codec) liveArgs(o EncoderOptions, device string, v version) []string {
	a := slices.Concat(encoderArgs(), c.setup(device), []string{"-probesize", "32", "-analyzeduration", "0"}, framesInput(),
		[]string{"-vf", c.filter, "-c:v", c.name}, c.live)
	if o.LowPower {
		a = append(a, "-low_power", "1")
	}
	rate := strconv.Itoa(o.BitRate)
	a = append(a, "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(o.Group),
		"-force_key_frames", "expr:eq(mod(floor(t*1000000+0.5),2),1)",
		v.frameSync(), "passthrough", "-enc_time_base", "1:1000000")
	return append(a, "-f", "tee", "[f=framecrc:flush_packets=1]pipe\\:3|[f=h264:flush_packets=1]pipe\\:1")
}

// setup returns the arguments that set up the hardware.
func (c codec) setup(device string) []string {
	a := slices.Clone(c.hardware)
	for i := range a {
		a[i] = strings.Replace(a[i], deviceWord, device, 1)
	}
	return a
}

// fileArgs returns the arguments of an encoder of a recording: filter, codec, quality.
func (c codec) fileArgs(o OutOptions) []string {
	filter := c.filter
	if o.SampleAspect.Known() {
		filter = "setsar=" + o.SampleAspect.String() + "," + filter
	}
	a := []string{"-vf", filter, "-c:v", c.name}
	if o.Preset != "" {
		a = append(a, "-preset", o.Preset)
	}
	if o.LowPower {
		a = append(a, "-low_power", "1")
	}
	switch {
	case o.Lossless:
		return append(a, "-qp", "0")
	case !c.known() && o.CRF > 0:
		return append(a, "-crf", number64(o.CRF))
	}
	for _, f := range c.file {
		switch f {
		case quality:
			f = number64(o.CRF)
			if c.name != "libx264" { // it alone takes fractions
				f = strconv.Itoa(int(math.Round(o.CRF)))
			}
		case bitRate:
			f = strconv.Itoa(max(int(float64(o.Size.X*o.Size.Y)*o.Rate.Float()/10), 500_000))
		}
		a = append(a, f)
	}
	return a
}
