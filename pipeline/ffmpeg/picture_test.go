package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// exifOf returns EXIF data with an orientation and a maker.
func exifOf(o int) []byte {
	le := binary.LittleEndian
	b := append([]byte("II*\x00"), 8, 0, 0, 0, 2, 0)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, 0x010f), 2), 7), 38)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, 0x0112), 3), 1), uint32(o))
	return append(le.AppendUint32(b, 0), "SECRET\x00"...)
}

// withEXIF returns a picture file with EXIF data put in.
func withEXIF(t *testing.T, name string, data []byte, o int) []byte {
	t.Helper()
	exif := exifOf(o)
	switch filepath.Ext(name) {
	case ".jpg":
		app1 := append([]byte("Exif\x00\x00"), exif...)
		head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(app1)+2))
		return append(append(head, app1...), data[2:]...)
	case ".png":
		chunk := append([]byte("eXIf"), exif...)
		b := binary.BigEndian.AppendUint32(bytes.Clone(data[:33]), uint32(len(exif))) // behind IHDR
		b = binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
		return append(b, data[33:]...)
	case ".webp":
		if len(exif)%2 == 1 {
			exif = append(exif, 0)
		}
		body := append([]byte("WEBPVP8X"), 10, 0, 0, 0, 1<<3, 0, 0, 0, 159, 0, 0, 95, 0, 0) // 160x96 with EXIF
		body = append(body, data[12:]...)
		body = append(binary.LittleEndian.AppendUint32(append(body, "EXIF"...), uint32(len(exif))), exif...)
		return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
	}
	t.Fatal(name)
	return nil
}

// TestPictureOrientation: a picture comes upright, whatever its EXIF says and
// whether ffmpeg reads that or not, and goes out without any of it.
func TestPictureOrientation(t *testing.T) {
	// A white upper left quarter, and where it is when the picture is upright.
	const source = "color=c=black:s=160x96:r=1:d=1,drawbox=x=0:y=0:w=80:h=48:color=white:t=fill"
	corners := []image.Point{1: {0, 0}, 2: {1, 0}, 3: {1, 1}, 4: {0, 1}, 5: {0, 0}, 6: {1, 0}, 7: {1, 1}, 8: {0, 1}}
	for _, name := range []string{"a.jpg", "a.png", "a.webp"} {
		data := read(t, makeVideo(t, name, source, "-frames:v", "1"))
		for o := 1; o <= 8; o++ {
			t.Run(fmt.Sprintf("%s/%d", name, o), func(t *testing.T) {
				path := write(t, filepath.Join(t.TempDir(), name), withEXIF(t, name, data, o))
				s := open(t, path, Options{})
				info := s.Info()
				size := image.Pt(160, 96)
				if o > 4 {
					size = image.Pt(96, 160)
				}
				all := readAll(t, s)
				if len(all) != 1 || info.Size != size || !info.Still {
					t.Fatalf("%d pictures, %+v", len(all), info)
				}
				if got := corner(all[0].pic); got != corners[o] {
					t.Errorf("white is at %v, want %v", got, corners[o])
				}
				out := filepath.Join(t.TempDir(), "out"+filepath.Ext(name))
				writeAll(t, create(t, out, info.OutOptions()), all)
				if b := read(t, out); bytes.Contains(b, []byte("SECRET")) || bytes.Contains(b, []byte("Exif")) || bytes.Contains(b, []byte("Lav")) {
					t.Error("metadata of the input, or the encoder's name")
				}
				back := open(t, out, Options{})
				again := readAll(t, back)
				if len(again) != 1 || back.Info().Size != size || corner(again[0].pic) != corners[o] {
					t.Errorf("the output is %v, white at %v", back.Info().Size, corner(again[0].pic))
				}
			})
		}
	}
}

// corner says in which quarter of a picture white is.
func corner(p *image.YCbCr) image.Point {
	for y := range 2 {
		for x := range 2 {
			if p.Y[p.YOffset(p.Rect.Dx()*(1+2*x)/4, p.Rect.Dy()*(1+2*y)/4)] > 180 {
				return image.Pt(x, y)
			}
		}
	}
	return image.Pt(-1, -1)
}

// TestPictureSamples: size and samples of a picture stay, odd sizes too.
func TestPictureSamples(t *testing.T) {
	for _, name := range []string{"a.jpg", "a.jpeg", "a.png", "a.webp", "A.JPG"} {
		for _, size := range []image.Point{{1, 1}, {33, 21}, {160, 96}, {161, 97}} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
				for i := range p.Y {
					p.Y[i] = byte(40 + i%size.X*100/size.X)
				}
				for i := range p.Cb {
					p.Cb[i], p.Cr[i] = 100, 160
				}
				path := filepath.Join(t.TempDir(), name)
				s := create(t, path, OutOptions{Size: size, Color: Color{Matrix: "smpte170m"}})
				writeAll(t, s, []picture{{pic: p}})
				in := open(t, path, Options{})
				all := readAll(t, in)
				if len(all) != 1 || in.Info().Size != size {
					t.Fatalf("%d pictures of %v, want one of %v", len(all), in.Info().Size, size)
				}
				if filepath.Ext(name) == ".png" {
					return // by way of RGB, with another matrix
				}
				for i, v := range all[0].pic.Y {
					if d := int(v) - int(p.Y[i]); d < -12 || d > 12 {
						t.Fatalf("sample %d is %d, was %d", i, v, p.Y[i])
					}
				}
				for i := range p.Cb {
					if d := int(all[0].pic.Cb[i]) - 100; d < -6 || d > 6 {
						t.Fatalf("chroma sample %d is %d, was 100", i, all[0].pic.Cb[i])
					}
				}
			})
		}
	}
}

func TestPictureIsOneFrame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50%d.jpg")
	s := create(t, path, OutOptions{Size: image.Pt(64, 48)})
	frame := newFramer(t, image.Pt(64, 48))
	if err := s.Write(testContext(t), frame(still(64, 48, 1), 0)); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(testContext(t), frame(still(64, 48, 2), time.Second)); !errors.Is(err, ErrFrame) || !strings.Contains(err.Error(), "one frame") {
		t.Errorf("second frame: %v", err)
	}
	if err := s.Finish(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(readAll(t, open(t, path, Options{}))); n != 1 {
		t.Errorf("%d pictures", n)
	}
}

// TestPictureWithMore: of a JPEG with a preview or a depth map behind it, the first
// picture is read.
func TestPictureWithMore(t *testing.T) {
	one := read(t, makeVideo(t, "a.jpg", "testsrc2=s=160x96:r=1:d=1", "-frames:v", "1", "-pix_fmt", "yuvj420p"))
	two := read(t, makeVideo(t, "a.jpg", "testsrc2=s=64x48:r=1:d=1", "-frames:v", "1", "-pix_fmt", "yuvj420p"))
	s := open(t, write(t, filepath.Join(t.TempDir(), "both.jpg"), append(bytes.Clone(one), two...)), Options{})
	if all := readAll(t, s); len(all) != 1 || s.Info().Size != image.Pt(160, 96) {
		t.Errorf("%d pictures of %v", len(all), s.Info().Size)
	}
}
