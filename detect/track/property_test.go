package track

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// tape turns fuzz input into values, among them the nasty ones.
type tape struct{ b []byte }

func (t *tape) next() byte {
	if len(t.b) == 0 {
		return 0
	}
	v := t.b[0]
	t.b = t.b[1:]
	return v
}

func (t *tape) coord() float32 {
	switch v := t.next(); v {
	case 255:
		return float32(math.NaN())
	case 254:
		return float32(math.Inf(1))
	case 253:
		return float32(math.Inf(-1))
	case 252:
		return 3e38
	case 251:
		return -1e-40
	default:
		return float32(v)*5 - 100
	}
}

func (t *tape) score() float32 {
	switch v := t.next(); v {
	case 255:
		return float32(math.NaN())
	case 254:
		return float32(math.Inf(1))
	case 253:
		return -1
	default:
		return float32(v) / 200
	}
}

func (t *tape) time(now time.Duration) time.Duration {
	switch v := t.next(); v {
	case 255:
		return math.MaxInt64
	case 254:
		return math.MinInt64
	default:
		return now + time.Duration(int8(v))*20*ms
	}
}

func (t *tape) infer(now time.Duration) Inference {
	l := Inference{Time: t.time(now), Classes: detect.ClassSet(t.next())}
	if t.next() > 128 {
		l.Region = detect.Box{X0: t.coord(), Y0: t.coord(), X1: t.coord(), Y1: t.coord()}
	}
	for n := t.next() % 8; n > 0; n-- {
		l.Detections = append(l.Detections, detect.Detection{
			Box:   detect.Box{X0: t.coord(), Y0: t.coord(), X1: t.coord(), Y1: t.coord()},
			Class: detect.Class(t.next() % 6), Score: t.score(),
		})
	}
	return l
}

// checkSeen fails unless everything that l shows is covered at its time.
func checkSeen(t *testing.T, tr *Tracker, l Inference, os []detect.Object) {
	t.Helper()
	for _, d := range l.Detections {
		if d.Class >= detect.NumClasses || !(d.Score >= tr.cfg.Class[d.Class].Low) || !d.Box.Finite() {
			continue
		}
		box := d.Box.Intersect(tr.whole)
		if box.Empty() {
			continue
		}
		ok := false
		for _, o := range os {
			whole := o.Padded == tr.whole
			ok = ok || whole || o.Class == d.Class && o.Padded.Contains(box)
		}
		if !ok {
			t.Fatalf("%+v seen at %v is not covered by %+v", d, l.Time, os)
		}
	}
}

func checkObjects(t *testing.T, tr *Tracker, os []detect.Object) {
	t.Helper()
	type key struct { // what may be anybody is an object of several classes
		id    uint64
		class detect.Class
	}
	ids := map[key]bool{}
	for _, o := range os {
		if ids[key{o.ID, o.Class}] {
			t.Fatalf("id %d twice", o.ID)
		}
		ids[key{o.ID, o.Class}] = true
		if !o.Box.Finite() || o.Box.Empty() || !o.Padded.Finite() || o.Padded.Empty() || !tr.whole.Contains(o.Padded) {
			t.Fatalf("object %+v", o)
		}
		if !(o.Score >= 0 && o.Score <= 1) || o.Age < 0 || o.Class >= detect.NumClasses {
			t.Fatalf("object %+v", o)
		}
	}
}

// play feeds a tape to a tracker and checks what must always hold.
func play(t *testing.T, data []byte) {
	tp := &tape{data}
	tr := New(config(20))
	var now time.Duration
	first := map[uint64]time.Duration{}
	for len(tp.b) > 0 {
		switch op := tp.next(); {
		case op < 160:
			now += time.Duration(op%8) * 20 * ms
			l := tp.infer(now)
			late := l.Time < tr.horizon
			tr.Update(l)
			os := tr.At(l.Time, nil)
			checkObjects(t, tr, os)
			if !late {
				checkSeen(t, tr, l, os)
			}
		case op < 200:
			checkObjects(t, tr, tr.At(tp.time(now), nil))
		case op < 230:
			m := Affine{
				XX: float64(tp.coord()) / 100, XY: float64(tp.coord()) / 1000, X0: float64(tp.coord()) / 10,
				YX: float64(tp.coord()) / 1000, YY: float64(tp.coord()) / 100, Y0: float64(tp.coord()) / 10,
			}
			if err := tr.Warp(tp.time(now), m); err == nil {
				checkObjects(t, tr, tr.At(now, nil))
			}
		case op < 240:
			tr.Forget(tp.time(now))
		}
		for _, o := range tr.objects {
			if at, ok := first[o.id]; ok && at < 0 {
				t.Fatalf("id %d was used again", o.id)
			}
			first[o.id] = 1
			if len(o.seen) > maxObservations+1 {
				t.Fatalf("%d observations are kept", len(o.seen))
			}
		}
		alive := map[uint64]bool{}
		for _, o := range tr.objects {
			alive[o.id] = true
		}
		for id := range first {
			if !alive[id] {
				first[id] = -1
			}
		}
		if len(tr.objects) > 20 || len(tr.cam.at) > maxWarps {
			t.Fatalf("%d objects, %d camera steps", len(tr.objects), len(tr.cam.at))
		}
	}
}

func tapes() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for i := range 30 {
		b := make([]byte, 2000)
		for k := 0; k+8 <= len(b); k += 8 {
			binary.LittleEndian.PutUint64(b[k:], r.Uint64())
		}
		if i%2 == 0 { // without the nasty values, and looks only
			for k := range b {
				b[k] %= 160
			}
		}
		all = append(all, b)
	}
	return all
}

func TestAnySequence(t *testing.T) {
	for _, b := range tapes() {
		play(t, b)
	}
}

func FuzzTracker(f *testing.F) {
	for _, b := range tapes()[:4] {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			t.Skip("longer than needed")
		}
		play(t, data)
	})
}

// TestBounded plays a long noisy recording: nothing may grow.
func TestBounded(t *testing.T) {
	tr := newTracker()
	r := rand.New(rand.NewPCG(3, 4))
	most, early := 0, 0
	for i := range 4000 {
		at := time.Duration(i) * 33 * ms
		l := infer(at, person(100+20*float32(math.Sin(float64(i)/50)), 300, 0.8))
		for range 5 {
			l.Detections = append(l.Detections, person(1000*r.Float32(), 800*r.Float32(), 0.1+0.2*r.Float32()))
		}
		tr.Update(l)
		tr.Forget(at - 300*ms)
		n := len(tr.spare)
		for _, o := range tr.objects {
			n += cap(o.seen)
		}
		most = max(most, n)
		if i == 1000 {
			early = most
		}
	}
	if most > 2*early {
		t.Errorf("memory grows: %d observations early on, %d later", early, most)
	}
}

// scene is n objects of 40 x 100 that move, in a picture that has room for them
// if n is at most 500.
func scene(n int, i int) []detect.Detection {
	ds := make([]detect.Detection, 0, n)
	for k := range n {
		x := float32(30+72*(k%26)) + 10*float32(math.Sin(float64(i+k)/10))
		y := float32(60 + 52*(k/26))
		ds = append(ds, detect.Detection{
			Box:   detect.Box{X0: x, Y0: y, X1: x + 40, Y1: y + 100},
			Class: detect.Person, Score: 0.2 + 0.1*float32(k%7),
		})
	}
	return ds
}

func TestWorkIsNearLinear(t *testing.T) {
	work := func(n int) float64 {
		tr := New(DefaultConfig())
		for i := range 20 {
			tr.Update(infer(time.Duration(i)*33*ms, scene(n, i)...))
		}
		return float64(tr.work)
	}
	for _, n := range []int{125, 250} {
		if r := work(2*n) / work(n); r > 2.6 {
			t.Errorf("%d objects take %.2f times the comparisons of %d", 2*n, r, n)
		}
	}
	if w := work(500) / 20 / 500; w > 60 {
		t.Errorf("%.0f comparisons for each object and inference", w)
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	tr := New(DefaultConfig())
	var inferences []Inference
	for i := range 400 {
		l := infer(0, scene(50, i)...)
		if i%3 == 0 { // some come and go
			l.Detections = l.Detections[:40]
		}
		inferences = append(inferences, l)
	}
	var dst []detect.Object
	i := 0
	step := func() {
		at := time.Duration(i) * 33 * ms
		l := inferences[i%len(inferences)]
		l.Time = at
		if err := tr.Warp(at, Translation(0.1, 0)); err != nil {
			t.Fatal(err)
		}
		tr.Update(l)
		dst = tr.At(at-250*ms, dst[:0])
		tr.Forget(at - 250*ms)
		i++
	}
	for range 500 {
		step()
	}
	if n := testing.AllocsPerRun(200, step); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkTracker(b *testing.B) {
	for _, n := range []int{1, 10, 100, 500} {
		b.Run("objects="+strconv.Itoa(n), func(b *testing.B) {
			tr := New(DefaultConfig())
			inferences := make([][]detect.Detection, 100)
			for i := range inferences {
				inferences[i] = scene(n, i)
			}
			var dst []detect.Object
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				at := time.Duration(i) * 33 * ms
				tr.Update(Inference{Time: at, Classes: people, Detections: inferences[i%len(inferences)]})
				dst = tr.At(at-250*ms, dst[:0])
				tr.Forget(at - 250*ms)
				i++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/object")
		})
	}
}
