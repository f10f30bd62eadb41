package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// TestProgressOfBothPasses: progress goes once over both passes, also where the first one has
// little to do, or nothing.
func TestProgressOfBothPasses(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := clip(t, filepath.Join(dir, "in.mp4")) // ten pictures
	known := byHand(t, in, filepath.Join(dir, "e.jsonl"), 10)
	for name, c := range map[string]struct{ evidence, policy string }{
		"the networks look":                       {"", foundPolicy},
		"evidence, and the background is learned": {known, foundPolicy},
		"evidence alone":                          {known, solidPolicy},
	} {
		policy, err := redact.ParsePolicy([]byte(c.policy))
		if err != nil {
			t.Fatal(err)
		}
		all := []detect.Class{detect.Face, detect.Person, detect.Plate, detect.Vehicle}
		set := &networks.Set{Detectors: []detect.Detector{detecttest.New(detect.Classes(all...), detecttest.Find())}, Models: []models.Model{{Name: "one"}}}
		for _, k := range all {
			set.Models[0].Classes = append(set.Models[0].Classes, models.Class{Class: k})
		}
		j := job{options: options{networks: "one", every: 1, track: 1}, policy: policy, set: set, stderr: &bytes.Buffer{}, encoder: x264,
			file: file{in: in, out: filepath.Join(t.TempDir(), "o.mp4"), evidence: c.evidence}}
		src, err := ffmpeg.Open(t.Context(), in, ffmpeg.Options{Track: 1})
		if err != nil {
			t.Fatal(err)
		}
		enc, err := j.create(t.Context(), src.Info())
		if err != nil {
			t.Fatal(err)
		}
		out := &output{enc: enc, encoder: x264}
		stats, err := j.redact(t.Context(), src, out, &report{})
		if err != nil || stats.FramesOut != 10 {
			t.Fatalf("%s: %d pictures, %v", name, stats.FramesOut, err)
		}
		if p := out.progress; p.total != 20 || p.done != 20 {
			t.Errorf("%s: %d of %d steps are done", name, p.done, p.total)
		}
		if err := firstError(enc.Close(), src.Close(), set.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestTrackSheet: the sheet has a track's outline where somebody was found, and within it
// what hides them, and nothing of the recording.
func TestTrackSheet(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mp4")
	ff(t, "-f", "lavfi", "-i", "color=c=blue:size=192x128:rate=10:duration=1", in)
	ev := byHand(t, in, filepath.Join(dir, "e.jsonl"), 10)
	sheet := filepath.Join(dir, "t.png")
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "o.mp4"), "-policy", write(t, filepath.Join(dir, "p.json"), solidPolicy),
		"-evidence", ev, "-tracks", sheet)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pic, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(pic.At(x, y)).(color.RGBA) }
	var outline image.Rectangle
	n := 0
	for y := range pic.Bounds().Dy() {
		for x := range pic.Bounds().Dx() {
			if at(x, y) == (color.RGBA{255, 200, 0, 255}) {
				outline = outline.Union(image.Rect(x, y, x+1, y+1))
				n++
			}
		}
	}
	// In the middle of the recording the person is at 36,40 to 60,100, the picture is drawn
	// 320 pixels wide for 192, and lies 4 pixels into the sheet.
	want := image.Rect(64, 71, 104, 171)
	for _, d := range []image.Point{outline.Min.Sub(want.Min), outline.Max.Sub(want.Max)} {
		if max(d.X, -d.X, d.Y, -d.Y) > 12 {
			t.Fatalf("the outline is at %v, the person at %v", outline, want)
		}
	}
	if around := 2 * (outline.Dx() + outline.Dy()); n < around || n > 3*around {
		t.Errorf("%d pixels of the outline %v are drawn", n, outline)
	}
	within := outline.Inset(4)
	grey := at(within.Min.X, within.Min.Y)
	if max(grey.R, grey.G, grey.B)-min(grey.R, grey.G, grey.B) > 2 {
		t.Errorf("the person is hidden by %v, which is no grey", grey)
	}
	for y := within.Min.Y; y < within.Max.Y; y++ {
		for x := within.Min.X; x < within.Max.X; x++ {
			if at(x, y) != grey {
				t.Fatalf("%v at %d,%d, where %v hides the person", at(x, y), x, y, grey)
			}
		}
	}
}
