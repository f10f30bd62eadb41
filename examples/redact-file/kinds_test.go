package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKinds redacts one recording or picture of each kind, as a folder: every frame
// comes out, and nothing is called damaged.
func TestKinds(t *testing.T) {
	needFFmpeg(t)
	in, out := t.TempDir(), t.TempDir()
	source := func(size, rate string) []string {
		return []string{"-f", "lavfi", "-i", "testsrc2=size=" + size + ":rate=" + rate + ":duration=1"}
	}
	x264 := []string{"-c:v", "libx264", "-pix_fmt", "yuv420p"}
	odd := []string{"-f", "lavfi", "-i", "testsrc=size=193x129:rate=1:duration=1", "-frames:v", "1"}
	kinds := map[string]struct {
		args   []string
		frames uint64
	}{
		"a.h264": {append(source("192x128", "25"), x264...), 25},
		"b.265":  {append(source("192x128", "25"), "-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"), 25},
		"c.dv":   {append(source("720x576", "25"), "-target", "pal-dv"), 25},
		"d.vob":  {append(source("720x576", "25"), "-target", "pal-dvd"), 25},
		"e.insv": {append(append(source("192x128", "30"), x264...), "-f", "mp4"), 30},
		"f.m2ts": {append(append(source("192x128", "30"), x264...), "-mpegts_m2ts_mode", "1"), 30},
		"g.jpg":  {odd, 1},
		"h.png":  {odd, 1},
		"i.webp": {odd, 1},
		"j.mp4":  {append(append(source("192x128", "1000"), x264...), "-frames:v", "100"), 100},
	}
	for name, k := range kinds {
		ff(t, append(k.args, filepath.Join(in, name))...)
	}
	rep := filepath.Join(t.TempDir(), "r.json")
	p := write(t, filepath.Join(t.TempDir(), "p.json"), closedPolicy)
	if code, said := runProgram(t, "-in", in, "-out", out, "-policy", p, "-report", rep); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	data, err := os.ReadFile(rep)
	if err != nil {
		t.Fatal(err)
	}
	var rs []report
	if err := json.Unmarshal(data, &rs); err != nil || len(rs) != len(kinds) {
		t.Fatalf("%d reports: %v", len(rs), err)
	}
	for _, r := range rs {
		name := filepath.Base(r.Input)
		if want := kinds[name].frames; r.Frames.Out != want || strings.Contains(strings.Join(r.Warnings, " "), "damaged") {
			t.Errorf("%s: %d frames out, want %d; %q", name, r.Frames.Out, want, r.Warnings)
		}
		if kinds[name].frames == 1 {
			if got := probe(t, r.Output, "stream=width,height"); !strings.Contains(got, "width=193\nheight=129\n") {
				t.Errorf("%s: %s", name, got)
			}
			if filepath.Base(r.Output) != name {
				t.Errorf("%s became %s", name, r.Output)
			}
			continue
		}
		if got := probe(t, r.Output, "stream=codec_name"); !strings.Contains(got, "h264") || filepath.Ext(r.Output) != ".mp4" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestDamageIsSkipped: of a recording with a long stretch of damage the rest comes
// out, and what is lost is counted and told.
func TestDamageIsSkipped(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ts")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30:duration=6", "-vf", "noise=alls=20:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "3M", in)
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	const packet = 188
	n := len(data) / packet
	var kept []byte
	for i := range n {
		if i > n/3 && i < n*2/3 && i%7 == 3 {
			continue
		}
		kept = append(kept, data[i*packet:(i+1)*packet]...)
	}
	write(t, in, string(kept))
	rep := filepath.Join(dir, "r.json")
	code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "o.mp4"), "-policy", write(t, filepath.Join(dir, "p.json"), closedPolicy), "-report", rep)
	if code != exitDone || !strings.Contains(said, "damaged and left out") {
		t.Fatalf("exit code %d: %s", code, said)
	}
	var r report
	if data, err = os.ReadFile(rep); err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil || r.Frames.Lost < 31 || r.Frames.Out < 100 || r.Frames.Out+r.Frames.Lost > 181 || len(r.Warnings) != 1 {
		t.Errorf("%v, frames %+v, warnings %q", err, r.Frames, r.Warnings)
	}
}

// TestTracksAreNamed: what of a recording is left out is said, and can be chosen.
func TestTracksAreNamed(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.mkv")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=192x128:rate=10:duration=1", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1",
		"-map", "0", "-map", "1", "-c:v", "libx264", in)
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	for _, tt := range []struct{ track, width, named string }{{"1", "width=192", "2 (h264, 96x64)"}, {"2", "width=96", "1 (h264, 192x128)"}} {
		out := filepath.Join(dir, "o"+tt.track+".mp4")
		code, said := runProgram(t, "-in", in, "-out", out, "-policy", p, "-track", tt.track)
		if code != exitDone || !strings.Contains(said, tt.named) || !strings.Contains(said, "-track") {
			t.Fatalf("track %s: exit code %d: %s", tt.track, code, said)
		}
		if got := probe(t, out, "stream=width"); !strings.Contains(got, tt.width) {
			t.Errorf("track %s: %s", tt.track, got)
		}
	}
	if code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "o3.mp4"), "-policy", p, "-track", "3"); code != exitUsage {
		t.Errorf("track 3: exit code %d: %s", code, said)
	}
	if code, said := runProgram(t, "-in", in, "-out", filepath.Join(dir, "o.jpg"), "-policy", p); code != exitUsage || !strings.Contains(said, ".mp4") {
		t.Errorf("a recording as a picture: exit code %d: %s", code, said)
	}
}

// TestPictureMetadata: nothing of a picture's EXIF comes out, and the picture is
// upright.
func TestPictureMetadata(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jpg"), filepath.Join(dir, "out.jpg")
	ff(t, "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=1:duration=1", "-frames:v", "1", in)
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	// Turned clockwise by 90 degrees, taken with a "SECRET".
	exif := "\xff\xe1\x00\x35Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02\x01\x0f\x00\x02\x00\x00\x00\x07\x00\x00\x00\x26" +
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00SECRET\x00"
	write(t, in, string(data[:2])+exif+string(data[2:]))
	p := write(t, filepath.Join(dir, "p.json"), closedPolicy)
	if code, said := runProgram(t, "-in", in, "-out", out, "-policy", p); code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if data, err = os.ReadFile(out); err != nil || bytes.Contains(data, []byte("SECRET")) || bytes.Contains(data, []byte("Exif")) {
		t.Errorf("metadata: %v", err)
	}
	if got := probe(t, out, "stream=width,height"); !strings.Contains(got, "width=96\nheight=160\n") {
		t.Errorf("got %s", got)
	}
}
