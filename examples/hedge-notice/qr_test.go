package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// paper is a picture of the sign in which one pixel is a fifth of a millimetre; only
// rectangles are drawn.
func paper() *image.Gray {
	p := image.NewGray(image.Rect(0, 0, 210*5, 297*5))
	draw.Draw(p, p.Rect, image.White, image.Point{}, draw.Src)
	return p
}

// fill draws the bounds of a polygon, given in mm.
func fill(p *image.Gray, points []point, c color.Color) {
	lo, hi := point{math.Inf(1), math.Inf(1)}, point{}
	for _, q := range points {
		lo, hi = point{min(lo.x, q.x), min(lo.y, q.y)}, point{max(hi.x, q.x), max(hi.y, q.y)}
	}
	at := func(v float64) int { return int(math.Round(v * 5)) }
	draw.Draw(p, image.Rect(at(lo.x), at(lo.y), at(hi.x), at(hi.y)), image.NewUniform(c), image.Point{}, draw.Src)
}

// decode returns what a QR code in a picture says.
func decode(t *testing.T, p image.Image) string {
	t.Helper()
	bmp, err := gozxing.NewBinaryBitmapFromImage(p)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qrcode.NewQRCodeReader().Decode(bmp, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		t.Fatalf("no QR code: %v", err)
	}
	return r.GetText()
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

var svgPolygon = regexp.MustCompile(`<polygon points="([^"]*)" fill="#([0-9a-f]{6})"`)

// drawSVG draws the black and white polygons of an SVG.
func drawSVG(t *testing.T, data []byte) image.Image {
	t.Helper()
	p := paper()
	for _, m := range svgPolygon.FindAllStringSubmatch(string(data), -1) {
		var points []point
		for pair := range strings.FieldsSeq(m[1]) {
			x, y, _ := strings.Cut(pair, ",")
			points = append(points, point{number(t, x), number(t, y)})
		}
		switch m[2] {
		case "000000":
			fill(p, points, color.Black)
		case "ffffff":
			fill(p, points, color.White)
		}
	}
	return p
}

var pdfStream = regexp.MustCompile(`(?s)/FlateDecode /Length \d+>>\s*stream\r?\n(.*?)\r?\nendstream`)

// drawPDF draws the black and white polygons of the PDF's page.
func drawPDF(t *testing.T, data []byte) image.Image {
	t.Helper()
	m := pdfStream.FindSubmatch(data)
	if m == nil {
		t.Fatal("no page")
	}
	z, err := zlib.NewReader(bytes.NewReader(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	p := paper()
	var points []point
	var stack []string
	colourOf := ""
	for w := range strings.FieldsSeq(string(content)) {
		if _, err := strconv.ParseFloat(w, 64); err == nil {
			stack = append(stack, w)
			continue
		}
		switch n := len(stack); {
		case (w == "m" || w == "l") && n >= 2:
			if w == "m" {
				points = nil
			}
			points = append(points, point{number(t, stack[n-2]) * mm, 297 - number(t, stack[n-1])*mm})
		case w == "rg" || w == "g":
			colourOf = fmt.Sprint(stack)
		case w == "f" && (colourOf == "[0.000]" || colourOf == "[0.000 0.000 0.000]"):
			fill(p, points, color.Black)
		case w == "f" && (colourOf == "[1.000]" || colourOf == "[1.000 1.000 1.000]"):
			fill(p, points, color.White)
		}
		stack = nil
	}
	return p
}

// TestQRCode: the code in PDF and in SVG leads to the address, short or long.
func TestQRCode(t *testing.T) {
	for _, address := range []string{"https://a.de", "https://example.org/kamera?haus=5&sprache=de#oben", "https://example.org/" + strings.Repeat("path/", 16)} {
		dir := home(t, testPolicy, testCamera, testNotice)
		if code, _, stderr := makeNotice(dir, "-page", address, "-language", "de"); code != 0 {
			t.Fatal(stderr)
		}
		if got := decode(t, drawSVG(t, read(t, dir, "notice-de.svg"))); got != address {
			t.Errorf("SVG: %q, want %q", got, address)
		}
		if got := decode(t, drawPDF(t, read(t, dir, "notice-de.pdf"))); got != address {
			t.Errorf("PDF: %q, want %q", got, address)
		}
	}
}

// bounds is a canvas that tells of what lies off the printable paper.
type bounds struct {
	t *testing.T
}

func (b bounds) check(x, y float64, what string) {
	if x < margin-4 || y < margin-1 || x > paperWidth-margin+0.1 || y > paperHeight-8 {
		b.t.Errorf("%s at %.1f, %.1f is not on the printable paper", what, x, y)
	}
}

func (b bounds) polygon(points []point, _ colour, _ float64) {
	for _, p := range points {
		b.check(p.x, p.y, "a polygon")
	}
}

func (b bounds) circle(c point, r float64, _ colour) {
	b.check(c.x-r, c.y-r, "a circle")
	b.check(c.x+r, c.y+r, "a circle")
}

func (b bounds) text(at point, size float64, bold bool, _ colour, s string) {
	b.check(at.x, at.y-size*mm*0.75, s)
	b.check(at.x+width(s, size, bold), at.y+size*mm*0.25, s)
}

// TestNothingRunsOffThePaper: whatever is filled in lies within the margins, or is an
// error.
func TestNothingRunsOffThePaper(t *testing.T) {
	long := "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsentwurfsbegründung "
	for _, n := range []int{0, 1, 3, 6} {
		for _, aspect := range []float64{0.5, 0.75, 16.0 / 9, 2.5} {
			for _, l := range []language{english, german} {
				c := &config{Controller: "A" + strings.Repeat(long, n), Address: "B", Contact: "C", Page: "https://example.org/" + strings.Repeat("x", 20*n),
					PurposeEN: "D" + strings.Repeat(long, n), PurposeDE: "D", BasisEN: "E", BasisDE: "E"}
				dir := home(t, testPolicy, testCamera, testNotice)
				cam, err := readCamera(&config{Camera: dir + "/camera.yaml"})
				if err != nil {
					t.Fatal(err)
				}
				cam.aspect = aspect
				if err := newSheet(c, cam, l, today).draw(bounds{t}); err != nil && n < 6 {
					t.Errorf("%d long words: %v", n, err)
				}
			}
		}
	}
}
