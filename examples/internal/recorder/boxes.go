package recorder

import (
	"encoding/binary"
	"io"
)

// wholeFragments returns how many bytes of a fragmented MP4 file of the given
// size can be kept: its header and the fragments that are complete. It is 0 if
// not even one fragment is.
func wholeFragments(r io.ReaderAt, size int64) (int64, error) {
	var good, at int64
	begun := "" // the box before, where the order matters
	for at < size {
		kind, n, err := box(r, at, size)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			break
		}
		at += n
		if kind == "mdat" && begun == "moof" {
			good = at
		}
		begun = kind
	}
	return good, nil
}

// box returns the type and the size of the box at a place, 0 if it does not end
// before the file does.
func box(r io.ReaderAt, at, size int64) (kind string, n int64, err error) {
	var head [16]byte
	if size-at < 8 {
		return "", 0, nil
	}
	if _, err := r.ReadAt(head[:8], at); err != nil {
		return "", 0, err
	}
	n = int64(binary.BigEndian.Uint32(head[:]))
	least := int64(8)
	if n == 1 {
		// The size is in the 64 bits behind the type.
		if least = 16; size-at < least {
			return "", 0, nil
		}
		if _, err := r.ReadAt(head[8:], at+8); err != nil {
			return "", 0, err
		}
		n = int64(binary.BigEndian.Uint64(head[8:]))
	}
	if n < least || n > size-at {
		return "", 0, nil
	}
	return string(head[4:8]), n, nil
}
