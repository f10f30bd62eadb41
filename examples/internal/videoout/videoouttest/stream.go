// Package videoouttest reads what videoout writes, for tests.
package videoouttest

import (
	"bufio"
	"fmt"
	"image"
	"io"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Stream reads a YUV4MPEG2 stream.
type Stream struct {
	*bufio.Reader
	Size image.Point
}

// NewStream reads the header.
func NewStream(t *testing.T, r io.Reader) *Stream {
	t.Helper()
	s := &Stream{Reader: bufio.NewReader(r)}
	head, err := s.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if n, err := fmt.Sscanf(head, "YUV4MPEG2 W%d H%d F30:1 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED\n", &s.Size.X, &s.Size.Y); n != 2 || err != nil {
		t.Fatalf("header %q: %v", head, err)
	}
	return s
}

// Frame returns the samples of the next picture: Y, Cb and Cr without gaps.
func (s *Stream) Frame(t *testing.T) []byte {
	t.Helper()
	if head, err := s.ReadString('\n'); err != nil || head != "FRAME\n" {
		t.Fatalf("frame begins with %q, %v", head, err)
	}
	planes := make([]byte, s.Size.X*s.Size.Y+2*((s.Size.X+1)/2)*((s.Size.Y+1)/2))
	if _, err := io.ReadFull(s, planes); err != nil {
		t.Fatal(err)
	}
	return planes
}

// Reader opens the reading end without waiting for a writer.
func Reader(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // most are closed by then
	return f
}

// AwaitWriter waits until there is something to read: without a writer there
// would be an end of file.
func AwaitWriter(t *testing.T, r *os.File) {
	t.Helper()
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}, 10_000); n != 1 || err != nil {
		t.Errorf("nobody writes: %d, %v", n, err)
	}
}
