package redact

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/internal/race"
)

// yard is a fixed camera before which somebody comes and goes, with a plate that
// watches it.
type yard struct {
	plate  *BackgroundPlate
	empty  *image.YCbCr
	frame  int
	step   time.Duration   // between frames
	who    image.Rectangle // somebody, in white, from frame from to before frame to
	from   int
	to     int
	found  bool // by network 0
	as     detect.Detection
	moves  bool
	scale  float32
	region detect.Box
	blind  int // this network does not look; -1: all do
}

const yardSpan = 30 * time.Second

func newYard() *yard {
	size := image.Pt(192, 128)
	return &yard{
		plate: NewBackgroundPlate(size, PlateConfig{Networks: 2, Span: yardSpan}),
		empty: noise(size.X, size.Y, 7),
		step:  200 * time.Millisecond, who: image.Rect(40, 32, 72, 96), scale: 1, blind: -1,
		as: detect.Detection{Class: detect.Person, Score: 0.1},
	}
}

// run shows frames up to before the time end. Networks look at every third, and are
// done two frames later.
func (y *yard) run(end time.Duration) {
	pic := clone(y.empty)
	box := detect.Box{X0: float32(y.who.Min.X), Y0: float32(y.who.Min.Y), X1: float32(y.who.Max.X), Y1: float32(y.who.Max.Y)}
	there := func(n int) bool { return n >= y.from && n < y.to }
	for ; time.Duration(y.frame)*y.step < end; y.frame++ {
		n := y.frame
		copyPicture(pic, y.empty)
		if there(n) {
			blob{at: y.who, colour: [3]byte{235, 100, 150}}.draw(pic, Mask{}, rand.New(rand.NewPCG(1, 1)))
		}
		if n%3 == 2 {
			for k := range 2 {
				if k == y.blind {
					continue
				}
				l := Inference{Network: k, Time: time.Duration(n-2) * y.step, Region: y.region, Scale: y.scale}
				if y.found && k == 0 && there(n-2) {
					l.Found = []detect.Detection{{Class: y.as.Class, Score: y.as.Score, Box: box}}
				}
				y.plate.Looked(l)
			}
		}
		var occupied []detect.Box
		if y.moves && there(n) {
			occupied = append(occupied, box)
		}
		y.plate.Frame(pic, time.Duration(n)*y.step, occupied)
	}
}

// shows counts the known blocks that have the pixels of the empty place, and those
// that have others.
func (y *yard) shows() (empty, other int) {
	y.plate.known.each(func(i int) {
		same := true
		blockPlanes(y.plate.pic, y.empty, y.plate.rect(i), func(_ int, a, b []byte) { same = same && slices.Equal(a, b) })
		if same {
			empty++
		} else {
			other++
		}
	})
	return empty, other
}

// seconds returns the frames of a time.
func (y *yard) at(d time.Duration) int { return int(d / y.step) }

// TestPlateStaysEmpty shows what enters the plate, where nobody was found and nothing moved for long
// enough, and what does not.
func TestPlateStaysEmpty(t *testing.T) {
	race.SkipPixels(t)
	all := 24 * 16 // blocks
	who := 4 * 8   // of them under the person
	const s = time.Second
	for _, c := range []struct {
		name    string
		set     func(y *yard)
		end     time.Duration
		least   int  // blocks that are known and empty
		entered bool // and the person is in the others
	}{
		{"nobody", func(*yard) {}, 40 * s, all, false},
		{"nobody, not long enough", func(*yard) {}, 29 * s, 0, false},
		{"unfound, stays for less than the span", func(y *yard) { y.from, y.to = y.at(10*s), y.at(38*s) }, 120 * s, all, false},
		{"unfound, from the beginning for less than the span", func(y *yard) { y.to = y.at(29 * s) }, 120 * s, all, false},
		{"unfound, comes and stays", func(y *yard) { y.from, y.to = y.at(60*s), y.at(240*s) }, 80 * s, all, false},
		{"unfound, stays for longer: a limit", func(y *yard) { y.to = y.at(240 * s) }, 60 * s, all - who, true},
		{"found, however long", func(y *yard) { y.from, y.to, y.found = y.at(50*s), y.at(900*s), true }, 600 * s, all, false},
		{"found, from the beginning", func(y *yard) { y.to, y.found = y.at(900*s), true }, 600 * s, all - 6*10, false},
		{"moving, however long", func(y *yard) { y.to, y.moves = y.at(900*s), true }, 600 * s, all - 6*10, false},
		{"a network does not look", func(y *yard) { y.blind = 1 }, 120 * s, 0, false},
		{"too small for the network", func(y *yard) { y.scale = 0.3 }, 120 * s, 0, false},
		{"only a part is looked at", func(y *yard) { y.region = detect.Box{X1: 96, Y1: 128} }, 120 * s, all / 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			y := newYard()
			c.set(y)
			y.run(c.end)
			empty, other := y.shows()
			if empty < c.least || c.least == 0 && empty > 0 || c.least == all/2 && empty > all/2 {
				t.Errorf("%d blocks are known and empty, want %d", empty, c.least)
			}
			if other > 0 != c.entered {
				t.Errorf("the person is in %d blocks", other)
			}
		})
	}
}

// TestPlateUnlearns: who was found by nobody for so long that they entered is dropped from what
// is known when they are found; who comes over a place that is known takes nothing from it.
func TestPlateUnlearns(t *testing.T) {
	for name, as := range map[string]detect.Detection{
		"person":        {Class: detect.Person, Score: 0.9},
		"weakly":        {Class: detect.Person, Score: 0.1},
		"license plate": {Class: detect.Plate, Score: 0.65},
		"face":          {Class: detect.Face, Score: 0.31},
	} {
		y := newYard()
		y.as, y.to = as, 1<<20
		y.run(time.Minute)
		if _, other := y.shows(); other == 0 {
			t.Fatalf("%s: nothing of who was never found has entered", name)
		}
		y.found = true
		y.run(62 * time.Second)
		if _, other := y.shows(); other > 0 {
			t.Errorf("%s: found after a minute, and %d blocks are known that show them", name, other)
		}
		// Whoever stays is not known anew.
		y.run(3 * time.Minute)
		if _, other := y.shows(); other > 0 {
			t.Errorf("%s: after three minutes %d blocks are known that show them", name, other)
		}
	}
	y := newYard()
	y.run(time.Minute)
	before, _ := y.shows()
	y.found, y.moves, y.as.Score = true, true, 0.9
	y.from, y.to = y.frame, y.frame+50
	y.run(2 * time.Minute)
	if after, other := y.shows(); after < before || other > 0 {
		t.Errorf("of %d known blocks %d are left, and %d show who came", before, after, other)
	}
}

// TestPlateForgets: another size, time that runs backwards and Forget leave nothing,
// and a doubt drops what waits for its proof.
func TestPlateForgets(t *testing.T) {
	for name, forget := range map[string]func(y *yard){
		"told":      func(y *yard) { y.plate.Forget() },
		"backwards": func(y *yard) { y.plate.Frame(y.empty, 0, nil) },
		"size":      func(y *yard) { y.plate.Frame(noise(64, 64, 1), time.Hour, nil) },
	} {
		y := newYard()
		y.run(40 * time.Second)
		if y.plate.Known() != 1 {
			t.Fatalf("%v known", y.plate.Known())
		}
		if forget(y); y.plate.Known() != 0 {
			t.Errorf("%s: %v still known", name, y.plate.Known())
		}
		for _, l := range y.plate.looks {
			if slices.ContainsFunc(l, func(k plateLook) bool { return k.first != never }) {
				t.Errorf("%s: looks from before count", name)
			}
		}
	}
	y := newYard()
	for y.frame < 600 {
		y.run(time.Duration(y.frame+7) * y.step)
		y.plate.Doubt(time.Duration(y.frame-1) * y.step)
	}
	if known := y.plate.Known(); known != 0 {
		t.Errorf("%v known of what was doubted all the time", known)
	}
}

// TestPlateUpkeep: one frame works on a bounded number of blocks, and nothing is
// allocated.
func TestPlateUpkeep(t *testing.T) {
	p := NewBackgroundPlate(fullHD, PlateConfig{Networks: 1, Span: time.Second})
	pic := noise(fullHD.X, fullHD.Y, 3)
	n := 0
	frame := func() {
		at := time.Duration(n) * 40 * time.Millisecond
		p.Looked(Inference{Time: at, Scale: 1})
		before := slices.Clone(p.blocks)
		p.Frame(pic, at, []detect.Box{{X0: 100, Y0: 100, X1: 300, Y1: 500}})
		worked := 0
		for i := range before {
			if b := &p.blocks[i]; b.pending != before[i].pending || b.count != before[i].count {
				worked++
			}
		}
		if marked := 16 * 28; worked > plateWork+marked {
			t.Fatalf("frame %d worked on %d blocks", n, worked)
		}
		n++
	}
	for range 400 {
		frame()
	}
	if p.Known() < 0.9 {
		t.Fatalf("%v known", p.Known())
	}
	if allocs := testing.AllocsPerRun(20, func() {
		at := time.Duration(n) * 40 * time.Millisecond
		p.Looked(Inference{Time: at, Scale: 1})
		p.Frame(pic, at, nil)
		n++
	}); allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}
