package redact

import (
	"bytes"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// small is the side of a block in pictures of less than 1280x720.
const small = 8

// object returns a confirmed object seen just now, whose box is given in such
// blocks.
func object(c detect.Class, x0, y0, x1, y1 float32) detect.Object {
	b := inBlocks(x0, y0, x1, y1)
	return detect.Object{Class: c, Box: b, Padded: b, Score: 0.9, Confirmed: true}
}

func inBlocks(x0, y0, x1, y1 float32) detect.Box {
	return detect.Box{X0: x0 * small, Y0: y0 * small, X1: x1 * small, Y1: y1 * small}
}

// TestRules draws what zones and objects hide, case by case, on a picture of 10 x 8 blocks, of which
// the lower half (rows 4 to 7) is the property. '.' is shown, 'X' solid, and '#'
// frost or, where only something found hides a block, background.
func TestRules(t *testing.T) {
	lower := []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}
	all := Policy{Version: 1, Property: lower}
	detected := Policy{Version: 1, Property: lower, Outside: Outside{Hide: HideDetected}}
	feet := Policy{Version: 1, Property: lower, Visitors: VisitorsFeet}
	with := func(p Policy, f func(*Policy)) Policy { f(&p); return p }
	maskRight := func(p *Policy) { p.Mask = []Polygon{{{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}} }
	stripLeft := func(p *Policy) { p.Strip = []Polygon{{{0, 0}, {0.5, 0}, {0.5, 0.5}, {0, 0.5}}} }
	insideHide := func(cs ...detect.Class) func(*Policy) { return func(p *Policy) { p.Inside.Hide = cs } }

	visitor := object(detect.Person, 2, 1, 4, 6) // stands on the property, rises above it
	unsure, faint, gone := visitor, visitor, visitor
	unsure.Confirmed = false
	faint.Score = 0.3
	gone.Age = time.Second
	wide := visitor
	wide.Padded = inBlocks(1, 0, 5, 7)

	const (
		none  = ".........."
		whole = "##########"
	)
	zones := []string{whole, whole, whole, whole, none, none, none, none}
	open := []string{none, none, none, none, none, none, none, none}
	shown := []string{whole, "##..######", "##..######", "##..######", none, none, none, none}
	straddling := []string{none, "..##......", "..##......", "..##......", "..##......", "..##......", none, none}

	for _, c := range []struct {
		name    string
		policy  Policy
		objects []detect.Object
		motion  []detect.Box
		grow    int
		want    []string
		counts  Counts
	}{
		{name: "nobody", policy: all, want: zones, counts: Counts{Outside: 40}},
		{name: "nobody, detected", policy: detected, want: open},
		{name: "with all hidden objects change nothing", policy: all, objects: []detect.Object{visitor}, want: zones, counts: Counts{Outside: 40}},
		{name: "whole box inside", policy: detected, objects: []detect.Object{object(detect.Person, 2, 4, 4, 7)}, want: open},
		{name: "box straddles", policy: detected, objects: []detect.Object{visitor}, want: straddling, counts: Counts{People: 1}},
		{name: "grown box straddles", policy: detected, objects: []detect.Object{wide},
			want:   []string{".####.....", ".####.....", ".####.....", ".####.....", ".####.....", ".####.....", ".####.....", none},
			counts: Counts{People: 1}},
		{name: "outside of the picture", policy: detected, objects: []detect.Object{object(detect.Person, -5, 0, -1, 4)}, want: open},
		{name: "vehicle", policy: detected, objects: []detect.Object{object(detect.Vehicle, 0, 0, 9, 3)}, want: open},
		{name: "grown by 16 pixels", policy: detected, objects: []detect.Object{object(detect.Person, 3, 1, 4, 2)}, grow: 16,
			want: []string{".#####....", ".#####....", ".#####....", ".#####....", none, none, none, none}, counts: Counts{People: 1}},
		{name: "zones grown by 16 pixels", policy: all, grow: 16,
			want: []string{whole, whole, whole, whole, whole, whole, none, none}, counts: Counts{Outside: 40}},

		{name: "visitor", policy: feet, objects: []detect.Object{visitor}, want: shown, counts: Counts{Outside: 34}},
		{name: "visitor's padded box is not shown", policy: feet, objects: []detect.Object{wide}, want: shown, counts: Counts{Outside: 34}},
		{name: "unconfirmed", policy: feet, objects: []detect.Object{unsure},
			want:   []string{whole, whole, whole, whole, "..##......", "..##......", none, none},
			counts: Counts{Outside: 40, Doubtful: 1}},
		{name: "faint", policy: feet, objects: []detect.Object{faint},
			want:   []string{whole, whole, whole, whole, "..##......", "..##......", none, none},
			counts: Counts{Outside: 40, People: 1}},
		{name: "not seen for long", policy: feet, objects: []detect.Object{gone},
			want:   []string{whole, whole, whole, whole, "..##......", "..##......", none, none},
			counts: Counts{Outside: 40, People: 1}},
		{name: "feet outside", policy: feet, objects: []detect.Object{object(detect.Person, 2, 1, 4, 3.9)}, want: zones, counts: Counts{Outside: 40, People: 1}},
		{name: "someone outside before a visitor", policy: feet,
			objects: []detect.Object{visitor, object(detect.Person, 3, 2, 6, 3.9)},
			want:    []string{whole, "##..######", "##.#######", "##.#######", none, none, none, none},
			counts:  Counts{Outside: 34, People: 1}},
		{name: "only persons visit", policy: feet, objects: []detect.Object{object(detect.Face, 2, 1, 4, 6)},
			want:   []string{whole, whole, whole, whole, "..##......", "..##......", none, none},
			counts: Counts{Outside: 40, Faces: 1}},
		{name: "visitor, detected", policy: with(detected, func(p *Policy) { p.Visitors = VisitorsFeet }), objects: []detect.Object{visitor}, want: open},
		{name: "visitors hidden inside", policy: with(feet, insideHide(detect.Person)), objects: []detect.Object{visitor},
			want:   []string{whole, whole, whole, whole, "..##......", "..##......", none, none},
			counts: Counts{Outside: 34, People: 1}},

		{name: "face follows its person in", policy: feet, objects: []detect.Object{visitor, object(detect.Face, 2, 1, 3, 2)}, want: shown, counts: Counts{Outside: 34}},
		{name: "face follows its person out", policy: detected,
			objects: []detect.Object{object(detect.Person, 6, 3, 8, 7.5), object(detect.Face, 6, 4, 7, 5)},
			want:    []string{none, none, none, "......##..", "......##..", "......##..", "......##..", "......##.."},
			counts:  Counts{People: 1, Faces: 1}},
		{name: "face low in a person's box is not theirs", policy: feet, objects: []detect.Object{object(detect.Person, 2, 1, 4, 4.5), object(detect.Face, 2, 3, 3, 4)},
			want:   []string{whole, "##..######", "##..######", "###.######", none, none, none, none},
			counts: Counts{Outside: 34, Faces: 1}},
		{name: "face that two may carry", policy: feet,
			objects: []detect.Object{visitor, object(detect.Person, 2, 1, 3, 3), object(detect.Face, 2, 1, 3, 2)},
			want:    []string{whole, "###.######", "###.######", "##..######", none, none, none, none},
			counts:  Counts{Outside: 34, People: 1, Faces: 1}},
		{name: "face alone inside", policy: detected, objects: []detect.Object{object(detect.Face, 2, 5, 3, 6)}, want: open},
		{name: "face alone outside", policy: detected, objects: []detect.Object{object(detect.Face, 2, 1, 3, 2)},
			want: []string{none, "..#.......", none, none, none, none, none, none}, counts: Counts{Faces: 1}},

		{name: "plate outside", policy: detected, objects: []detect.Object{object(detect.Plate, 2, 1, 4, 2)},
			want: []string{none, "..##......", none, none, none, none, none, none}, counts: Counts{Plates: 1}},
		{name: "plate outside is solid", policy: with(detected, func(p *Policy) { p.Found.Fill = Solid }), objects: []detect.Object{object(detect.Plate, 2, 1, 4, 2)},
			want: []string{none, "..XX......", none, none, none, none, none, none}, counts: Counts{Plates: 1}},
		{name: "plate in what is hidden is solid", policy: all, objects: []detect.Object{object(detect.Plate, 2, 3, 4, 5)},
			want: []string{whole, whole, whole, "##XX######", none, none, none, none}, counts: Counts{Outside: 40}},
		{name: "plate follows its vehicle in", policy: detected,
			objects: []detect.Object{object(detect.Vehicle, 2, 4, 8, 7), object(detect.Plate, 4, 4, 5, 5)}, want: open},
		{name: "plate follows its vehicle out", policy: detected,
			objects: []detect.Object{object(detect.Vehicle, 2, 3, 8, 7), object(detect.Plate, 4, 6, 5, 7)},
			want:    []string{none, none, none, none, none, none, "....#.....", none}, counts: Counts{Plates: 1}},
		{name: "plate hidden inside", policy: with(all, insideHide(detect.Plate)), objects: []detect.Object{object(detect.Plate, 4, 6, 5, 7)},
			want: []string{whole, whole, whole, whole, none, none, "....#.....", none}, counts: Counts{Outside: 40, Plates: 1}},

		{name: "mask wins over the property", policy: with(detected, maskRight),
			want:   []string{".....#####", ".....#####", ".....#####", ".....#####", ".....#####", ".....#####", ".....#####", ".....#####"},
			counts: Counts{Outside: 40}},
		{name: "mask wins over a visitor", policy: with(feet, maskRight), objects: []detect.Object{object(detect.Person, 4, 1, 7, 6)},
			want:   []string{whole, "####.#####", "####.#####", "####.#####", ".....#####", ".....#####", ".....#####", ".....#####"},
			counts: Counts{Outside: 57}},

		{name: "strip shows scenery", policy: with(all, stripLeft),
			want:   []string{".....#####", ".....#####", ".....#####", ".....#####", none, none, none, none},
			counts: Counts{Outside: 20}},
		{name: "strip hides people, wholly", policy: with(all, stripLeft), objects: []detect.Object{visitor},
			want:   []string{".....#####", "..##.#####", "..##.#####", "..##.#####", "..##......", "..##......", none, none},
			counts: Counts{Outside: 20, People: 1}},

		{name: "motion outside", policy: detected, motion: []detect.Box{inBlocks(2, 1, 4, 6)}, want: straddling, counts: Counts{Motion: 1}},
		{name: "motion inside", policy: detected, motion: []detect.Box{inBlocks(2, 5, 4, 6)}, want: open},
		{name: "motion inside where people are hidden", policy: with(detected, insideHide(detect.Person)), motion: []detect.Box{inBlocks(2, 5, 4, 6)},
			want: []string{none, none, none, none, none, "..##......", none, none}, counts: Counts{Motion: 1}},
		{name: "motion with all hidden", policy: all, motion: []detect.Box{inBlocks(2, 1, 4, 6)}, want: zones, counts: Counts{Outside: 40}},
		{name: "motion in the strip", policy: with(all, stripLeft), motion: []detect.Box{inBlocks(2, 1, 4, 2)},
			want:   []string{".....#####", "..##.#####", ".....#####", ".....#####", none, none, none, none},
			counts: Counts{Outside: 20, Motion: 1}},

		{name: "solid fill", policy: with(all, func(p *Policy) { p.Outside.Fill = Solid }),
			want:   []string{"XXXXXXXXXX", "XXXXXXXXXX", "XXXXXXXXXX", "XXXXXXXXXX", none, none, none, none},
			counts: Counts{Outside: 40}},
	} {
		t.Run(c.name, func(t *testing.T) {
			size := image.Pt(10*small, 8*small)
			in := noise(size.X, size.Y, 1)
			out := clone(in)
			r := mustNew(t, &c.policy, size, options(func(o *Options) { o.Margin, o.Grow, o.Soft = 0, c.grow, 0 }))
			f := mustRedact(t, r, out, Scene{Objects: c.objects, Motion: c.motion})
			mask := f.Mask()
			const per = small / blockSide
			for y, row := range c.want {
				for x := range row {
					want := map[byte]Fill{'.': Shown, '#': Frost, 'X': Solid}[row[x]]
					if want == Frost && !r.rules[0].place.has(x*per+1, y*per+1) && c.grow == 0 {
						want = Background
					}
					got := mask.At(x*per+1, y*per+1)
					if c.grow > 0 && got == Background {
						got = Frost
					}
					if got != want {
						t.Fatalf("block (%d,%d) is %v, want %v", x, y, got, want)
					}
					if changed := blockChanged(in, out, x, y); changed != (want != Shown) {
						t.Fatalf("block (%d,%d) is %v, but changed is %v", x, y, want, changed)
					}
				}
			}
			checkShown(t, in, out, mask)
			c.counts.Outside *= per * per
			if got := mask.Counts(); got != c.counts {
				t.Fatalf("counts %+v, want %+v", got, c.counts)
			}
		})
	}
}

// blockChanged reports whether any sample of a whole block differs, in every
// plane.
func blockChanged(a, b *image.YCbCr, bx, by int) bool {
	pa, pb := planes(a), planes(b)
	changed := 0
	for i, p := range pa {
		side := small / blockSide * p.block
		for y := by * side; y < (by+1)*side; y++ {
			row := y*p.stride + bx*side
			if !bytes.Equal(p.pix[row:row+side], pb[i].pix[row:row+side]) {
				changed++
				break
			}
		}
	}
	return changed == len(pa)
}

// TestMargin: the margin of an object counts before it is judged.
func TestMargin(t *testing.T) {
	size := image.Pt(10*small, 8*small)
	p := &Policy{Version: 1, Outside: Outside{Hide: HideDetected}, Property: []Polygon{{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}}
	o := []detect.Object{object(detect.Person, 2, 4, 4, 7)}
	if f := mustRedact(t, mustNew(t, p, size, noMargin()), noise(size.X, size.Y, 1), Scene{Objects: o}); f.Mask().Hidden() != 0 {
		t.Error("without a margin the person is inside, but hidden")
	}
	f := mustRedact(t, mustNew(t, p, size, DefaultOptions()), noise(size.X, size.Y, 1), Scene{Objects: o})
	if got := f.Mask().HiddenOf(inBlocks(2, 4, 4, 7)); got != 1 {
		t.Errorf("with a margin %v of the person is hidden", got)
	}
	// What is more is the margin, but for its corners, which are round.
	if got := f.Mask().HiddenOf(inBlocks(1.75, 3.75, 4.25, 7.25)); got < 0.9 {
		t.Errorf("%v of the box with its margin is hidden", got)
	}
	if got := f.Mask().HiddenOf(inBlocks(0, 0, 1.5, 8)); got != 0 {
		t.Errorf("%v is hidden beside the box with its margin", got)
	}
}

// TestCountsWhoIsThere: all objects are hidden, but only who is there is counted:
// confirmed, seen a moment ago, and once.
func TestCountsWhoIsThere(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"version":1,"outside":{"hide":"detected"}}`))
	if err != nil {
		t.Fatal(err)
	}
	size := image.Pt(640, 480)
	r, err := New(p, size, noMargin())
	if err != nil {
		t.Fatal(err)
	}
	at := func(c detect.Class, x, y, w, h float32, change func(*detect.Object)) detect.Object {
		b := detect.Box{X0: x, Y0: y, X1: x + w, Y1: y + h}
		o := detect.Object{Class: c, Box: b, Padded: b, Score: 0.9, Confirmed: true}
		if change != nil {
			change(&o)
		}
		return o
	}
	objects := []detect.Object{
		at(detect.Person, 16, 16, 48, 96, nil),
		at(detect.Person, 20, 24, 48, 96, nil),                                                        // the same one, in another track
		at(detect.Person, 100, 16, 48, 96, func(o *detect.Object) { o.Age = 900 * time.Millisecond }), // not looked at since
		at(detect.Person, 200, 16, 48, 96, func(o *detect.Object) { o.Age = 2 * time.Second }),        // gone, and held
		at(detect.Person, 300, 16, 48, 96, func(o *detect.Object) { o.Confirmed = false }),
		at(detect.Person, 120, 40, 48, 96, nil), // beside another
		at(detect.Face, 24, 20, 16, 16, nil),
		at(detect.Plate, 400, 300, 40, 16, func(o *detect.Object) { o.Confirmed = false }),
		at(detect.Vehicle, 380, 250, 100, 80, nil),
	}
	pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	f, err := r.Redact(pic, Scene{Objects: objects})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	if got, want := f.Mask().Counts(), (Counts{People: 3, Faces: 1, Doubtful: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, o := range objects {
		if hidden := f.Mask().HiddenOf(o.Box); o.Class != detect.Vehicle && hidden != 1 {
			t.Errorf("%v: %.2f hidden", o, hidden)
		}
	}
}
