package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
)

// pdf returns the sign as PDF.
func (s *sheet) pdf() ([]byte, error) {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.AddUTF8FontFromBytes("sans", "", liberationsansregular.TTF)
	f.AddUTF8FontFromBytes("sans", "B", liberationsansbold.TTF)
	f.SetTitle(headline.in(s.lang), true)
	f.SetLang(string(s.lang))
	f.SetProducer("Hedge", true)
	f.SetCatalogSort(true) // the same sign is the same file
	day, err := time.Parse(time.DateOnly, s.date)
	if err != nil {
		return nil, err
	}
	f.SetCreationDate(day)
	f.SetModificationDate(day)
	f.AddPage()
	if err := s.draw(pdfCanvas{f}); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		return nil, fmt.Errorf("make the PDF: %w", err)
	}
	return b.Bytes(), nil
}

type pdfCanvas struct{ f *fpdf.Fpdf }

func (c pdfCanvas) polygon(points []point, fill colour, line float64) {
	style, all := "F", make([]fpdf.PointType, len(points))
	for i, p := range points {
		all[i] = fpdf.PointType{X: p.x, Y: p.y}
	}
	if line > 0 {
		style = "FD"
		c.f.SetLineWidth(line)
		c.f.SetDrawColor(int(grey[0]), int(grey[1]), int(grey[2]))
	}
	c.f.SetFillColor(int(fill[0]), int(fill[1]), int(fill[2]))
	c.f.Polygon(all, style)
}

func (c pdfCanvas) circle(centre point, radius float64, fill colour) {
	c.f.SetFillColor(int(fill[0]), int(fill[1]), int(fill[2]))
	c.f.Circle(centre.x, centre.y, radius, "F")
}

func (c pdfCanvas) text(at point, size float64, bold bool, col colour, s string) {
	style := ""
	if bold {
		style = "B"
	}
	c.f.SetFont("sans", style, size)
	c.f.SetTextColor(int(col[0]), int(col[1]), int(col[2]))
	c.f.Text(at.x, at.y, s)
}

// svg returns the sign as SVG. Its texts are texts, in a font that is everywhere.
func (s *sheet) svg() ([]byte, error) {
	c := &svgCanvas{}
	fmt.Fprintf(&c.b, `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" xml:lang="%s" width="210mm" height="297mm" viewBox="0 0 210 297" font-family="'Liberation Sans', Arial, Helvetica, sans-serif">
<title>%s</title>
`, s.lang, headline.in(s.lang))
	rect(c, 0, 0, paperWidth, paperHeight, white)
	if err := s.draw(c); err != nil {
		return nil, err
	}
	c.b.WriteString("</svg>\n")
	return []byte(c.b.String()), nil
}

type svgCanvas struct{ b strings.Builder }

func (c *svgCanvas) polygon(points []point, fill colour, line float64) {
	c.b.WriteString(`<polygon points="`)
	for i, p := range points {
		if i > 0 {
			c.b.WriteByte(' ')
		}
		fmt.Fprintf(&c.b, "%.3f,%.3f", p.x, p.y)
	}
	fmt.Fprintf(&c.b, `" fill="%s"`, fill.hex())
	if line > 0 {
		fmt.Fprintf(&c.b, ` stroke="%s" stroke-width="%.2f"`, grey.hex(), line)
	}
	c.b.WriteString("/>\n")
}

func (c *svgCanvas) circle(centre point, radius float64, fill colour) {
	fmt.Fprintf(&c.b, `<circle cx="%.3f" cy="%.3f" r="%.3f" fill="%s"/>`+"\n", centre.x, centre.y, radius, fill.hex())
}

func (c *svgCanvas) text(at point, size float64, bold bool, col colour, s string) {
	weight := ""
	if bold {
		weight = ` font-weight="bold"`
	}
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(s)) // a strings.Builder does not fail
	fmt.Fprintf(&c.b, `<text x="%.3f" y="%.3f" font-size="%.3f"%s fill="%s">%s</text>`+"\n", at.x, at.y, size*mm, weight, col.hex(), escaped.String())
}
