package ffmpeg

import (
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/pipeline"
)

// comb returns how much neighbouring rows differ more than those of one field: 1
// and less for a progressive picture, several where two fields show a thing that
// moved in two places.
func comb(p *image.YCbCr) float64 {
	near, far := 1, 1
	diff := func(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }
	for y := 0; y < p.Rect.Dy()-2; y++ {
		for x := range p.Rect.Dx() {
			at := p.Y[p.YOffset(x, y)]
			near += diff(at, p.Y[p.YOffset(x, y+1)])
			far += diff(at, p.Y[p.YOffset(x, y+2)])
		}
	}
	return float64(near) / float64(far)
}

// TestInterlaced: a bar that moves to the right is one bar in each picture, and no
// picture is lost, whether the container says how it is stored or not.
func TestInterlaced(t *testing.T) {
	const fields = "color=c=black:s=%dx%d:r=%d:d=1[b];color=c=white:s=24x%[2]d:r=%[3]d:d=1[w];[b][w]overlay=x=t*400:y=0,tinterlace=%s"
	for _, c := range []struct {
		name   string
		size   image.Point
		rate   int // of fields
		fields string
		args   []string
	}{
		{"upper.mpg", image.Pt(352, 288), 50, "interleave_top", []string{"-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme", "-top", "1"}},
		{"lower.mpg", image.Pt(352, 288), 50, "interleave_bottom", []string{"-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme", "-top", "0"}},
		{"upper.mp4", image.Pt(352, 288), 50, "interleave_top", []string{"-c:v", "libx264", "-crf", "10", "-flags", "+ildct+ilme", "-x264opts", "tff=1"}},
		{"upper.ts", image.Pt(352, 240), 60, "interleave_top", []string{"-c:v", "libx264", "-crf", "10", "-flags", "+ildct+ilme", "-x264opts", "tff=1"}},
		{"lower.dv", image.Pt(720, 576), 50, "interleave_bottom,fieldorder=bff", []string{"-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-flags", "+ildct"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := makeVideo(t, c.name, fmt.Sprintf(fields, c.size.X, c.size.Y, c.rate, c.fields), c.args...)
			s := open(t, path, Options{})
			all := readAll(t, s)
			if !s.Info().Interlaced || len(all) != c.rate/2 {
				t.Fatalf("interlaced %v, %d pictures, want %d", s.Info().Interlaced, len(all), c.rate/2)
			}
			for i, p := range all {
				if v := comb(p.pic); v > 1.2 {
					t.Errorf("picture %d: rows differ %.2f times as much as those of a field", i, v)
				}
				if i > 0 && p.time <= all[i-1].time {
					t.Errorf("picture %d at %v after %v", i, p.time, all[i-1].time)
				}
			}
			if w := s.Warning(); w != nil {
				t.Error(w)
			}
		})
	}
	// A progressive recording is not touched.
	s := open(t, makeVideo(t, "a.mp4", "testsrc2=s=160x120:r=25:d=1", "-pix_fmt", "yuv420p"), Options{})
	if s.Info().Interlaced {
		t.Error("a progressive recording counts as interlaced")
	}
}

// TestInterlacedAndDamaged: the pictures left out are the damaged ones, though the
// deinterlacer holds one back, and none is taken for its neighbour.
func TestInterlacedAndDamaged(t *testing.T) {
	path := makeVideo(t, "a.ts", "testsrc2=s=352x288:r=50:d=4,tinterlace=interleave_top", "-c:v", "mpeg2video", "-b:v", "3M", "-g", "12", "-flags", "+ildct+ilme", "-top", "1")
	data := read(t, path)
	for i := len(data) / 3 / 188 * 188; i < len(data)/2; i += 188 * 9 {
		copy(data[i+8:i+188], make([]byte, 180))
	}
	s := open(t, write(t, path, data), Options{})
	var good, bad int
	var b pipeline.Buffer
	for {
		err := s.Read(testContext(t), &b)
		if errors.Is(err, pipeline.ErrPicture) {
			bad++
			continue
		}
		if err != nil {
			break
		}
		good++
	}
	if bad == 0 || good < 50 || good+bad > 101 {
		t.Errorf("%d good, %d damaged of 100", good, bad)
	}
	if s.Warning() == nil {
		t.Error("no warning")
	}
}

func TestShowinfoBehindDeinterlacer(t *testing.T) {
	arrived := func(pts int) string {
		return fmt.Sprintf("[%s @ 0x1] [info] n:   0 pts:%7d pts_time:0 pos: 48 fmt:yuv420p sar:1/1 s:64x48 i:T iskey:1 type:I", arrivedName, pts)
	}
	left := func(pts int) string { return strings.Replace(arrived(pts), arrivedName, showinfoName, 1) }
	const corrupt = "[warning] file:bad.mp4: corrupt decoded frame in stream 0"
	lines := []string{
		"[" + arrivedName + " @ 0x1] [info] config in time_base: 1/25, frame_rate: 25/1",
		"[" + showinfoName + " @ 0x1] [info] config in time_base: 1/50, frame_rate: 25/1",
		arrived(0), corrupt, arrived(1), left(0), arrived(2), left(2), corrupt, arrived(3), left(4),
		// Picture 3 is lost where the size changes.
		arrived(4), arrived(5), left(8), left(10),
	}
	want := []bool{false, true, false, false, false} // of pictures 0, 1, 2, 4, 5
	var p showinfo
	var got []bool
	for _, l := range lines {
		if f, ok := p.line([]byte(l)); ok {
			got = append(got, f.damaged)
			if !f.interlaced {
				t.Errorf("picture %d is not interlaced", len(got)-1)
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || len(p.arrived) != 0 {
		t.Errorf("damaged: %v, want %v; %d left", got, want, len(p.arrived))
	}
}

// TestHighDynamicRange: PQ and HLG come out as BT.709 and are written so. Grey
// levels stay in order, and the white of BT.2408 stays bright.
func TestHighDynamicRange(t *testing.T) {
	for _, transfer := range []string{"smpte2084", "arib-std-b67"} {
		t.Run(transfer, func(t *testing.T) {
			// Signal values of full range: black, 58 % (203 cd/m2 of PQ), 75 % (of HLG), white.
			source := "color=c=black:s=256x64:r=5:d=0.6,format=gray10le,geq=lum='if(lt(X,64),0,if(lt(X,128),593,if(lt(X,192),767,1023)))',format=yuv420p10le"
			path := makeVideo(t, "hdr.mkv", source, "-c:v", "libx265", "-x265-params", "log-level=none:lossless=1", "-color_primaries", "bt2020",
				"-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv")
			s := open(t, path, Options{})
			info := s.Info()
			if want := (Color{"tv", "bt709", "bt709", "bt709"}); info.Color != want || info.ToneMapped != transfer {
				t.Errorf("colour %+v, tone-mapped from %q", info.Color, info.ToneMapped)
			}
			all := readAll(t, s)
			p := all[0].pic
			var levels []int
			for x := 32; x < 256; x += 64 {
				levels = append(levels, int(p.Y[p.YOffset(x, 32)]))
				if cb := p.Cb[p.COffset(x, 32)]; cb < 125 || cb > 131 {
					t.Errorf("grey has the chroma %d", cb)
				}
			}
			white := levels[1]
			if transfer != "smpte2084" {
				white = levels[2]
			}
			if levels[0] > 18 || levels[0] >= levels[1] || levels[1] >= levels[2] || levels[2] >= levels[3] || white < 170 || white > 225 {
				t.Errorf("levels %v", levels)
			}
			out := filepath.Join(t.TempDir(), "out.mp4")
			writeAll(t, create(t, out, info.OutOptions()), all)
			if got := open(t, out, Options{}).Info(); got.Color != info.Color || got.PixelFormat != "yuv420p" {
				t.Errorf("the output is %+v, %s", got.Color, got.PixelFormat)
			}
			_, err := Create(testContext(t), filepath.Join(t.TempDir(), "o.mp4"), OutOptions{Size: image.Pt(64, 48), Color: Color{Transfer: transfer}})
			if !errors.Is(err, ErrOptions) {
				t.Errorf("8 bits with the tag: %v", err)
			}
		})
	}
}

// TestTracks: each video track can be read, and the others are named.
func TestTracks(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "two.mkv")
	run(t, "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=1",
		"-map", "0", "-map", "1", "-map", "2", "-c:v:0", "mpeg4", "-c:v:1", "libx264", "-pix_fmt", "yuv420p", path)
	for track, want := range map[int]struct {
		size image.Point
		n    int
	}{0: {image.Pt(160, 120), 25}, 1: {image.Pt(160, 120), 25}, 2: {image.Pt(96, 64), 10}} {
		s := open(t, path, Options{Track: track})
		info := s.Info()
		if n := len(readAll(t, s)); n != want.n || info.Size != want.size || info.Track != max(track, 1) {
			t.Errorf("track %d: %d pictures of %v", track, n, info.Size)
		}
		if fmt.Sprint(info.Tracks) != "[{mpeg4 (160,120)} {h264 (96,64)}]" {
			t.Errorf("tracks %v", info.Tracks)
		}
	}
	for _, track := range []int{3, -1} {
		_, err := Open(testContext(t), path, Options{Track: track})
		if !errors.Is(err, ErrOptions) {
			t.Fatalf("track %d: %v", track, err)
		}
		wantOneLine(t, err, fmt.Sprint(track))
	}
}
