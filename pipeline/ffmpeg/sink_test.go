package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

var (
	_ pipeline.Sink     = (*Sink)(nil)
	_ pipeline.Finisher = (*Sink)(nil)
)

func create(t testing.TB, path string, o OutOptions) *Sink {
	t.Helper()
	needFFmpeg(t)
	s, err := Create(testContext(t), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// writeAll writes the pictures and finishes the file.
func writeAll(t testing.TB, s *Sink, all []picture) {
	t.Helper()
	ctx := testContext(t)
	frame := newFramer(t, s.opts.Size)
	for i, p := range all {
		f := frame(clone(p.pic), p.time)
		if err := s.Write(ctx, f); err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
	}
	if err := s.Finish(ctx); err != nil {
		t.Fatal(err)
	}
}

// still returns a picture whose samples depend on seed.
func still(w, h, seed int) *image.YCbCr {
	p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range p.Y {
		p.Y[i] = byte(16 + (i*7+i/w*5+seed*13)%220)
	}
	for i := range p.Cb {
		p.Cb[i] = byte(16 + (i*3+seed*5)%225)
		p.Cr[i] = byte(16 + (i*11+seed*3)%225)
	}
	return p
}

// stills returns n pictures, one every period.
func stills(w, h, n int, period time.Duration) []picture {
	var all []picture
	for i := range n {
		all = append(all, picture{pic: still(w, h, i), time: time.Duration(i) * period})
	}
	return all
}

// probeFile returns what ffprobe says about a file.
func probeFile(t testing.TB, path string) (res struct {
	Streams  []map[string]any `json:"streams"`
	Format   map[string]any   `json:"format"`
	Chapters []any            `json:"chapters"`
}) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_chapters", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &res); err != nil {
		t.Fatal(err)
	}
	return res
}

// folder lists a folder's files, those with a leading dot too.
func folder(t testing.TB, dir string) []string {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names
}

func TestRoundTripIsExact(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {2, 2}, {333, 211}, {160, 121}, {161, 120}, {320, 240}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.mp4")
			all := stills(size.X, size.Y, 12, 40*time.Millisecond)
			writeAll(t, create(t, path, OutOptions{Size: size, Lossless: true}), all)
			got := readAll(t, open(t, path, Options{}))
			if len(got) != len(all) {
				t.Fatalf("%d frames came back, want %d", len(got), len(all))
			}
			for i, g := range got {
				want := all[i].pic
				if g.pic.Rect != image.Rect(0, 0, even(size.X), even(size.Y)) {
					t.Fatalf("size %v", g.pic.Rect)
				}
				for y := range even(size.Y) {
					for x := range even(size.X) {
						wx, wy := min(x, size.X-1), min(y, size.Y-1)
						if g.pic.Y[y*g.pic.YStride+x] != want.Y[wy*want.YStride+wx] {
							t.Fatalf("frame %d: luma differs at %d,%d", i, x, y)
						}
					}
				}
				if !bytes.Equal(g.pic.Cb, want.Cb) || !bytes.Equal(g.pic.Cr, want.Cr) {
					t.Fatalf("frame %d: chroma differs", i)
				}
				if g.time != all[i].time {
					t.Errorf("frame %d at %v, want %v", i, g.time, all[i].time)
				}
			}
		})
	}
}

func TestSinkKeepsUnevenTimes(t *testing.T) {
	all := stills(64, 48, 30, 0)
	at := time.Duration(0)
	for i := range all {
		all[i].time = at
		// From 1 ms to 4 s, to the microsecond.
		at += time.Duration(1+i*i*i*37%4000)*time.Millisecond + time.Duration(i*371%1000)*time.Microsecond
	}
	path := filepath.Join(t.TempDir(), "out.mp4")
	writeAll(t, create(t, path, OutOptions{Size: image.Pt(64, 48)}), all)
	s := open(t, path, Options{})
	got := readAll(t, s)
	if len(got) != len(all) {
		t.Fatalf("%d frames, want %d", len(got), len(all))
	}
	for i := range got {
		if got[i].time != all[i].time {
			t.Errorf("frame %d at %v, want %v", i, got[i].time, all[i].time)
		}
	}
}

func TestRecordingKeepsItsTimeStamps(t *testing.T) {
	// Times in the source that are not a whole number of microseconds.
	src := makeVideo(t, "in.mkv", "testsrc2=s=160x120:r=30000/1001:d=3,select='not(between(mod(n\\,17)\\,3\\,7))'",
		"-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-pix_fmt", "yuv420p")
	mp4 := filepath.Join(t.TempDir(), "in.mp4")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=30000/1001:d=3,select='not(between(mod(n\\,17)\\,3\\,7))'",
		"-vsync", "passthrough", "-video_track_timescale", "30000", mp4)
	for _, in := range []string{src, mp4} {
		s := open(t, in, Options{})
		all := readAll(t, s)
		out := filepath.Join(t.TempDir(), "out.mp4")
		writeAll(t, create(t, out, s.Info().OutOptions()), all)
		o := open(t, out, Options{})
		got := readAll(t, o)
		if len(got) != len(all) || len(all) < 50 {
			t.Fatalf("%s: %d frames, want %d", in, len(got), len(all))
		}
		for i := range got {
			if got[i].time != all[i].time {
				t.Errorf("%s: frame %d at %v, want %v", in, i, got[i].time, all[i].time)
			}
		}
	}
}

func TestSinkFileIsFitForBrowsers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.mp4")
	all := stills(320, 240, 25, 40*time.Millisecond)
	o := OutOptions{Size: image.Pt(320, 240), SampleAspect: Rational{4, 3}, Color: Color{Matrix: "bt709", Primaries: "bt709", Transfer: "bt709"}}
	writeAll(t, create(t, path, o), all)
	res := probeFile(t, path)
	if len(res.Streams) != 1 || len(res.Chapters) != 0 {
		t.Fatalf("%d streams, %d chapters", len(res.Streams), len(res.Chapters))
	}
	for key, want := range map[string]any{
		"codec_name": "h264", "pix_fmt": "yuv420p", "profile": "High", "color_range": "tv", "color_space": "bt709",
		"color_primaries": "bt709", "color_transfer": "bt709", "sample_aspect_ratio": "4:3", "nb_frames": "25",
		"start_time": "0.000000", "duration": "1.000000", "avg_frame_rate": "25/1",
	} {
		if got := res.Streams[0][key]; got != want {
			t.Errorf("%s = %v, want %v", key, got, want)
		}
	}
	if level, _ := res.Streams[0]["level"].(float64); level > 21 {
		t.Errorf("level %v for 320x240 at 25 per second: the encoder took the time base for the rate", level)
	}
	checkBoxes(t, path)
}

// checkBoxes fails unless the index comes before the samples.
func checkBoxes(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var boxes []string
	for off := 0; off+8 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[off:]))
		boxes = append(boxes, string(data[off+4:off+8]))
		if n < 8 {
			t.Fatalf("box of %d bytes", n)
		}
		off += n
	}
	if got := strings.Join(boxes, " "); got != "ftyp moov free mdat" && got != "ftyp moov mdat" {
		t.Errorf("boxes: %s", got)
	}
	// Seconds since 1904 in version 0 of the movie header.
	if i := bytes.Index(data, []byte("mvhd")); i < 0 || binary.BigEndian.Uint64(data[i+8:]) != 0 {
		t.Error("creation or modification time is set")
	}
}

func TestSinkDropsWhatTheInputTells(t *testing.T) {
	needFFmpeg(t)
	in := filepath.Join(t.TempDir(), "in.mp4")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1", "-pix_fmt", "yuv420p",
		"-metadata", "title=GARDEN", "-metadata", "location=+52.5200+013.4050/", "-metadata", "creation_time=2020-02-02T02:02:02Z",
		"-metadata", "comment=BACKDOOR", "-metadata:s:v", "handler_name=DEVICE77", in)
	s := open(t, in, Options{})
	all := readAll(t, s)
	out := filepath.Join(t.TempDir(), "out.mp4")
	writeAll(t, create(t, out, s.Info().OutOptions()), all)
	res := probeFile(t, out)
	if len(res.Streams) != 1 || res.Streams[0]["codec_type"] != "video" {
		t.Fatalf("streams: %v", res.Streams)
	}
	for _, tags := range []any{res.Format["tags"], res.Streams[0]["tags"]} {
		m, _ := tags.(map[string]any)
		for k, v := range m {
			switch k {
			case "major_brand", "minor_version", "compatible_brands":
			case "encoder":
				if v != "Lavc libx264" {
					t.Errorf("encoder = %v", v)
				}
			case "language":
				if v != "und" {
					t.Errorf("language = %v", v)
				}
			case "handler_name":
				if v != "VideoHandler" {
					t.Errorf("handler_name = %v", v)
				}
			case "vendor_id":
				if v != "[0][0][0][0]" {
					t.Errorf("vendor_id = %v", v)
				}
			default:
				t.Errorf("tag %s = %v", k, v)
			}
		}
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"GARDEN", "52.52", "2020-02", "BACKDOOR", "DEVICE77"} {
		if bytes.Contains(data, []byte(s)) {
			t.Errorf("the output contains %q", s)
		}
	}
}

func TestSinkKeepsColourTags(t *testing.T) {
	for _, c := range []Color{
		{Matrix: "bt709", Primaries: "bt709", Transfer: "bt709"},
		{Matrix: "smpte170m", Primaries: "smpte170m", Transfer: "smpte170m"},
		{Matrix: "bt470bg", Primaries: "bt470bg", Transfer: "bt709"},
		{Matrix: "bt2020nc", Primaries: "bt2020", Transfer: "bt2020-10"},
		{},
	} {
		path := filepath.Join(t.TempDir(), "out.mp4")
		writeAll(t, create(t, path, OutOptions{Size: image.Pt(64, 64), Color: c}), stills(64, 64, 3, time.Second))
		got := open(t, path, Options{}).Info().Color
		want := c
		want.Range = "tv"
		if got != want {
			t.Errorf("colour %+v came back as %+v", want, got)
		}
	}
}

func TestSinkRefusesFrames(t *testing.T) {
	ctx := testContext(t)
	path := filepath.Join(t.TempDir(), "out.mp4")
	s := create(t, path, OutOptions{Size: image.Pt(64, 48)})
	frame := newFramer(t, image.Pt(64, 48))
	if err := s.Write(ctx, frame(still(64, 48, 0), time.Second)); err != nil {
		t.Fatal(err)
	}
	wrong := newFramer(t, image.Pt(64, 64))
	if err := s.Write(ctx, wrong(still(64, 64, 0), 2*time.Second)); !errors.Is(err, ErrFrame) {
		t.Errorf("another size: %v", err)
	}
	for _, at := range []time.Duration{time.Second, time.Second - 1, 0} {
		if err := s.Write(ctx, frame(still(64, 48, 0), at)); !errors.Is(err, ErrFrame) {
			t.Errorf("at %v again: %v", at, err)
		}
	}
	// Nearer than a microsecond: moved apart.
	for i := range 3 {
		if err := s.Write(ctx, frame(still(64, 48, i), time.Second+time.Duration(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	got := times(readAll(t, open(t, path, Options{})))
	want := []time.Duration{0, time.Microsecond, 2 * time.Microsecond, 3 * time.Microsecond}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("times %v, want %v", got, want)
	}
	if err := s.Write(ctx, frame(still(64, 48, 0), time.Minute)); !errors.Is(err, ErrClosed) {
		t.Errorf("write after finish: %v", err)
	}
	if err := s.Finish(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("second finish: %v", err)
	}
}

func TestSinkLeavesNothingWithoutFinish(t *testing.T) {
	ctx := testContext(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out.mp4")
	s := create(t, path, OutOptions{Size: image.Pt(64, 48)})
	frame := newFramer(t, image.Pt(64, 48))
	for i := range 10 {
		if err := s.Write(ctx, frame(still(64, 48, i), time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	names := folder(t, dir)
	if len(names) != 1 || !strings.HasPrefix(names[0], ".out.mp4.") || !strings.HasSuffix(names[0], ".part") {
		t.Errorf("while it is being written: %q", names)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("after Close without Finish: %q", names)
	}
	if err := s.Write(ctx, frame(still(64, 48, 0), time.Hour)); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := s.Finish(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("finish after close: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v", err)
	}
}

func TestFinishWithoutFrames(t *testing.T) {
	dir := t.TempDir()
	s := create(t, filepath.Join(dir, "out.mp4"), OutOptions{Size: image.Pt(64, 48)})
	if err := s.Finish(testContext(t)); !errors.Is(err, ErrNoFrames) {
		t.Errorf("finish: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if names := folder(t, dir); len(names) != 0 {
		t.Errorf("left: %q", names)
	}
}
