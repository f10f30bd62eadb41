package redact

import (
	"bytes"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
)

// guarded returns a plane of random samples inside a larger buffer, and that.
func guarded(rng *rand.Rand, w, h, block int) (plane, []byte) {
	const guard = 64
	stride := w + rng.IntN(40)
	buf := make([]byte, 2*guard+stride*h)
	randomBytes(rng, buf)
	return plane{buf[guard : guard+stride*(h-1)+w], stride, w, h, block}, buf
}

// TestKernels: the kernels in use give the same results as the plain ones, and
// change nothing but the blocks of the mask.
func TestKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range 180 {
		block := []int{1, 2, 16}[i%3]
		w, h := 1+rng.IntN(200), 1+rng.IntN(120)
		if i%20 == 0 {
			w = 1000 + rng.IntN(1000) // rows that are long enough for the wide kernel
		}
		// A cell of frost has 8 samples or more, and an even number.
		n := 8 * (1 + rng.IntN(9))
		if block == 16 {
			n /= 8
		}
		if i < 20 {
			w, h = 1+i%5, 1+i/5
		}
		cell := n * block
		cols, rows := (w+cell-1)/cell, (h+cell-1)/cell
		m := randomMask(rng, block, (w+block-1)/block, (h+block-1)/block, []float64{0.1, 0.5, 0.97, 1}[rng.IntN(4)])
		name := fmt.Sprintf("%dx%d, blocks of %d, cells of %d", w, h, block, n)

		p, buf := guarded(rng, w, h, block)
		need := make([]uint8, cols*rows)
		for i := range need {
			need[i] = uint8(rng.IntN(2))
		}
		var sums, counts [2][]uint32
		for i := range sums {
			sums[i], counts[i] = make([]uint32, cols*rows), make([]uint32, cols*rows)
		}
		before := slices.Clone(buf)
		sumCells(p, &m, need, cols, n, sums[0], counts[0])
		sumCellsGo(p, &m, need, cols, n, sums[1], counts[1])
		if !slices.Equal(sums[0], sums[1]) || !slices.Equal(counts[0], counts[1]) {
			t.Fatalf("%s: sums differ", name)
		}
		checkSums(t, name, p, &m, need, cols, n, sums[0], counts[0])
		if !bytes.Equal(buf, before) {
			t.Fatalf("%s: adding up changed a sample", name)
		}

		values := make([]uint8, cols*rows)
		for i := range values {
			values[i] = quantise(rng.IntN(256))
		}
		want := slices.Clone(buf)
		q := p
		q.pix = want[64 : 64+len(p.pix)]
		fillFrost(p, &m, values, cols, rows, cell, make([]uint16, lineWords(w)))
		fillFrostGo(q, &m, values, cols, rows, cell, make([]uint16, lineWords(w)))
		if !bytes.Equal(buf, want) {
			t.Fatalf("%s: frost differs", name)
		}
		checkOnlyMasked(t, name, p, &m, before, buf)
		checkBilinear(t, name, p, &m, values, cols, rows, cell)

		fillSolid(p, &m, grey(w, 77))
		checkOnlyMasked(t, name, p, &m, before, buf)
		if block < 16 {
			checkField(t, rng, name, p, &m, buf)
		}
	}
}

func checkSums(t *testing.T, name string, p plane, m *blockMask, need []uint8, cols, n int, sums, counts []uint32) {
	t.Helper()
	wantSums, wantCounts := make([]uint32, len(sums)), make([]uint32, len(sums))
	for y := range p.h {
		for x := range p.w {
			cell := y/(n*p.block)*cols + x/(n*p.block)
			if need[cell] != 0 && y%4 == 0 && m.has(x/p.block, y/p.block) {
				wantSums[cell] += uint32(p.pix[y*p.stride+x])
				wantCounts[cell]++
			}
		}
	}
	if !slices.Equal(sums, wantSums) || !slices.Equal(counts, wantCounts) {
		t.Fatalf("%s: sums are wrong", name)
	}
}

// checkOnlyMasked fails when a byte of the buffer that is not in a block of m
// has changed.
func checkOnlyMasked(t *testing.T, name string, p plane, m *blockMask, before, after []byte) {
	t.Helper()
	for i := range before {
		if before[i] == after[i] {
			continue
		}
		j := i - 64
		x, y := j%p.stride, j/p.stride
		if j < 0 || y >= p.h || x >= p.w || !m.has(x/p.block, y/p.block) {
			t.Fatalf("%s: byte %d was touched", name, i)
		}
	}
}

// checkField compares the kernels of the background fill, at all shares, with a
// plate and without one.
func checkField(t *testing.T, rng *rand.Rand, name string, p plane, m *blockMask, buf []byte) {
	t.Helper()
	cell := 8 * p.block
	f := &fieldLayers{cell: cell, cols: (p.w + cell - 1) / cell, rows: (p.h + cell - 1) / cell, line: make([]int16, 4*(p.w+linePad))}
	for i := range f.values {
		f.values[i] = make([]int16, f.cols*f.rows)
		for c := range f.values[i] {
			f.values[i][c] = int16(rng.IntN(510<<paintBits+1) - 255<<paintBits)
		}
	}
	known := newMask(8*p.block, f.cols, f.rows)
	f.known = &known
	if rng.IntN(4) > 0 {
		known = randomMask(rng, cell, f.cols, f.rows, 0.5)
		f.base, _ = guarded(rng, p.w, p.h, p.block)
	}
	// The blocks of m are dealt out to the shares.
	var shares [fullShare]blockMask
	for i := range shares {
		shares[i] = newMask(m.side, m.w, m.h)
	}
	few := rng.IntN(2) == 0
	m.each(func(i int) {
		x, y, k := i%m.w, i/m.w, 0
		if !few || rng.IntN(8) == 0 {
			k = rng.IntN(fullShare)
		}
		for ; k < fullShare; k++ {
			shares[k].set(blockRect{x, y, x + 1, y + 1})
		}
	})
	c := shareMasks{&shares[0], &shares[1], &shares[2], &shares[3]}
	before, want := slices.Clone(buf), slices.Clone(buf)
	q := p
	q.pix = want[64 : 64+len(p.pix)]
	fillField(p, c, f)
	fillFieldGo(q, c, f)
	if !bytes.Equal(buf, want) {
		t.Fatalf("%s: background differs", name)
	}
	checkOnlyMasked(t, name, p, m, before, buf)
}

// TestFieldKernels: the pyramid's kernels give the same values as the plain ones.
func TestFieldKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for range 100 {
		w, h := 1+rng.IntN(70), 1+rng.IntN(50)
		fine, coarse := newField(w, h).levels[0], newField((w+1)/2, (h+1)/2).levels[0]
		share := rng.Float64()
		for i := range fine.cells {
			for k := range isKnown {
				fine.cells[i][k] = int32(rng.IntN(2*255<<fieldBits) - 255<<fieldBits)
			}
			if rng.Float64() < share {
				fine.cells[i][isKnown] = 1
			}
		}
		want := slices.Clone(coarse.cells)
		pullGo(&fine, &fieldLevel{w: coarse.w, h: coarse.h, cells: want})
		pull(&fine, &coarse)
		if !slices.Equal(coarse.cells, want) {
			t.Fatalf("%dx%d: pull differs", w, h)
		}
		want = slices.Clone(fine.cells)
		pushGo(&fieldLevel{w: w, h: h, cells: want}, &coarse)
		push(&fine, &coarse)
		if !slices.Equal(fine.cells, want) {
			t.Fatalf("%dx%d: push differs", w, h)
		}
	}
}

// checkBilinear compares frost with the interpolation computed in floating
// point. The tolerance is that stated for fillFrostGo, and 1 for rounding.
func checkBilinear(t *testing.T, name string, p plane, m *blockMask, values []uint8, cols, rows, cell int) {
	t.Helper()
	tolerance := 1 + float64(cell)/128
	at := func(c, r int) float64 {
		return float64(values[min(max(r, 0), rows-1)*cols+min(max(c, 0), cols-1)])
	}
	for y := range p.h {
		for x := range p.w {
			if !m.has(x/p.block, y/p.block) {
				continue
			}
			c, r := (x+cell/2)/cell-1, (y+cell/2)/cell-1
			u := (float64(x-c*cell-cell/2) + 0.5) / float64(cell)
			v := (float64(y-r*cell-cell/2) + 0.5) / float64(cell)
			want := (at(c, r)*(1-u)+at(c+1, r)*u)*(1-v) + (at(c, r+1)*(1-u)+at(c+1, r+1)*u)*v
			if got := float64(p.pix[y*p.stride+x]); got < want-tolerance || got > want+tolerance {
				t.Fatalf("%s: sample (%d,%d) is %v, want %.2f", name, x, y, got, want)
			}
		}
	}
}

// TestGrowKernel: the kernel and its twin in Go set the same blocks.
func TestGrowKernel(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for range 200 {
		size := image.Pt(1+rng.IntN(300), 1+rng.IntN(60))
		a, ta, b, tb := newBlockMask(size), newBlockMask(size), newBlockMask(size), newBlockMask(size)
		for range 1 + rng.IntN(6) {
			x, y := rng.IntN(a.w), rng.IntN(a.h)
			a.set(blockRect{x, y, min(x+1+rng.IntN(70), a.w), min(y+1+rng.IntN(4), a.h)})
		}
		b.copyFrom(&a)
		a.widenBands(&ta)
		b.widenBands(&tb)
		grow(&a, &ta)
		growGo(&b, &tb)
		for y := a.lo; y < a.hi; y = a.end(y) {
			if !slices.Equal(a.band(y), b.band(y)) {
				t.Fatalf("%v, row %d of %d: %x and %x", size, y, a.h, a.band(y), b.band(y))
			}
		}
	}
}
