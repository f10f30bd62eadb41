package ffmpeg

import (
	"encoding/binary"
	"time"
)

// The encoder gets its pictures as a Matroska stream, because raw video alone
// has no time stamps. Element numbers are those of RFC 9559; the stream is the
// smallest that ffmpeg reads: one track of V_UNCOMPRESSED, a segment of unknown
// size, and a cluster with one block per picture.
const (
	idEBML            = 0x1A45DFA3
	idDocType         = 0x4282
	idDocTypeVersion  = 0x4287
	idDocTypeRead     = 0x4285
	idSegment         = 0x18538067
	idInfo            = 0x1549A966
	idTimestampScale  = 0x2AD7B1
	idMuxingApp       = 0x4D80
	idWritingApp      = 0x5741
	idTracks          = 0x1654AE6B
	idTrackEntry      = 0xAE
	idTrackNumber     = 0xD7
	idTrackUID        = 0x73C5
	idTrackType       = 0x83
	idFlagLacing      = 0x9C
	idDefaultDuration = 0x23E383
	idCodecID         = 0x86
	idVideo           = 0xE0
	idFlagInterlaced  = 0x9A
	idPixelWidth      = 0xB0
	idPixelHeight     = 0xBA
	idFourCC          = 0x2EB524
	idColour          = 0x55B0
	idMatrix          = 0x55B1
	idRange           = 0x55B9
	idTransfer        = 0x55BA
	idPrimaries       = 0x55BB
	idCluster         = 0x1F43B675
	idTimestamp       = 0xE7
	idSimpleBlock     = 0xA3
)

// matroskaTick is the unit of the stream's time stamps.
const matroskaTick = time.Microsecond

// appendID appends the number of an element, which contains its own length.
func appendID(b []byte, id uint32) []byte {
	switch {
	case id > 0xFFFFFF:
		b = append(b, byte(id>>24))
		fallthrough
	case id > 0xFFFF:
		b = append(b, byte(id>>16))
		fallthrough
	case id > 0xFF:
		b = append(b, byte(id>>8))
	}
	return append(b, byte(id))
}

// appendSize appends the length of an element's content, in 8 bytes.
func appendSize(b []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(b, 1<<56|n)
}

// appendUint appends an element that is a number.
func appendUint(b []byte, id uint32, v uint64) []byte {
	return binary.BigEndian.AppendUint64(appendSize(appendID(b, id), 8), v)
}

// appendBytes appends an element with the content given.
func appendBytes[T string | []byte](b []byte, id uint32, content T) []byte {
	return append(appendSize(appendID(b, id), uint64(len(content))), content...)
}

// matroskaHeader returns what stands before the first picture. Width and height
// are even. The period between two pictures is a hint for the encoder.
func matroskaHeader(width, height int, period time.Duration, c Color) []byte {
	ebml := appendBytes(nil, idDocType, "matroska")
	ebml = appendUint(ebml, idDocTypeVersion, 4)
	ebml = appendUint(ebml, idDocTypeRead, 2)

	info := appendUint(nil, idTimestampScale, uint64(matroskaTick))
	info = appendBytes(info, idMuxingApp, "hedge")
	info = appendBytes(info, idWritingApp, "hedge")

	colour := appendUint(nil, idRange, 1)
	if v := h273Matrix[c.Matrix]; v != 0 {
		colour = appendUint(colour, idMatrix, v)
	}
	if v := h273Transfer[c.Transfer]; v != 0 {
		colour = appendUint(colour, idTransfer, v)
	}
	if v := h273Primaries[c.Primaries]; v != 0 {
		colour = appendUint(colour, idPrimaries, v)
	}

	video := appendUint(nil, idFlagInterlaced, 2)
	video = appendUint(video, idPixelWidth, uint64(width))
	video = appendUint(video, idPixelHeight, uint64(height))
	video = appendBytes(video, idFourCC, "I420")
	video = appendBytes(video, idColour, colour)

	track := appendUint(nil, idTrackNumber, 1)
	track = appendUint(track, idTrackUID, 1)
	track = appendUint(track, idTrackType, 1)
	track = appendUint(track, idFlagLacing, 0)
	track = appendBytes(track, idCodecID, "V_UNCOMPRESSED")
	track = appendUint(track, idDefaultDuration, uint64(period))
	track = appendBytes(track, idVideo, video)

	b := appendBytes(nil, idEBML, ebml)
	b = append(appendID(b, idSegment), 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	b = appendBytes(b, idInfo, info)
	return appendBytes(b, idTracks, appendBytes(nil, idTrackEntry, track))
}

// appendPicture appends what stands before the samples of a picture of n bytes
// with a time in matroskaTicks.
func appendPicture(b []byte, tick int64, n int) []byte {
	const timestamp, block = 1 + 8 + 8, 1 + 8
	const blockHeader = 4
	b = appendSize(appendID(b, idCluster), uint64(timestamp+block+blockHeader+n))
	b = appendUint(b, idTimestamp, uint64(tick))
	b = appendSize(appendID(b, idSimpleBlock), uint64(blockHeader+n))
	// Track 1, no time on top of the cluster's, a key frame.
	return append(b, 0x81, 0, 0, 0x80)
}

// matroskaPadding are empty elements (Void). ffmpeg takes a picture for
// complete only when it has seen that another element follows.
var matroskaPadding = []byte{0xEC, 0x80, 0xEC, 0x80, 0xEC, 0x80, 0xEC, 0x80}

// Code points of ITU-T H.273 under the names that ffprobe prints.
var (
	h273Matrix = map[string]uint64{
		"bt709": 1, "fcc": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "ycgco": 8,
		"bt2020nc": 9, "bt2020c": 10, "smpte2085": 11, "chroma-derived-nc": 12,
		"chroma-derived-c": 13, "ictcp": 14,
	}
	h273Transfer = map[string]uint64{
		"bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "linear": 8,
		"log100": 9, "log316": 10, "iec61966-2-4": 11, "bt1361e": 12, "iec61966-2-1": 13,
		"bt2020-10": 14, "bt2020-12": 15, "smpte2084": 16, "smpte428": 17, "arib-std-b67": 18,
	}
	h273Primaries = map[string]uint64{
		"bt709": 1, "bt470m": 4, "bt470bg": 5, "smpte170m": 6, "smpte240m": 7, "film": 8,
		"bt2020": 9, "smpte428": 10, "smpte431": 11, "smpte432": 12, "ebu3213": 22,
	}
)
