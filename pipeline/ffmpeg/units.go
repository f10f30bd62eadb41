package ffmpeg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxUnit is the most bytes of an encoded picture.
const maxUnit = 32 << 20

// read hands on what the process puts out, until its end.
func (e *Encoder) read() {
	defer close(e.out)
	index := bufio.NewReaderSize(e.pipes[0], 4096)
	var sets []byte // parameter sets that came by themselves, as V4L2 drivers deliver them
	for {
		tick, size, err := nextUnit(index)
		if err != nil {
			e.lost = err
			return
		}
		data := make([]byte, len(sets)+size)
		copy(data, sets)
		if _, err := io.ReadFull(e.pipes[1], data[len(sets):]); err != nil {
			e.lost = err
			return
		}
		picture, err := hasPicture(data)
		if err != nil {
			e.lost = err
			return
		}
		if !picture {
			sets = data
			continue
		}
		sets = nil
		select {
		case e.out <- unit{tick, data}:
		case <-e.quit:
			return
		}
	}
}

// hasPicture reports whether there is a slice of a picture among the NAL units of a byte
// stream (ITU-T H.264, annex B). ErrUnit says that it is not a byte stream.
func hasPicture(data []byte) (bool, error) {
	start := []byte{0, 0, 1}
	if !bytes.HasPrefix(data, start) && !bytes.HasPrefix(data, []byte{0, 0, 0, 1}) || len(data) > maxUnit {
		return false, fmt.Errorf("%w: no H.264", ErrUnit)
	}
	for {
		_, rest, ok := bytes.Cut(data, start)
		if !ok || len(rest) == 0 {
			return false, nil
		}
		if kind := rest[0] & 0x1f; kind >= 1 && kind <= 5 {
			return true, nil
		}
		data = rest
	}
}

// nextUnit returns time, in microseconds, and size of the next encoded picture from
// the lines of ffmpeg's muxer framecrc: "stream, dts, pts, duration, size, sum". Lines
// that begin with # are its header.
func nextUnit(index *bufio.Reader) (tick int64, size int, err error) {
	for {
		line, err := index.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, 0, fmt.Errorf("%w: a line without an end", ErrUnit)
		}
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("#tb")) && !bytes.HasSuffix(line, []byte(" 1/1000000")) {
			return 0, 0, fmt.Errorf("%w: its times are in another unit, %q", ErrUnit, line)
		}
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		fields := bytes.Split(line, []byte(","))
		if len(fields) < 6 {
			return 0, 0, fmt.Errorf("%w: %q", ErrUnit, line)
		}
		tick, err1 := strconv.ParseInt(string(bytes.TrimSpace(fields[2])), 10, 64)
		size, err2 := strconv.Atoi(string(bytes.TrimSpace(fields[4])))
		if err1 != nil || err2 != nil || size < 0 || size > maxUnit {
			return 0, 0, fmt.Errorf("%w: %q", ErrUnit, line)
		}
		return tick, size, nil
	}
}
