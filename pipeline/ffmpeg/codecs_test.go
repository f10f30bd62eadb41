package ffmpeg

import (
	"errors"
	"image"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The lines that all encoders have in common: before the input, at the input, and at the
// output.
const (
	liveInput = "-probesize 32 -analyzeduration 0 -f matroska -i pipe:0 -map 0:v:0 -an -sn -dn -map_metadata -1 -map_chapters -1"
	liveRate  = "-b:v 4000000 -maxrate 4000000 -bufsize 4000000 -g 60 -force_key_frames expr:eq(mod(floor(t*1000000+0.5),2),1) " +
		`-fps_mode passthrough -enc_time_base 1:1000000 -f tee [f=framecrc:flush_packets=1]pipe\:3|[f=h264:flush_packets=1]pipe\:1`
)

// liveLines are the command lines of the boards' encoders, and what they were held
// against. None but libx264's was run on its hardware.
var liveLines = []struct {
	codec    string
	lowPower bool
	before   string // the input
	encoder  string
}{
	// ffmpeg-codecs(1), "libx264": forced-idr, tune.
	{"libx264", false, "", "-vf format=yuv420p -c:v libx264 -preset superfast -tune zerolatency -forced-idr 1"},
	// ffmpeg-codecs(1), "libopenh264": rc_mode, allow_skip_frames. A forced key picture
	// is an IDR picture: libavcodec/libopenh264enc.c, ForceIntraFrame.
	{"libopenh264", false, "", "-vf format=yuv420p -c:v libopenh264 -rc_mode bitrate -allow_skip_frames 0"},
	// libavcodec/v4l2_m2m_enc.c: it sets bit rate, group and, for a forced key picture,
	// V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME, and refuses B-frames; the Raspberry Pi's
	// encoder takes YU12.
	{"h264_v4l2m2m", false, "", "-vf format=yuv420p -c:v h264_v4l2m2m"},
	// ffmpeg-rockchip's wiki, "Encoder", and its libavcodec/rkmppenc.c: rc_mode,
	// MPP_ENC_SET_IDR_FRAME for a forced key picture, parameter sets at each of them,
	// and a blocking call with low_delay, in place of four pictures of delay.
	{"h264_rkmpp", false, "", "-vf format=nv12 -c:v h264_rkmpp -rc_mode CBR -flags:v +low_delay"},
	// ffmpeg-codecs(1), "VAAPI encoders", and the wiki's "Hardware/VAAPI": the device,
	// hwupload, idr_interval, low_power.
	{"h264_vaapi", false, "-init_hw_device vaapi=hw:/dev/dri/renderD128 -filter_hw_device hw ", "-vf format=nv12,hwupload -c:v h264_vaapi -bf 0 -idr_interval 0"},
	{"h264_vaapi", true, "-init_hw_device vaapi=hw:/dev/dri/renderD128 -filter_hw_device hw ", "-vf format=nv12,hwupload -c:v h264_vaapi -bf 0 -idr_interval 0 -low_power 1"},
	// ffmpeg-codecs(1), "QSV Encoders": async_depth, forced_idr, idr_interval; it takes
	// NV12 from memory.
	{"h264_qsv", false, "", "-vf format=nv12 -c:v h264_qsv -preset veryfast -bf 0 -async_depth 1 -forced_idr 1 -idr_interval 0"},
}

// TestLiveLines: the command lines, word for word.
func TestLiveLines(t *testing.T) {
	for _, l := range liveLines {
		o := EncoderOptions{Codec: l.codec, Size: image.Pt(1920, 1080), BitRate: 4_000_000, Rate: 30, Group: 60, LowPower: l.lowPower}
		want := "-nostdin -hide_banner -nostats -loglevel repeat+level+warning -xerror " + l.before + liveInput + " " + l.encoder + " " + liveRate
		if got := strings.Join(codecOf(l.codec).liveArgs(o, "/dev/dri/renderD128", version{5, 1}), " "); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", l.codec, got, want)
		}
	}
	if got := strings.Join(codecOf("libx264").liveArgs(EncoderOptions{}, "", version{4, 4}), " "); !strings.Contains(got, " -vsync passthrough ") {
		t.Errorf("before ffmpeg 5.1: %s", got)
	}
}

var optionComplaint = regexp.MustCompile(`(?i)unrecogni.ed option|option .* not found|has not been used|no such filter|syntax|trailing|undefined constant`)

// TestLiveLinesAreUnderstood: an installed ffmpeg that knows the encoder takes the line,
// up to the device, which is not here.
func TestLiveLinesAreUnderstood(t *testing.T) {
	needFFmpeg(t)
	v, err := installed(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	known, err := exec.Command("ffmpeg", "-hide_banner", "-encoders").Output()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, l := range liveLines {
		c := codecOf(l.codec)
		if _, here := c.device(); !strings.Contains(string(known), " "+l.codec+" ") || here && len(c.nodes) > 0 {
			t.Logf("%s: not known to this ffmpeg, or there is one; left out", l.codec)
			continue
		}
		tried++
		o := EncoderOptions{Codec: l.codec, Size: image.Pt(320, 192), BitRate: 500_000, Rate: 25, Group: 60, LowPower: l.lowPower, Patience: 30 * time.Second}
		e := encoderOf(o)
		if err := e.start(c.liveArgs(o, "/dev/dri/renderD128", v)); err != nil {
			t.Fatal(err)
		}
		f := hiddenFrame(t, o.Size)
		for n := 0; n < 100 && err == nil; n++ {
			_, err = e.Encode(f, time.Duration(n)*40*time.Millisecond, false)
		}
		var exit *ExitError
		switch {
		case len(c.nodes) == 0 && err != nil:
			t.Errorf("%s: %v", l.codec, err)
		case len(c.nodes) > 0 && (!errors.As(err, &exit) || optionComplaint.MatchString(exit.Text)):
			t.Errorf("%s: %v", l.codec, err)
		}
		t.Log(l.codec, err)
		err = nil
		if cerr := e.Close(); cerr != nil {
			t.Error(cerr)
		}
	}
	if tried == 0 {
		t.Skip("this ffmpeg knows none of the encoders")
	}
}

// TestFileLines: the part of the command line of a recording that is the encoder's, held
// against the same documents.
func TestFileLines(t *testing.T) {
	for _, l := range []struct {
		o           OutOptions
		setup, file string
	}{
		{OutOptions{Codec: "libx264"}, "", "-vf format=yuv420p -c:v libx264 -preset veryfast -crf 21"},
		{OutOptions{Codec: "libx264", CRF: 18.5, Preset: "slow", SampleAspect: Rational{4, 3}}, "", "-vf setsar=4/3,format=yuv420p -c:v libx264 -preset slow -crf 18.5"},
		{OutOptions{Codec: "libx264", Lossless: true}, "", "-vf format=yuv420p -c:v libx264 -preset veryfast -qp 0"},
		{OutOptions{Codec: "libopenh264"}, "", "-vf format=yuv420p -c:v libopenh264 -rc_mode bitrate -allow_skip_frames 0 -b:v 6220800"},
		{OutOptions{Codec: "h264_v4l2m2m"}, "", "-vf format=yuv420p -c:v h264_v4l2m2m -b:v 6220800"},
		{OutOptions{Codec: "h264_rkmpp"}, "", "-vf format=nv12 -c:v h264_rkmpp -rc_mode CQP -qp_init 21"},
		{OutOptions{Codec: "h264_vaapi", CRF: 23.5}, "-init_hw_device vaapi=hw:/dev/dri/renderD128 -filter_hw_device hw", "-vf format=nv12,hwupload -c:v h264_vaapi -bf 0 -rc_mode CQP -qp 24"},
		{OutOptions{Codec: "h264_vaapi", LowPower: true}, "-init_hw_device vaapi=hw:/dev/dri/renderD128 -filter_hw_device hw", "-vf format=nv12,hwupload -c:v h264_vaapi -low_power 1 -bf 0 -rc_mode CQP -qp 21"},
		{OutOptions{Codec: "h264_qsv"}, "", "-vf format=nv12 -c:v h264_qsv -preset medium -bf 0 -global_quality 21"},
		{OutOptions{Codec: "h264_other", CRF: 20}, "", "-vf format=yuv420p -c:v h264_other -crf 20"},
	} {
		l.o.Size, l.o.Rate = image.Pt(1920, 1080), Rational{30, 1}
		if err := l.o.defaults(); err != nil {
			t.Fatal(err)
		}
		c := codecOf(l.o.Codec)
		if got := strings.Join(c.setup("/dev/dri/renderD128"), " "); got != l.setup {
			t.Errorf("%s is set up with %s", l.o.Codec, got)
		}
		if got := strings.Join(c.fileArgs(l.o), " "); got != l.file {
			t.Errorf("%s:\n%s\nwant\n%s", l.o.Codec, got, l.file)
		}
	}
}

// TestTryEncoder: libx264 works, an encoder that this ffmpeg does not know does not.
func TestTryEncoder(t *testing.T) {
	needFFmpeg(t)
	if err := TryEncoder(testContext(t), OutOptions{Codec: "libx264", Preset: "ultrafast", Size: image.Pt(321, 97)}); err != nil {
		t.Error(err)
	}
	var exit *ExitError
	if err := TryEncoder(testContext(t), OutOptions{Codec: "h264_none"}); !errors.As(err, &exit) || !strings.Contains(exit.Text, "h264_none") {
		t.Error(err)
	}
}
