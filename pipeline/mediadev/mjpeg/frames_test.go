package mjpeg_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
)

// tiny is a JPEG to the cutter: SOI, a segment that holds markers, a scan with
// stuffed and restart markers, EOI.
var tiny = []byte{0xff, 0xd8, 0xff, 0xe0, 0, 6, 0xff, 0xd8, 0xff, 0xd9,
	0xff, 0xda, 0, 3, 9, 1, 2, 0xff, 0, 3, 0xff, 0xd3, 4, 0xff, 0xff, 0xd9}

// TestFrames: the same pieces however the stream comes in, and whatever lies
// between the pictures.
func TestFrames(t *testing.T) {
	cat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, tt := range map[string]struct {
		stream []byte
		want   []error // nil for tiny
	}{
		"empty":             {nil, []error{io.EOF, io.EOF}},
		"one":               {tiny, []error{nil, io.EOF}},
		"three":             {cat(tiny, tiny, tiny), []error{nil, nil, nil, io.EOF}},
		"junk":              {cat([]byte("--part\r\n\xff"), tiny, []byte{0xff, 0, 0xff}, tiny, []byte{0xff}), []error{nil, nil, io.EOF}},
		"cut":               {cat(tiny, tiny[:15]), []error{nil, pipeline.ErrPicture, io.EOF}},
		"cut in a segment":  {cat(tiny[:5]), []error{pipeline.ErrPicture, io.EOF}},
		"cut in the middle": {cat(tiny[:18], tiny), []error{pipeline.ErrPicture, nil, io.EOF}},
		"no marker":         {cat([]byte{0xff, 0xd8, 7, 7}, tiny), []error{pipeline.ErrPicture, nil, io.EOF}},
		"short segment":     {cat([]byte{0xff, 0xd8, 0xff, 0xe0, 0, 1}, tiny), []error{pipeline.ErrPicture, nil, io.EOF}},
	} {
		for how, r := range map[string]io.Reader{
			"at once":    bytes.NewReader(tt.stream),
			"by bytes":   iotest.OneByteReader(bytes.NewReader(tt.stream)),
			"with error": iotest.DataErrReader(bytes.NewReader(tt.stream)),
		} {
			f := mjpeg.NewFrames(r)
			for i, want := range tt.want {
				data, err := f.Next()
				if !errors.Is(err, want) || err == nil && !bytes.Equal(data, tiny) {
					t.Errorf("%s, %s: piece %d: %x, %v; want %v", name, how, i, data, err, want)
				}
			}
		}
	}
}

// TestFramesGrow: a picture larger than the buffer, and one that never ends.
func TestFramesGrow(t *testing.T) {
	large := append(bytes.Clone(tiny[:17]), make([]byte, 3<<20)...)
	large = append(large, 0xff, 0xd9)
	f := mjpeg.NewFrames(bytes.NewReader(append(bytes.Clone(large), tiny...)))
	if data, err := f.Next(); err != nil || !bytes.Equal(data, large) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if data, err := f.Next(); err != nil || !bytes.Equal(data, tiny) {
		t.Errorf("then %x, %v", data, err)
	}
	endless := io.MultiReader(bytes.NewReader(tiny[:17]), io.LimitReader(zeros{}, 1<<40))
	if _, err := mjpeg.NewFrames(endless).Next(); !errors.Is(err, pipeline.ErrPicture) {
		t.Errorf("without end: %v", err)
	}
	fails := io.MultiReader(bytes.NewReader(tiny), iotest.ErrReader(iotest.ErrTimeout))
	f = mjpeg.NewFrames(fails)
	if _, err := f.Next(); err != nil {
		t.Error(err)
	}
	if _, err := f.Next(); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("error of the stream: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// FuzzFrames: pieces begin and end with their markers and come in order, and
// the end comes.
func FuzzFrames(f *testing.F) {
	f.Add(tiny)
	f.Add(append(bytes.Clone(tiny[:18]), tiny...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		frames := mjpeg.NewFrames(bytes.NewReader(stream))
		at := 0
		for range len(stream) + 2 {
			data, err := frames.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				continue
			}
			i := bytes.Index(stream[at:], data)
			if i < 0 || !bytes.HasPrefix(data, []byte{0xff, 0xd8}) || !bytes.HasSuffix(data, []byte{0xff, 0xd9}) {
				t.Fatalf("piece %x", data)
			}
			at += i + len(data)
		}
		t.Fatal("no end")
	})
}
