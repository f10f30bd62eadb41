package mjpeg

// #cgo CFLAGS: -O3
// #cgo pkg-config: libjpeg
// #include "decode.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/internal/nodump"
	"github.com/hedgecam/hedge/pipeline"
)

// MaxPixels is the largest number of pixels of a picture: that of 8192x8192.
const MaxPixels = 1 << 26

var (
	// ErrUnsupported says that a JPEG is not of the kind that cameras write:
	// one scan, Huffman coding, 8 bits, YCbCr or grey. It comes with
	// pipeline.ErrPicture.
	ErrUnsupported = errors.New("mjpeg: not a picture of an MJPEG camera")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("mjpeg: decoder is closed")
)

// Decoder decodes one JPEG after the other. It is used by one goroutine at a
// time and must be closed.
type Decoder struct {
	c    *C.struct_mjpeg_decoder
	info C.struct_mjpeg_info
	mem  []byte
	pic  image.YCbCr
}

// NewDecoder returns a decoder. The only error is that there is no memory.
func NewDecoder() (*Decoder, error) {
	c := C.mjpeg_new()
	if c == nil {
		return nil, errors.New("mjpeg: no memory for a decoder")
	}
	return &Decoder{c: c}, nil
}

// Close frees the decoder. Pictures that it returned stay valid. It may be
// called more than once.
func (d *Decoder) Close() error {
	if d.c != nil {
		C.mjpeg_free(d.c)
		d.c = nil
	}
	return nil
}

// Decode returns the picture in data, in the JPEG's own subsampling and in full
// range (luma 0 to 255, BT.601); a grey one is 4:2:0 with chroma 128. It is
// borrowed until the next Decode, and its rows are padded. Most cameras leave out the
// Huffman tables; the standard's are used then. Decode
// allocates only when the pictures grow.
//
// Errors: pipeline.ErrPicture for a picture that is damaged or cut off, with
// [ErrUnsupported] for a JPEG of another kind; [ErrClosed].
func (d *Decoder) Decode(data []byte) (*image.YCbCr, error) {
	if d.c == nil {
		return nil, ErrClosed
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("mjpeg: %w: no data", pipeline.ErrPicture)
	}
	if err := d.result(C.mjpeg_header(d.c, (*C.uint8_t)(&data[0]), C.size_t(len(data)), MaxPixels, &d.info)); err != nil {
		return nil, err
	}
	if err := d.layout(); err != nil {
		return nil, err
	}
	p := &d.pic
	err := d.result(C.mjpeg_decode(d.c, (*C.uint8_t)(&data[0]), C.size_t(len(data)), d.info,
		(*C.uint8_t)(&p.Y[0]), (*C.uint8_t)(&p.Cb[0]), (*C.uint8_t)(&p.Cr[0])))
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (d *Decoder) result(rc C.int) error {
	switch rc {
	case C.MJPEG_OK:
		return nil
	case C.MJPEG_DAMAGED:
		return fmt.Errorf("mjpeg: %w: %s", pipeline.ErrPicture, C.GoString(C.mjpeg_error(d.c)))
	}
	return fmt.Errorf("%w: %w: %s", ErrUnsupported, pipeline.ErrPicture, C.GoString(C.mjpeg_error(d.c)))
}

// ratios by luma samples per chroma sample across and down.
var ratios = map[[2]C.int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {2, 1}: image.YCbCrSubsampleRatio422,
	{2, 2}: image.YCbCrSubsampleRatio420, {1, 2}: image.YCbCrSubsampleRatio440,
	{4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}

// layout makes pic fit what the header says: the planes hold whole MCUs.
func (d *Decoder) layout() error {
	i := &d.info
	w, h := int(i.w), int(i.h)
	ratio, ok := ratios[[2]C.int{i.hs, i.vs}]
	chroma, cs := int(i.stride[1])*int(i.rows[1]), int(i.stride[1])
	grey := i.hs == 0
	if grey {
		ratio, cs = image.YCbCrSubsampleRatio420, (w+1)/2
		chroma = cs * ((h + 1) / 2)
	} else if !ok {
		return fmt.Errorf("%w: %w: chroma subsampled by %d and %d", ErrUnsupported, pipeline.ErrPicture, i.hs, i.vs)
	}
	luma := int(i.stride[0]) * int(i.rows[0])
	if n := luma + 2*chroma; n > cap(d.mem) {
		d.mem = make([]byte, n)
		nodump.Memory(d.mem)
	}
	m := d.mem[:luma+2*chroma]
	d.pic = image.YCbCr{Y: m[:luma:luma], Cb: m[luma : luma+chroma : luma+chroma], Cr: m[luma+chroma:],
		YStride: int(i.stride[0]), CStride: cs, SubsampleRatio: ratio, Rect: image.Rect(0, 0, w, h)}
	if grey {
		for k := range m[luma:] {
			m[luma+k] = 128
		}
	}
	return nil
}

// Reader is a video.Reader of the pictures of an MJPEG camera.
type Reader struct {
	next func() ([]byte, error)

	mu     sync.Mutex
	d      *Decoder
	closed bool
}

var _ video.Reader = (*Reader)(nil)

// NewReader returns a reader of the JPEGs that next returns: one each time, in
// memory that Read borrows until it calls next again, or the end as io.EOF.
func NewReader(next func() ([]byte, error)) *Reader { return &Reader{next: next} }

// Read returns the next picture, see [Decoder.Decode]; it is borrowed until the
// next Read. A picture that cannot be decoded is a pipeline.ErrPicture, after
// which Read may be called again. Errors of next are returned as they are.
func (r *Reader) Read() (image.Image, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nothing, ErrClosed
	}
	if r.d == nil {
		d, err := NewDecoder()
		if err != nil {
			return nil, nothing, err
		}
		r.d = d
	}
	data, err := r.next()
	if err != nil {
		return nil, nothing, err
	}
	pic, err := r.d.Decode(data)
	if err != nil {
		return nil, nothing, err
	}
	return pic, nothing, nil
}

func nothing() {}

// Close frees the decoder. It waits for a Read under way, and may be called more
// than once.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.d == nil {
		return nil
	}
	return r.d.Close()
}
