// Package memfile holds a raw recording where the programs that decode it can read it and
// seek in it, and where no file holds it: in memory that has no name, or, if the caller
// names a folder for that, in a file without one. Either is gone when the process ends,
// however it ends.
//
// A pipe would do for recordings that are read from front to back; but the index of many
// an MP4 is at its end, and both passes read it from the beginning.
package memfile

import (
	"fmt"
	"io"
	"os"
)

// File is one recording. No program that this process starts has it, but the ffmpeg that
// package ffmpeg starts to decode Path, for reading.
type File struct {
	f *os.File
}

// Path is its name, in this process and as an input of package ffmpeg.
func (f *File) Path() string { return fmt.Sprintf("/proc/self/fd/%d", f.f.Fd()) }

// Close gives the memory back. What still reads it may go on.
func (f *File) Close() error { return f.f.Close() }

// TooLargeError says that a recording does not fit.
type TooLargeError struct {
	// Bytes is its length, and Limit how much may be used.
	Bytes, Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the recording has %d MB, and %d MB of memory may be used for it: say more with -memory, take a machine with more, "+
		"or name a folder on an encrypted disk with -scratch", e.Bytes>>20, e.Limit>>20)
}

// New copies size bytes of r. With a scratch folder they go into a file without a name
// there, which only this user can read; else into memory, if size is at most limit. The
// caller closes it.
func New(r io.Reader, size, limit int64, scratch string) (*File, error) {
	if scratch == "" && size > limit {
		return nil, &TooLargeError{size, limit}
	}
	f, err := open(scratch)
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, io.LimitReader(r, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("the recording has %d bytes and not %d: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err != nil {
		_ = f.Close() // it is given up
		return nil, err
	}
	return &File{f}, nil
}
