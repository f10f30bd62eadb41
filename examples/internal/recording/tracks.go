package recording

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"text/tabwriter"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TrackSheet lists the tracks of a recording and draws each one's outline into a
// small picture of what went out: what it hides stays hidden.
type TrackSheet struct {
	d      *pipeline.Decision
	listed []*track.Track
	at     map[int][]*track.Track // by the picture in which they are drawn
	thumbs map[uint64]thumb
}

// mostThumbs bounds the sheet.
const mostThumbs = 400

// NewTrackSheet lists the tracks of d that are hidden.
func NewTrackSheet(d *pipeline.Decision) *TrackSheet {
	t := &TrackSheet{d: d, at: map[int][]*track.Track{}, thumbs: map[uint64]thumb{}}
	for _, p := range d.Tracks.List {
		if !p.Believed || p.Class == detect.Vehicle {
			continue
		}
		t.listed = append(t.listed, p)
		if len(t.listed) <= mostThumbs {
			i := (p.SeenFirst + p.SeenLast) / 2
			t.at[i] = append(t.at[i], p)
		}
	}
	return t
}

// Empty reports whether no track is hidden. There is no sheet then.
func (t *TrackSheet) Empty() bool { return len(t.listed) == 0 }

// Table prints the tracks that are hidden, with the numbers by which evidence
// strikes them out.
func (t *TrackSheet) Table(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	put := func(format string, args ...any) {
		_, _ = fmt.Fprintf(tw, format, args...) // Flush reports the error
	}
	put("track\tclass\tfrom\tto\tseen in\tscore\tbox\t\n")
	for _, p := range t.listed {
		b := t.d.Tracks.Box(p, (p.SeenFirst+p.SeenLast)/2)
		put("%d\t%v\t%s\t%s\t%d\t%.2f\t%.0f,%.0f %.0fx%.0f\t\n", p.ID, p.Class,
			clock(t.d.Time(p.SeenFirst)), clock(t.d.Time(p.SeenLast)), p.Observations, p.Score, b.X0, b.Y0, b.W(), b.H())
	}
	return tw.Flush()
}

// clock writes a time as 1:02.3.
func clock(d time.Duration) string {
	d = d.Round(100 * time.Millisecond)
	return fmt.Sprintf("%d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}

// Add takes one redacted frame.
func (t *TrackSheet) Add(f redact.Frame) {
	i, ok := t.d.Picture(f.Time())
	if !ok {
		return
	}
	for _, p := range t.at[i] {
		th := newThumb(f)
		k := float32(th.pic.Rect.Dx()) / float32(f.Size().X)
		th.outline(t.d.Tracks.Box(p, i).Scale(k, k))
		t.thumbs[p.ID] = th
	}
}

// outline draws a box's border.
func (th *thumb) outline(b detect.Box) {
	r := image.Rect(int(b.X0), int(b.Y0), int(b.X1)+1, int(b.Y1)+1)
	c := image.NewUniform(color.RGBA{255, 200, 0, 255})
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+2)}, {image.Pt(r.Min.X, r.Max.Y-2), r.Max},
		{r.Min, image.Pt(r.Min.X+2, r.Max.Y)}, {image.Pt(r.Max.X-2, r.Min.Y), r.Max},
	} {
		draw.Draw(th.pic, side.Intersect(th.pic.Rect), c, image.Point{}, draw.Src)
	}
}

// Write draws the sheet and puts it at path as a PNG. An empty sheet is an error.
func (t *TrackSheet) Write(path string, replace bool) error {
	var list []thumb
	for _, p := range t.listed {
		if th, ok := t.thumbs[p.ID]; ok {
			th.text = fmt.Sprintf("%d %v %s", p.ID, p.Class, clock(th.at))
			list = append(list, th)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("track sheet %s: no picture of a hidden track came out", path)
	}
	return writeThumbs(path, replace, list)
}
