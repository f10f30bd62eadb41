package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAddress: what is secret in an address is neither in the report nor in what
// is said, whether the recording can be read or not, and whatever there is to warn of.
func TestAddress(t *testing.T) {
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.json")
	if err := os.WriteFile(policy, []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	clip(t, filepath.Join(dir, "clip.mp4"))
	// Two video tracks, interlaced, and by its transfer with high dynamic range.
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=1", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1",
		"-map", "0", "-map", "1", "-vf", "setfield=tff", "-flags", "+ilme+ildct", "-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc", filepath.Join(dir, "two.mkv"))
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for path, code := range map[string]int{"/clip.mp4": exitDone, "/two.mkv": exitDone, "/missing.mp4": exitFailed} {
		var said strings.Builder
		report := filepath.Join(dir, filepath.Base(path)+".json")
		in := strings.Replace(server.URL, "//", "//us%40er:pa%2Fss-word@", 1) + path + "?token=t0ken-of-it"
		got := run(t.Context(), []string{"-in", in, "-out", filepath.Join(dir, "out-"+filepath.Base(path)+".mp4"), "-policy", policy, "-report", report}, &said)
		data, err := os.ReadFile(report)
		if err != nil || got != code || !strings.Contains(string(data), server.URL+path) {
			t.Errorf("%s: exit code %d, %v: %s: %s", path, got, err, data, said.String())
		}
		for _, secret := range []string{"us%40er", "us@er", "pa%2F", "pa/ss", "t0ken"} {
			if strings.Contains(string(data)+said.String(), secret) {
				t.Errorf("%s: %s is in %s%s", path, secret, data, said.String())
			}
		}
		if told := strings.Count(string(data), server.URL+path); path == "/two.mkv" && told != 4 {
			t.Errorf("%d warnings: %s", told-1, data)
		}
	}
	var said strings.Builder
	if got := run(t.Context(), []string{"-in", "a.mp4", "https://us:pa-ss@nas/clip.mkv"}, &said); got != exitUsage || strings.Contains(said.String(), "pa-ss") {
		t.Errorf("without a flag: exit code %d: %s", got, said.String())
	}
}
