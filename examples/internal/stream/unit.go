package stream

import (
	"bytes"
	"image"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// Unit is one encoded picture, an H.264 access unit. All takers share it: it
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

	flushes uint64 // of the hub, when the frame came
}

// Len returns the number of bytes of the unit's NAL units.
func (u *Unit) Len() int {
	n := 0
	for _, nal := range u.Data {
		n += len(nal)
	}
	return n
}

// NAL unit types (ITU-T H.264, table 7-1).
const (
	nalIDR = 5
	nalSEI = 6
	nalSPS = 7
	nalPPS = 8
	nalAUD = 9
)

// nalType returns the type of a NAL unit, 0 if it is empty.
func nalType(nal []byte) int {
	if len(nal) == 0 {
		return 0
	}
	return int(nal[0] & 0x1f)
}

// IsParameterSet reports whether a NAL unit is a sequence or picture parameter
// set. Files keep those in their header.
func IsParameterSet(nal []byte) bool {
	t := nalType(nal)
	return t == nalSPS || t == nalPPS
}

// ParameterSets returns the sequence and the picture parameter set of a key
// unit, nil if it has none. They are shared as the unit is.
func (u *Unit) ParameterSets() (sps, pps []byte) {
	for _, nal := range u.Data {
		switch nalType(nal) {
		case nalSPS:
			sps = nal
		case nalPPS:
			pps = nal
		}
	}
	return sps, pps
}

// splitAnnexB returns the NAL units of a byte stream (ITU-T H.264, annex B)
// without their start codes, as parts of data. Empty ones are left out.
func splitAnnexB(data []byte) [][]byte {
	var nals [][]byte
	startCode := []byte{0, 0, 1}
	i := bytes.Index(data, startCode)
	for i >= 0 {
		data = data[i+len(startCode):]
		nal := data
		if i = bytes.Index(data, startCode); i >= 0 {
			nal = data[:i]
		}
		// A NAL unit never ends in a zero byte; those belong to the next start
		// code.
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
	return nals
}

// collect makes a unit of what the encoder delivered. Supplemental information
// and delimiters are dropped: x264's says how it was set, and nothing in it is
// needed to decode. sps and pps are put before a key picture that has none.
func collect(data []byte, sps, pps []byte, f ffmpeg.Format) *Unit {
	u := &Unit{}
	var hasSPS, hasPPS bool
	for _, nal := range splitAnnexB(data) {
		switch nalType(nal) {
		case nalSEI, nalAUD:
			continue
		case nalSPS:
			hasSPS = true
			nal = describe(nal, f)
		case nalPPS:
			hasPPS = true
		case nalIDR:
			u.Key = true
		}
		u.Data = append(u.Data, nal)
	}
	if u.Key && !(hasSPS && hasPPS) && sps != nil && pps != nil {
		u.Data = append([][]byte{sps, pps}, u.Data...)
	}
	return u
}
