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
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
		paint(green, w, h, []detect.Box{o.Padded}, 1)
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
	waiting []answer
}

type answer struct {
	at, due time.Duration
	objects []detect.Object
}

func (l *looker) step(m *Model, n int, tm time.Duration, people []label, all detect.Box) {
	if (n-1)%l.every == 0 {
		k := answer{at: tm, due: tm + l.late}
		for _, p := range people {
			if _, ok := l.blind[p.track]; !ok || l.rnd.Float64() < 0.3 {
				l.blind[p.track] = l.rnd.Float64() >= l.recall
			}
			if !l.blind[p.track] {
				b := p.box.Grow(0.05, 0.05)
				k.objects = append(k.objects, detect.Object{Class: detect.Person, Box: b, Padded: b, Confirmed: true})
			}
		}
		l.waiting = append(l.waiting, k)
	}
	for len(l.waiting) > 0 && l.waiting[0].due <= tm {
		m.Observe(l.waiting[0].at, all, l.waiting[0].objects)
		l.waiting = l.waiting[1:]
	}
}

// TestPETS holds what the model says of a fixed camera's clip against its labels,
// with inferences of a detector that misses half of the people, for stretches.
func TestPETS(t *testing.T) {
	long(t)
	const set, w, h, warm = "mot15_PETS09-S2L1", 768, 576, 30
	data := os.Getenv("HEDGE_DATA")
	if data == "" {
		t.Skip("HEDGE_DATA is not set")
	}
	m, people := New(DefaultConfig()), labels(t, set)
	l := &looker{rnd: rand.New(rand.NewPCG(1, 2)), recall: 0.5, every: 3, late: 200 * time.Millisecond, blind: map[int]bool{}}
	all := detect.Box{X1: w, Y1: h}
	mask, patches, want := make([]uint8, w*h), make([]uint8, w*h), make([]uint8, w*h)
	var moving, seen, hidden, over, rest, cells float64
	last, age, first := map[int]detect.Box{}, map[int]int{}, map[int]int{}
	decode(t, set+"/vtest.avi", w, h, func(n int, pic *image.YCbCr) {
		tm := time.Duration(n) * 100 * time.Millisecond
		m.Update(tm, pic, image.Point{})
		l.step(m, n, tm, people[n], all)
		if n%100 == 50 {
			picture(t, fmt.Sprintf("pets-%d", n), m, pic, nil)
		}
		for _, s := range [][]uint8{mask, patches, want} {
			clear(s)
		}
		paint(mask, w, h, m.Unexplained(nil, nil), 1)
		paint(patches, w, h, m.Patches(nil), 1)
		for _, p := range people[n] {
			paint(want, w, h, []detect.Box{p.box.Grow(0.1, 0.1)}, 1)
			age[p.track]++
			before, ok := last[p.track]
			last[p.track] = p.box
			s := covered(patches, w, h, p.box)
			if s >= 0.5 && first[p.track] == 0 {
				first[p.track] = age[p.track]
			}
			x0, y0 := before.Center()
			x1, y1 := p.box.Center()
			if n <= warm || !ok || math.Hypot(float64(x1-x0), float64(y1-y0)) < 2 {
				continue
			}
			moving++
			if s >= 0.5 {
				seen++
			}
			if covered(mask, w, h, p.box) >= 0.8 {
				hidden++
			}
		}
		if n <= warm {
			return
		}
		for i, v := range want {
			if v == 0 {
				rest++
				over += float64(mask[i])
				cells += float64(patches[i])
			}
		}
	})
	quick, tracks := 0, 0
	for track := range age {
		tracks++
		if f := first[track]; f > 0 && f <= 3 {
			quick++
		}
	}
	t.Logf("moving people: %.0f boxes, %.2f %% seen, %.2f %% hidden by motion alone; %d of %d tracks seen within 3 frames; of the rest %.2f %% moves, %.2f %% is hidden",
		moving, 100*seen/moving, 100*hidden/moving, quick, tracks, 100*cells/rest, 100*over/rest)
	if seen/moving < 0.99 || hidden/moving < 0.93 {
		t.Errorf("of the moving people %.2f %% are seen and %.2f %% hidden, want 99 %% and 93 %%", 100*seen/moving, 100*hidden/moving)
	}
	if quick < tracks-5 {
		t.Errorf("%d of %d tracks seen within 3 frames, want all but 5", quick, tracks)
	}
	if over/rest > 0.03 {
		t.Errorf("%.2f %% of the rest is hidden, want at most 3 %%", 100*over/rest)
	}
}

// TestIndoor: an indoor clip of a fixed camera through which people walk one by
// one. It has no labels; nothing must be left over between them.
func TestIndoor(t *testing.T) {
	long(t)
	const w, h = 768, 432
	m := New(DefaultConfig())
	all := detect.Box{X1: w, Y1: h}
	static, n := 0, 0
	var area []float64
	mask := make([]uint8, w*h)
	decode(t, "videos_unlabelled/indoor_one_by_one_768x432.mp4", w, h, func(k int, pic *image.YCbCr) {
		tm := time.Duration(k) * 100 * time.Millisecond
		m.Update(tm, pic, image.Point{})
		if k%5 == 0 {
			m.Observe(tm, all, nil)
		}
		if k%100 == 50 {
			picture(t, fmt.Sprintf("indoor-%d", k), m, pic, nil)
		}
		n++
		if m.Static() {
			static++
		}
		clear(mask)
		paint(mask, w, h, m.Unexplained(nil, nil), 1)
		area = append(area, covered(mask, w, h, all))
	})
	slices.Sort(area)
	t.Logf("static in %.1f %% of %d pictures; hidden at the median %.2f %%, at the 90th percentile %.2f %%", 100*float64(static)/float64(n), n, 100*area[n/2], 100*area[n*9/10])
}
