package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

// TestEncoderNamed: log, page and metrics name the encoder. One that fails is replaced, an
// event says so, and the recording goes on.
func TestEncoderNamed(t *testing.T) {
	source := "file:" + clip(t)
	ffmpegtest.Install(t, ffmpegtest.DiesAtFirst)
	a, log := start(t, "-source", source, "-record", filepath.Join(t.TempDir(), "recordings"), "-encoder", encoder.Default().Name)
	c := newClient(t, a)
	page := func() string {
		var s status
		_, body := c.ask(t, "GET", "/status", a.token)
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		return s.Encoder
	}
	own := encoder.Default().Name
	if !strings.Contains(log.String(), `"encoder"`) || page() != own {
		t.Errorf("the page names %q, the log says %s", page(), log)
	}
	a.broadcaster.UseEncoder(encoder.Process("vaapi", "libopenh264", time.Minute))
	const event = "vaapi has failed, and "
	eventually(t, "the event", func() bool { return strings.Contains(log.String(), event) })
	if !strings.Contains(log.String(), event+own+" encodes from now on: ") || !strings.Contains(log.String(), "Failed to encode the first picture") {
		t.Errorf("the log says %s", log)
	}
	frames := a.broadcaster.Stats().Frames
	eventually(t, "the stream goes on", func() bool { return a.broadcaster.Stats().Frames > frames+5 })
	if strings.Count(log.String(), event) != 1 || page() != own {
		t.Errorf("the page names %q, the log says %s", page(), log)
	}
	if _, metrics := c.ask(t, "GET", "/metrics", a.token); !strings.Contains(metrics, `hedge_encoder{name="`+own+`"} 1`) {
		t.Error("the metrics do not name the encoder")
	}
}

// TestEncoderMissing: an encoder that was asked for and is not there keeps the program from
// starting, with a line that says what to do.
func TestEncoderMissing(t *testing.T) {
	ffmpegtest.Install(t, ffmpegtest.Refuses)
	var out, errs safeBuffer
	args := []string{"-policy", filepath.Join(t.TempDir(), "policy.json"), "-networks", "none", "-rtsp", "off", "-listen", "127.0.0.1:0", "-source", "file:encoder_test.go", "-encoder", "openh264"}
	if encoder.Default().Name == "openh264" {
		t.Skip("OpenH264 is part of this program")
	}
	if code := run(context.Background(), args, nil, &out, &errs); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, part := range []string{"openh264", "Could not find a valid device", "-encoder auto takes what works"} {
		if !strings.Contains(errs.String(), part) {
			t.Errorf("%q is not in %s", part, errs.String())
		}
	}
}
