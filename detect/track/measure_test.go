package track

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// label is one labelled box.
type label struct {
	box   detect.Box
	track int
}

// clip is a labelled clip. Index 0 is frame 1.
type clip struct {
	size   image.Point
	fps    float64
	labels [][]label
}

func (c *clip) at(i int) time.Duration {
	return time.Duration(float64(i) / c.fps * float64(time.Second))
}

// readClip reads a set of HEDGE_DATA/dev, or skips the test.
func readClip(t testing.TB, set string, fps float64) *clip {
	t.Helper()
	dir := os.Getenv("HEDGE_DATA")
	if dir == "" {
		t.Skip("HEDGE_DATA is not set: no labelled clips")
	}
	f, err := os.Open(filepath.Join(dir, "dev", set, "labels.jsonl"))
	if err != nil {
		t.Skip("no labels: ", err)
	}
	defer f.Close()
	c := &clip{fps: fps}
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l struct {
			Width, Height int
			Boxes         []struct {
				Class      string
				X, Y, W, H float32
				Track      int
			}
		}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		c.size = image.Pt(l.Width, l.Height)
		var ls []label
		for _, b := range l.Boxes {
			if b.Class == "person" {
				ls = append(ls, label{detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}, b.Track})
			}
		}
		c.labels = append(c.labels, ls)
	}
	if err := in.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// spoil are the ways in which detections made of labels are worse than them.
type spoil struct {
	drop   float64 // share of the boxes that is not found
	jitter float32 // of each side, standard deviation as a share of the side
	invent float64 // false boxes per inference
}

// detections makes detections of the labels of every frame.
func (c *clip) detections(s spoil, seed uint64) [][]detect.Detection {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([][]detect.Detection, len(c.labels))
	noise := func(side float32) float32 { return float32(r.NormFloat64()) * s.jitter * side }
	for i, ls := range c.labels {
		for _, l := range ls {
			if r.Float64() < s.drop {
				continue
			}
			b := l.box
			w, h := b.W(), b.H()
			b = detect.Box{X0: b.X0 + noise(w), Y0: b.Y0 + noise(h), X1: b.X1 + noise(w), Y1: b.Y1 + noise(h)}
			out[i] = append(out[i], detect.Detection{Box: b, Class: detect.Person, Score: 0.3 + 0.6*r.Float32()})
		}
		for k := s.invent; r.Float64() < k; k-- {
			h := float32(c.size.Y) * (0.1 + 0.2*r.Float32())
			x, y := r.Float32()*float32(c.size.X), r.Float32()*float32(c.size.Y)
			out[i] = append(out[i], detect.Detection{
				Box:   detect.Box{X0: x, Y0: y, X1: x + h*0.4, Y1: y + h},
				Class: detect.Person, Score: 0.1 + 0.2*r.Float32(),
			})
		}
	}
	return out
}

// result is what bench/leak measures, too.
type result struct {
	boxes, leaked             int
	tracks, leaky             int
	longest                   int     // longest run of leaked frames of one track
	over                      float64 // share of the other pixels that is hidden
	overBlocks                float64 // the same when hidden by blocks of 16x16
	switches                  int     // times that a labelled track changes its id
	leakedB, leakyB, longestB int     // hidden by blocks
	ids                       int
}

func (r result) rate() float64 { return float64(r.leaked) / float64(r.boxes) }

func (r result) String() string {
	return fmt.Sprintf("leak %.3f %% (%d of %d), tracks %d of %d, longest %d, over-hidden %.2f %%; by blocks leak %.3f %%, tracks %d, longest %d, over-hidden %.2f %%; switches %d, ids %d",
		100*r.rate(), r.leaked, r.boxes, r.leaky, r.tracks, r.longest, 100*r.over,
		100*float64(r.leakedB)/float64(r.boxes), r.leakyB, r.longestB, 100*r.overBlocks, r.switches, r.ids)
}

// measure runs a tracker over the detections of every step-th frame, with a
// window of ahead frames. Frames before skip do not count.
func (c *clip) measure(cfg Config, found [][]detect.Detection, step, ahead, skip int) result {
	cfg.Size = c.size
	t := New(cfg)
	var r result
	var objs []detect.Object
	var hidden, blocks, asked mask
	next := 0
	run, runB := map[int]int{}, map[int]int{}
	leakyB := map[int]bool{}
	leaky := map[int]bool{}
	lastID := map[int]uint64{}
	ids := map[uint64]bool{}
	var over, overBlocks, rest int
	for i := range c.labels {
		for ; next < len(c.labels) && next <= i+ahead; next++ {
			if next%step == 0 {
				t.Update(Inference{Time: c.at(next), Classes: detect.Classes(detect.Person), Detections: found[next]})
			}
		}
		objs = t.At(c.at(i), objs[:0])
		t.Forget(c.at(i))
		if i < skip {
			continue
		}
		hidden.reset(c.size)
		blocks.reset(c.size)
		asked.reset(c.size)
		for _, o := range objs {
			ids[o.ID] = true
			hidden.fill(o.Padded, 1)
			blocks.fill(o.Padded, 16)
		}
		for _, l := range c.labels[i] {
			r.boxes++
			asked.fill(l.box, 1)
			run[l.track] += 0 // so that it counts as a track
			if hidden.share(l.box) < 0.8 {
				r.leaked++
				leaky[l.track] = true
				run[l.track]++
				r.longest = max(r.longest, run[l.track])
			} else {
				run[l.track] = 0
			}
			if blocks.share(l.box) < 0.8 {
				r.leakedB++
				leakyB[l.track] = true
				runB[l.track]++
				r.longestB = max(r.longestB, runB[l.track])
			} else {
				runB[l.track] = 0
			}
			best, id := float32(0.4), uint64(0)
			for _, o := range objs {
				if v := o.Box.IoU(l.box); v > best {
					best, id = v, o.ID
				}
			}
			if id != 0 {
				if last := lastID[l.track]; last != 0 && last != id {
					r.switches++
				}
				lastID[l.track] = id
			}
		}
		rest += c.size.X*c.size.Y - asked.count()
		over += hidden.without(&asked)
		overBlocks += blocks.without(&asked)
	}
	r.tracks, r.leaky, r.ids = len(run), len(leaky), len(ids)
	r.leakyB = len(leakyB)
	r.over, r.overBlocks = float64(over)/float64(rest), float64(overBlocks)/float64(rest)
	return r
}

// mask is a picture of what is hidden, a bit for each pixel.
type mask struct {
	size image.Point
	line int // words a row
	on   []uint64
}

func (m *mask) reset(size image.Point) {
	m.size, m.line = size, (size.X+63)/64
	if len(m.on) != m.line*size.Y {
		m.on = make([]uint64, m.line*size.Y)
	}
	clear(m.on)
}

// rect returns the pixels that b touches, rounded outwards to multiples of step.
func (m *mask) rect(b detect.Box, step int) image.Rectangle {
	floor := func(v float32) int { return int(math.Floor(float64(v)/float64(step))) * step }
	ceil := func(v float32) int { return int(math.Ceil(float64(v)/float64(step))) * step }
	return image.Rect(floor(b.X0), floor(b.Y0), ceil(b.X1), ceil(b.Y1)).Intersect(image.Rectangle{Max: m.size})
}

// words calls f for every word of r with the bits of r in it.
func (m *mask) words(r image.Rectangle, f func(word *uint64, bits uint64)) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; {
			next := min((x/64+1)*64, r.Max.X)
			set := ^uint64(0) >> (64 - (next - x)) << (x % 64)
			f(&m.on[y*m.line+x/64], set)
			x = next
		}
	}
}

func (m *mask) fill(b detect.Box, step int) {
	m.words(m.rect(b, step), func(w *uint64, set uint64) { *w |= set })
}

// share returns the share of b's pixels inside the picture that are hidden.
func (m *mask) share(b detect.Box) float64 {
	r := m.rect(b, 1)
	if r.Empty() {
		return 1
	}
	n := 0
	m.words(r, func(w *uint64, set uint64) { n += bits.OnesCount64(*w & set) })
	return float64(n) / float64(r.Dx()*r.Dy())
}

func (m *mask) count() (n int) {
	for _, w := range m.on {
		n += bits.OnesCount64(w)
	}
	return n
}

// without returns how many pixels are on here and not in o.
func (m *mask) without(o *mask) (n int) {
	for i, w := range m.on {
		n += bits.OnesCount64(w &^ o.on[i])
	}
	return n
}
