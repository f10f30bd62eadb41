package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var (
	blue = color.RGBA{R: 31, G: 119, B: 180, A: 255}
	grey = color.RGBA{R: 150, G: 150, B: 150, A: 255}
	red  = color.RGBA{R: 200, G: 40, B: 40, A: 255}
)

// picture is a plot that was written.
type picture struct{ file, text string }

// writePlots writes the plots for which there are results.
func writePlots(in *results, dir string) (list []picture, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		file, text string
		plot       func(*results) (*plot.Plot, vg.Length)
	}{
		{"leak.png", "People: share of boxes that leak over the share of pixels hidden that nobody asked to hide, for each configuration; numbers as in the tables.", plotLeak},
		{"attack.png", "How often a recogniser names who is hidden, by fill. Blue: what Hedge does; grey: for comparison. The lines are chance and twice chance.", plotAttack},
		{"speed.png", "Core time of the stages at 1080p, ms. Grey: for comparison. One look of a network takes tens of ms; the tables have it.", plotSpeed},
	} {
		file := filepath.Join(dir, d.file)
		p, height := d.plot(in)
		if p == nil {
			// One of a run before would show what the page does not.
			if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			continue
		}
		if err := p.Save(10*vg.Inch, height, file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, picture{d.file, d.text})
	}
	return list, nil
}

// configuration is a way to run the pipeline, with the sums over all sets on
// which it is known what nobody asked to hide.
type configuration struct {
	name         string
	leak, hidden float64 // of people, 0..1
	known        bool
}

// configurations returns those of the leak results and of the ablation, in the
// order of their tables.
func configurations(in *results) (list []configuration) {
	for i := range in.leaks {
		list = append(list, in.leaks[i].sum(in.leaks[i].Name))
	}
	if in.ablation != nil {
		for i := range in.ablation.Variants {
			v := &in.ablation.Variants[i]
			list = append(list, v.sum(v.Name))
		}
	}
	return list
}

func (l *leakFile) sum(name string) configuration {
	c := configuration{name: name}
	boxes, leaked, sets := 0, 0, 0
	for _, s := range l.Sets {
		if s.Class == "person" && s.OverHidden != nil {
			boxes += s.Boxes
			leaked += s.Leaked
			c.hidden += *s.OverHidden
			sets++
		}
	}
	if boxes > 0 {
		c.known = true
		c.leak, c.hidden = float64(leaked)/float64(boxes), c.hidden/float64(sets)
	}
	return c
}

func plotLeak(in *results) (*plot.Plot, vg.Length) {
	var points plotter.XYs
	var names []string
	for i, c := range configurations(in) {
		if c.known {
			points = append(points, plotter.XY{X: 100 * c.hidden, Y: 100 * c.leak})
			names = append(names, strconv.Itoa(i+1))
		}
	}
	if len(points) == 0 {
		return nil, 0
	}
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "pixels hidden that nobody asked to hide, %", "boxes leaked, %"
	p.X.Min, p.Y.Min = 0, 0
	p.Add(plotter.NewGrid())
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return nil, 0
	}
	dots.Color, dots.Shape, dots.Radius = blue, draw.CircleGlyph{}, vg.Points(3)
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: names})
	if err != nil {
		return nil, 0
	}
	labels.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(3)}
	p.Add(dots, labels)
	return p, 5 * vg.Inch
}

// bar is a line of a bar chart.
type bar struct {
	name  string
	value float64
	ours  bool
}

// bars returns a chart of bars that grow to the right, the first on top.
func bars(list []bar, title string) (*plot.Plot, vg.Length) {
	if len(list) == 0 {
		return nil, 0
	}
	p := plot.New()
	p.X.Label.Text = title
	p.X.Min = 0
	slices.Reverse(list)
	var names []string
	ours, others := make(plotter.Values, len(list)), make(plotter.Values, len(list))
	for i, b := range list {
		names = append(names, b.name)
		if b.ours {
			ours[i] = b.value
		} else {
			others[i] = b.value
		}
	}
	for _, c := range []struct {
		values plotter.Values
		color  color.Color
	}{{ours, blue}, {others, grey}} {
		chart, err := plotter.NewBarChart(c.values, vg.Points(9))
		if err != nil {
			return nil, 0
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, c.color, 0
		p.Add(chart)
	}
	p.NominalY(names...)
	p.X.Max *= 1.02
	p.Y.Min, p.Y.Max = -0.8, float64(len(list))-0.2
	return p, vg.Length(len(list))*vg.Points(14) + vg.Inch
}

// plotAttack draws one kind of plate and one of faces.
func plotAttack(in *results) (*plot.Plot, vg.Length) {
	if in.attack == nil {
		return nil, 0
	}
	var list []bar
	chance := 0.0
	for _, what := range []string{"plate, near", "face"} {
		for _, x := range in.attack.Recognition {
			if x.What == what {
				list = append(list, bar{strings.Join([]string{x.What, x.Fill, x.Seen}, ": "), 100 * x.Accuracy, !x.Warning})
				chance = 100 * x.Chance
			}
		}
	}
	p, height := bars(list, "named rightly, %")
	if p == nil {
		return nil, 0
	}
	p.X.Max = 102
	for i := range 2 {
		x := chance * float64(i+1)
		line, err := plotter.NewLine(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}})
		if err != nil {
			return nil, 0
		}
		line.Color, line.Dashes = red, []vg.Length{vg.Points(3), vg.Points(float64(2 * i))}
		p.Add(line)
	}
	return p, height
}

// plotSpeed draws the core time of the stages, as far as bench/speed measured it.
func plotSpeed(in *results) (*plot.Plot, vg.Length) {
	if in.speed == nil {
		return nil, 0
	}
	var list []bar
	for _, s := range []struct {
		name, cell string
		ours       bool
	}{
		{"memcpy of the frame", in.speed.cell("memcpy", "ms", "1080p"), false},
		{"redaction, frost held, the whole frame", in.speed.cell("Redaction, frost held", "100 %", "1080p"), true},
		{"redaction, frost anew, the whole frame", in.speed.cell("Redaction, frost anew", "100 %", "1080p"), true},
		{"redaction, solid, the whole frame", in.speed.cell("Redaction, solid", "100 %", "1080p"), true},
		{"redaction, frost held, 5 %", in.speed.cell("Redaction, frost held", "5 %", "1080p"), true},
		{"tracker, 20 objects", in.speed.cell("Tracker", "ms", "20"), true},
		{"motion", in.speed.cell("Motion", "ms", "small copy 640x360", "4"), true},
		{"preparing the networks' input", in.speed.cell("Preparation of", "ms", "one scaled picture, one shared tensor"), true},
	} {
		if v, ok := millis(s.cell); ok {
			list = append(list, bar{fmt.Sprintf("%s: %.3g", s.name, v), v, s.ours})
		}
	}
	return bars(list, "ms")
}

// millis reads "0.302" or, of "1.02 (0.302)", the part in brackets.
func millis(cell string) (float64, bool) {
	if i := strings.IndexByte(cell, '('); i >= 0 {
		cell = strings.TrimSuffix(cell[i+1:], ")")
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil
}
