package mjpeg_test

import (
	"image"
	"io"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/frame"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
)

// BenchmarkDecode is one 1080p picture, 4:2:0 at quality 85, from a JPEG's bytes
// to planes of 4:2:0: with this package, with it into a pipeline's buffer
// (copied, limited range), with mediadevices' own decoder (image/jpeg), with
// gocv, and with the ffmpeg program through pipes, one thread.
func BenchmarkDecode(b *testing.B) {
	const w, h = 1920, 1080
	data := painted(b, w, h)
	report := func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(w * h * 3 / 2)
		b.ResetTimer()
		b.ReportMetric(float64(len(data)), "jpeg-bytes")
	}
	b.Run("libjpeg", func(b *testing.B) {
		d := newDecoder(b)
		report(b)
		for range b.N {
			if _, err := d.Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("libjpeg/buffer", func(b *testing.B) {
		r := mjpeg.NewReader(func() ([]byte, error) { return data, nil })
		s := mediadev.NewSource(r, mediadev.SourceOptions{FullRange: true})
		var buf pipeline.Buffer
		report(b)
		for range b.N {
			if err := s.Read(b.Context(), &buf); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	for name, other := range others {
		b.Run(name, func(b *testing.B) {
			decode, done := other(b, data, w, h)
			defer done()
			report(b)
			for range b.N {
				decode()
			}
		})
	}
	b.Run("ffmpeg", func(b *testing.B) {
		ffmpeg, err := exec.LookPath("ffmpeg")
		if err != nil {
			b.Skip("the ffmpeg program is not installed")
		}
		cmd := exec.CommandContext(b.Context(), ffmpeg, "-v", "error", "-threads", "1", "-f", "mjpeg", "-i", "pipe:0",
			"-vf", "scale=out_range=tv,format=yuv420p", "-f", "rawvideo", "pipe:1")
		cmd.Stdin = &repeated{data: data, left: b.N}
		out, err := cmd.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		report(b)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		for range b.N {
			for _, plane := range [][]byte{pic.Y, pic.Cb, pic.Cr} {
				if _, err := io.ReadFull(out, plane); err != nil {
					b.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkRatio decodes the same picture in turn with this package and with
// others, so that both see the same load of the machine, and reports the median
// of how many times longer the other takes.
func BenchmarkRatio(b *testing.B) {
	const w, h = 1920, 1080
	data := painted(b, w, h)
	for name, other := range others {
		b.Run(name, func(b *testing.B) {
			d := newDecoder(b)
			decode, done := other(b, data, w, h)
			defer done()
			ratios := make([]float64, 0, b.N)
			for range b.N {
				start := time.Now()
				if _, err := d.Decode(data); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				decode()
				ratios = append(ratios, float64(time.Since(middle))/float64(middle.Sub(start)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "times")
		})
	}
}

// others are other ways to decode; each returns what decodes once, and what
// frees it.
var others = map[string]func(b *testing.B, data []byte, w, h int) (decode, done func()){
	"mediadevices": func(b *testing.B, data []byte, w, h int) (decode, done func()) {
		d, err := frame.NewDecoder(frame.FormatMJPEG)
		if err != nil {
			b.Fatal(err)
		}
		return func() {
			if _, _, err := d.Decode(data, w, h); err != nil {
				b.Fatal(err)
			}
		}, func() {}
	},
}

// repeated is a stream of one JPEG again and again.
type repeated struct {
	data []byte
	left int
	at   int
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.data[r.at:])
	if r.at += n; r.at == len(r.data) {
		r.at, r.left = 0, r.left-1
	}
	return n, nil
}
