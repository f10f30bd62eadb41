package ffmpeg

import (
	"fmt"
	"image"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Rational is a fraction. The zero value stands for "unknown".
type Rational struct {
	Num, Den int64
}

// Known reports whether both parts are positive.
func (r Rational) Known() bool { return r.Num > 0 && r.Den > 0 }

// Float returns the value, 0 if it is not known.
func (r Rational) Float() float64 {
	if !r.Known() {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

func (r Rational) String() string { return fmt.Sprintf("%d/%d", r.Num, r.Den) }

// parseRational reads "a/b" or "a:b" with positive parts of at most 31 bits, as
// ffmpeg has them, and returns the zero value for anything else.
func parseRational(s string) Rational {
	i := strings.IndexAny(s, "/:")
	if i < 0 {
		return Rational{}
	}
	num, err1 := strconv.ParseInt(s[:i], 10, 32)
	den, err2 := strconv.ParseInt(s[i+1:], 10, 32)
	r := Rational{num, den}
	if err1 != nil || err2 != nil || !r.Known() {
		return Rational{}
	}
	return r
}

// duration returns n units of r seconds, rounded to the nearest nanosecond. ok
// is false if that does not fit a time.Duration or r is not known.
func (r Rational) duration(n int64) (d time.Duration, ok bool) {
	if !r.Known() || n == math.MinInt64 {
		return 0, false
	}
	abs := n
	if n < 0 {
		abs = -n
	}
	v, ok := mulDiv(uint64(abs), uint64(r.Num), uint64(time.Second), uint64(r.Den))
	if !ok {
		return 0, false
	}
	if n < 0 {
		return -time.Duration(v), true
	}
	return time.Duration(v), true
}

// ticks returns d in units of r seconds, rounded to the nearest. d must not be
// negative.
func (r Rational) ticks(d time.Duration) (n int64, ok bool) {
	if !r.Known() || d < 0 {
		return 0, false
	}
	hi, den := bits.Mul64(uint64(r.Num), uint64(time.Second))
	if hi != 0 {
		return 0, false
	}
	v, ok := mulDiv(uint64(d), uint64(r.Den), 1, den)
	return int64(v), ok
}

// mulDiv returns a*b*c/d, rounded to the nearest. ok is false if the result or
// b*c overflows.
func mulDiv(a, b, c, d uint64) (v uint64, ok bool) {
	hi, bc := bits.Mul64(b, c)
	if hi != 0 || d == 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(a, bc)
	lo, carry := bits.Add64(lo, d/2, 0)
	hi += carry
	if hi >= d {
		return 0, false
	}
	v, _ = bits.Div64(hi, lo, d)
	return v, v <= math.MaxInt64
}

// Color names how the samples of a stream are to be understood, in ffmpeg's
// words, which follow ITU-T H.273. An empty field is unknown.
type Color struct {
	// Range is "tv" (limited, 16..235) or "pc" (full, 0..255).
	Range string
	// Matrix turns RGB into luma and chroma: "bt709", "smpte170m", "bt470bg".
	Matrix string
	// Primaries and Transfer: "bt709", "smpte170m", "bt2020", "smpte2084".
	Primaries, Transfer string
}

// Format says how the samples of pictures are to be understood. Its zero value stands
// for square pixels and unknown colours.
type Format struct {
	// SampleAspect is the width of a pixel over its height.
	SampleAspect Rational
	// Color is that of the samples.
	Color Color
}

// Format returns how the delivered samples are to be understood.
func (i Info) Format() Format { return Format{i.SampleAspect, i.Color} }

// CodePoints returns the numbers of ITU-T H.273 for primaries, transfer and
// matrix. What is unknown is 2, and named is false if all are.
func (c Color) CodePoints() (primaries, transfer, matrix uint8, named bool) {
	point := func(table map[string]uint64, name string) uint8 {
		if v, ok := table[name]; ok {
			named = true
			return uint8(v)
		}
		return 2
	}
	primaries, transfer = point(h273Primaries, c.Primaries), point(h273Transfer, c.Transfer)
	matrix = point(h273Matrix, c.Matrix)
	return primaries, transfer, matrix, named
}

// Info describes a [Source].
type Info struct {
	// Input is the name of the input, without a password.
	Input string
	// Path is the file that is read; empty for a camera.
	Path string
	// Container, Codec and PixelFormat are ffmpeg's names, such as "mov,mp4",
	// "hevc", "yuv420p10le". They may be empty for a camera.
	Container, Codec, PixelFormat string
	// Size is the size of the delivered pictures: that of the first picture,
	// after rotation.
	Size image.Point
	// Rotation is the angle in degrees clockwise, 0 to 359, by which the stored
	// pictures are turned before they are delivered.
	Rotation int
	// SampleAspect is the width of a pixel over its height, after rotation.
	SampleAspect Rational
	// TimeBase is the unit of the source's time stamps, in seconds.
	TimeBase Rational
	// Rate is the average number of pictures per second.
	Rate Rational
	// Duration is the length of the recording; 0 if unknown or without end.
	Duration time.Duration
	// Frames is an estimate of the number of pictures, for progress bars; 0 if
	// unknown or without end.
	Frames int64
	// Color is how the delivered samples are to be understood. Range is always
	// "tv".
	Color Color
	// SourceRange is the range that the source names, before conversion.
	SourceRange string
	// Decoder is what decodes: "software", or one of [Decoders].
	Decoder string
	// Live is set for cameras.
	Live bool
	// Still is set for a picture file: there is one picture.
	Still bool
	// Interlaced is set where pictures are deinterlaced.
	Interlaced bool
	// ToneMapped is the transfer characteristic of high dynamic range that the
	// pictures had before they were tone-mapped, "smpte2084" (PQ) or
	// "arib-std-b67" (HLG); empty for others.
	ToneMapped string
	// Tracks are the input's video tracks, and Track is the one that is read,
	// counted from 1. There are none for a device.
	Tracks []Track
	Track  int

	orientation orientation
	// decoder is the one in hardware that is used, if any.
	decoder decoder
	// version is that of the program that told it.
	version version
}

// Track is a video track of an input.
type Track struct {
	// Codec is ffmpeg's name, such as "hevc".
	Codec string
	// Size is the size of the stored pictures.
	Size image.Point
}
