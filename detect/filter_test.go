package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var nan, inf = float32(math.NaN()), float32(math.Inf(1))

func TestKeepScores(t *testing.T) {
	in := []Detection{
		{Class: Face, Score: 0.5}, {Class: Face, Score: 0.49}, {Class: Plate, Score: 0.1},
		{Class: Person, Score: nan}, {Class: NumClasses, Score: 1}, {Class: Person, Score: 0.2},
	}
	got := KeepScores(in, &[NumClasses]float32{Face: 0.5, Person: 0.2})
	want := []Detection{{Class: Face, Score: 0.5}, {Class: Plate, Score: 0.1}, {Class: Person, Score: 0.2}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestClip(t *testing.T) {
	bounds := Box{10, 10, 20, 20}
	in := []Detection{
		{Box: Box{0, 0, 15, 15}}, {Box: Box{0, 0, 10, 10}}, {Box: Box{12, 12, 14, 14}},
		{Box: Box{nan, 0, 15, 15}}, {Box: Box{-inf, 11, inf, 13}}, {Box: Box{30, 30, 40, 40}}, {Box: Box{15, 15, 12, 12}},
	}
	got := Clip(in, bounds)
	want := []Detection{{Box: Box{10, 10, 15, 15}}, {Box: Box{12, 12, 14, 14}}, {Box: Box{10, 11, 20, 13}}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestNMS(t *testing.T) {
	a := Detection{Box: Box{0, 0, 10, 10}, Class: Face, Score: 0.9}
	b := Detection{Box: Box{0, 0, 10, 8}, Class: Face, Score: 0.8}   // IoU 0.8 with a
	c := Detection{Box: Box{0, 5, 10, 15}, Class: Face, Score: 0.7}  // IoU 1/3 with a, 3/15 with b
	p := Detection{Box: Box{0, 0, 10, 10}, Class: Plate, Score: 0.6} // another class
	for _, x := range []struct {
		limit    float32
		in, want []Detection
	}{
		{DefaultMaxIoU, []Detection{p, c, b, a}, []Detection{a, c, p}},
		{0, []Detection{p, c, b, a}, []Detection{a, p}},
		{0.3, []Detection{b, a, c}, []Detection{a}},
		{0.8, []Detection{b, a}, []Detection{a, b}}, // not above the limit
		{0.79, []Detection{b, a}, []Detection{a}},
		{0.45, nil, nil},
		{0.45, []Detection{{Box: Box{nan, 0, 1, 1}, Score: 1}, {Box: Box{0, 0, inf, 1}, Score: 1}, {Score: 1}, {Box: Box{0, 0, 1, 1}, Score: nan}, a}, []Detection{a}},
	} {
		var n NMS
		if got := n.Apply(slices.Clone(x.in), x.limit); !slices.Equal(got, x.want) {
			t.Errorf("limit %v of %v: %v, want %v", x.limit, x.in, got, x.want)
		}
	}
}

// boxes makes n boxes on a field: sizes over several octaves, many of them
// jittered copies of one another, as a network's candidates are.
func boxes(rng *rand.Rand, n int, field float32) []Detection {
	dets := make([]Detection, 0, n)
	for len(dets) < n {
		w := float32(math.Exp2(2 + 6*rng.Float64()))
		h := w * float32(math.Exp2(2*rng.Float64()-1))
		x, y := (rng.Float32()-0.5)*field, (rng.Float32()-0.5)*field
		for range min(1+rng.IntN(12), n-len(dets)) {
			dx, dy := (rng.Float32()-0.5)*w*0.6, (rng.Float32()-0.5)*h*0.6
			s := float32(math.Exp2(rng.Float64() - 0.5))
			dets = append(dets, Detection{Box: Box{x + dx, y + dy, x + dx + w*s, y + dy + h*s}, Class: Class(rng.IntN(2)), Score: float32(rng.IntN(50)) / 50})
		}
	}
	return dets
}

// The grid finds what comparing all pairs finds, in any order of the input.
func TestNMSGridIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var n NMS
	for i := range 300 {
		in := boxes(rng, 1+rng.IntN(1000), []float32{200, 1500, 20000}[i%3])
		maxIoU := []float32{0.1, 0.3, 0.45, 0.7, 0.95}[i%5]
		want := slices.Clone(in)
		slices.SortFunc(want, order)
		want = suppressAll(want, maxIoU)
		rng.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		if got := n.Apply(in, maxIoU); !slices.Equal(got, want) {
			t.Fatalf("round %d: %d boxes kept, all pairs keep %d", i, len(got), len(want))
		}
	}
}

func TestNMSDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	in := boxes(rng, 2000, 4000)
	buf := make([]Detection, len(in))
	var n NMS
	if a := testing.AllocsPerRun(10, func() {
		copy(buf, in)
		n.Apply(buf, DefaultMaxIoU)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// Sixteen times the boxes at the same density take at most 16 times the time of
// n log n, with a factor of 2.5 for a busy machine; all pairs would take 256.
func TestNMSIsNearLinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var n NMS
	best := func(count int) time.Duration {
		in := boxes(rng, count, 60*float32(math.Sqrt(float64(count))))
		buf := make([]Detection, count)
		least := time.Duration(math.MaxInt64)
		for range 15 {
			copy(buf, in)
			start := time.Now()
			n.Apply(buf, DefaultMaxIoU)
			least = min(least, time.Since(start))
		}
		return least
	}
	limit := 2.5 * 16 * math.Log2(16000) / math.Log2(1000)
	// A machine that is busy in one of the two only counts again.
	var ratios []float64
	for range 5 {
		small, large := best(1000), best(16000)
		ratio := float64(large) / float64(small)
		if ratio <= limit {
			return
		}
		ratios = append(ratios, ratio)
	}
	t.Errorf("16000 boxes take %.0f times as long as 1000, limit %.0f", ratios, limit)
}

func FuzzNMS(f *testing.F) {
	f.Add(uint64(1), uint16(10), float32(100), float32(0.45))
	f.Add(uint64(2), uint16(500), float32(1e9), float32(0.1))
	f.Add(uint64(3), uint16(200), float32(1e-9), float32(0.99))
	f.Add(uint64(4), uint16(300), float32(1e38), float32(0.5))
	f.Fuzz(func(t *testing.T, seed uint64, count uint16, scale, limit float32) {
		if !(limit > 0 && limit <= 1) {
			return
		}
		in := boxes(rand.New(rand.NewPCG(seed, 1)), int(count%700), 1000)
		for i := range in {
			in[i].Box = in[i].Box.Scale(scale, scale)
		}
		var n NMS
		got := n.Apply(slices.Clone(in), limit)
		for i, d := range got {
			if d.Box.Empty() || !d.Box.Finite() {
				t.Fatalf("kept %v", d)
			}
			if i > 0 && got[i-1].Score < d.Score {
				t.Fatalf("not sorted at %d", i)
			}
		}
		if len(got) > len(in) {
			t.Fatal("more than before")
		}
	})
}

func BenchmarkNMS(b *testing.B) {
	for _, count := range []int{20, 200, 2000, 20000} {
		b.Run(fmt.Sprintf("n=%d", count), func(b *testing.B) {
			in := boxes(rand.New(rand.NewPCG(7, 8)), count, 60*float32(math.Sqrt(float64(count))))
			buf := make([]Detection, count)
			var n NMS
			b.ReportAllocs()
			for b.Loop() {
				copy(buf, in)
				n.Apply(buf, DefaultMaxIoU)
			}
		})
	}
}
