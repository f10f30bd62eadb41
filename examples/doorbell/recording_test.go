package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/live"
)

// TestFolderTaken: a second program that is to record into the folder of the first one does
// not start, says why and what to do, and can be started again.
func TestFolderTaken(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "recordings")
	source := "file:" + clip(t)
	start(t, "-source", source, "-record", dir)
	var out safeBuffer
	policy := filepath.Join(t.TempDir(), "policy.json")
	args := []string{"-source", source, "-policy", policy, "-networks", "none", "-listen", "127.0.0.1:0", "-rtsp", "off", "-record", dir}
	code := run(t.Context(), args, nil, &out, &out)
	if text := out.String(); code != live.ExitFailed || !strings.Contains(text, dir+": another camera or program records into it: end that, or name another folder") {
		t.Errorf("exit code %d: %s", code, text)
	}
}

// TestRecorderHealth: while nothing can be recorded, health, metrics, page and
// MQTT's problem say so, and they stop to when it works again.
func TestRecorderHealth(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "recordings")
	a, _ := start(t, "-source", "file:"+clip(t), "-record", dir, "-preset", "doorbell", "-ring-for", "10m")
	c := newClient(t, a)
	says := func(failing bool) {
		t.Helper()
		code, text := 200, "ok"
		if failing {
			code, text = 503, "failing"
		}
		eventually(t, "health "+text, func() bool {
			got, body := c.ask(t, "GET", "/healthz", "")
			return got == code && strings.TrimSpace(body) == text
		})
		_, metrics := c.ask(t, "GET", "/metrics", a.token)
		if want := "hedge_recording_failing " + map[bool]string{true: "1", false: "0"}[failing]; !strings.Contains(metrics, want+"\n") {
			t.Errorf("metrics without %s", want)
		}
		var s status
		_, body := c.ask(t, "GET", "/status", a.token)
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		if s.Recording == nil || (s.Recording.Problem != "") != failing || strings.Contains(s.Alert, "Nothing is recorded") != failing ||
			(s.Kind == "bad" && s.State == "not recording") != failing {
			t.Errorf("failing %v: the page is told %s", failing, body)
		}
		if m := a.mqttState(); m.Problem != failing || m.RecordingProblem != failing {
			t.Errorf("failing %v: MQTT is told %+v", failing, m)
		}
	}
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 10 })
	says(false)
	// A disk on which no file can be made.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	a.bell.ring()
	says(true)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	says(false)
	if files, err := filepath.Glob(filepath.Join(dir, "*.mp4")); err != nil || len(files) == 0 {
		t.Errorf("recordings: %q, %v", files, err)
	}
}
