// Package zonemap draws what a policy shows and hides as a plan: areas and no picture.
package zonemap

import (
	"fmt"
	"strings"

	"github.com/hedgecam/hedge/redact"
)

// Kind is what happens in an area.
type Kind uint8

// The kinds of areas.
const (
	// Hidden: everything.
	Hidden Kind = iota
	// Found: the area is shown, but who and what is found in it is hidden.
	Found
	// Shown: the area is shown, people are hidden as Inside says.
	Shown
	numKinds
)

// Colour returns the red, green and blue in which an area is drawn. Printed in grey
// they still differ.
func (k Kind) Colour() (r, g, b uint8) {
	switch k {
	case Shown:
		return 255, 255, 255
	case Found:
		return 190, 205, 220
	}
	return 70, 80, 92
}

// Area is a part of the picture.
type Area struct {
	Kind    Kind
	Polygon redact.Polygon // in fractions of the picture, 0..1, y down
}

// Areas returns what is drawn, in this order: a later area lies over the ones before,
// and the first is the whole picture. A nil policy hides everything.
func Areas(p *redact.Policy) []Area {
	whole := redact.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	if p == nil {
		p = redact.HideEverything()
	}
	outside := Area{Hidden, whole}
	if p.Outside.Hide == redact.HideDetected {
		outside.Kind = Found
	}
	areas := []Area{outside}
	add := func(k Kind, polygons []redact.Polygon) {
		for _, polygon := range polygons {
			areas = append(areas, Area{k, polygon})
		}
	}
	add(Found, p.Strip)
	add(Shown, p.Property)
	add(Hidden, p.Mask)
	return areas
}

// Kinds returns the kinds that the plan of a policy has, in their order.
func Kinds(p *redact.Policy) []Kind {
	var has [numKinds]bool
	for _, a := range Areas(p) {
		has[a.Kind] = true
	}
	if p == nil || p.Outside.Hide != redact.HideDetected {
		has[Hidden] = true
	}
	var kinds []Kind
	for k := range numKinds {
		if has[k] {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// SVG returns the plan as an svg element, width units wide and height units high.
func SVG(p *redact.Policy, width, height int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`, width, height, width, height)
	for _, a := range Areas(p) {
		r, g, bl := a.Kind.Colour()
		b.WriteString(`<polygon points="`)
		for i, pt := range a.Polygon {
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%.2f,%.2f", pt.X*float64(width), pt.Y*float64(height))
		}
		fmt.Fprintf(&b, `" fill="#%02x%02x%02x" stroke="#46505c" stroke-width="0.5"/>`, r, g, bl)
	}
	b.WriteString("</svg>")
	return b.String()
}
