package ffmpeg

import (
	"bytes"
	"math"
)

// showinfoName is the name under which the filter showinfo is put into the
// graph; its lines on stderr begin with it.
const showinfoName = "showinfo@hedge"

// arrivedName is the name of a showinfo before the deinterlacer, which holds a
// picture back: a message about damage comes before the picture's line there.
const arrivedName = "showinfo@arrived"

// frameInfo is what the showinfo filter reports about one decoded picture.
type frameInfo struct {
	pts    int64
	hasPTS bool
	// w and h are the picture's size before it is scaled to that of the first.
	w, h int
	// sar is the sample aspect ratio.
	sar Rational
	// base is the time base of pts.
	base Rational
	// damaged is set when the decoder reported the picture as corrupt, or may have.
	damaged bool
	// interlaced is set when the picture consists of two fields.
	interlaced bool
}

// sameTime reports whether two pictures have the same time stamp.
func (f *frameInfo) sameTime(g *frameInfo) bool {
	if !f.hasPTS || !g.hasPTS {
		return f.hasPTS == g.hasPTS
	}
	a, ok1 := f.base.duration(f.pts)
	b, ok2 := g.base.duration(g.pts)
	return ok1 && ok2 && a == b
}

// showinfo parses the filter's lines.
//
//	[showinfo@hedge @ 0x55d0] [info] config in time_base: 1/30000, frame_rate: 30000/1001
//	[showinfo@hedge @ 0x55d0] [info] n:   1 pts:   1001 pts_time:0.0333667 pos: 6620 fmt:yuv420p sar:1/1 s:320x240 i:P iskey:0 type:B
//
// A program that reads pictures of the same stream must get exactly one
// frameInfo per picture, so a line counts as one as soon as it has a size.
type showinfo struct {
	base Rational
	// reach is how many pictures may be the damaged one after a message about damage:
	// the next that many. 0 is 1.
	reach int
	// damaged is how many of the pictures that come next may be damaged.
	damaged int

	// arrived are the pictures that went into the deinterlacer, oldest first, and
	// arrivedBase the time base there.
	arrived     []frameInfo
	arrivedBase Rational
}

// newShowinfo returns a parser of what a version prints. From 7.0 on the decoder has a
// thread of its own: it tells of damage before it puts the picture into a queue, in which
// up to 8 may wait (DEFAULT_FRAME_THREAD_QUEUE_SIZE), and the filters have one more.
func newShowinfo(v version) showinfo {
	if v.before(7, 0) {
		return showinfo{reach: 1}
	}
	return showinfo{reach: 10}
}

// maxArrived bounds what is remembered of the deinterlacer, which holds back one.
const maxArrived = 16

// line takes one line of stderr, without its end. It reports whether it told of
// a picture, and keeps no reference to b.
func (s *showinfo) line(b []byte) (frameInfo, bool) {
	f, ok := s.picture(b)
	// Versions up to 6 end "corrupt decoded frame in stream 0", later ones
	// "corrupt decoded frame". Threads write into each other's lines: it may stand
	// behind what tells of a picture that was decoded before.
	if bytes.Contains(b, []byte("corrupt decoded frame")) {
		s.damaged = max(s.reach, 1)
	}
	return f, ok
}

// picture is line, without what tells of damage.
func (s *showinfo) picture(b []byte) (frameInfo, bool) {
	if rest, ok := bytes.CutPrefix(b, []byte("["+arrivedName+" @ ")); ok {
		if f, ok := parse(rest, &s.arrivedBase); ok {
			f.damaged = s.next()
			if len(s.arrived) == maxArrived {
				s.arrived = append(s.arrived[:0], s.arrived[1:]...)
			}
			s.arrived = append(s.arrived, f)
		}
		return frameInfo{}, false
	}
	rest, ok := bytes.CutPrefix(b, []byte("["+showinfoName+" @ "))
	if !ok {
		return frameInfo{}, false
	}
	f, ok := parse(rest, &s.base)
	if !ok {
		return frameInfo{}, false
	}
	if len(s.arrived) > 0 {
		f.damaged = s.leave(&f)
	} else {
		f.damaged = s.next()
	}
	return f, true
}

// next reports whether the picture that a line tells of may be damaged.
func (s *showinfo) next() bool {
	if s.damaged == 0 {
		return false
	}
	s.damaged--
	return true
}

// leave takes the picture f out of those in the deinterlacer, with all before it,
// which it lost, and reports whether f is damaged. One that is not known counts as
// damaged if any of them is.
func (s *showinfo) leave(f *frameInfo) (damaged bool) {
	for i := range s.arrived {
		damaged = damaged || s.arrived[i].damaged
		if s.arrived[i].sameTime(f) {
			damaged = s.arrived[i].damaged
			s.arrived = append(s.arrived[:0], s.arrived[i+1:]...)
			return damaged
		}
	}
	return damaged
}

// parse reads what follows the filter's name. It reports whether it tells of a
// picture; a line that tells of the time base sets it.
func parse(rest []byte, base *Rational) (frameInfo, bool) {
	_, rest, ok := bytes.Cut(rest, []byte("] "))
	if !ok {
		return frameInfo{}, false
	}
	rest = bytes.TrimPrefix(rest, []byte("[info] "))
	if v, ok := bytes.CutPrefix(rest, []byte("config in time_base: ")); ok {
		if num, den, ok := pair(v, '/'); ok {
			*base = Rational{num, den}
		}
		return frameInfo{}, false
	}
	if !bytes.HasPrefix(rest, []byte("n:")) {
		return frameInfo{}, false
	}
	w, h, ok := pair(field(rest, " s:"), 'x')
	if !ok || w > math.MaxInt32 || h > math.MaxInt32 {
		return frameInfo{}, false
	}
	f := frameInfo{w: int(w), h: int(h), base: *base}
	f.pts, _, f.hasPTS = number(field(rest, " pts:"))
	if num, den, ok := pair(field(rest, " sar:"), '/'); ok {
		f.sar = Rational{num, den}
	}
	if i := field(rest, " i:"); len(i) > 0 {
		f.interlaced = i[0] == 'T' || i[0] == 'B'
	}
	return f, true
}

// field returns what follows the first occurrence of key, without leading
// spaces, or nil.
func field(b []byte, key string) []byte {
	i := bytes.Index(b, []byte(key))
	if i < 0 {
		return nil
	}
	return bytes.TrimLeft(b[i+len(key):], " ")
}

// pair reads two positive numbers with sep between them from the start of b.
func pair(b []byte, sep byte) (x, y int64, ok bool) {
	x, b, ok = number(b)
	if !ok || len(b) == 0 || b[0] != sep {
		return 0, 0, false
	}
	y, _, ok = number(b[1:])
	return x, y, ok && x > 0 && y > 0
}

// number reads a decimal number from the start of b and returns what follows.
func number(b []byte) (n int64, rest []byte, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	i := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		d := int64(b[i] - '0')
		if n > (math.MaxInt64-d)/10 {
			return 0, b, false
		}
		n = n*10 + d
	}
	if neg {
		n = -n
	}
	return n, b[i:], i > 0
}

// isTruncation reports whether a message says that the file ends before its
// data: of MP4, of Matroska, and of AVI and others.
func isTruncation(line []byte) bool {
	for _, s := range [...]string{"partial file", "File ended prematurely", "Truncating packet"} {
		if bytes.Contains(line, []byte(s)) {
			return true
		}
	}
	return false
}

// isOwnStamps reports whether a message is ffmpeg's complaint about time stamps of
// the raw pictures it writes to the pipe. Those have none: it speaks of stamps that
// it rounded itself, or of a recording with uneven or joined ones, and no picture is
// lost.
func isOwnStamps(line []byte) bool {
	return bytes.Contains(line, []byte("non monotonically increasing dts to muxer"))
}
