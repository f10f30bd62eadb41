package main

import (
	"bytes"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// textured returns a picture with detail everywhere.
func textured(size image.Point) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	p := make([]byte, size.X*size.Y)
	for i := range p {
		p[i] = byte(60 + rng.IntN(120))
	}
	return p
}

// TestGone hides a known part of a box.
func TestGone(t *testing.T) {
	size := image.Pt(128, 96)
	in := textured(size)
	area := image.Rect(16, 16, 96, 80)
	for _, c := range []struct {
		name  string
		cover image.Rectangle
		want  float64
	}{
		{"nothing", image.Rectangle{}, 0},
		{"all", area, 1},
		{"half", image.Rect(16, 16, 56, 80), 0.5},
		{"beside", image.Rect(96, 0, 128, 96), 0},
	} {
		out := bytes.Clone(in)
		for y := c.cover.Min.Y; y < c.cover.Max.Y; y++ {
			for x := c.cover.Min.X; x < c.cover.Max.X; x++ {
				out[y*size.X+x] = 112
			}
		}
		if share, ok := gone(in, out, size, area); !ok || share != c.want {
			t.Errorf("%s hidden: share %v, %v, want %v", c.name, share, ok, c.want)
		}
	}
}

// TestVisible: what encoders do is visible, what fills do is not.
func TestVisible(t *testing.T) {
	in := textured(image.Pt(side, side))
	change := func(f func(v int) int) []byte {
		out := make([]byte, len(in))
		for i, v := range in {
			out[i] = byte(min(max(f(int(v)), 0), 255))
		}
		return out
	}
	for name, c := range map[string]struct {
		out  []byte
		want bool
	}{
		"same":       {in, true},
		"lighter":    {change(func(v int) int { return v + 30 }), true},
		"coarser":    {change(func(v int) int { return v / 16 * 16 }), true},
		"one colour": {change(func(int) int { return 112 }), false},
		"faint":      {change(func(v int) int { return 112 + (v-112)/5 }), false},
	} {
		if seen, judged := visible(in, c.out, side); !judged || seen != c.want {
			t.Errorf("%s: visible %v (judged %v), want %v", name, seen, judged, c.want)
		}
	}
	slope := make([]byte, side*side)
	for i := range slope {
		slope[i] = byte(20 + 12*(i%side) + 7*(i/side))
	}
	for _, even := range [][]byte{bytes.Repeat([]byte{90}, side*side), slope} {
		if _, judged := visible(even, in, side); judged {
			t.Error("a cell without detail was judged")
		}
	}
}

// TestTally follows one track that leaks for two frames.
func TestTally(t *testing.T) {
	size := image.Pt(64, 64)
	in := textured(size)
	hidden := bytes.Repeat([]byte{112}, len(in))
	counts := map[string]*count{}
	boxes := []box{{"person", 3, image.Rect(8, 8, 40, 40)}}
	for _, out := range [][]byte{hidden, in, in, hidden} {
		tally(counts, in, out, size, boxes)
	}
	finish(counts)
	c := counts["person"]
	if c.Boxes != 4 || c.Leaked != 2 || c.Rate != 0.5 || c.Tracks != 1 || c.TracksLeaking != 1 || c.LongestRun != 2 {
		t.Errorf("%+v", c)
	}
	if h, all := outside(in, hidden, size, boxes); all != 64-16 || h != all {
		t.Errorf("outside: %d of %d, want 48 of 48", h, all)
	}
	if limit("face") != 0.9 || limit("plate") != 0.9 || limit("head") != 0.8 {
		t.Error("limits are not those of bench/leak")
	}
}

func TestBadInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	for text, want := range map[string]string{
		"{\n":                           "line 1",
		`{"frame": 0, "boxes": []}`:     "frames count from 1",
		`{"frame": "one", "boxes": []}`: "line 1",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readLabels(path, 10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	text := `{"frame": 1, "boxes": [{"class":"face","x":1.5,"y":2,"w":3,"h":4,"track":7},{"class":"face","x":0,"y":0,"w":0,"h":4},{"class":"face","x":0,"y":0,"w":4,"h":4,"ignore":true}]}
{"frame": 2, "labelled": false, "boxes": [{"class":"face","x":1,"y":2,"w":3,"h":4}]}
{"frame": 11, "boxes": [{"class":"face","x":1,"y":2,"w":3,"h":4}]}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := readLabels(path, 10)
	if err != nil || len(got) != 1 || len(got[1]) != 1 || got[1][0] != (box{"face", 7, image.Rect(1, 2, 5, 6)}) {
		t.Errorf("labels %v, %v", got, err)
	}
	for _, args := range [][]string{{"-frames", "3"}, {"-data", ""}, {"x"}, {"-data", t.TempDir()}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

// TestStart: a program that fails is a result, one that is not there an error.
func TestStart(t *testing.T) {
	c, err := start(t.Context(), []string{"sh", "-c", "echo first; echo last words >&2; exit 3"})
	if err != nil || c.exit != 3 || c.said != "last words" || c.wall <= 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := start(t.Context(), []string{filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a program that is not there was no error")
	}
}

// TestProbe finds sound and metadata, and counts frames.
func TestProbe(t *testing.T) {
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("ffprobe is not installed: run `make setup`")
	}
	dir := t.TempDir()
	with, without := filepath.Join(dir, "with.mp4"), filepath.Join(dir, "without.mp4")
	if err := ffmpeg(t.Context(), "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5:duration=1", "-f", "lavfi", "-i", "sine=duration=1",
		"-metadata", "title="+secretTitle, "-metadata", "location="+secretPlace, with); err != nil {
		t.Fatal(err)
	}
	if err := ffmpeg(t.Context(), "-i", with, "-an", "-map_metadata", "-1", without); err != nil {
		t.Fatal(err)
	}
	p, err := probe(t.Context(), with)
	if err != nil || p.frames != 5 || !p.sound || len(p.secrets) < 2 || p.size != image.Pt(64, 48) {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = probe(t.Context(), without)
	if err != nil || p.frames != 5 || p.sound || len(p.secrets) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := probe(t.Context(), filepath.Join(dir, "none.mp4")); err == nil {
		t.Error("a file that is not there was no error")
	}
}

// TestCompare: the same file leaks, the same file in grey does not.
func TestCompare(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed: run `make setup`")
	}
	c := &clip{name: "test", path: filepath.Join(t.TempDir(), "a.mp4"), size: image.Pt(96, 64), frames: 3, labels: map[int][]box{}}
	if err := ffmpeg(t.Context(), "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=3:duration=1", c.path); err != nil {
		t.Fatal(err)
	}
	for f := range 3 {
		c.labels[f+1] = []box{{"face", 1, image.Rect(0, 0, 96, 64)}}
	}
	shown, _, err := compare(t.Context(), c, c.path, nil)
	if err != nil || shown["face"].Leaked != 3 {
		t.Errorf("shown: %+v, %v", shown["face"], err)
	}
	hidden, _, err := compare(t.Context(), c, c.path, func(_ int, luma []byte) {
		for i := range luma {
			luma[i] = 112
		}
	})
	if err != nil || hidden["face"].Boxes != 3 || hidden["face"].Leaked != 0 {
		t.Errorf("hidden: %+v, %v", hidden["face"], err)
	}
}

func TestDamage(t *testing.T) {
	data := make([]byte, 10000)
	damage(data)
	changed := 0
	for i, v := range data {
		if v != 0 {
			changed++
			if i < 4000 || i >= 7000 {
				t.Fatalf("byte %d was changed", i)
			}
		}
	}
	if changed < 2900 {
		t.Errorf("%d bytes changed", changed)
	}
	damage(nil)
}
