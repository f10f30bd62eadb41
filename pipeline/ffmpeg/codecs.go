package ffmpeg

import (
	"path/filepath"
	"slices"
	"strconv"
)

// codec is one of ffmpeg's encoders for H.264.
type codec struct {
	// name is ffmpeg's.
	name string
	// nodes are the devices it needs, as patterns of file names: one of each is
	// there, or the encoder is not.
	nodes []string
	// hardware is what is set up before the input, with DEVICE in place of the
	// first node.
	hardware []string
	// filter brings samples to what the encoder takes, and before it the
	// samples of a frame.
	filter string
	// live is for pictures as they come: no B-frames and nothing held back, key
	// pictures that can be decoded by themselves. file is for a recording, in
	// which bytes count more than time; in it QUALITY stands for a quantiser.
	live, file []string
}

// codecs are the encoders of which the command line is known.
var codecs = []codec{
	{
		name: "libx264", filter: "format=yuv420p",
		live: []string{"-preset", "superfast", "-tune", "zerolatency", "-forced-idr", "1"},
		file: []string{"-crf", "QUALITY"},
	},
	{
		// It has no quality that is constant: a recording has a bit rate.
		name: "libopenh264", filter: "format=yuv420p",
		live: []string{"-rc_mode", "bitrate", "-allow_skip_frames", "0"},
		file: []string{"-rc_mode", "bitrate", "-allow_skip_frames", "0"},
	},
	{
		name: "h264_v4l2m2m", filter: "format=yuv420p", nodes: []string{"/dev/video[0-9]*"},
	},
	{
		// In low delay it waits for each picture in place of taking four more.
		name: "h264_rkmpp", filter: "format=nv12", nodes: []string{"/dev/mpp_service"},
		live: []string{"-rc_mode", "CBR", "-flags:v", "+low_delay"},
		file: []string{"-rc_mode", "CQP", "-qp_init", "QUALITY"},
	},
	{
		name: "h264_vaapi", filter: "format=nv12,hwupload", nodes: []string{"/dev/dri/renderD[0-9]*"},
		hardware: []string{"-init_hw_device", "vaapi=hw:DEVICE", "-filter_hw_device", "hw"},
		live:     []string{"-bf", "0", "-idr_interval", "0"},
		file:     []string{"-bf", "0", "-rc_mode", "CQP", "-qp", "QUALITY"},
	},
	{
		name: "h264_qsv", filter: "format=nv12", nodes: []string{"/dev/dri/renderD[0-9]*"},
		live: []string{"-preset", "veryfast", "-bf", "0", "-async_depth", "1", "-forced_idr", "1", "-idr_interval", "0"},
		file: []string{"-preset", "medium", "-bf", "0", "-global_quality", "QUALITY"},
	},
}

// codecOf returns what is known of an encoder; of another one nothing but its name.
func codecOf(name string) codec {
	if i := slices.IndexFunc(codecs, func(c codec) bool { return c.name == name }); i >= 0 {
		return codecs[i]
	}
	return codec{name: name, filter: "format=yuv420p"}
}

// HasDevice reports whether this machine has the device that one of ffmpeg's encoders
// or decoders needs: whether to try it makes sense at all. For those in software it is
// true.
func HasDevice(name string) bool {
	_, ok := codecOf(name).device()
	return ok
}

// device returns the first device that the encoder needs, "" if it needs none, and
// whether all are there.
func (c codec) device() (string, bool) {
	first := ""
	for _, pattern := range c.nodes {
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
	a := []string{"-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+level+warning", "-xerror"}
	for _, h := range c.hardware {
		if h == "vaapi=hw:DEVICE" {
			h = "vaapi=hw:" + device
		}
		a = append(a, h)
	}
	a = append(a, "-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0",
		"-map", "0:v:0", "-an", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1",
		"-vf", c.filter, "-c:v", c.name)
	a = append(a, c.live...)
	if o.LowPower {
		a = append(a, "-low_power", "1")
	}
	rate := strconv.Itoa(o.BitRate)
	a = append(a, "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", strconv.Itoa(o.Group),
		"-force_key_frames", "expr:eq(mod(floor(t*1000000+0.5),2),1)",
		v.frameSync(), "passthrough", "-enc_time_base", "1:1000000")
	return append(a, "-f", "tee", "[f=framecrc:flush_packets=1]pipe\\:3|[f=h264:flush_packets=1]pipe\\:1")
}
