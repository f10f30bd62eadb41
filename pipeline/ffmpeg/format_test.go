package ffmpeg

import (
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSourceFormats(t *testing.T) {
	const boxes = ",format=gbrp,drawbox=0:0:40:40:black:fill,drawbox=40:0:40:40:white:fill,crop="
	for _, c := range []struct {
		name string
		size image.Point
		n    int
		args []string
	}{
		{"10bit.mkv", image.Pt(320, 240), 5, []string{"-pix_fmt", "yuv420p10le", "-c:v", "ffv1"}},
		{"444.mkv", image.Pt(333, 211), 5, []string{"-pix_fmt", "yuv444p", "-c:v", "ffv1"}},
		{"422.mov", image.Pt(320, 240), 5, []string{"-pix_fmt", "yuv422p10le", "-c:v", "prores"}},
		{"full.avi", image.Pt(320, 240), 5, []string{"-pix_fmt", "yuvj420p", "-c:v", "mjpeg"}},
		{"grey.mkv", image.Pt(320, 240), 5, []string{"-pix_fmt", "gray", "-c:v", "ffv1"}},
		{"alpha.mov", image.Pt(320, 240), 5, []string{"-pix_fmt", "rgba", "-c:v", "png"}},
		{"pal.gif", image.Pt(320, 240), 5, nil},
		{"one.png", image.Pt(321, 241), 1, []string{"-frames:v", "1"}},
		{"one.jpg", image.Pt(321, 241), 1, []string{"-frames:v", "1", "-pix_fmt", "yuvj420p", "-q:v", "1"}},
		{"big.mkv", image.Pt(4096, 2304), 2, []string{"-frames:v", "2", "-pix_fmt", "yuv420p", "-c:v", "ffv1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := fmt.Sprintf("testsrc2=s=%dx%d:r=10:d=0.5%s%d:%d:0:0:exact=1", even(c.size.X), even(c.size.Y), boxes, c.size.X, c.size.Y)
			s := open(t, makeVideo(t, c.name, source, c.args...), Options{})
			all := readAll(t, s)
			if len(all) != c.n || s.Info().Size != c.size {
				t.Fatalf("%d pictures of %v, want %d of %v", len(all), s.Info().Size, c.n, c.size)
			}
			for _, p := range all {
				black, white := p.pic.Y[p.pic.YOffset(20, 20)], p.pic.Y[p.pic.YOffset(60, 20)]
				if black < 14 || black > 18 || white < 233 || white > 237 {
					t.Errorf("black is %d and white %d, want 16 and 235", black, white)
				}
			}
		})
	}
}

// TestSourceColour compares with the values of ITU-R BT.601 and BT.709 for
// red, green, blue, black and white.
func TestSourceColour(t *testing.T) {
	type yuv [3]int
	names := [...]string{"red", "lime", "blue", "black", "white"}
	bt601 := [...]yuv{{81, 90, 240}, {145, 54, 34}, {41, 240, 110}, {16, 128, 128}, {235, 128, 128}}
	bt709 := [...]yuv{{63, 102, 240}, {173, 42, 26}, {32, 240, 118}, {16, 128, 128}, {235, 128, 128}}
	source := "color=c=gray:s=320x64:r=5:d=0.4,format=gbrp"
	for i, n := range names {
		source += fmt.Sprintf(",drawbox=%d:0:64:64:%s:fill", 64*i, n)
	}
	for _, c := range []struct {
		name   string
		filter string
		args   []string
		matrix string
		rng    string
		want   [5]yuv
	}{
		{"full601.mp4", "scale=out_range=pc:out_color_matrix=bt601,format=yuv420p", []string{"-color_range", "pc", "-colorspace", "smpte170m", "-crf", "1"}, "smpte170m", "pc", bt601},
		{"full709.mp4", "scale=out_range=pc:out_color_matrix=bt709,format=yuv420p", []string{"-color_range", "pc", "-colorspace", "bt709", "-crf", "1"}, "bt709", "pc", bt709},
		{"tv709.mp4", "scale=out_range=tv:out_color_matrix=bt709,format=yuv420p", []string{"-color_range", "tv", "-colorspace", "bt709", "-crf", "1"}, "bt709", "tv", bt709},
		{"tv601.mp4", "scale=out_range=tv:out_color_matrix=bt601,format=yuv420p", []string{"-color_range", "tv", "-colorspace", "bt470bg", "-crf", "1"}, "bt470bg", "tv", bt601},
		{"tv709.10.mkv", "scale=out_range=tv:out_color_matrix=bt709,format=yuv422p10le", []string{"-color_range", "tv", "-colorspace", "bt709", "-c:v", "ffv1"}, "bt709", "tv", bt709},
		{"jpeg.avi", "scale=out_range=pc:out_color_matrix=bt601,format=yuvj422p", []string{"-c:v", "mjpeg", "-q:v", "1"}, "bt470bg", "pc", bt601},
		{"rgb.png", "format=rgb24", []string{"-frames:v", "1"}, "bt709", "pc", bt709},
		{"rgb.mkv", "format=gbrp", []string{"-c:v", "ffv1"}, "bt709", "", bt709},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, makeVideo(t, c.name, source+","+c.filter, c.args...), Options{})
			info := s.Info()
			if info.Color.Matrix != c.matrix || info.Color.Range != "tv" || c.rng != "" && info.SourceRange != c.rng {
				t.Errorf("matrix %q, range %q of %q", info.Color.Matrix, info.Color.Range, info.SourceRange)
			}
			p := readAll(t, s)[0].pic
			for n, want := range c.want {
				i, j := p.YOffset(64*n+32, 32), p.COffset(64*n+32, 32)
				got := yuv{int(p.Y[i]), int(p.Cb[j]), int(p.Cr[j])}
				for k := range got {
					if got[k]-want[k] > 2 || want[k]-got[k] > 2 {
						t.Errorf("%s is %v, want %v", names[n], got, want)
						break
					}
				}
			}
		})
	}
}

func TestSourceRotation(t *testing.T) {
	// A white top left quarter tells how the picture was turned.
	plain := makeVideo(t, "plain.mp4", "color=c=black:s=160x96:r=10:d=0.5,drawbox=x=0:y=0:w=80:h=48:color=white:t=fill,setsar=4/3", "-pix_fmt", "yuv420p")
	for _, c := range []struct {
		rotate string // ffmpeg's tag, counter-clockwise
		angle  int
		size   image.Point
		sar    Rational
		white  image.Point
	}{
		{"0", 0, image.Pt(160, 96), Rational{4, 3}, image.Pt(20, 20)},
		{"270", 90, image.Pt(96, 160), Rational{3, 4}, image.Pt(76, 20)},
		{"180", 180, image.Pt(160, 96), Rational{4, 3}, image.Pt(140, 76)},
		{"90", 270, image.Pt(96, 160), Rational{3, 4}, image.Pt(20, 140)},
	} {
		t.Run(c.rotate, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "turned.mp4")
			run(t, "-i", plain, "-c", "copy", "-metadata:s:v", "rotate="+c.rotate, path)
			s := open(t, path, Options{})
			info := s.Info()
			if info.Rotation != c.angle || info.Size != c.size || info.SampleAspect != c.sar {
				t.Errorf("rotation %d, size %v, aspect %v", info.Rotation, info.Size, info.SampleAspect)
			}
			all := readAll(t, s)
			if len(all) != 5 {
				t.Fatalf("%d pictures", len(all))
			}
			p := all[4].pic
			for y := 20; y < c.size.Y; y += c.size.Y - 40 {
				for x := 20; x < c.size.X; x += c.size.X - 40 {
					white := p.Y[p.YOffset(x, y)] > 128
					if white != (image.Pt(x, y) == c.white) {
						t.Errorf("at %d,%d: white is %v", x, y, white)
					}
				}
			}
			if all[0].native != (image.Point{}) {
				t.Errorf("native size %v", all[0].native)
			}
			if c.angle != 90 {
				return
			}
			out := filepath.Join(t.TempDir(), "out.mp4")
			writeAll(t, create(t, out, info.OutOptions()), all)
			back := open(t, out, Options{}).Info()
			if back.Rotation != 0 || back.Size != c.size || back.SampleAspect != c.sar {
				t.Errorf("output: rotation %d, size %v, aspect %v", back.Rotation, back.Size, back.SampleAspect)
			}
		})
	}
}

func TestSourceChangesResolution(t *testing.T) {
	dir := t.TempDir()
	var data []byte
	sizes := []image.Point{{320, 240}, {160, 120}, {480, 240}, {320, 240}}
	for i, size := range sizes {
		ts := makeVideo(t, "a.ts", fmt.Sprintf("testsrc2=s=%dx%d:r=25:d=1", size.X, size.Y),
			"-pix_fmt", "yuv420p", "-bf", "0", "-output_ts_offset", fmt.Sprint(i), "-c:v", "libx264")
		data = append(data, read(t, ts)...)
	}
	s := open(t, write(t, filepath.Join(dir, "change.ts"), data), Options{})
	all := readAll(t, s)
	if s.Info().Size != sizes[0] {
		t.Errorf("size %v", s.Info().Size)
	}
	count := map[image.Point]int{}
	var order []image.Point
	for i, p := range all {
		count[p.native]++
		if i == 0 || p.native != all[i-1].native {
			order = append(order, p.native)
		}
		if i > 0 && p.time <= all[i-1].time {
			t.Errorf("picture %d at %v after %v", i, p.time, all[i-1].time)
		}
	}
	if want := "[(0,0) (160,120) (480,240) (0,0)]"; fmt.Sprint(order) != want {
		t.Errorf("native sizes %v, want %v", order, want)
	}
	if len(all) < 96 || len(all) > 100 || count[sizes[1]] < 24 || count[sizes[2]] < 24 {
		t.Errorf("%d pictures: %v", len(all), count)
	}
	if st := s.Stats(); st.Rescaled != int64(count[sizes[1]]+count[sizes[2]]) {
		t.Errorf("stats: %+v", st)
	}
}

func TestSourceKeepsUnevenTimes(t *testing.T) {
	// Milliseconds 0, 10, 40, 90, 160...
	path := makeVideo(t, "a.mkv", "testsrc2=s=64x48:r=100:d=1,setpts=round(N*N/100/TB)", "-vsync", "passthrough", "-pix_fmt", "yuv420p")
	all := readAll(t, open(t, path, Options{}))
	if len(all) != 100 {
		t.Fatalf("%d pictures", len(all))
	}
	for i, p := range all {
		if want := time.Duration(i*i) * 10 * time.Millisecond; p.time != want {
			t.Errorf("picture %d at %v, want %v", i, p.time, want)
		}
	}
}

func TestSourceTimesRise(t *testing.T) {
	// Every fourth time stamp goes back, and others stand still.
	path := makeVideo(t, "a.nut", "testsrc2=s=64x48:r=25:d=2,setpts='if(eq(mod(N\\,4)\\,3)\\,N-2\\,N)/25/TB'", "-vsync", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "yuv420p")
	all := readAll(t, open(t, path, Options{}))
	if len(all) < 40 {
		t.Fatalf("%d pictures", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].time <= all[i-1].time {
			t.Errorf("picture %d at %v after %v", i, all[i].time, all[i-1].time)
		}
	}
}

func TestSourceOptions(t *testing.T) {
	path := makeVideo(t, "a.mp4", "testsrc2=s=64x48:r=30:d=2", "-pix_fmt", "yuv420p")
	t.Run("MaxRate", func(t *testing.T) {
		for rate, want := range map[float64]int{10: 20, 20: 40, 7.5: 15, 30: 60, 100: 60} {
			s := open(t, path, Options{MaxRate: rate})
			n := len(readAll(t, s))
			// At the beginning pictures may be 150 ms early.
			most := min(want+int(rate*0.15+0.02*float64(want)+1), 60)
			if n < want || n > most || s.Info().Frames != int64(want) {
				t.Errorf("at most %v per second: %d pictures, %d announced, want %d to %d", rate, n, s.Info().Frames, want, most)
			}
		}
	})
	t.Run("Loop", func(t *testing.T) {
		s := open(t, path, Options{Loop: true})
		var last time.Duration = -1
		b := &reader{t: t, s: s, ctx: testContext(t)}
		for i := range 200 {
			at := b.next()
			if at <= last {
				t.Fatalf("picture %d at %v after %v", i, at, last)
			}
			last = at
		}
		if last < 6500*time.Millisecond || last > 6800*time.Millisecond {
			t.Errorf("picture 199 at %v", last)
		}
	})
	t.Run("RealTime", func(t *testing.T) {
		begin := time.Now()
		s := open(t, path, Options{RealTime: true})
		n := len(readAll(t, s))
		// The last picture is due after 1.97 s; the decoder may be ahead a bit.
		if d := time.Since(begin); n != 60 || d < 1200*time.Millisecond {
			t.Errorf("%d pictures in %v", n, d)
		}
	})
}

// TestMaxRateLosesNothing: whatever the time stamps of a source that keeps to the
// limit are like, it loses no picture; one of twice the rate loses about half.
func TestMaxRateLosesNothing(t *testing.T) {
	needFFmpeg(t)
	for _, tt := range []struct {
		name, stamps string // of picture N, in units of 1/90000 s
		limit        float64
		least, most  int
	}{
		{"whole milliseconds", "floor(N*1000/30)*90", 30, 180, 180},
		{"whole milliseconds of 25", "floor(N*40)*90", 25, 180, 180},
		{"29.97 in whole milliseconds", "floor(N*1001/30)*90", 30000. / 1001, 180, 180},
		{"whole hundredths", "floor(N*100/30)*900", 30, 180, 180},
		{"4 ms of jitter", "floor(N*1000/30)*90+90*mod(N*7,5)", 30, 180, 180},
		{"30 ms of jitter", "N*3000+2700*random(0)", 30, 180, 180},
		{"a fast clock", "N*2955", 30, 180, 180},
		{"15 of 15", "floor(N*1000/15)*90", 15, 180, 180},
		{"one far stamp", "N*3000+if(eq(N,50),90000*3600)", 30, 178, 180},
		{"another count", "N*3000+if(lt(N,50),90000*3600)", 30, 179, 180},
		{"stand still", "floor(N/30)*90000", 30, 180, 180},
		{"60 a second", "floor(N*1000/60)*90", 30, 90, 97},
		{"100 a second", "N*900", 30, 54, 61},
		{"every ten seconds", "N*90000", 0.1, 18, 19},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The filter alone: files and encoders make such stamps rise.
			for _, live := range []bool{false, true} {
				if live && tt.name == "stand still" {
					continue // then pictures count when they come, and these come at once
				}
				source := "nullsrc=s=32x32:r=90000,settb=1/90000,trim=end_frame=180,setpts='" + tt.stamps + "'," + rateLimit(tt.limit, live) + ",showinfo"
				out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-hide_banner", "-f", "lavfi", "-i", source, "-f", "null", "-").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if n := strings.Count(string(out), " pts_time:"); n < tt.least || n > tt.most {
					t.Errorf("live=%t: %d pictures of 180, want %d to %d", live, n, tt.least, tt.most)
				}
			}
		})
	}
}

// TestRotate: pictures are turned clockwise, and their pixels' aspect with them.
func TestRotate(t *testing.T) {
	// The upper left quarter is bright.
	path := makeVideo(t, "a.mkv", "color=black:s=96x64:r=5:d=1,drawbox=w=48:h=32:c=white:t=fill,setsar=4/3", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
	for angle, want := range map[int]struct {
		size, bright image.Point
		aspect       Rational
	}{
		0:   {image.Pt(96, 64), image.Pt(10, 10), Rational{4, 3}},
		90:  {image.Pt(64, 96), image.Pt(53, 10), Rational{3, 4}},
		180: {image.Pt(96, 64), image.Pt(85, 53), Rational{4, 3}},
		270: {image.Pt(64, 96), image.Pt(10, 85), Rational{3, 4}},
	} {
		s := open(t, path, Options{Rotate: angle})
		all := readAll(t, s)
		info := s.Info()
		if info.Size != want.size || info.SampleAspect != want.aspect || len(all) != 5 {
			t.Errorf("by %d: %v, aspect %v, %d pictures", angle, info.Size, info.SampleAspect, len(all))
			continue
		}
		pic, mirrored := all[2].pic, want.size.Sub(image.Pt(1, 1)).Sub(want.bright)
		if a, b := pic.YCbCrAt(want.bright.X, want.bright.Y).Y, pic.YCbCrAt(mirrored.X, mirrored.Y).Y; a < 200 || b > 40 {
			t.Errorf("by %d: luma %d at %v, %d at %v", angle, a, want.bright, b, mirrored)
		}
		if all[2].native != (image.Point{}) {
			t.Errorf("by %d: native size %v", angle, all[2].native)
		}
	}
}

func TestSourceReadsVtest(t *testing.T) {
	path := "/usr/share/doc/opencv-doc/examples/data/vtest.avi"
	if _, err := os.Stat(path); err != nil {
		t.Skip("Debian's opencv-doc is not installed")
	}
	s := open(t, path, Options{})
	info := s.Info()
	n := len(readAll(t, s))
	if n != 795 || info.Size != image.Pt(768, 576) || !strings.Contains(info.Container, "avi") {
		t.Errorf("%d pictures, %+v", n, info)
	}
}
