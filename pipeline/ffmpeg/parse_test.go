package ffmpeg

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// showinfoLines are what versions 4.4, 5.1 and 7.1 print.
var showinfoLines = []struct {
	line string
	want frameInfo
	ok   bool
}{
	{"[showinfo@hedge @ 0x563c81b00a00] [info] n:   1 pts:   1001 pts_time:0.0333667 pos:     6620 fmt:yuv420p sar:1/1 s:320x240 i:P iskey:0 type:B ",
		frameInfo{pts: 1001, hasPTS: true, w: 320, h: 240, sar: Rational{1, 1}}, true},
	{"[showinfo@hedge @ 0x55c4] [info] n:   0 pts:      0 pts_time:0       pos:       48 fmt:yuv420p sar:0/1 s:4096x2304 i:P iskey:1 type:I checksum:00000000",
		frameInfo{hasPTS: true, w: 4096, h: 2304}, true},
	{"[showinfo@hedge @ 0x6] [info] n:  10 pts: -38400 pts_time:-3      duration:  12800 duration_time:1       fmt:yuv420p cl:left sar:4/3 s:1x1 i:P iskey:1 type:I ",
		frameInfo{pts: -38400, hasPTS: true, w: 1, h: 1, sar: Rational{4, 3}}, true},
	{"[showinfo@hedge @ 0x6] [info] n:   2 pts:NOPTS pts_time:NOPTS fmt:gray sar:1/1 s:64x48 i:P iskey:1 type:I ",
		frameInfo{w: 64, h: 48, sar: Rational{1, 1}}, true},
	{"[showinfo@hedge @ 0x6] n:   2 pts:      7 s:64x48", frameInfo{pts: 7, hasPTS: true, w: 64, h: 48}, true},
	{"[showinfo@hedge @ 0x6] [info] n:   2 pts:99999999999999999999 s:64x48", frameInfo{w: 64, h: 48}, true},
	{"[showinfo@hedge @ 0x6] [info] n:   2 pts:      7 s:0x48", frameInfo{}, false},
	{"[showinfo@hedge @ 0x6] [info] n:   2 pts:      7 s:99999999999x48", frameInfo{}, false},
	{"[showinfo@hedge @ 0x6] [info] n:   2 pts:      7", frameInfo{}, false},
	{"[showinfo@hedge @ 0x6] [info] color_range:tv color_space:bt709", frameInfo{}, false},
	{"[showinfo@hedge @ 0x6] [info]   side data - User Data Unregistered:", frameInfo{}, false},
	{"[showinfo@hedge @ 0x6", frameInfo{}, false},
	{"[info]     title           : [showinfo@hedge @ 0x6] [info] n: 1 pts: 1 s:1x1", frameInfo{}, false},
	{"", frameInfo{}, false},
}

func TestShowinfoLines(t *testing.T) {
	for _, c := range showinfoLines {
		var p showinfo
		if got, ok := p.line([]byte(c.line)); got != c.want || ok != c.ok {
			t.Errorf("%q\n got %+v %v\nwant %+v %v", c.line, got, ok, c.want, c.ok)
		}
	}
	var p showinfo
	frame := []byte(showinfoLines[0].line)
	for _, config := range []string{"config in time_base: 1/30000, frame_rate: 30000/1001", "config in time_base: 1001/30000, frame_rate: 0/0"} {
		p.line([]byte("[showinfo@hedge @ 0x1] [info] " + config))
		p.line([]byte("[showinfo@hedge @ 0x1] [info] config out time_base: 0/0, frame_rate: 0/0"))
		f, _ := p.line(frame)
		if !strings.Contains(config, f.base.String()+",") {
			t.Errorf("time base %v from %q", f.base, config)
		}
	}
	for _, corrupt := range []string{"[warning] file:bad.mp4: corrupt decoded frame in stream 0", "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [warning] corrupt decoded frame"} {
		p.line([]byte(corrupt))
		if f, _ := p.line(frame); !f.damaged {
			t.Errorf("no damage after %q", corrupt)
		}
		if f, _ := p.line(frame); f.damaged {
			t.Errorf("damage twice after %q", corrupt)
		}
	}
}

// TestShowinfoDamage: the picture that the decoder marks is dropped in every version,
// with those that may be it.
func TestShowinfoDamage(t *testing.T) {
	const corrupt5, corrupt7 = "[warning] file:bad.mp4: corrupt decoded frame in stream 0", "[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [warning] corrupt decoded frame"
	arrived := func(s string) string { return strings.ReplaceAll(s, showinfoName, arrivedName) }
	const config = "[" + showinfoName + " @ 0x1] [info] config in time_base: 1/25, frame_rate: 25/1"
	for _, tt := range []struct {
		name  string
		v     version
		lines string // p is a picture, c tells of damage, g both in one line
		from  int    // the first picture that counts as damaged
		to    int    // and the first that does not again
	}{
		{"the next", version{5, 1}, "ppcppp", 2, 3},
		{"the next", version{6, 1}, "ppcppp", 2, 3},
		{"eight in the queue, one in the filters", version{7, 0}, "ppcppppppppppppp", 2, 12},
		{"eight in the queue, one in the filters", version{8, 0}, "ppcppppppppppppp", 2, 12},
		{"of an unknown version", parseVersion("N-118193-g5f38c82536"), "pcppppppppppppp", 1, 11},
		{"two", version{7, 1}, "pcpppcppppppppppppp", 1, 14},
		{"in one line", version{5, 1}, "pgpp", 2, 3},
		{"in one line", version{7, 1}, "pgpppppppppppppp", 2, 12},
	} {
		for _, interlaced := range []bool{false, true} {
			p := newShowinfo(tt.v)
			var got []bool
			take := func(line string) {
				if f, ok := p.line([]byte(line)); ok {
					got = append(got, f.damaged)
				}
			}
			take(config)
			take(arrived(config))
			for i, kind := range tt.lines {
				frame := fmt.Sprintf("[%s @ 0x1] [info] n:   0 pts:%7d pts_time:0 pos: 48 fmt:yuv420p sar:1/1 s:64x48 i:P iskey:1 type:I", showinfoName, i)
				line := frame
				switch kind {
				case 'c':
					line = corrupt7
					if tt.v.before(7, 0) {
						line = corrupt5
					}
				case 'g':
					line += " " + corrupt7
				}
				if kind != 'c' && interlaced {
					take(arrived(line))
					line = frame
				}
				take(line)
			}
			for i, damaged := range got {
				if damaged != (i >= tt.from && i < tt.to) {
					t.Errorf("%s, %v, interlaced %t: picture %d: %t", tt.name, tt.v, interlaced, i, damaged)
				}
			}
			if len(got) <= tt.to {
				t.Errorf("%s: %d pictures", tt.name, len(got))
			}
		}
	}
}

func FuzzShowinfo(f *testing.F) {
	for _, c := range showinfoLines {
		f.Add([]byte(c.line))
	}
	f.Add([]byte("[showinfo@hedge @ 0x1] [info] config in time_base: 1/30000, frame_rate: 30000/1001"))
	f.Add([]byte("[warning] corrupt decoded frame"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var p showinfo
		before := string(line)
		for range 2 {
			if got, ok := p.line(line); ok && (got.w <= 0 || got.h <= 0 || got.w > math.MaxInt32 || got.h > math.MaxInt32) {
				t.Errorf("%q: %+v", line, got)
			}
		}
		if p.base != (Rational{}) && !p.base.Known() {
			t.Errorf("%q: time base %v", line, p.base)
		}
		var m messages
		m.add(line)
		if s := m.text(); len(s) > maxMessages*(maxMessageSize*4+8) || strings.ContainsAny(s, "\n\r\x1b\x00") {
			t.Errorf("%q: message %q", line, s)
		}
		if string(line) != before {
			t.Error("the line was changed")
		}
	})
}

func FuzzClock(f *testing.F) {
	f.Add(int64(0), int64(1001), int64(2002), int64(1), int64(30000), true)
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(0), int64(1), int64(1), true)
	f.Add(int64(5), int64(5), int64(4), int64(1), int64(90000), false)
	f.Add(int64(math.MaxInt64), int64(0), int64(math.MinInt64), int64(math.MaxInt32), int64(1), true)
	f.Fuzz(func(t *testing.T, a, b, c, num, den int64, has bool) {
		base := parseRational(Rational{num, den}.String())
		k := clock{period: 40 * time.Millisecond}
		last := time.Duration(-1)
		for i, v := range []int64{a, b, c, a, b} {
			fi := frameInfo{pts: v, hasPTS: has || i&1 == 0, base: base}
			if i == 3 {
				fi.base = Rational{1, 90000}
			}
			at := k.next(fi)
			if at <= last || at < 0 {
				t.Fatalf("picture %d at %v after %v", i, at, last)
			}
			last = at
		}
	})
}

func TestClock(t *testing.T) {
	ms := func(v int64) frameInfo { return frameInfo{pts: v, hasPTS: true, base: Rational{1, 1000}} }
	none := frameInfo{base: Rational{1, 1000}}
	for name, c := range map[string]struct {
		in   []frameInfo
		want []int64 // milliseconds
	}{
		"from the first":   {[]frameInfo{ms(5000), ms(5040), ms(5100)}, []int64{0, 40, 100}},
		"negative":         {[]frameInfo{ms(-80), ms(-40), ms(0)}, []int64{0, 40, 80}},
		"missing":          {[]frameInfo{ms(10), none, none, ms(130)}, []int64{0, 40, 80, 120}},
		"missing at first": {[]frameInfo{none, ms(40)}, []int64{0, 40}},
		"standing still":   {[]frameInfo{ms(0), ms(40), ms(40), ms(39), ms(80)}, []int64{0, 40, 41, 42, 80}},
		"another count":    {[]frameInfo{ms(9000), ms(9040), ms(0), ms(40)}, []int64{0, 40, 80, 120}},
		"jump ahead":       {[]frameInfo{ms(0), ms(1 << 50), ms(1<<50 + 40)}, []int64{0, 40, 80}},
		"long gap":         {[]frameInfo{ms(0), ms(3600e3), ms(3600e3 + 40)}, []int64{0, 3600e3, 3600e3 + 40}},
		"another time base": {[]frameInfo{ms(1000), ms(1040), {pts: 90 * 1080, hasPTS: true, base: Rational{1, 90000}},
			{pts: 90 * 1120, hasPTS: true, base: Rational{1, 90000}}}, []int64{0, 40, 80, 120}},
	} {
		k := clock{period: 40 * time.Millisecond}
		for i, f := range c.in {
			if got, want := k.next(f), time.Duration(c.want[i])*time.Millisecond; got != want {
				t.Errorf("%s: picture %d at %v, want %v", name, i, got, want)
			}
		}
	}
}

func TestRational(t *testing.T) {
	for s, want := range map[string]Rational{"30000/1001": {30000, 1001}, "4:3": {4, 3}, "0/0": {}, "1/0": {}, "-1/2": {}, "": {}, "5": {}, "1/99999999999": {}} {
		if got := parseRational(s); got != want {
			t.Errorf("%q is %v", s, got)
		}
	}
	for _, base := range []Rational{{1, 30000}, {1, 90000}, {1, 1000}, {1001, 30000}, {1, 14112000}} {
		for n := int64(0); n < 1<<35; n = n*3 + 1 {
			d, ok1 := base.duration(n)
			back, ok2 := base.ticks(d)
			if !ok1 || !ok2 || back != n {
				t.Errorf("%d units of %v are %v and again %d", n, base, d, back)
			}
		}
	}
}

func TestVersions(t *testing.T) {
	for s, want := range map[string]version{
		"5.1.9-0+deb12u1": {5, 1}, "4.4.2-0ubuntu0.22.04.1": {4, 4}, "n7.1": {7, 1}, "8.0": {8, 0}, "6": {6, 0},
		"N-118193-g5f38c82536": {1000, 0}, "2024-12-19-git-494c961379-full_build": {1000, 0}, "": {1000, 0},
	} {
		if got := parseVersion(s); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

func TestArguments(t *testing.T) {
	o := Options{Timeout: 3 * time.Second}
	old, now := version{4, 4}, version{7, 1}
	rtsp := input{kind: kindRTSP, arg: "rtsp://camera/1"}
	for _, c := range []struct {
		in   input
		v    version
		o    Options
		want string
	}{
		{input{arg: "file:-x.mp4"}, now, o, "-protocol_whitelist file -i file:-x.mp4"},
		{rtsp, old, o, "-rtsp_transport tcp+udp -rtsp_flags prefer_tcp -stimeout 3000000 -i rtsp://camera/1"},
		{rtsp, now, o, "-rtsp_transport tcp+udp -rtsp_flags prefer_tcp -timeout 3000000 -i rtsp://camera/1"},
		{input{kind: kindDevice, arg: "/dev/video0"}, now, Options{Device: Device{Format: "mjpeg", Rate: 29.97}},
			"-f v4l2 -input_format mjpeg -framerate 29.97 -i /dev/video0"},
		{input{kind: kindHTTP, arg: "http://camera/1"}, now, o, "-rw_timeout 3000000 -i http://camera/1"},
	} {
		if got := strings.Join(c.in.args(c.o, c.v), " "); !strings.HasSuffix(got, c.want) {
			t.Errorf("%v: %s\nwant %s", c.in, got, c.want)
		}
	}
	for v, want := range map[version]string{old: "-vsync passthrough", now: "-fps_mode passthrough", {5, 0}: "-vsync passthrough", {5, 1}: "-fps_mode passthrough"} {
		for _, args := range [][]string{sourceArgs(rtsp, o, Info{version: v}), sinkArgs(OutOptions{}, "", v, "x")} {
			if got := strings.Join(args, " "); !strings.Contains(got, want) {
				t.Errorf("version %v: %s", v, got)
			}
		}
	}
}
