package speed

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"testing"

	"golang.org/x/sys/unix"
)

// carrier takes a picture's bytes from one process to another as far as both of them pay
// for it: two threads of this one stand for them.
type carrier struct {
	// send hands the bytes over. It may be called again once they were received.
	send func(from []byte) error
	// receive puts them where a frame lies, or returns where they lie.
	receive func(to []byte) ([]byte, error)
	close   func() error
}

// carriers are the ways to carry a picture of n bytes.
var carriers = []struct {
	name string
	open func(n int) (*carrier, error)
}{
	{"pipe of 64 KiB", func(int) (*carrier, error) { return openPipe(64<<10, sendAll) }},
	{"pipe of 1 MiB", func(int) (*carrier, error) { return openPipe(1<<20, sendAll) }},
	{"pipe of 4 MiB", func(int) (*carrier, error) { return openPipe(4<<20, sendAll) }},
	{"pipe of 1 MiB, vmsplice", func(int) (*carrier, error) { return openPipe(1<<20, splicePages) }},
	{"Unix socket", func(int) (*carrier, error) { return openSocket() }},
	{"shared memory, copied in and out", func(n int) (*carrier, error) { return openShared(n, true) }},
	{"shared memory, copied in", func(n int) (*carrier, error) { return openShared(n, false) }},
}

func openPipe(size int, send func(fd int, from []byte) error) (*carrier, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, err
	}
	c := between(fds[0], fds[1], send)
	if _, err := unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, size); err != nil {
		return nil, errors.Join(fmt.Errorf("a pipe of %d KiB: %w", size>>10, err), c.close())
	}
	return c, nil
}

func openSocket() (*carrier, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return between(fds[0], fds[1], sendAll), nil
}

// between carries over two ends of what the system copies into and out of.
func between(in, out int, send func(fd int, from []byte) error) *carrier {
	return &carrier{
		send: func(from []byte) error { return send(out, from) },
		receive: func(to []byte) ([]byte, error) {
			for rest := to; len(rest) > 0; {
				n, err := unix.Read(in, rest)
				if err == nil && n == 0 {
					err = errors.New("the other end is closed")
				}
				if err != nil && !errors.Is(err, unix.EINTR) {
					return nil, err
				}
				rest = rest[max(n, 0):]
			}
			return to, nil
		},
		close: func() error { return errors.Join(unix.Close(in), unix.Close(out)) },
	}
}

// sendAll writes 32 KiB at a time, as ffmpeg's muxers do.
func sendAll(fd int, from []byte) error {
	for len(from) > 0 {
		n, err := unix.Write(fd, from[:min(len(from), 32<<10)])
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		from = from[max(n, 0):]
	}
	return nil
}

// splicePages puts the pages themselves into a pipe. What is written into them before the
// other end has read them is what that end reads.
func splicePages(fd int, from []byte) error {
	for len(from) > 0 {
		v := unix.Iovec{Base: &from[0]}
		v.SetLen(len(from))
		n, err := unix.Vmsplice(fd, []unix.Iovec{v}, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		from = from[max(n, 0):]
	}
	return nil
}

// openShared carries through memory that both ends have. A byte in a pipe says that a
// picture is there. With out it is copied to where a frame lies, else it is used in place.
func openShared(n int, out bool) (*carrier, error) {
	fd, err := unix.MemfdCreate("picture", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	err = unix.Ftruncate(fd, int64(n))
	var ours, theirs []byte
	if err == nil {
		ours, err = unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err == nil {
		theirs, err = unix.Mmap(fd, 0, n, unix.PROT_READ, unix.MAP_SHARED)
	}
	free := func() (err error) {
		for _, m := range [][]byte{ours, theirs} {
			if m != nil {
				err = errors.Join(err, unix.Munmap(m))
			}
		}
		return errors.Join(err, unix.Close(fd))
	}
	if err != nil {
		return nil, errors.Join(err, free())
	}
	signal, err := openPipe(4<<10, sendAll)
	if err != nil {
		return nil, errors.Join(err, free())
	}
	there := []byte{1}
	return &carrier{
		send: func(from []byte) error {
			copy(ours, from)
			return signal.send(there)
		},
		receive: func(to []byte) ([]byte, error) {
			if _, err := signal.receive(make([]byte, 1)); err != nil {
				return nil, err
			}
			if !out {
				return theirs, nil
			}
			copy(to, theirs)
			return to, nil
		},
		close: func() error { return errors.Join(signal.close(), free()) },
	}, nil
}

// carries returns a function that carries from once, and where it arrives. The other end
// is a thread of its own.
func (c *carrier) carries(from []byte) (run func() error, arrived func() []byte, end func() error) {
	turns, sent := make(chan struct{}), make(chan error)
	go func() {
		defer close(sent)
		for range turns {
			sent <- c.send(from)
		}
	}()
	to := pages(len(from))
	var got []byte
	return func() (err error) {
			turns <- struct{}{}
			got, err = c.receive(to)
			return errors.Join(err, <-sent)
		}, func() []byte { return got }, func() error {
			close(turns)
			return errors.Join(<-sent, c.close())
		}
}

// pages returns n bytes that begin with a page.
func pages(n int) []byte {
	m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	return m
}

// BenchmarkCarry carries a 1080p picture from one process to another, in turn with a memcpy
// of it. The times are those of both ends.
func BenchmarkCarry(b *testing.B) {
	src, dst := noise(fullHD, 1), noise(fullHD, 2)
	from := pages(bytesOf(src))
	copy(from[copy(from, src.Y):], src.Cb)
	for _, w := range carriers {
		b.Run("way="+w.name, func(b *testing.B) {
			c, err := w.open(len(from))
			if err != nil {
				said.notes = append(said.notes, fmt.Sprintf("%s was not measured: %v.", w.name, err))
				b.Skip(err)
			}
			run, _, end := c.carries(from)
			defer closes(b, end)
			against(b, does(func() { copyPicture(dst, src) }), run)
		})
	}
}

// TestCarriers: what is sent arrives, byte for byte, and again.
func TestCarriers(t *testing.T) {
	from := pages(bytesOf(noise(image.Pt(640, 360), 1)))
	for _, w := range carriers {
		t.Run(w.name, func(t *testing.T) {
			c, err := w.open(len(from))
			if err != nil {
				t.Skipf("not allowed here: %v", err)
			}
			run, arrived, end := c.carries(from)
			defer closes(t, end)
			for turn := range 3 {
				for i := range from {
					from[i] = byte(i*7 + i>>9 + turn)
				}
				if err := run(); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(arrived(), from) {
					t.Fatalf("turn %d: other bytes arrived", turn)
				}
			}
		})
	}
}

// TestSplicedPages: why an encoder gets no pages of frames. What is written into a page
// after it was handed over is what arrives: with frames that come from a pool, the next
// picture before it is redacted.
func TestSplicedPages(t *testing.T) {
	const size = 64 << 10
	c, err := openPipe(size, splicePages)
	if err != nil {
		t.Fatal(err)
	}
	defer closes(t, c.close)
	frame := pages(size)
	for i := range frame {
		frame[i] = 'r' // redacted
	}
	if err := c.send(frame); err != nil {
		t.Skipf("vmsplice is not allowed here: %v", err)
	}
	for i := range frame {
		frame[i] = 'n' // the next one, as the camera gave it
	}
	got, err := c.receive(make([]byte, size))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, bytes.Repeat([]byte("r"), size)) {
		t.Error("pages are copied when they are handed over: nothing speaks against vmsplice any more")
	}
}
