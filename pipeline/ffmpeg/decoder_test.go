package ffmpeg

import (
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// TestDecoderLines: what a decoder adds to the command line, and what it was held against.
// None was run on its hardware.
func TestDecoderLines(t *testing.T) {
	for _, l := range []struct{ name, codec, args, filters string }{
		{"software", "h264", "", ""},
		// ffmpeg-codecs(1) names h264_v4l2m2m and hevc_v4l2m2m; Frigate's presets for the
		// Raspberry Pi are these.
		{"v4l2m2m", "h264", "-c:v h264_v4l2m2m", ""},
		{"v4l2m2m", "hevc", "-c:v hevc_v4l2m2m", ""},
		// ffmpeg-rockchip's wiki, "Decoder": h264_rkmpp with pictures in drm_prime;
		// ffmpeg-filters(1), "hwdownload".
		{"rkmpp", "hevc", "-hwaccel rkmpp -hwaccel_output_format drm_prime -c:v hevc_rkmpp", "hwdownload,format=nv12|p010le"},
		// ffmpeg(1), "-hwaccel vaapi", and the wiki's "Hardware/VAAPI"; Frigate's and
		// go2rtc's presets have the same flag for profiles.
		{"vaapi", "h264", "-hwaccel vaapi -hwaccel_device  -hwaccel_output_format vaapi -hwaccel_flags allow_profile_mismatch", "hwdownload,format=nv12|p010le"},
		// Not for other kinds of video.
		{"vaapi", "mjpeg", "", ""},
		{"rkmpp", "", "", ""},
	} {
		if l.name == "vaapi" && HasDecoder(l.name) {
			continue // its device stands in the line
		}
		i := Info{Codec: l.codec}
		if err := i.decodeBy(l.name); err != nil {
			t.Fatal(err)
		}
		if args := strings.Join(i.decoder.args, " "); args != l.args || strings.Join(i.decoder.filters, ",") != l.filters {
			t.Errorf("%s for %s: %s, %v", l.name, l.codec, args, i.decoder.filters)
		}
		if want := map[bool]string{true: l.name, false: "software"}[l.args != ""]; i.Decoder != want {
			t.Errorf("%s for %s is called %s", l.name, l.codec, i.Decoder)
		}
		line := strings.Join(sourceArgs(input{kind: kindFile, arg: "file:a"}, Options{}, i), " ")
		if in := strings.Index(line, "-i file:a"); l.args != "" && (strings.Index(line, l.args) > in || !strings.Contains(line, "-vf "+l.filters)) {
			t.Errorf("%s: %s", l.name, line)
		}
	}
}

// TestDecoderOptions: a decoder that is not known, or whose device is not here, is refused by
// name.
func TestDecoderOptions(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=5:d=1", "-pix_fmt", "yuv420p")
	if _, err := Open(testContext(t), path, Options{Decoder: "cuda"}); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "software, v4l2m2m, rkmpp, vaapi") {
		t.Error(err)
	}
	for _, name := range Decoders() {
		if HasDecoder(name) {
			t.Logf("%s: this machine has such a device; left out", name)
			continue
		}
		if _, err := Open(testContext(t), path, Options{Decoder: name}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "decoder "+name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDecoderUnderstood: an installed ffmpeg that knows V4L2's decoder takes the line, up to
// the device, which is not here, and does not decode in software in secret.
func TestDecoderUnderstood(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=5:d=1", "-pix_fmt", "yuv420p")
	known, err := exec.Command("ffmpeg", "-hide_banner", "-decoders", "-hwaccels").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decoders {
		if word := map[string]string{"v4l2m2m": "h264_v4l2m2m", "rkmpp": "h264_rkmpp", "vaapi": "vaapi"}[d.name]; !strings.Contains(string(known), word) && d.name != "vaapi" || HasDecoder(d.name) {
			t.Logf("%s: not known to this ffmpeg, or there is one; left out", d.name)
			continue
		}
		withoutDevice(t, d.name)
		var exit *ExitError
		if _, err := Open(testContext(t), path, Options{Decoder: d.name}); !errors.As(err, &exit) || optionComplaint.MatchString(exit.Text) {
			t.Errorf("%s: %v", d.name, err)
		}
	}
}

// withoutDevice lets a decoder begin whose device is not here.
func withoutDevice(t *testing.T, name string) {
	t.Helper()
	for i := range decoders {
		if decoders[i].name == name {
			nodes := decoders[i].nodes
			decoders[i].nodes = nil
			t.Cleanup(func() { decoders[i].nodes = nodes })
		}
	}
}

// TestDecoderFails: a decoder that fails ends the source with an error, at the beginning or
// in the midst, and every picture before it is whole. One that gives nothing is waited for
// as long as the context says, and then ended.
func TestDecoderFails(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=25:d=6", "-pix_fmt", "yuv420p")
	withoutDevice(t, "vaapi")
	for fake, want := range map[ffmpegtest.Fake]struct {
		text     string
		pictures int
	}{
		ffmpegtest.Works: {"", 150}, ffmpegtest.Refuses: {"valid device", 0}, ffmpegtest.Busy: {"busy", 0},
		ffmpegtest.DiesAtFirst: {"first picture", 0}, ffmpegtest.Stalls: {"context canceled", 0}, ffmpegtest.Silent: {"context canceled", 0},
		ffmpegtest.Garbage: {"Invalid data", 0}, ffmpegtest.Dies: {"Failed to decode picture 101", ffmpegtest.After},
	} {
		t.Run(string(fake), func(t *testing.T) {
			still := ffmpegtest.Install(t, fake)
			ctx, cancel := context.WithCancel(testContext(t))
			defer cancel()
			if fake == ffmpegtest.Stalls || fake == ffmpegtest.Silent {
				go func() {
					if err := still(); err != nil {
						t.Error(err)
					}
					cancel()
				}()
			}
			s, err := Open(ctx, path, Options{Decoder: "vaapi"})
			n := 0
			if err == nil {
				if s.Info().Decoder != "vaapi" {
					t.Errorf("decoded by %s", s.Info().Decoder)
				}
				var b pipeline.Buffer
				for ; err == nil; n++ {
					err = s.Read(testContext(t), &b)
				}
				n--
				if cerr := s.Close(); cerr != nil {
					t.Error(cerr)
				}
			}
			if !strings.Contains(err.Error(), want.text) || n > want.pictures || fake == ffmpegtest.Works && n != want.pictures {
				t.Errorf("%d pictures, %v", n, err)
			}
		})
	}
}
