package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// TestEncoder: the report names the encoder. One that fails in the midst is replaced by
// x264 with the whole file, and one that does not work at all is refused with the way out.
// None leaves anything behind.
func TestEncoder(t *testing.T) {
	needFFmpeg(t)
	source := clip(t, filepath.Join(t.TempDir(), "in.mp4"))
	for _, tt := range []struct {
		fake    ffmpegtest.Fake
		code    int
		says    string
		encoder string
	}{
		{ffmpegtest.Works, exitDone, "", "openh264"},
		{ffmpegtest.Dies, exitDone, "the encoder openh264 has failed, and the file is begun anew with x264", "x264"},
		{ffmpegtest.Refuses, exitUsage, "Could not find a valid device", ""},
		{ffmpegtest.DiesAtFirst, exitUsage, "Failed to encode the first picture", ""},
		{ffmpegtest.Garbage, exitUsage, "no H.264", ""},
	} {
		t.Run(string(tt.fake), func(t *testing.T) {
			dir := t.TempDir()
			policy := write(t, filepath.Join(t.TempDir(), "policy.json"), closedPolicy)
			ffmpegtest.Install(t, tt.fake)
			out, report := filepath.Join(dir, "out.mp4"), filepath.Join(dir, "report.json")
			code, said := runProgram(t, "-in", source, "-out", out, "-policy", policy, "-networks", "none", "-encoder", "openh264", "-report", report)
			if code != tt.code || !strings.Contains(said, tt.says) {
				t.Fatalf("exit code %d: %s", code, said)
			}
			if tt.encoder == "" {
				if !strings.Contains(said, "-encoder auto takes what works") || len(remains(t, dir)) != 0 {
					t.Errorf("left behind %q: %s", remains(t, dir), said)
				}
				return
			}
			var rep writtenReport
			data, err := os.ReadFile(report)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &rep); err != nil {
				t.Fatal(err)
			}
			if rep.Encoder != tt.encoder || strings.Contains(strings.Join(rep.Warnings, ""), "begun anew") != (tt.says != "") {
				t.Errorf("the report says %s", data)
			}
			if got := probe(t, out, "stream=codec_name,nb_frames"); got != "codec_name=h264\nnb_frames=10\n" {
				t.Errorf("the output has %q", got)
			}
			if names := remains(t, dir); len(names) != 2 {
				t.Errorf("left behind %q", names)
			}
		})
	}
}

// writtenReport is the part of a report that names the encoder.
type writtenReport struct {
	Encoder  string   `json:"encoder"`
	Warnings []string `json:"warnings"`
}

// TestChooseEncoder: auto takes the first that works, hardware before software, and says why
// others were left out; nothing works, and it says what to install.
func TestChooseEncoder(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name, works, want, left, fails string
	}{
		{"auto", "rkmpp vaapi x264", "rkmpp", "", ""},
		{"auto", "vaapi-low x264", "vaapi", "v4l2m2m: broken", ""},
		{"auto", "x264", "x264", "v4l2m2m: broken", ""},
		{"auto", "openh264", "openh264", "x264: broken", ""},
		{"auto", "", "", "", "no encoder for H.264 works here"},
		{"x264", "", "x264", "", ""}, // it is not tried
		{"qsv", "x264", "", "", "-encoder qsv does not work here: broken; it needs /dev/dri/renderD*"},
		{"vaapi", "vaapi-low", "vaapi", "", ""},
	} {
		var tried []string
		e, left, err := chooseEncoder(t.Context(), tt.name, func(_ context.Context, e fileEncoder) error {
			name := e.name
			if e.lowPower {
				name += "-low"
			}
			tried = append(tried, name)
			for _, w := range strings.Fields(tt.works) {
				if w == name {
					return nil
				}
			}
			if name == "rkmpp" {
				return fs.ErrNotExist
			}
			return broken
		})
		if e.name != tt.want || !strings.Contains(strings.Join(left, " "), tt.left) || strings.Contains(strings.Join(left, " "), "rkmpp") {
			t.Errorf("%s with %q: %v, left out %q", tt.name, tt.works, e, left)
		}
		if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s with %q: %v", tt.name, tt.works, err)
		}
		if tt.name == "x264" && len(tried) != 0 {
			t.Errorf("x264 was tried: %q", tried)
		}
	}
	if code, said := runProgram(t, "-in", "a", "-out", "b.mp4", "-policy", "c", "-encoder", "nvenc"); code != exitUsage || !strings.Contains(said, "must be one of auto, rkmpp, v4l2m2m, vaapi, qsv, x264, openh264") {
		t.Errorf("exit code %d: %s", code, said)
	}
}
