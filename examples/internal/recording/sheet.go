package recording

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/redact"
)

const (
	sheetColumns = 4
	sheetRows    = 4
	// ThumbWidth is the width of each picture of a sheet, in pixels.
	ThumbWidth = 320
)

// Sheet is a contact sheet: it collects small copies of redacted frames, evenly spread over a
// recording whose length need not be known: it keeps every stride-th frame, and
// when it is full drops every other one and doubles the stride.
type Sheet struct {
	thumbs []thumb
	stride int
	seen   int
}

type thumb struct {
	pic  *image.RGBA
	at   time.Duration
	text string // below; its time if empty
}

const sheetKeeps = 2 * sheetColumns * sheetRows

// Add takes one redacted frame.
func (s *Sheet) Add(f redact.Frame) {
	if s.stride == 0 {
		s.stride = 1
	}
	s.seen++
	if (s.seen-1)%s.stride != 0 {
		return
	}
	if len(s.thumbs) == sheetKeeps {
		for i := range sheetKeeps / 2 {
			s.thumbs[i] = s.thumbs[2*i]
		}
		s.thumbs = s.thumbs[:sheetKeeps/2]
		s.stride *= 2
		if (s.seen-1)%s.stride != 0 {
			return
		}
	}
	s.thumbs = append(s.thumbs, newThumb(f))
}

func newThumb(f redact.Frame) thumb {
	size := f.Size()
	h := max(1, ThumbWidth*size.Y/max(size.X, 1))
	pic := image.NewRGBA(image.Rect(0, 0, ThumbWidth, h))
	draw.ApproxBiLinear.Scale(pic, pic.Rect, f.Picture(), f.Picture().Rect, draw.Src, nil)
	// The library reads samples as full range (JFIF); frames are limited range.
	for i, v := range pic.Pix {
		if i%4 != 3 {
			pic.Pix[i] = uint8(min(max((int(v)-16)*255/219, 0), 255))
		}
	}
	return thumb{pic: pic, at: f.Time()}
}

// Write draws the sheet and puts it at path as a PNG.
func (s *Sheet) Write(path string, replace bool) error {
	picks := s.thumbs
	if n := sheetColumns * sheetRows; len(picks) > n {
		picks = make([]thumb, n)
		for i := range picks {
			picks[i] = s.thumbs[i*len(s.thumbs)/n]
		}
	}
	if len(picks) == 0 {
		return fmt.Errorf("contact sheet %s: no frame came out", path)
	}
	return writeThumbs(path, replace, picks)
}

// writeThumbs draws small pictures in rows; there is at least one.
func writeThumbs(path string, replace bool, picks []thumb) error {
	h := picks[0].pic.Rect.Dy()
	rows := (len(picks) + sheetColumns - 1) / sheetColumns
	const gap = 4
	out := image.NewRGBA(image.Rect(0, 0, sheetColumns*(ThumbWidth+gap)+gap, rows*(h+gap)+gap))
	draw.Draw(out, out.Rect, image.NewUniform(color.Gray{32}), image.Point{}, draw.Src)
	for i, t := range picks {
		at := image.Pt(gap+i%sheetColumns*(ThumbWidth+gap), gap+i/sheetColumns*(h+gap))
		draw.Draw(out, image.Rectangle{Min: at, Max: at.Add(image.Pt(ThumbWidth, h))}, t.pic, image.Point{}, draw.Src)
		text := t.text
		if text == "" {
			text = fmt.Sprintf("%.1f s", t.at.Seconds())
		}
		label(out, at.Add(image.Pt(6, 16)), text)
	}
	return atomicfile.Write(path, replace, func(w *os.File) error { return png.Encode(w, out) })
}

func label(dst draw.Image, at image.Point, text string) {
	for _, d := range []struct {
		off image.Point
		c   color.Gray
	}{{image.Pt(1, 1), color.Gray{0}}, {image.Point{}, color.Gray{255}}} {
		p := at.Add(d.off)
		drawer := font.Drawer{Dst: dst, Src: image.NewUniform(d.c), Face: basicfont.Face7x13, Dot: fixed.P(p.X, p.Y)}
		drawer.DrawString(text)
	}
}
