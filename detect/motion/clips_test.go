package motion

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// decode calls each with the luma of every picture of a clip under
// HEDGE_DATA/dev, scaled to w x h. It skips the test if there is no such clip.
func decode(t testing.TB, clip string, w, h int, each func(n int, pic *image.YCbCr)) {
	t.Helper()
	data := os.Getenv("HEDGE_DATA")
	if data == "" {
		t.Skip("HEDGE_DATA is not set")
	}
	path := filepath.Join(data, "dev", clip)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no such clip: ", err)
	}
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed")
	}
	cmd := exec.Command(ffmpeg, "-v", "error", "-threads", "1", "-i", path, "-vf", fmt.Sprintf("scale=%d:%d:flags=area", w, h),
		"-pix_fmt", "yuv420p", "-vsync", "passthrough", "-f", "rawvideo", "-")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pic := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	r := bufio.NewReaderSize(out, 1<<20)
	for n := 1; ; n++ {
		for _, p := range [][]uint8{pic.Y, pic.Cb, pic.Cr} {
			if _, err = io.ReadFull(r, p); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
		each(n, pic)
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

type label struct {
	box   detect.Box
	track int
}

// labels reads the people of a set, by frame counted from 1.
func labels(t testing.TB, set string) map[int][]label {
	t.Helper()
	f, err := os.Open(filepath.Join(os.Getenv("HEDGE_DATA"), "dev", set, "labels.jsonl"))
	if err != nil {
		t.Skip("no labels: ", err)
	}
	defer f.Close()
	all := map[int][]label{}
	for dec := json.NewDecoder(f); ; {
		var line struct {
			Frame int
			Boxes []struct {
				Class      string
				X, Y, W, H float32
				Track      int
			}
		}
		if err := dec.Decode(&line); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		for _, b := range line.Boxes {
			all[line.Frame] = append(all[line.Frame], label{detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}, b.Track})
		}
	}
}

// paint sets the pixels of a w x h mask that boxes touch.
func paint(mask []uint8, w, h int, boxes []detect.Box, v uint8) {
	for _, b := range boxes {
		for y := max(int(b.Y0), 0); y < min(int(b.Y1+0.999), h); y++ {
			for x := max(int(b.X0), 0); x < min(int(b.X1+0.999), w); x++ {
				mask[y*w+x] = v
			}
		}
	}
}

func covered(mask []uint8, w, h int, b detect.Box) float64 {
	n, hit := 0, 0
	for y := max(int(b.Y0), 0); y < min(int(b.Y1), h); y++ {
		for x := max(int(b.X0), 0); x < min(int(b.X1), w); x++ {
			n++
			hit += int(mask[y*w+x])
		}
	}
	if n == 0 {
		return 1
	}
	return float64(hit) / float64(n)
}

// picture writes what a model says as a picture, if HEDGE_MOTION_PICTURES names
// a folder: patches red, unexplained cells blue.
func picture(t testing.TB, name string, m *Model, pic *image.YCbCr, objects []detect.Object) {
	dir := os.Getenv("HEDGE_MOTION_PICTURES")
	if dir == "" {
		return
	}
	w, h := pic.Rect.Dx(), pic.Rect.Dy()
	red, blue, green := make([]uint8, w*h), make([]uint8, w*h), make([]uint8, w*h)
	paint(red, w, h, m.Patches(nil), 1)
	paint(blue, w, h, m.Unexplained(nil, objects), 1)
	for _, o := range objects {
		paint(green, w, h, []detect.Box{o.Cover}, 1)
	}
	img := image.NewRGBA(pic.Rect)
	for i := range red {
		y := pic.Y[i/w*pic.YStride+i%w]
		img.Set(i%w, i/w, color.RGBA{max(y/2, red[i]*255), max(y/2, green[i]*160), max(y/2, blue[i]*255), 255})
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// looker plays a detector that misses people for whole stretches: it looks at
// every so many-th picture, and its result comes late.
type looker struct {
	rnd     *rand.Rand
	recall  float64
	every   int
	late    time.Duration
	blind   map[int]bool
	waiting []look
}

type look struct {
	at, due time.Duration
	objects []detect.Object
}

func (l *looker) step(m *Model, n int, tm time.Duration, people []label, all detect.Box) {
	if (n-1)%l.every == 0 {
		k := look{at: tm, due: tm + l.late}
		for _, p := range people {
			if _, ok := l.blind[p.track]; !ok || l.rnd.Float64() < 0.3 {
				l.blind[p.track] = l.rnd.Float64() >= l.recall
			}
			if !l.blind[p.track] {
				b := p.box.Grow(0.05, 0.05)
				k.objects = append(k.objects, detect.Object{Class: detect.Person, Box: b, Cover: b, Confirmed: true})
			}
		}
		l.waiting = append(l.waiting, k)
	}
	for len(l.waiting) > 0 && l.waiting[0].due <= tm {
		m.Judge(l.waiting[0].at, all, l.waiting[0].objects)
		l.waiting = l.waiting[1:]
	}
}

func TestPETS(t *testing.T) {
	const set, w, h = "mot15_PETS09-S2L1", 768, 576
	for _, recall := range []float64{0, 0.5, 0.8} {
		t.Run(fmt.Sprintf("recall=%g", recall), func(t *testing.T) { pets(t, set, w, h, recall) })
	}
}

func pets(t *testing.T, set string, w, h int, recall float64) {
	m := New(Config{})
	people := labels(t, set)
	l := &looker{rnd: rand.New(rand.NewPCG(1, 2)), recall: recall, every: 3, late: 200 * time.Millisecond, blind: map[int]bool{}}
	all := detect.Box{X1: float32(w), Y1: float32(h)}
	mask, want := make([]uint8, w*h), make([]uint8, w*h)
	var boxes, moving, seen, hidden, hiddenMoving int
	var over, rest float64
	last := map[int]detect.Box{}
	age := map[int]int{}
	firstSeen := map[int]int{}
	decode(t, set+"/vtest.avi", w, h, func(n int, pic *image.YCbCr) {
		tm := time.Duration(n) * 100 * time.Millisecond
		m.Update(tm, pic, image.Point{})
		l.step(m, n, tm, people[n], all)
		if n%100 == 50 {
			picture(t, fmt.Sprintf("pets-%g-%d", recall, n), m, pic, nil)
		}
		patches := make([]uint8, w*h)
		paint(patches, w, h, m.Patches(nil), 1)
		clear(mask)
		paint(mask, w, h, m.Unexplained(nil, nil), 1)
		clear(want)
		for _, p := range people[n] {
			paint(want, w, h, []detect.Box{p.box.Grow(0.1, 0.1)}, 1)
			b := p.box.Intersect(all)
			age[p.track]++
			if n > 30 {
				boxes++
				c := covered(mask, w, h, b)
				if c >= 0.8 {
					hidden++
				}
				s := covered(patches, w, h, b)
				lx, ly := last[p.track].Center()
				x, y := p.box.Center()
				if _, ok := last[p.track]; ok && (x-lx)*(x-lx)+(y-ly)*(y-ly) >= 4 {
					moving++
					if s >= 0.5 {
						seen++
					}
					if c >= 0.8 {
						hiddenMoving++
					}
				}
				if _, ok := firstSeen[p.track]; !ok && s >= 0.5 {
					firstSeen[p.track] = age[p.track]
				}
			}
			last[p.track] = p.box
		}
		if n > 30 {
			for i, v := range mask {
				if want[i] == 0 {
					rest++
					over += float64(v)
				}
			}
		}
	})
	t.Logf("recall %g: boxes %d, hidden by motion alone %.2f %%; moving %d, seen %.2f %%, hidden %.2f %%; rest hidden %.2f %%; moved %v",
		recall, boxes, 100*float64(hidden)/float64(boxes), moving, 100*float64(seen)/float64(moving), 100*float64(hiddenMoving)/float64(moving), 100*over/rest, m.Moved())
	t.Log("first seen", firstSeen)
}
