package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/hedgecam/hedge/detect"
)

// The sides, at 1080 lines, of what is shown: plates and faces, and near ones.
const (
	plateWide, plateNear = 128, 256
	faceSide, faceNear   = 128, 320
)

// trial is one question to the recogniser: a kind of subject under a fill.
type trial struct {
	what, fill string
	class      detect.Class
	subjects   []*subject
	lines      int // the picture's height, which decides on the cells of frost
	seen       seen
	way
	isDefault bool // the bar holds for it
}

// cast makes the subjects of all trials.
type cast struct {
	faces []*portrait
	texts []string
}

func newCast(faces []*portrait, people int, rng *rand.Rand) *cast {
	return &cast{faces: faces, texts: plateTexts(people, rng)}
}

// plates returns the plates at a width.
func (c *cast) plates(w int) (list []*subject) {
	for _, t := range c.texts {
		list = append(list, drawPlate(t, w))
	}
	return list
}

// heads returns the faces at a side, with their light and tint made like those of all
// others, or as they are.
func (c *cast) heads(side int, ownLight bool) (list []*subject) {
	for _, f := range c.faces {
		s := cutFace(f.file, f.pic, f.box, side)
		if !ownLight {
			s.equalise()
		}
		list = append(list, s)
	}
	return list
}

// kind is a kind of subject: its name, class and size at 1080 lines.
type kind struct {
	what     string
	class    detect.Class
	side     int
	ownLight bool
}

// kinds are those for which the bars hold.
var kinds = []kind{
	{"plate", detect.Plate, plateWide, false},
	{"plate, near", detect.Plate, plateNear, false},
	{"face", detect.Face, faceSide, false},
	{"face, near", detect.Face, faceNear, false},
	{"face in its own light", detect.Face, faceSide, true},
	{"face in its own light, near", detect.Face, faceNear, true},
}

// subjects returns a kind as large as it is in a picture of so many lines, or
// none when there are no faces.
func (c *cast) subjects(k kind, lines int) []*subject {
	side := k.side * lines / 1080
	if k.class == detect.Plate {
		return c.plates(side)
	}
	return c.heads(side, k.ownLight)
}

// Clips of many pictures are small: at 540 and 270 lines the cells are 32 and 16
// pixels, and all is as large in cells as at 1080.
const (
	shortClipLines = 540
	longClipLines  = 270
)

// trials lists the questions.
func (c *cast) trials() (list []trial) {
	add := func(k kind, t trial) {
		if t.seen.name == "" {
			t.seen = firstPicture
		}
		t.what, t.class, t.subjects = k.what, k.class, c.subjects(k, t.lines)
		if len(t.subjects) > 0 {
			list = append(list, t)
		}
	}
	for _, k := range kinds {
		if k.class == detect.Plate {
			add(k, trial{fill: "solid (default of a found plate)", lines: 1080, way: way{known: true}, isDefault: true})
		} else if !k.ownLight {
			add(k, trial{fill: "solid", lines: 1080, way: way{solid: true}})
		}
		add(k, trial{fill: "frost (default)", lines: 1080, isDefault: true})
		add(k, trial{fill: "frost (default)", lines: shortClipLines, seen: passes, isDefault: true})
		if k.side == faceNear {
			add(k, trial{fill: "frost (default), found", lines: longClipLines, seen: stands[len(stands)-1], way: way{known: true}, isDefault: true})
		}
		if k == kinds[0] || k == kinds[4] {
			continue // they give away less than the near ones
		}
		for _, s := range stands {
			add(k, trial{fill: "frost (default)", lines: longClipLines, seen: s})
		}
	}
	for _, k := range []kind{kinds[1], kinds[2]} {
		for _, cell := range []int{128, 64, 32, 16} {
			add(k, trial{fill: fmt.Sprintf("direct average, cells of %d", cell), lines: 1080, way: way{direct: cell}})
		}
		add(k, trial{fill: "mosaic 16", lines: 1080, way: way{mosaic: 16}})
		add(k, trial{fill: "Gaussian, sigma 16", lines: 1080, way: way{sigma: 16}})
	}
	return list
}
