// Package inferences keeps what networks have found in pictures, so that a later pass over
// the same pictures need not ask the networks again. A network is a function of its input:
// what is kept is named by a hash of that input, so that what is kept of another picture, or
// is lost, costs time and changes nothing.
//
// A cache as a file holds hashes and boxes, and no pixel:
//
//	"hedge inferences 1\n"
//	number of entries, 4 bytes
//	for each entry, in the order of its keys: key, 32 bytes; number of detections, 2 bytes;
//	for each detection: class, 1 byte; score, X0, Y0, X1, Y1 as float32, 4 bytes each
//	SHA-256 of all before, 32 bytes
//
// Numbers are little endian.
package inferences

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/hedgecam/hedge/detect"
)

// Key names an inference.
type Key [sha256.Size]byte

const (
	magic = "hedge inferences 1\n"
	// mostFound is how many detections of one inference are kept.
	mostFound = 1<<16 - 1
	// mostEntries is how many inferences a file may have: those of five hours at 30
	// pictures a second, three for each.
	mostEntries = 1_620_000
	found       = 1 + 5*4 // bytes of a detection
)

// Cache holds inferences. Its methods may be called by any goroutine.
type Cache struct {
	mu sync.Mutex
	m  map[Key][]detect.Detection
}

// New returns an empty cache.
func New() *Cache { return &Cache{m: map[Key][]detect.Detection{}} }

// Add keeps a copy of what was found.
func (c *Cache) Add(k Key, list []detect.Detection) {
	if len(list) > mostFound {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) < mostEntries {
		c.m[k] = slices.Clone(list)
	}
}

// Find appends to dst what was found, and reports whether it is known.
func (c *Cache) Find(k Key, dst []detect.Detection) ([]detect.Detection, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, ok := c.m[k]
	return append(dst, list...), ok
}

// Len returns the number of inferences.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}

// Write writes the cache: the same one gives the same bytes.
func (c *Cache) Write(w io.Writer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.New()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	keys := slices.SortedFunc(maps.Keys(c.m), func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	b := binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(keys)))
	for _, k := range keys {
		b = append(b, k[:]...)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(c.m[k])))
		for _, d := range c.m[k] {
			b = append(b, uint8(d.Class))
			for _, v := range [5]float32{d.Score, d.Box.X0, d.Box.Y0, d.Box.X1, d.Box.Y1} {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
		if _, err := out.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	if _, err := out.Write(b); err != nil { // of an empty cache
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

// ErrMalformed says that a file is not a cache as Write writes it, whole and unchanged.
var ErrMalformed = errors.New("no cache of inferences, or not as it was written")

// Read reads a cache. On an error, which is ErrMalformed or that of r, nothing of it counts.
func Read(r io.Reader) (*Cache, error) {
	in := &summed{r: bufio.NewReaderSize(r, 1<<16), h: sha256.New()}
	c, err := in.cache()
	if err != nil {
		return nil, in.err(err)
	}
	want := in.h.Sum(nil)
	is := make([]byte, len(want)+1)
	n, err := io.ReadFull(in.r, is)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, in.err(err)
	}
	if !bytes.Equal(is[:n], want) {
		return nil, fmt.Errorf("%w: its sum is another", ErrMalformed)
	}
	return c, nil
}

// summed reads a file and sums it up.
type summed struct {
	r *bufio.Reader
	h hash.Hash
	b []byte
}

// take reads n bytes, which are valid until it is called again.
func (s *summed) take(n int) ([]byte, error) {
	s.b = slices.Grow(s.b[:0], n)[:n]
	if _, err := io.ReadFull(s.r, s.b); err != nil {
		return nil, err
	}
	_, err := s.h.Write(s.b)
	return s.b, err
}

// err says that a file that ends early is malformed.
func (s *summed) err(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrMalformed)
	}
	return err
}

// cache reads all but the sum.
func (s *summed) cache() (*Cache, error) {
	b, err := s.take(len(magic))
	if err != nil {
		return nil, err
	}
	if string(b) != magic {
		return nil, fmt.Errorf("%w: it begins otherwise", ErrMalformed)
	}
	if b, err = s.take(4); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(b)
	if n > mostEntries {
		return nil, fmt.Errorf("%w: %d entries are too many", ErrMalformed, n)
	}
	c := New()
	for range n {
		if b, err = s.take(len(Key{}) + 2); err != nil {
			return nil, err
		}
		k, count := Key(b[:len(Key{})]), binary.LittleEndian.Uint16(b[len(Key{}):])
		if b, err = s.take(int(count) * found); err != nil {
			return nil, err
		}
		list := make([]detect.Detection, count)
		for i := range list {
			d := b[i*found:]
			f := func(j int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(d[1+4*j:])) }
			list[i] = detect.Detection{Class: detect.Class(d[0]), Score: f(0), Box: detect.Box{X0: f(1), Y0: f(2), X1: f(3), Y1: f(4)}}
		}
		c.m[k] = list
	}
	return c, nil
}
