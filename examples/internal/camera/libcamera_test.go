package camera

import (
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// fakeRpicam puts a program rpicam-vid alone into PATH. It notes its arguments and its
// environment, and then does what the script says.
func fakeRpicam(t *testing.T, script string) (notes string) {
	t.Helper()
	dir := t.TempDir()
	notes = filepath.Join(dir, "notes")
	text := fmt.Sprintf("#!/bin/sh\n{ echo \"$@\"; echo \"secret=$HEDGE_TEST_SECRET\"; } > %s\n%s\n", notes, script)
	if err := os.WriteFile(filepath.Join(dir, rpicam), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	return notes
}

// TestLibcamera: pictures of rpicam-vid arrive sample for sample; the program gets the options
// and no environment, and ends with the source.
func TestLibcamera(t *testing.T) {
	// 256x48: Y is 40, Cb 90, Cr 170; and the number of the process, to see it end.
	planes := `/bin/echo $$ > "$0.pid"
plane() { /usr/bin/head -c $1 /dev/zero | /usr/bin/tr '\0' "$2"; }
while :; do plane 12288 '\050'; plane 3072 '\132'; plane 3072 '\252'; done`
	t.Setenv("HEDGE_TEST_SECRET", "hunter2")
	notes := fakeRpicam(t, planes)
	s, err := Open("libcamera:1", Options{Size: image.Pt(300, 49), Rate: 25})
	if err != nil {
		t.Fatal(err)
	}
	var b pipeline.Buffer
	for range 5 {
		if err := s.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		pic := b.Resize(256, 48)
		for i, v := range pic.Y {
			if v != 40 {
				t.Fatalf("luma %d is %d", i, v)
			}
		}
		for i := range pic.Cb {
			if pic.Cb[i] != 90 || pic.Cr[i] != 170 {
				t.Fatalf("chroma %d is %d, %d", i, pic.Cb[i], pic.Cr[i])
			}
		}
	}
	closeIt(t, s)
	got, err := os.ReadFile(notes)
	// rpicam-vid(1): raw 4:2:0 on the standard output, without a preview and without an end.
	want := "--camera 1 --codec yuv420 --width 256 --height 48 --framerate 25 --timeout 0 --nopreview --verbose 0 --flush --output -\nsecret=\n"
	if err != nil || string(got) != want {
		t.Errorf("it was started with %q, %v", got, err)
	}
	pid, err := os.ReadFile(filepath.Join(filepath.Dir(notes), rpicam+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); err == nil {
		t.Error("the program goes on")
	}
}

// TestLibcameraFaults: a missing program is an error at once that says what to install; one that
// ends is told with its last words, and started again.
func TestLibcameraFaults(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	s, err := Open("libcamera:0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Read(t.Context(), &pipeline.Buffer{}); !errors.Is(err, ErrNoRpicam) || err.Error() != "libcamera:0: "+ErrNoRpicam.Error() {
		t.Error(err)
	}
	closeIt(t, s)

	for script, want := range map[string]string{
		`echo "first"; echo "ERROR: *** no cameras available ***" >&2; exit 1`: "rpicam-vid has ended: ERROR: *** no cameras available ***",
		`exit 0`: "rpicam-vid has ended: it gave no reason",
	} {
		fakeRpicam(t, script)
		c, err := openLibcamera(t.Context(), 0, Options{Size: image.Pt(128, 48), Rate: 30})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Read(t.Context(), &pipeline.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"libcamera:", "libcamera:x", "libcamera:-1"} {
		if _, err := Open(name, Options{}); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), "--list-cameras") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
