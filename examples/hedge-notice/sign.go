package main

import (
	"errors"
	"fmt"

	"rsc.io/qr"

	"github.com/hedgecam/hedge/examples/internal/zonemap"
)

// The sign's measures, in mm.
const (
	paperWidth, paperHeight = 210, 297
	margin                  = 14
	banner                  = 62  // height of the head
	textLeft                = 62  // where texts begin
	footTop                 = 232 // where QR code and plan begin
	footHeight              = 46
)

// errTooLong says that the texts do not fit.
var errTooLong = errors.New("the texts do not fit on one page in letters that can be read at a gate: shorten purpose, interest or legal basis; the longer page has room for all of it")

// draw draws the sign.
func (s *sheet) draw(c canvas) error {
	s.drawHead(c)
	if err := s.drawParts(c); err != nil {
		return err
	}
	return s.drawFoot(c)
}

func (s *sheet) drawHead(c canvas) {
	rect(c, margin, margin, paperWidth-2*margin, banner-margin, blue)
	drawCamera(c, margin+8, margin+11)
	title := headline.in(s.lang)
	size := 42.0
	for width(title, size, true) > paperWidth-2*margin-62 {
		size--
	}
	c.text(point{margin + 54, margin + 24}, size, true, white, title)
	sub := s.cam.hidden(s.lang)[0]
	for i, line := range wrap(sub, paperWidth-2*margin-60, 11.5, false) {
		c.text(point{margin + 54.5, margin + 33 + float64(i)*5}, 11.5, false, white, line)
	}
}

// drawCamera draws the sign for a camera in a box of 38 by 26 mm: a body, a lens, a
// bracket.
func drawCamera(c canvas, x, y float64) {
	c.polygon([]point{{x, y + 4}, {x + 27, y}, {x + 29, y + 11}, {x + 2, y + 16}}, white, 0)           // the body
	c.polygon([]point{{x + 28.5, y + 1}, {x + 36, y}, {x + 38, y + 11}, {x + 30.3, y + 11}}, white, 0) // the hood
	c.circle(point{x + 7, y + 9.6}, 2, blue)
	c.polygon([]point{{x + 12, y + 15}, {x + 16, y + 14.3}, {x + 17, y + 20}, {x + 13, y + 22}}, white, 0) // the arm
	c.polygon([]point{{x + 1, y + 19}, {x + 4, y + 19}, {x + 4, y + 28}, {x + 1, y + 28}}, white, 0)       // the wall
	c.polygon([]point{{x + 4, y + 21.5}, {x + 15, y + 18}, {x + 16.5, y + 21}, {x + 4, y + 25.5}}, white, 0)
}

// drawParts writes the texts in the largest letters in which they fit.
func (s *sheet) drawParts(c canvas) error {
	parts := s.signParts()
	const top = banner + 9
	for size := 14.0; size >= 10; size -= 0.25 {
		rows, height := layout(parts, size)
		if top+height > footTop-3 {
			continue
		}
		// What is left over goes between the parts.
		gap := min((footTop-4-top-height)/float64(len(parts)), 4)
		y := float64(top)
		for i, r := range rows {
			if i > 0 {
				rect(c, margin, y-1.2, paperWidth-2*margin, 0.25, colour{190, 200, 210})
			}
			for j, line := range r.label {
				c.text(point{margin, y + r.step*float64(j+1) - r.step*0.28}, size-1.5, true, blue, line)
			}
			for j, line := range r.lines {
				c.text(point{textLeft, y + r.step*float64(j+1) - r.step*0.28}, size, i == 0 && j == 0, black, line)
			}
			y += r.height + gap
		}
		return nil
	}
	return errTooLong
}

// row is a part, broken into lines.
type row struct {
	label, lines []string
	step, height float64 // of a line, and of all of it, in mm
}

// layout breaks parts into lines of letters of a size, and returns the height of all.
func layout(parts []part, size float64) (rows []row, height float64) {
	step := size * mm * 1.28
	for i, p := range parts {
		r := row{label: wrap(p.Title, textLeft-margin-3, size-1.5, true), step: step}
		for j, line := range p.Lines {
			r.lines = append(r.lines, wrap(line, paperWidth-margin-textLeft, size, i == 0 && j == 0)...)
		}
		r.height = float64(max(len(r.label), len(r.lines)))*step + 2.4
		rows, height = append(rows, r), height+r.height
	}
	return rows, height
}

// drawFoot draws the QR code and the plan of the zones.
func (s *sheet) drawFoot(c canvas) error {
	rect(c, margin, footTop, paperWidth-2*margin, 0.6, blue)
	const side = footHeight - 4
	if err := drawQR(c, s.c.Page, margin-3, footTop+2, side); err != nil {
		return err
	}
	const left = margin + side + 5
	planWidth := min(64, (footHeight-19)*s.cam.aspect)
	planLeft := paperWidth - margin - max(planWidth, 46)
	c.text(point{left, footTop + 7.5}, 11.5, true, blue, labelMore.in(s.lang))
	lines := wrap(s.c.Page, planLeft-left-5, 10.5, false)
	if len(lines) > 7 {
		return fmt.Errorf("page: the address is too long for the sign: %w", errTooLong)
	}
	for i, line := range lines {
		c.text(point{left, footTop + 14 + float64(i)*4.8}, 10.5, false, black, line)
	}
	c.text(point{planLeft, footTop + 6.5}, 9.5, true, blue, zoneCaption.in(s.lang))
	s.drawPlan(c, planLeft, footTop+8.5, planWidth)
	return nil
}

// drawPlan draws the zones, and what their colours mean.
func (s *sheet) drawPlan(c canvas, x, y, w float64) {
	h := w / s.cam.aspect
	for _, a := range zonemap.Areas(s.cam.policy) {
		points := make([]point, len(a.Polygon))
		for i, p := range a.Polygon {
			points[i] = point{x + p.X*w, y + p.Y*h}
		}
		r, g, b := a.Kind.Colour()
		c.polygon(points, colour{r, g, b}, 0.2)
	}
	y += h + 4.5
	for _, k := range zonemap.Kinds(s.cam.policy) {
		r, g, b := k.Colour()
		c.polygon([]point{{x, y - 2.6}, {x + 3.2, y - 2.6}, {x + 3.2, y}, {x, y}}, colour{r, g, b}, 0.2)
		for _, line := range wrap(zoneWords[k].in(s.lang), paperWidth-margin-x-5, 8.5, false) {
			c.text(point{x + 4.8, y - 0.2}, 8.5, false, black, line)
			y += 3.9
		}
	}
}

// drawQR draws an address as a QR code, side mm wide, on its own white ground.
func drawQR(c canvas, address string, x, y, side float64) error {
	code, err := qr.Encode(address, qr.M)
	if err != nil {
		return fmt.Errorf("page: the address does not fit into a QR code: %w", err)
	}
	const quiet = 4 // modules that stay white on each side: ISO/IEC 18004
	m := side / float64(code.Size+2*quiet)
	rect(c, x, y, side, side, white)
	for row := range code.Size {
		for col := 0; col < code.Size; col++ {
			begin := col
			for col < code.Size && code.Black(col, row) {
				col++
			}
			if col > begin {
				rect(c, x+float64(begin+quiet)*m, y+float64(row+quiet)*m, float64(col-begin)*m, m, colour{})
			}
		}
	}
	return nil
}
