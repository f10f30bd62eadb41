package filedriver_test

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/pipeline/mediadev/filedriver"
)

// TestDriver: open, read, close and open again, as the manager does it.
func TestDriver(t *testing.T) {
	id := recording(t, ffmpeg.Options{})
	if _, err := filedriver.Register(t.Name(), "other.y4m", ffmpeg.Options{}); err == nil {
		t.Error("a second camera with the same label was taken")
	}
	ds := driver.GetManager().Query(driver.FilterID(id))
	if len(ds) != 1 || ds[0].Info().DeviceType != driver.Camera {
		t.Fatalf("the manager has %d of it", len(ds))
	}
	d := ds[0]
	if _, err := d.(driver.VideoRecorder).VideoRecord(prop.Media{}); err == nil {
		t.Error("it records while it is closed")
	}
	for range 2 {
		if err := d.Open(); err != nil {
			t.Fatal(err)
		}
		ps := d.Properties()
		if len(ps) != 1 || ps[0].Width != width || ps[0].Height != height || ps[0].FrameRate != 25 || ps[0].DeviceID != id {
			t.Fatalf("properties %v", ps)
		}
		r, err := d.(driver.VideoRecorder).VideoRecord(ps[0])
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			img, release, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Dx() != width {
				t.Errorf("picture %v", img.Bounds())
			}
			release()
		}
		for range 2 {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, _, err := r.Read(); !errors.Is(err, io.EOF) {
			t.Errorf("after Close: %v", err)
		}
	}
	missing := filedriver.New(filepath.Join(t.TempDir(), "none.mp4"), ffmpeg.Options{})
	if err := missing.Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	if _, err := missing.VideoRecord(prop.Media{}); !errors.Is(err, filedriver.ErrNotOpen) {
		t.Errorf("not open: %v", err)
	}
}
