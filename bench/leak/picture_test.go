package main

import (
	"bytes"
	"image"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
)

// judged is the picture of these tests: 64x48, so 8x6 blocks, with a checkerboard
// of 2x2 samples where want says so and grey elsewhere. Its detail is the same in
// every such block.
func judged(want func(bx, by int) bool, strength int) *image.YCbCr {
	pic := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	for y := range 48 {
		for x := range 64 {
			v := 100
			if want(x/8, y/8) {
				v += strength * (1 - 2*((x/2+y/2)%2))
			}
			pic.Y[y*pic.YStride+x] = uint8(v)
		}
	}
	return pic
}

func everywhere(int, int) bool { return true }
func nowhere(int, int) bool    { return false }

// personLabel covers the blocks x 2..3, y 1..4.
func personLabel() *labels.Label {
	return &labels.Label{Frame: 1, Size: image.Pt(64, 48), Labelled: true, Objects: []labels.Truth{
		{Class: detect.Person, Track: 1, Box: detect.Box{X0: 16, Y0: 8, X1: 32, Y1: 40}}}}
}

func TestPictureJudge(t *testing.T) {
	inPerson := func(bx, by int) bool { return bx >= 2 && bx < 4 && by >= 1 && by < 5 }
	for _, c := range []struct {
		name                    string
		output                  *image.YCbCr
		leaked, core, over, all int
	}{
		{"as it is", judged(everywhere, 40), 1, 1, 0, 24},
		// The label grown by a quarter asks for the blocks 1..4 in each of the 6 rows.
		{"all grey", judged(nowhere, 0), 0, 0, 24, 24},
		{"only the person grey", judged(func(x, y int) bool { return !inPerson(x, y) }, 40), 0, 0, 0, 24},
		// 1 of 8 blocks is 12.5 %: over the core's limit of 10 %, and under the box's of 20 %.
		{"one block of the person", judged(func(x, y int) bool { return x == 2 && y == 2 }, 40), 0, 1, 24, 24},
		{"two blocks of the person", judged(func(x, y int) bool { return x == 2 && (y == 2 || y == 3) }, 40), 1, 1, 24, 24},
		// A third of the amplitude is a ninth of the energy: under 15 %.
		{"faint", judged(everywhere, 13), 0, 0, 24, 24},
		{"half as strong", judged(everywhere, 20), 1, 1, 0, 24},
	} {
		j := &pictureJudge{}
		if err := j.add(personLabel(), judged(everywhere, 40), c.output); err != nil {
			t.Fatal(err)
		}
		p := &j.classes[detect.Person]
		if p.all != (count{1, c.leaked}) || p.core != (count{1, c.core}) || j.hidden != c.over || j.rest != c.all {
			t.Errorf("%s: box %+v, core %+v, over-hidden %d of %d", c.name, p.all, p.core, j.hidden, j.rest)
		}
	}
}

// TestEmptySceneCounts: what is the wall's is not the person's.
func TestEmptySceneCounts(t *testing.T) {
	m := &medians{}
	away := personLabel()
	away.Objects = nil
	wall := judged(func(bx, _ int) bool { return bx < 3 }, 40)
	m.add(wall, away)
	m.add(wall, away)
	m.add(judged(everywhere, 40), personLabel())
	e := m.scene()
	// The person's blocks are 2 and 3; of them 2 looks like the wall behind.
	source := judged(func(bx, _ int) bool { return bx < 4 }, 40)
	for name, c := range map[string]struct {
		output *image.YCbCr
		plain  int
		fixed  int
	}{
		"the wall is shown":   {wall, 1, 0},
		"the person is shown": {source, 1, 1},
	} {
		plain, fixed := &pictureJudge{}, &pictureJudge{empty: e}
		for _, j := range []*pictureJudge{plain, fixed} {
			if err := j.add(personLabel(), source, c.output); err != nil {
				t.Fatal(err)
			}
		}
		if got := plain.classes[detect.Person].all.leaked; got != c.plain {
			t.Errorf("%s: without the empty scene %d leaked", name, got)
		}
		if got := fixed.classes[detect.Person].all.leaked; got != c.fixed {
			t.Errorf("%s: with the empty scene %d leaked", name, got)
		}
	}
	if u := e.unknown; u[1*8+2] || u[0] {
		t.Error("blocks that two pictures show empty count as unknown")
	}
	// Who is there in every picture hides the scene: all their blocks count.
	m = &medians{}
	m.add(source, personLabel())
	if u := m.scene().unknown; !u[1*8+2] || !u[4*8+3] || u[0] {
		t.Errorf("unknown %v", u)
	}
}

// TestDetailMean: the mean of 5x5 with mirrored edges, in literal numbers.
func TestDetailMean(t *testing.T) {
	var src, d luma
	src.resize(5, 3)
	copy(src.pix, []float32{0, 0, 25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	d.detail(&src, nil)
	// Row 0 stands for row -1 as well, so the column's sum at row 0 is 50.
	for i, want := range []float32{-2, -2, 23, -2, -2} {
		if d.pix[i] != want {
			t.Errorf("sample %d: %v, want %v", i, d.pix[i], want)
		}
	}
	// The first column stands for columns -1 and -2 mirrored: 1 and 0.
	src.pix = []float32{25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	d.detail(&src, nil)
	if d.pix[0] != 25-4 || d.pix[1] != -4 || d.pix[2] != -2 || d.pix[3] != 0 {
		t.Errorf("corner %v", d.pix[:5])
	}
	if fullRange[16] != 0 || fullRange[235] != 255 || fullRange[126] != 128 {
		t.Errorf("full range: %v %v %v", fullRange[16], fullRange[235], fullRange[126])
	}
	if math.Abs(telling-256) > 0 {
		t.Error("telling")
	}
}

func TestOtherSizesAreRefused(t *testing.T) {
	j := &pictureJudge{}
	small := image.NewYCbCr(image.Rect(0, 0, 32, 48), image.YCbCrSubsampleRatio420)
	if err := j.add(personLabel(), judged(everywhere, 40), small); err == nil {
		t.Error("an output of another size is judged")
	}
	if err := j.add(personLabel(), small, small); err == nil {
		t.Error("a source of another size than its label is judged")
	}
}

// TestRedactedFile judges a file as the program does: a grey one hides the person
// and everything else, a copy nothing, and one that is too short is refused.
func TestRedactedFile(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	label := `{"image":"c.mkv#2","width":64,"height":48,"boxes":[{"class":"person","x":16,"y":8,"w":16,"h":32,"track":1}]}`
	dir := writeSet(t, label, "Labels: class person, complete\n")
	clip := func(name, filter string) string {
		path := filepath.Join(dir, name)
		cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
			"nullsrc=s=64x48:r=5:d=1,format=yuv420p,geq=lum='100+40*(1-2*mod(floor(X/2)+floor(Y/2),2))':cb=128:cr=128"+filter, "-c:v", "ffv1", path)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return path
	}
	clip("c.mkv", "")
	grey, short := clip("grey.mkv", ",lutyuv=y=100"), clip("short.mkv", ",trim=end_frame=1")
	judge := func(file string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-redacted", file, "-moving", "yes", dir}, &out)
		return strings.Join(strings.Fields(out.String()), " "), err
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "c.mkv"): "person plain 1 1 100.00 % 100.00 % 0 of 0 1 of 1 0 of 0 0 of 0 1 1 1 0.00 %",
		grey:                        "person plain 1 0 0.00 % 0.00 % 0 of 0 0 of 1 0 of 0 0 of 0 1 0 0 100.00 %",
	} {
		if got, err := judge(file); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, %q", filepath.Base(file), err, got)
		}
	}
	if _, err := judge(short); err == nil || !strings.Contains(err.Error(), "frame 2") {
		t.Errorf("too short: %v", err)
	}
}
