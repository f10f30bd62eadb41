package motion

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// street returns a few pictures of a street with walkers at a size.
func street(w, h, walkers int) []*image.YCbCr {
	s := newScene(5)
	pics := make([]*image.YCbCr, 16)
	for n := range pics {
		s.start()
		for j := range walkers {
			s.walker(20+j*53%600+3*min(n, 16-n), 180+j*29%120)
		}
		small := s.finish(2)
		p := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
		for y := range h {
			for x := range w {
				p.Y[y*p.YStride+x] = small.Y[y*sceneH/h*small.YStride+x*sceneW/w]
			}
		}
		pics[n] = p
	}
	return pics
}

func BenchmarkUpdate(b *testing.B) {
	for _, c := range []struct {
		name          string
		w, h, walkers int
	}{
		{"1080p", 1920, 1080, 4},
		{"1080p/small=640x360", 640, 360, 4},
		{"1080p/small=640x360/walkers=40", 640, 360, 40},
		{"1080p/small=640x360/static", 640, 360, 0},
		{"2160p", 3840, 2160, 4},
	} {
		b.Run(c.name, func(b *testing.B) {
			pics, m, n := street(c.w, c.h, c.walkers), New(DefaultConfig()), 0
			full := image.Pt(1920, 1080)
			boxes := make([]detect.Box, 0, 8192)
			frame, copied := make([]byte, 1920*1080*3/2), make([]byte, 1920*1080*3/2)
			var took, memcpy []float64
			b.ReportAllocs()
			for b.Loop() {
				t0 := time.Now()
				copy(copied, frame)
				t1 := time.Now()
				memcpy = append(memcpy, float64(t1.Sub(t0)))
				m.Update(at(n), pics[n%len(pics)], full)
				boxes = m.Unexplained(boxes[:0], nil)
				if n == 3 {
					m.Observe(at(n), detect.Box{X1: 1920, Y1: 1080}, nil)
				}
				n++
				took = append(took, float64(time.Since(t1)))
			}
			slices.Sort(took)
			slices.Sort(memcpy)
			b.ReportMetric(took[len(took)/2]/1e3, "p50-us")
			b.ReportMetric(took[len(took)/10]/1e3, "p10-us")
			b.ReportMetric(took[len(took)/2]/memcpy[len(memcpy)/2], "memcpy-of-1080p-I420")
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	pics, m := street(640, 360, 4), New(DefaultConfig())
	for n := range 100 {
		m.Update(at(n), pics[n%len(pics)], image.Point{})
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Observe(at(97), sceneBox, nil)
	}
}

func BenchmarkShrink(b *testing.B) {
	p := street(1920, 1080, 0)[0]
	dst, acc := make([]uint16, 240*135), make([]uint16, 1920)
	b.Run("1080p", func(b *testing.B) {
		b.SetBytes(1920 * 1080)
		for b.Loop() {
			shrink(dst, p.Y, p.YStride, 1920, 1080, 8, 1, acc)
		}
	})
	b.Run("1080p/go", func(b *testing.B) {
		b.SetBytes(1920 * 1080)
		for b.Loop() {
			shrinkGo(dst, p.Y, p.YStride, 1920, 1080, 8, 1, acc)
		}
	})
}
