package motion

import (
	"image"
	"testing"
)

// pavement is a picture of coarse texture, seen from (ox, oy) in a light, with an object
// of another texture at box, of any seed.
func pavement(seed, ox, oy int, light float64, box image.Rectangle, content int) *image.YCbCr {
	texture := func(x, y, seed int) float64 {
		h := func(x, y int) float64 {
			v := (uint32(x)*2654435761 ^ uint32(y)*40503 ^ uint32(seed)*97) * 2246822519
			return float64(v >> 24)
		}
		const cell = 24
		fx, fy := float64(x%cell)/cell, float64(y%cell)/cell
		a, b := h(x/cell, y/cell), h(x/cell+1, y/cell)
		c, d := h(x/cell, y/cell+1), h(x/cell+1, y/cell+1)
		return (a*(1-fx)+b*fx)*(1-fy) + (c*(1-fx)+d*fx)*fy
	}
	pic := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
	for y := range 360 {
		for x := range 640 {
			v := texture(x+ox+2000, y+oy+2000, seed)
			if image.Pt(x, y).In(box) {
				v = texture(x-box.Min.X+5000, y-box.Min.Y, content)
			}
			noise := (x*31+y*17+ox*7)%5 - 2
			pic.Y[y*640+x] = uint8(30 + v*0.6*light + float64(noise))
		}
	}
	return pic
}

// TestJump: what walks, turns or changes its light follows; what is suddenly
// elsewhere jumps; another scene is a cut.
func TestJump(t *testing.T) {
	at := func(x int) image.Rectangle { return image.Rect(x, 100, x+80, 300) }
	first := pavement(1, 0, 0, 1, at(100), 5)
	for _, tt := range []struct {
		name   string
		next   *image.YCbCr
		dx, dy float64
		want   Transition
	}{
		{"nothing", pavement(1, 0, 0, 1, at(100), 5), 0, 0, Continues},
		{"walks", pavement(1, 0, 0, 1, at(106), 5), 0, 0, Continues},
		{"another light", pavement(1, 0, 0, 1.15, at(100), 5), 0, 0, Continues},
		{"turns a little", pavement(1, -6, 3, 1, at(106), 5), 0, 0, Continues},
		{"turns fast, as Pan says", pavement(1, -40, 12, 1, at(140), 5), 40, -12, Continues},
		{"is elsewhere", pavement(1, 0, 0, 1, at(200), 5), 0, 0, Jump},
		{"is another one", pavement(1, 0, 0, 1, at(100), 9), 0, 0, Jump},
		{"has come", pavement(1, 0, 0, 1, image.Rect(400, 100, 480, 300), 7), 0, 0, Jump},
		{"another scene", pavement(2, 0, 0, 1, at(100), 5), 0, 0, Cut},
		{"upside down", pavement(3, 77, 31, 1, image.Rectangle{}, 0), 0, 0, Cut},
	} {
		var j Continuity
		if got := j.Update(first, 0, 0); got != Cut {
			t.Errorf("%s: the first picture: %v", tt.name, got)
		}
		if got := j.Update(tt.next, tt.dx, tt.dy); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if got := j.Update(tt.next, 0, 0); got != Continues {
			t.Errorf("%s: the same again: %v", tt.name, got)
		}
	}
	var j Continuity
	j.Update(first, 0, 0)
	if n := testing.AllocsPerRun(10, func() { j.Update(first, 0, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, size := range []image.Point{{1, 1}, {7, 9}, {161, 3}, {8, 8}, {333, 517}} {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		j.Update(pic, 1e9, -1e9)
		j.Update(pic, 3, 3)
	}
}

func BenchmarkJump(b *testing.B) {
	var j Continuity
	pics := [2]*image.YCbCr{pavement(1, 0, 0, 1, image.Rect(100, 100, 180, 300), 5), pavement(1, 0, 0, 1, image.Rect(106, 100, 186, 300), 5)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		j.Update(pics[i%2], 0, 0)
	}
}
