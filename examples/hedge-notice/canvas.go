package main

import (
	"fmt"
	"strings"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// colour is red, green and blue.
type colour [3]uint8

var (
	black = colour{27, 39, 51}
	white = colour{255, 255, 255}
	blue  = colour{11, 74, 125}
	grey  = colour{70, 80, 92}
)

// point is a place on the paper, in millimetres from the upper left corner.
type point struct{ x, y float64 }

// canvas is paper of 210 by 297 mm on which a sign is drawn.
type canvas interface {
	// polygon fills an area; a line of the width given in mm, if it is not 0, goes
	// round it.
	polygon(points []point, fill colour, line float64)
	circle(centre point, radius float64, fill colour)
	// text writes a line whose baseline begins at a point. size is in points.
	text(at point, size float64, bold bool, c colour, s string)
}

// rect fills a rectangle.
func rect(c canvas, x, y, w, h float64, fill colour) {
	c.polygon([]point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}, fill, 0)
}

// mm is the length of a typographic point.
const mm = 25.4 / 72

// fonts are those of the sign, [0] regular and [1] bold: Liberation Sans, which has
// the widths of Arial.
var fonts = [2]*sfnt.Font{mustFont(liberationsansregular.TTF), mustFont(liberationsansbold.TTF)}

func mustFont(ttf []byte) *sfnt.Font {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic(err) // it is part of the program
	}
	return f
}

func fontOf(bold bool) *sfnt.Font {
	if bold {
		return fonts[1]
	}
	return fonts[0]
}

// unprintable returns the first character that the font does not have.
func unprintable(s string) (rune, bool) {
	var buf sfnt.Buffer
	for _, r := range s {
		if i, err := fonts[0].GlyphIndex(&buf, r); err != nil || i == 0 || !unicode.IsPrint(r) {
			return r, true
		}
	}
	return 0, false
}

// width returns that of a line, in mm. size is in points.
func width(s string, size float64, bold bool) float64 {
	const em = 2048
	var buf sfnt.Buffer
	var sum fixed.Int26_6
	f := fontOf(bold)
	for _, r := range s {
		i, err := f.GlyphIndex(&buf, r)
		if err != nil {
			continue
		}
		if a, err := f.GlyphAdvance(&buf, i, fixed.I(em), font.HintingNone); err == nil {
			sum += a
		}
	}
	return float64(sum) / 64 / em * size * mm
}

// wrap breaks a text into lines that are at most w mm wide. A word that is too long
// is broken where it must be.
func wrap(s string, w, size float64, bold bool) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		with := strings.TrimLeft(line+" "+word, " ")
		if width(with, size, bold) <= w {
			line = with
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; width(line, size, bold) > w; {
			n := breakAt(line, w, size, bold)
			lines, line = append(lines, line[:n]), line[n:]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// breakAt returns how many bytes of a word fit, at least one character.
func breakAt(word string, w, size float64, bold bool) int {
	n := 0
	for i := range word {
		if i > 0 && width(word[:i], size, bold) > w {
			break
		}
		n = i
	}
	if n == 0 {
		n = len(string([]rune(word)[:1]))
	}
	return n
}

// hex is the colour as in CSS.
func (c colour) hex() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }
