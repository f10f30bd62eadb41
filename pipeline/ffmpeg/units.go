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
	for {
		tick, size, err := nextUnit(index)
		if err == nil {
			data := make([]byte, size)
			if _, err = io.ReadFull(e.pipes[1], data); err == nil {
				select {
				case e.out <- unit{tick, data}:
					continue
				case <-e.quit:
					return
				}
			}
		}
		e.lost = err
		return
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
