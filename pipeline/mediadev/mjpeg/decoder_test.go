package mjpeg_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// camera returns count JPEGs, one after the other, as the ffmpeg program writes
// them: baseline, with the standard's Huffman tables.
func camera(t testing.TB, pixels string, size image.Point, count int) []byte {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("the ffmpeg program is not installed")
	}
	out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-f", "lavfi", "-i",
		fmt.Sprintf("testsrc2=size=%dx%d:rate=25,format=%s", size.X, size.Y, pixels),
		"-frames:v", fmt.Sprint(count), "-c:v", "mjpeg", "-huffman", "default", "-q:v", "4", "-f", "mjpeg", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// painted returns a JPEG of 4:2:0 made by image/jpeg: smooth shapes with some
// noise, about as large as what a camera writes.
func painted(t testing.TB, w, h int) []byte {
	t.Helper()
	pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	rnd := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			v := 60 + 60*(x*5/w+y*4/h)%160 + (x*x/97+y*y/53)%31 + rnd.IntN(6)
			pic.Y[pic.YOffset(x, y)] = uint8(v)
		}
	}
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = uint8(100+i%(w/2)*56/w), uint8(160-i/(w/2)*64/h)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, pic, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newDecoder(t testing.TB) *mjpeg.Decoder {
	t.Helper()
	d, err := mjpeg.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// same holds a picture against what image/jpeg makes of the same bytes. The two
// inverse cosine transforms round differently: by 2 at most of 255.
func same(t *testing.T, got *image.YCbCr, data []byte) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want, ok := img.(*image.YCbCr)
	if grey, is := img.(*image.Gray); is {
		want = image.NewYCbCr(grey.Rect, image.YCbCrSubsampleRatio420)
		for i := range want.Cb {
			want.Cb[i], want.Cr[i] = 128, 128
		}
		for y := range grey.Rect.Dy() {
			copy(want.Y[y*want.YStride:], grey.Pix[y*grey.Stride:][:grey.Rect.Dx()])
		}
	} else if !ok {
		t.Fatalf("image/jpeg says %T", img)
	}
	if got.Rect != want.Rect || got.SubsampleRatio != want.SubsampleRatio {
		t.Fatalf("picture %v %v, want %v %v", got.Rect, got.SubsampleRatio, want.Rect, want.SubsampleRatio)
	}
	off := func(a, b uint8) bool { return max(a, b)-min(a, b) > 2 }
	for y := range got.Rect.Dy() {
		for x := range got.Rect.Dx() {
			g, w := got.YCbCrAt(x, y), want.YCbCrAt(x, y)
			if off(g.Y, w.Y) || off(g.Cb, w.Cb) || off(g.Cr, w.Cr) {
				t.Fatalf("at %d,%d: %v, want %v", x, y, g, w)
			}
		}
	}
}

func TestDecode(t *testing.T) {
	d := newDecoder(t)
	for _, pixels := range []string{"yuvj420p", "yuvj422p", "yuvj444p"} {
		for _, size := range []image.Point{{64, 48}, {333, 217}, {16, 16}, {17, 9}} {
			frames := mjpeg.NewFrames(bytes.NewReader(camera(t, pixels, size, 3)))
			for range 3 {
				data, err := frames.Next()
				if err != nil {
					t.Fatal(err)
				}
				pic, err := d.Decode(data)
				if err != nil {
					t.Fatalf("%s %v: %v", pixels, size, err)
				}
				same(t, pic, data)
			}
		}
	}
	for _, size := range []image.Point{{1, 1}, {8, 8}, {50, 31}} {
		var b bytes.Buffer
		grey := image.NewGray(image.Rectangle{Max: size})
		for i := range grey.Pix {
			grey.Pix[i] = uint8(i * 7)
		}
		if err := jpeg.Encode(&b, grey, nil); err != nil {
			t.Fatal(err)
		}
		pic, err := d.Decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		same(t, pic, b.Bytes())
	}
}

// segment returns where the first segment of a kind starts and ends.
func segment(t testing.TB, data []byte, marker byte) (from, to int) {
	t.Helper()
	for i := 2; i+4 < len(data) && data[i] == 0xff; {
		n := 2 + int(data[i+2])<<8 + int(data[i+3])
		if data[i+1] == marker {
			return i, i + n
		}
		i += n
	}
	t.Fatalf("no segment %#x", marker)
	return 0, 0
}

// TestNoTables: a JPEG without Huffman tables, as most cameras write it.
func TestNoTables(t *testing.T) {
	d := newDecoder(t)
	data := camera(t, "yuvj422p", image.Pt(160, 120), 1)
	from, to := segment(t, data, 0xc4)
	short := append(bytes.Clone(data[:from]), data[to:]...)
	pic, err := d.Decode(short)
	if err != nil {
		t.Fatal(err)
	}
	same(t, pic, data)
}

// TestBadPictures: each is an error, and the decoder goes on.
func TestBadPictures(t *testing.T) {
	d := newDecoder(t)
	good := painted(t, 96, 64)
	patched := func(change func(sof []byte)) []byte {
		p := bytes.Clone(good)
		from, to := segment(t, p, 0xc0)
		change(p[from:to])
		return p
	}
	from, to := segment(t, good, 0xdb)
	for name, tt := range map[string]struct {
		data        []byte
		unsupported bool
	}{
		"nothing":         {nil, false},
		"text":            {[]byte("this is not a picture"), false},
		"start only":      {good[:2], false},
		"header only":     {good[:200], false},
		"half":            {good[:len(good)/2], false},
		"no end":          {good[:len(good)-40], false},
		"zeros":           {append(bytes.Clone(good[:len(good)/2]), make([]byte, 2000)...), false},
		"no quantisation": {append(bytes.Clone(good[:from]), good[to:]...), false},
		"progressive":     {patched(func(s []byte) { s[1] = 0xc2 }), true},
		"12 bits":         {patched(func(s []byte) { s[4] = 12 }), false},
		"huge":            {patched(func(s []byte) { copy(s[5:], []byte{0xfe, 0xff, 0xfe, 0xff}) }), true},
		"empty":           {patched(func(s []byte) { copy(s[5:], []byte{0, 0, 0, 0}) }), false},
		"3 by 1":          {patched(func(s []byte) { s[11] = 0x31 }), true},
	} {
		_, err := d.Decode(tt.data)
		if !errors.Is(err, pipeline.ErrPicture) || errors.Is(err, mjpeg.ErrUnsupported) != tt.unsupported {
			t.Errorf("%s: %v", name, err)
		}
		pic, err := d.Decode(good)
		if err != nil {
			t.Fatalf("after %s: %v", name, err)
		}
		same(t, pic, good)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := d.Decode(good); !errors.Is(err, mjpeg.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestSampling tries sampling factors that neither encoder at hand writes, by
// renaming those of a picture, whose data then lacks blocks or has too many. The
// planes must fit all the same: go test -asan sees what C writes beside them.
func TestSampling(t *testing.T) {
	d := newDecoder(t)
	good := painted(t, 96, 64)
	// Those for which the data has blocks enough.
	whole := map[[2]int]image.YCbCrSubsampleRatio{
		{2, 2}: image.YCbCrSubsampleRatio420, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
	}
	for h := 1; h <= 4; h++ {
		for v := 1; v <= 4; v++ {
			p := bytes.Clone(good)
			from, _ := segment(t, p, 0xc0)
			p[from+11] = byte(h<<4 | v)
			pic, err := d.Decode(p)
			ratio, ok := whole[[2]int{h, v}]
			if ok != (err == nil) || ok && pic.SubsampleRatio != ratio || !ok && !errors.Is(err, pipeline.ErrPicture) {
				t.Errorf("%d by %d: %v", h, v, err)
			}
			if pic, err = d.Decode(good); err != nil {
				t.Fatal(err)
			}
			same(t, pic, good)
		}
	}
}

func TestAllocations(t *testing.T) {
	d := newDecoder(t)
	good := painted(t, 320, 240)
	if n := testing.AllocsPerRun(20, func() {
		if _, err := d.Decode(good); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

// TestReader: a stream with a damaged picture, through mediadev into a
// pipeline's buffer: limited range, the damaged one lost, then the end.
func TestReader(t *testing.T) {
	good := painted(t, 96, 64)
	stream := bytes.Join([][]byte{good, good[:len(good)/2], good}, []byte("junk"))
	r := mjpeg.NewReader(mjpeg.NewFrames(bytes.NewReader(stream)).Next)
	s := mediadev.NewSource(r, mediadev.SourceOptions{FullRange: true})
	img, err := jpeg.Decode(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	full := img.(*image.YCbCr)
	var b pipeline.Buffer
	for i, want := range []error{nil, pipeline.ErrPicture, nil, io.EOF} {
		err := s.Read(t.Context(), &b)
		if !errors.Is(err, want) {
			t.Fatalf("picture %d: %v, want %v", i, err, want)
		}
		if err != nil {
			continue
		}
		pic := b.Resize(96, 64)
		for y := range 64 {
			for x := range 96 {
				got, want := float64(pic.Y[pic.YOffset(x, y)]), 16+219*float64(full.Y[full.YOffset(x, y)])/255
				if got < want-3 || got > want+3 {
					t.Fatalf("luma at %d,%d is %v, want %v", x, y, got, want)
				}
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := r.Read(); !errors.Is(err, mjpeg.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// FuzzDecode: whatever the bytes, a picture that fits its planes, or an error.
func FuzzDecode(f *testing.F) {
	good := painted(f, 48, 40)
	f.Add(good)
	f.Add(good[:len(good)/2])
	// One byte changed in each segment: tables, frame header, scan header, data.
	for i := 0; i+1 < len(good); i++ {
		if good[i] == 0xff && good[i+1] != 0 && good[i+1] != 0xff {
			for _, at := range []int{i + 1, i + 3, i + 5, i + 9} {
				if at < len(good) {
					bad := bytes.Clone(good)
					bad[at] ^= 0x10
					f.Add(bad)
				}
			}
		}
	}
	d := newDecoder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		pic, err := d.Decode(data)
		if err != nil {
			if !errors.Is(err, pipeline.ErrPicture) {
				t.Error(err)
			}
			return
		}
		last := pic.Rect.Max.Sub(image.Pt(1, 1))
		if pic.Rect.Empty() || pic.YOffset(last.X, last.Y) >= len(pic.Y) || pic.COffset(last.X, last.Y) >= len(pic.Cb) || len(pic.Cb) != len(pic.Cr) {
			t.Errorf("picture %v with planes %d %d %d", pic.Rect, len(pic.Y), len(pic.Cb), len(pic.Cr))
		}
	})
}
