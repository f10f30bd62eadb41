package ffmpeg

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// probeAnswers are what ffprobe says of an MPEG-TS file with programs, of HDR with a
// rotation, and of a picture.
var probeAnswers = []string{
	`{"program_version": {"version": "5.1.9-0+deb12u1"}, "programs": [{"streams": [{"index": 0, "codec_name": "h264", "width": 640, "height": 360}]}],
	"streams": [{"index": 0, "codec_name": "h264", "width": 640, "height": 360, "sample_aspect_ratio": "1:1", "pix_fmt": "yuv420p", "field_order": "tt",
	"color_range": "tv", "r_frame_rate": "25/1", "avg_frame_rate": "25/1", "time_base": "1/90000", "duration": "2.000000"},
	{"codec_name": "hevc", "width": 96, "height": 64}], "format": {"nb_streams": 2, "format_name": "mpegts", "duration": "2.000000"}}`,
	`{"program_version": {"version": "n7.1"}, "streams": [{"codec_name": "hevc", "width": 3840, "height": 2160, "pix_fmt": "yuv420p10le", "color_space": "bt2020nc",
	"color_transfer": "arib-std-b67", "color_primaries": "bt2020", "r_frame_rate": "0/0", "avg_frame_rate": "30000/1001", "time_base": "1/600", "nb_frames": "450",
	"tags": {"rotate": "90"}, "side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]}], "format": {"format_name": "mov,mp4,m4a,3gp,3g2,mj2", "duration": "15.0"}}`,
	`{"streams": [{"codec_name": "mjpeg", "width": 160, "height": 96, "pix_fmt": "yuvj420p", "duration": "N/A"}], "format": {"format_name": "jpeg_pipe"}}`,
	`{"streams": [{"width": -1, "height": 1, "avg_frame_rate": "-1/0", "side_data_list": [{"rotation": 1e300}]}], "format": {"duration": "1e300"}}`,
	`{}`, `null`, `{"streams": []}`,
}

// FuzzProbe: whatever ffprobe answers, an error on one line, or a description whose
// numbers make sense.
func FuzzProbe(f *testing.F) {
	for _, s := range probeAnswers {
		f.Add([]byte(s), 1, true)
		f.Add([]byte(s), 2, false)
	}
	f.Fuzz(func(t *testing.T, answer []byte, track int, live bool) {
		var res probeResult
		if json.Unmarshal(answer, &res) != nil {
			return
		}
		parseVersion(res.Program.Version)
		in := input{kind: kindFile, name: "a.mp4"}
		info := Info{Input: in.name, Path: "a.mp4", Track: max(track, 1)}
		if live {
			in.kind = kindRTSP
			info.Path, info.Live = "", true
		}
		if err := res.check(in, info.Track); err != nil {
			if s := err.Error(); strings.ContainsFunc(s, unicode.IsControl) || len(s) > 1000 {
				t.Errorf("error %q", s)
			}
			return
		}
		res.describe(&info)
		texts := []string{info.Container, info.Codec, info.PixelFormat}
		for _, track := range info.Tracks {
			texts = append(texts, track.Codec)
		}
		if strings.ContainsFunc(strings.Join(texts, ""), unicode.IsControl) {
			t.Errorf("texts %q", texts)
		}
		switch {
		case info.Rotation < 0 || info.Rotation > 359,
			info.Duration < 0 || info.Frames < 0,
			info.Live && (info.Duration != 0 || info.Frames != 0),
			math.IsNaN(info.Rate.Float()) || info.Rate.Float() < 0,
			info.Track > len(info.Tracks),
			info.TimeBase != Rational{} && !info.TimeBase.Known(),
			hdr(info.Color.Transfer), info.Still && info.Live:
			t.Errorf("%s\nis described as %+v", answer, info)
		}
		o := info.OutOptions()
		o.Size.X, o.Size.Y = 64, 48
		if err := o.defaults(); err != nil {
			t.Errorf("%s\ncannot be written: %v", answer, err)
		}
		if p := o.period(); p < shortestPeriod {
			t.Errorf("period %v", p)
		}
		s := Source{info: info}
		s.estimate(Options{MaxRate: 30})
		if s.info.Frames < 0 || s.clock.period < 0 {
			t.Errorf("%d pictures, one every %v", s.info.Frames, s.clock.period)
		}
	})
}

// FuzzMessages: whatever ffmpeg writes to stderr, no picture is told of twice, what is
// kept is short and fit for a terminal, and errors are counted.
func FuzzMessages(f *testing.F) {
	var all strings.Builder
	for _, c := range showinfoLines {
		all.WriteString(c.line + "\n")
		f.Add([]byte(strings.ReplaceAll(c.line, showinfoName, arrivedName) + "\r\n[warning] corrupt decoded frame\n" + c.line))
	}
	f.Add([]byte(all.String()))
	f.Add([]byte("[h264 @ 0x1] [error] error while decoding MB 12 2\n[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [error] \x1b[31mred\x00\n"))
	f.Add([]byte("[mov @ 0x1] [error] stream 0, offset 0x30: partial file\n" + strings.Repeat("x", 5000) + "\n[fatal] last"))
	f.Add([]byte("[error] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 87 >= 87\n"))
	f.Add([]byte("[error] " + strings.Repeat("ü", 130) + "\n[error] \u202e\u0085\ufeff"))
	f.Fuzz(func(t *testing.T, stderr []byte) {
		lines := bytes.Count(stderr, []byte("\n")) + 1
		s := &Source{frames: make(chan frameInfo, lines), quit: make(chan struct{})}
		p := &process{program: "ffmpeg"}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error, 1)
		go func() {
			_, err := io.Copy(w, bytes.NewReader(stderr))
			wrote <- errors.Join(err, w.Close())
		}()
		p.readMessages(r, s.handler())
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(stderr, []byte(showinfoName)); len(s.frames) > n {
			t.Errorf("%d pictures of %d lines of the filter", len(s.frames), n)
		}
		for range len(s.frames) {
			if f := <-s.frames; f.w <= 0 || f.h <= 0 || f.base != (Rational{}) && !f.base.Known() {
				t.Errorf("picture %+v", f)
			}
		}
		if n := p.messages.errorCount(); n < 0 || n > int64(lines) {
			t.Errorf("%d errors in %d lines", n, lines)
		}
		for _, text := range []string{p.messages.text(), p.messages.last()} {
			if len(text) > maxMessages*(maxMessageSize+8) || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
				t.Errorf("message %q", text)
			}
		}
		if e := p.exitError(); strings.ContainsAny(e.Error(), "\n\r\x1b") {
			t.Errorf("error %q", e)
		}
	})
}

// FuzzTimes: whatever the pictures' time stamps, the times that a Source gives are
// taken by a Sink and rise, and none is lost to rounding.
func FuzzTimes(f *testing.F) {
	f.Add([]byte{1, 1, 1, 1}, int64(1), int64(1000))
	f.Add([]byte{0, 0, 255, 3}, int64(1), int64(90000))
	f.Add([]byte{7, 200, 9}, int64(1001), int64(30000))
	f.Fuzz(func(t *testing.T, steps []byte, num, den int64) {
		base := parseRational(Rational{num, den}.String())
		k := clock{period: 33 * time.Millisecond}
		o := OutOptions{TimeBase: base}
		o.Size.X, o.Size.Y = 64, 48
		if err := o.defaults(); err != nil {
			t.Fatal(err)
		}
		pts, last := int64(0), time.Duration(-1)
		for _, step := range steps {
			pts += int64(int8(step))
			at := k.next(frameInfo{pts: pts, hasPTS: step != 0, base: base})
			tick, ok := o.TimeBase.ticks(at)
			if at <= last || !ok || tick < 0 {
				t.Fatalf("time %v after %v, tick %d", at, last, tick)
			}
			last = at
		}
	})
}
