package stream

import (
	"image"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// Unit is one encoded picture, an H.264 access unit. All subscribers share it: it
// must not be changed.
type Unit struct {
	// Time is the presentation time, strictly rising from unit to unit. It is
	// that of the frame, as long as the times of the frames rise.
	Time time.Duration
	// Key says that decoding can begin here. The first two NAL units are then
	// the sequence and the picture parameter set.
	Key bool
	// Data are the NAL units, without start codes.
	Data [][]byte
	// Size is the size of the coded picture in pixels: that of the frame, made
	// even.
	Size image.Point

	flushes uint64 // of the broadcaster, when the frame came
}

// Len returns the number of bytes of the unit's NAL units.
func (u *Unit) Len() int {
	n := 0
	for _, nal := range u.Data {
		n += len(nal)
	}
	return n
}

// nalType returns the type of a NAL unit, which is not empty.
func nalType(nal []byte) h264.NALUType { return h264.NALUType(nal[0] & 0x1f) }

// IsParameterSet reports whether a NAL unit is a sequence or picture parameter
// set. Files keep those in their header.
func IsParameterSet(nal []byte) bool {
	t := nalType(nal)
	return t == h264.NALUTypeSPS || t == h264.NALUTypePPS
}

// ParameterSets returns the sequence and the picture parameter set of a key
// unit, nil if it has none. They are shared as the unit is.
func (u *Unit) ParameterSets() (sps, pps []byte) {
	for _, nal := range u.Data {
		switch nalType(nal) {
		case h264.NALUTypeSPS:
			sps = nal
		case h264.NALUTypePPS:
			pps = nal
		}
	}
	return sps, pps
}

// collect makes a unit of what the encoder delivered. Supplemental information
// and delimiters are dropped: x264's says how it was set, and nothing in it is
// needed to decode. sps and pps are put before a key picture that has none.
func collect(nals [][]byte, sps, pps []byte, f ffmpeg.Format) *Unit {
	u := &Unit{}
	var hasSPS, hasPPS bool
	for _, nal := range nals {
		switch nalType(nal) {
		case h264.NALUTypeSEI, h264.NALUTypeAccessUnitDelimiter:
			continue
		case h264.NALUTypeSPS:
			hasSPS = true
			nal = describe(nal, f)
		case h264.NALUTypePPS:
			hasPPS = true
		case h264.NALUTypeIDR:
			u.Key = true
		}
		u.Data = append(u.Data, nal)
	}
	if u.Key && !(hasSPS && hasPPS) && sps != nil && pps != nil {
		u.Data = append([][]byte{sps, pps}, u.Data...)
	}
	return u
}
