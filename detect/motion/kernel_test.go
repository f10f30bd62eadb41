package motion

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// randomDiffs fills a slice with differences of a plausible size.
func randomDiffs(r *rand.Rand, n int) []int16 {
	d := make([]int16, n)
	for i := range d {
		d[i] = int16(r.IntN(5000) - 2500)
	}
	return d
}

func newGathered(n int) gathered {
	return gathered{make([]uint8, n), make([]uint8, n), make([]uint8, n), make([]uint8, n), make([]int32, n)}
}

func TestKernelsMatchTwins(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	table := New(DefaultConfig()).table
	for range 300 {
		w, h := 1+r.IntN(90), 1+r.IntN(60)
		switch r.IntN(20) {
		case 0:
			w, h = 240, 135
		case 1:
			w, h = mosaicSide-r.IntN(2), 1+r.IntN(60)
		}
		n := w * h
		d, mean := randomDiffs(r, n), randomDiffs(r, n)
		tiny, bg, noise := make([]uint16, n), make([]int32, n), make([]int32, n)
		for i := range n {
			tiny[i], bg[i], noise[i] = uint16(r.IntN(lumaSteps)), int32(r.IntN(2500<<8)), int32(r.IntN(maxNoise<<8))
		}
		gain := r.IntN(400) - 200

		a, b := make([]int16, n), make([]int16, n)
		diff(a, tiny, &table, bg)
		diffGo(b, tiny, &table, bg)
		if !slices.Equal(a, b) {
			t.Fatalf("diff differs at %dx%d", w, h)
		}
		boxMean(a, d, w, h, make([]int32, w), make([]int32, w+2*meanRadius))
		boxMeanGo(b, d, w, h, make([]int32, w), make([]int32, w+2*meanRadius))
		if !slices.Equal(a, b) {
			t.Fatalf("boxMean differs at %dx%d", w, h)
		}
		pa, pb := make([]uint8, n), make([]uint8, n)
		classify(pa, d, mean, noise, gain, 50, 64)
		classifyGo(pb, d, mean, noise, gain, 50, 64)
		if !slices.Equal(pa, pb) {
			t.Fatalf("classify differs at %dx%d", w, h)
		}
		cells := make([]uint8, (w/2+1)*(h/2+1))
		for i := range cells {
			cells[i] = uint8(r.IntN(3))
		}
		ab, an := r.IntN(65537), r.IntN(65537)
		bg2, noise2 := slices.Clone(bg), slices.Clone(noise)
		odd := r.IntN(2)
		learn(bg, noise, d, mean, w, h, odd, cells, w/2+1, gain, ab, an, maxNoise, make([]uint8, w))
		learnGo(bg2, noise2, d, mean, w, h, odd, cells, w/2+1, gain, ab, an, maxNoise)
		if !slices.Equal(bg, bg2) || !slices.Equal(noise, noise2) {
			t.Fatalf("learn differs at %dx%d", w, h)
		}
		cw, ch := (w+1)/2, (h+1)/2
		last := make([]uint8, n)
		for i := range n {
			pa[i], last[i] = uint8(r.IntN(8)), uint8(r.IntN(8))
		}
		ga, gb := newGathered((cw+2)*(ch+2)), newGathered((cw+2)*(ch+2))
		gather(ga, pa, last, d, mean, w, h, gain, cw, cw+2)
		gatherGo(gb, pa, last, d, mean, w, h, gain, cw, cw+2)
		if !reflect.DeepEqual(ga, gb) {
			t.Fatalf("gather differs at %dx%d", w, h)
		}
	}
}

// checkShrink holds both kernels against each other and against the plain mean,
// on a picture with guard bytes round its rows.
func checkShrink(t *testing.T, r *rand.Rand, w, h, k, pad int) {
	t.Helper()
	stride := w + pad
	src := make([]uint8, stride*(h-1)+w)
	for i := range src {
		src[i] = uint8(r.IntN(256))
	}
	tw, th := (w+k-1)/k, (h+k-1)/k
	step := rowStep(k)
	const guard = 0xBEEF
	a := slices.Repeat([]uint16{guard}, tw*th+2)
	b := slices.Clone(a)
	shrink(a[1:tw*th+1], src, stride, w, h, k, step, make([]uint16, w))
	shrinkGo(b[1:tw*th+1], src, stride, w, h, k, step, make([]uint16, w))
	if !slices.Equal(a, b) {
		t.Fatalf("shrink differs at %dx%d by %d", w, h, k)
	}
	if a[0] != guard || a[tw*th+1] != guard {
		t.Fatalf("shrink wrote beyond its output at %dx%d by %d", w, h, k)
	}
	for ty := range th {
		for tx := range tw {
			sum, n := 0, 0
			for y := ty * k; y < min(ty*k+k, h); y += step {
				for x := tx * k; x < min(tx*k+k, w); x++ {
					sum += int(src[y*stride+x])
					n++
				}
			}
			got, want := float64(a[1+ty*tw+tx]), 16*float64(sum)/float64(n)
			if got < want-0.51 || got > want+0.51 {
				t.Fatalf("shrink %dx%d by %d: mean at (%d,%d) is %v, want %v", w, h, k, tx, ty, got, want)
			}
		}
	}
}

func TestShrink(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 200 {
		checkShrink(t, r, 1+r.IntN(200), 1+r.IntN(100), 1+r.IntN(16), r.IntN(5))
	}
	checkShrink(t, r, 1920, 1080, 8, 0)
	checkShrink(t, r, 3000, 2, 256, 1)
	checkShrink(t, r, 2, 3000, 256, 1)
}

func FuzzShrink(f *testing.F) {
	f.Add(uint64(1), uint16(17), uint16(9), uint8(3), uint8(0))
	f.Add(uint64(2), uint16(1), uint16(1), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, w, h uint16, k, pad uint8) {
		checkShrink(t, rand.New(rand.NewPCG(seed, 1)), int(w%2000)+1, int(h%300)+1, int(k)+1, int(pad%9))
	})
}

// TestBoxMeanIsTheMean compares with the plain sum, edges repeated outwards.
func TestBoxMeanIsTheMean(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const w, h, rad = 31, 17, meanRadius
	d, m := randomDiffs(r, w*h), make([]int16, w*h)
	boxMean(m, d, w, h, make([]int32, w), make([]int32, w+2*rad))
	for y := range h {
		for x := range w {
			sum := 0
			for j := y - rad; j <= y+rad; j++ {
				for i := x - rad; i <= x+rad; i++ {
					sum += int(d[min(max(j, 0), h-1)*w+min(max(i, 0), w-1)])
				}
			}
			want := float64(sum) / ((2*rad + 1) * (2*rad + 1))
			if got := float64(m[y*w+x]); got < want-1.5 || got > want+1.5 {
				t.Fatalf("mean at (%d,%d) is %v, want %v", x, y, got, want)
			}
		}
	}
}
