package redact

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// blobs returns a silhouette of ellipses, likely ones and certain ones, in a region.
func blobs(rng *rand.Rand, region detect.Box) *detect.Silhouette {
	s := &detect.Silhouette{Region: region, Columns: 1 + rng.IntN(60), Rows: 1 + rng.IntN(60)}
	s.Cells = make([]uint8, s.Columns*s.Rows)
	for range rng.IntN(4) {
		cx, cy := rng.Float64()*float64(s.Columns), rng.Float64()*float64(s.Rows)
		rx, ry := 1+rng.Float64()*float64(s.Columns)/2, 1+rng.Float64()*float64(s.Rows)/2
		level := []uint8{1, 100, guestLevel - 1, guestLevel, 255}[rng.IntN(5)]
		for i := range s.Cells {
			x, y := (float64(i%s.Columns)-cx)/rx, (float64(i/s.Columns)-cy)/ry
			if x*x+y*y < 1 {
				s.Cells[i] = max(s.Cells[i], level)
			}
		}
	}
	return s
}

// cellBox returns where a cell is.
func cellBox(s *detect.Silhouette, i int) detect.Box {
	w, h := s.CellSize()
	x, y := s.Region.X0+float32(i%s.Columns)*w, s.Region.Y0+float32(i/s.Columns)*h
	return detect.Box{X0: x, Y0: y, X1: x + w, Y1: y + h}
}

// randomPerson is somewhere in or across the border of a picture, and the region around
// their box.
func randomPerson(rng *rand.Rand, size image.Point) (o detect.Object, region detect.Box) {
	x, y := rng.Float32()*float32(size.X)-20, rng.Float32()*float32(size.Y)-20
	b := detect.Box{X0: x, Y0: y, X1: x + 10 + rng.Float32()*80, Y1: y + 10 + rng.Float32()*120}
	o = detect.Object{Class: detect.Person, Box: b, Padded: b.Grow(rng.Float32()*0.3, rng.Float32()*0.3), Score: 0.9, Confirmed: true}
	return o, b.Grow(0.25, 0.25)
}

// TestGuestShows: of a visitor no block is shown that is outside of their box, or that has
// a cell within guestMargin which is not theirs for certain; and some are shown.
func TestGuestShows(t *testing.T) {
	size := image.Pt(203, 151)
	rng := rand.New(rand.NewPCG(8, 8))
	b := outline{size: size}
	m, box := newBlockMask(size), newBlockMask(size)
	shown := 0
	for round := range 150 {
		o, region := randomPerson(rng, size)
		s := blobs(rng, region)
		m.fill()
		b.show(&m, s, o.Box)
		box.clear()
		box.set(within(o.Box, size))
		for by := range m.h {
			for bx := range m.w {
				if m.has(bx, by) {
					continue
				}
				shown++
				if !box.has(bx, by) {
					t.Fatalf("round %d: block %d,%d is shown outside of the box", round, bx, by)
				}
				block := detect.Box{X0: float32(bx * blockSide), Y0: float32(by * blockSide), X1: float32((bx + 1) * blockSide), Y1: float32((by + 1) * blockSide)}
				checkGuest(t, s, block)
			}
		}
	}
	if shown < 1000 {
		t.Errorf("only %d blocks were shown", shown)
	}
}

// checkGuest fails if a cell that the block touches, or one within guestMargin cells of it,
// is not a person's for certain.
func checkGuest(t *testing.T, s *detect.Silhouette, block detect.Box) {
	t.Helper()
	w, h := s.CellSize()
	// By less than a rounding error narrower than the block and its margin.
	a := detect.Box{X0: block.X0 + w/100, Y0: block.Y0 + h/100, X1: block.X1 - w/100, Y1: block.Y1 - h/100}
	a.X0, a.X1, a.Y0, a.Y1 = a.X0-guestMargin*w, a.X1+guestMargin*w, a.Y0-guestMargin*h, a.Y1+guestMargin*h
	for i, v := range s.Cells {
		if v < guestLevel && !cellBox(s, i).Intersect(a).Empty() {
			t.Fatalf("block %v is shown, and cell %d has %d", block, i, v)
		}
	}
}

// narrow is a person of whose box the middle third is theirs.
func narrow() (detect.Object, *detect.Silhouette) {
	o := object(detect.Person, 2, 1, 8, 7)
	s := &detect.Silhouette{Region: o.Box.Grow(0.25, 0.25), Columns: 180, Rows: 180, Cells: make([]uint8, 180*180)}
	for i := range s.Cells {
		if x := i % 180; x >= 70 && x < 110 {
			s.Cells[i] = 255
		}
	}
	o.Silhouette = s
	return o, s
}

// TestVisitorSilhouette: of a visitor's box their silhouette is shown where it is known and
// makes sense, and less than with "feet". Otherwise the visitor is none.
func TestVisitorSilhouette(t *testing.T) {
	size := image.Pt(10*small, 8*small)
	visit := Policy{Version: 1, Property: []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}, Visitors: VisitorsSilhouette}
	hidden := func(p Policy, o detect.Object, l Level) float64 {
		r := mustNew(t, &p, size, Options{})
		f := mustRedact(t, r, noise(size.X, size.Y, 1), Scene{Objects: []detect.Object{o}, Level: l})
		defer f.Release()
		return f.Mask().Hidden()
	}
	o, good := narrow()
	plain := o
	plain.Silhouette = nil
	// Without a silhouette the visitor is hidden, on the property too: the upper half and more.
	unknown, seen := hidden(visit, plain, HidePolicy), hidden(visit, o, HidePolicy)
	if unknown < 0.6 || seen > 0.48 || seen < 0.4 {
		t.Errorf("with a visitor's silhouette %.3f is hidden, without %.3f", seen, unknown)
	}
	feet := visit
	feet.Visitors = VisitorsFeet
	if all := hidden(feet, o, HidePolicy); all >= seen {
		t.Errorf("the whole box leaves %.3f hidden, the silhouette %.3f", all, seen)
	}
	if failed := hidden(visit, o, HideOutside); failed < 0.5 {
		t.Errorf("where detection fails %.3f is hidden, and half is not the property", failed)
	}
	masked := visit
	masked.Mask = []Polygon{{{0, 0}, {1, 0}, {1, 0.4}, {0, 0.4}}}
	if got := hidden(masked, o, HidePolicy); got <= seen {
		t.Errorf("with a mask over the visitor's head %.3f is hidden, without %.3f", got, seen)
	}
	for name, spoil := range map[string]func(s *detect.Silhouette){
		"no cells":     func(s *detect.Silhouette) { s.Cells = nil },
		"short":        func(s *detect.Silhouette) { s.Cells = s.Cells[1:] },
		"no columns":   func(s *detect.Silhouette) { s.Columns = 0 },
		"empty region": func(s *detect.Silhouette) { s.Region.X1 = s.Region.X0 },
		"not a number": func(s *detect.Silhouette) { s.Region.X1 = float32(math.NaN()) },
	} {
		s := *good
		s.Cells = slices.Clone(good.Cells)
		spoil(&s)
		o.Silhouette = &s
		if got := hidden(visit, o, HidePolicy); got != unknown {
			t.Errorf("%s: %.3f is hidden, and %.3f without a silhouette", name, got, unknown)
		}
	}
}

// TestSilhouettesDoNotAllocate: nor is another part shown of a picture with its corner
// elsewhere.
func TestSilhouettesDoNotAllocate(t *testing.T) {
	size := image.Pt(10*small, 8*small)
	p := Policy{Version: 1, Property: []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}, Outside: Outside{Fill: Solid}, Found: Found{Fill: Solid}, Visitors: VisitorsSilhouette}
	r := mustNew(t, &p, size, Options{})
	o, _ := narrow()
	pic := noise(size.X, size.Y, 1)
	scene := Scene{Objects: []detect.Object{o}}
	once := func() {
		f, err := r.Redact(pic, scene)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	}
	once()
	if n := testing.AllocsPerRun(20, once); n > 0 {
		t.Errorf("%v allocations a picture", n)
	}
	want := mustRedact(t, r, pic, scene).Mask()
	moved := *pic
	moved.Rect = pic.Rect.Add(image.Pt(40, 20))
	s := *o.Silhouette
	s.Region = s.Region.Shift(40, 20)
	o.Box, o.Padded, o.Silhouette = o.Box.Shift(40, 20), o.Padded.Shift(40, 20), &s
	got := mustRedact(t, r, &moved, Scene{Objects: []detect.Object{o}}).Mask()
	for y := range want.Size().Y {
		for x := range want.Size().X {
			if want.At(x, y) != got.At(x, y) {
				t.Fatalf("block %d,%d is %v, and %v in the picture elsewhere", x, y, want.At(x, y), got.At(x, y))
			}
		}
	}
}
