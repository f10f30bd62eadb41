package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
)

const (
	kind = "evidence"
	// longest is the length of the longest line that is read.
	longest = 32 << 20
	// mostSide is the longest side of a picture.
	mostSide = 1 << 16
	// mostSeconds is the latest time: three years.
	mostSeconds = 1e8
)

type rawHeader struct {
	Hedge    string    `json:"hedge"`
	Version  int       `json:"version"`
	Input    Input     `json:"input"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Networks []Network `json:"networks"`
	Camera   string    `json:"camera,omitempty"`
}

// rawLine is any line behind the first.
type rawLine struct {
	Frame  *int         `json:"frame"`
	T      float64      `json:"t"`
	Looks  []rawLook    `json:"looks"`
	Shift  *[2]float64  `json:"shift"`
	Moved  [][4]float64 `json:"moved"`
	Mosaic *rawMosaic   `json:"mosaic"`
	View   int          `json:"view"`
	Failed []int        `json:"failed"`

	End *int `json:"end"`

	Add *rawAdd `json:"add"`
	Change
}

type rawMosaic struct {
	N     int          `json:"n"`
	Pose  [4]float64   `json:"pose"`
	Moved [][4]float64 `json:"moved"`
}

type rawLook struct {
	Net   int         `json:"net"`
	Part  *[4]float64 `json:"part"`
	Scale float64     `json:"scale"`
	Found []rawFound  `json:"found"`
}

type rawAdd struct {
	Class detect.Class `json:"class"`
	Boxes [][5]float64 `json:"boxes"`
}

// rawFound is ["person", x0, y0, x1, y1, score].
type rawFound struct {
	class detect.Class
	box   [4]float64
	score float64
}

func (f *rawFound) UnmarshalJSON(text []byte) error {
	parts := [6]any{&f.class, &f.box[0], &f.box[1], &f.box[2], &f.box[3], &f.score}
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil || len(raw) != len(parts) {
		return fmt.Errorf("%s: must be [class, x0, y0, x1, y1, score]", text)
	}
	for i, p := range parts {
		if err := json.Unmarshal(raw[i], p); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// Reader reads evidence, and refuses what makes no sense with an [*Error] that names
// the line.
type Reader struct {
	lines  *bufio.Scanner
	line   int
	header Header
	bounds detect.Box

	frames int
	view   int // of the picture before
	views  int // the highest so far
	mosaic int // the same of mosaics
	last   time.Duration
	ended  bool
	edits  Edits
}

// NewReader reads the first line.
func NewReader(r io.Reader) (*Reader, error) {
	e := &Reader{lines: bufio.NewScanner(r)}
	e.lines.Buffer(nil, longest)
	text, err := e.next()
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, &Error{1, "it is empty"}
	}
	var h rawHeader
	if err := strict(text, &h); err != nil {
		return nil, e.wrong("it does not begin as evidence does: %v", err)
	}
	switch {
	case h.Hedge != kind:
		return nil, e.wrong("it is not Hedge's evidence of a recording")
	case h.Version != Version:
		return nil, e.wrong("version %d: this program reads version %d; make the evidence anew", h.Version, Version)
	case h.Width < 1 || h.Height < 1 || h.Width > mostSide || h.Height > mostSide:
		return nil, e.wrong("pictures of %dx%d", h.Width, h.Height)
	case h.Camera != "" && h.Camera != CameraFixed && h.Camera != CameraMoving:
		return nil, e.wrong("camera %q: must be %q or %q", h.Camera, CameraFixed, CameraMoving)
	}
	for i := range h.Networks {
		h.Networks[i].set = detect.Classes(h.Networks[i].Classes...)
	}
	e.header = Header{Input: h.Input, Size: image.Pt(h.Width, h.Height), Networks: h.Networks, Camera: h.Camera}
	e.bounds = detect.Box{X1: float32(h.Width), Y1: float32(h.Height)}
	return e, nil
}

// strict decodes one value and nothing beside it.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one value on the line")
	}
	return nil
}

func (e *Reader) wrong(format string, args ...any) error {
	return &Error{e.line, fmt.Sprintf(format, args...)}
}

// next returns the next line that is not empty, nil at the end.
func (e *Reader) next() ([]byte, error) {
	for e.lines.Scan() {
		e.line++
		if text := bytes.TrimSpace(e.lines.Bytes()); len(text) > 0 {
			return text, nil
		}
	}
	if err := e.lines.Err(); err != nil {
		return nil, &Error{e.line + 1, err.Error()}
	}
	return nil, nil
}

// Header returns what the evidence is of.
func (e *Reader) Header() Header { return e.header }

// Next reads the next picture into f, whose memory it uses again. After the last one
// it reads the edits, and returns io.EOF.
func (e *Reader) Next(f *Frame) error {
	for {
		text, err := e.next()
		if err != nil {
			return err
		}
		if text == nil {
			if !e.ended {
				return &Error{e.line + 1, fmt.Sprintf("it is cut off: there is no line that ends it after %d pictures", e.frames)}
			}
			return io.EOF
		}
		var raw rawLine
		if err := strict(text, &raw); err != nil {
			return e.wrong("%v", err)
		}
		switch {
		case e.ended:
			if err := e.edit(&raw); err != nil {
				return err
			}
		case raw.End != nil:
			if *raw.End != e.frames {
				return e.wrong("it ends with %d pictures, and %d are there", *raw.End, e.frames)
			}
			e.ended = true
		case raw.Frame == nil:
			return e.wrong("neither a picture nor the end")
		case raw.changed():
			return e.wrong("a change comes before the end")
		default:
			return e.frame(&raw, f)
		}
	}
}

// Edits returns what was changed by hand. It is complete after Next has returned
// io.EOF.
func (e *Reader) Edits() Edits { return e.edits }

func (e *Reader) frame(raw *rawLine, f *Frame) error {
	if *raw.Frame != e.frames+1 {
		return e.wrong("picture %d comes where %d should", *raw.Frame, e.frames+1)
	}
	t, err := e.seconds(raw.T)
	if err != nil {
		return err
	}
	if e.frames > 0 && t <= e.last {
		return e.wrong("its time %v is not after that of the picture before, %v", t, e.last)
	}
	e.frames++
	e.last = t
	*f = Frame{Time: t, Inferences: f.Inferences[:0], Moved: f.Moved[:0], Failed: f.Failed[:0], View: raw.View, Mosaic: Mosaic{Moved: f.Mosaic.Moved[:0]}}
	// The first place may be shown again, and another one is a new one.
	if raw.View != 0 && raw.View != e.view && raw.View != e.views+1 {
		return e.wrong("view %d comes after view %d", raw.View, e.view)
	}
	e.view, e.views = raw.View, max(e.views, raw.View)
	if raw.Shift != nil {
		f.DX, f.DY, f.Clear = raw.Shift[0], raw.Shift[1], true
		if math.Abs(f.DX) > mostSide || math.Abs(f.DY) > mostSide {
			return e.wrong("shift %v", *raw.Shift)
		}
	}
	for _, n := range raw.Failed {
		if n < 0 || n >= len(e.header.Networks) {
			return e.wrong("there is no network %d", n)
		}
		f.Failed = append(f.Failed, n)
	}
	if f.Moved, err = e.boxes(raw.Moved, f.Moved); err != nil {
		return err
	}
	if raw.Mosaic != nil {
		if err := e.inMosaic(raw.Mosaic, &f.Mosaic); err != nil {
			return err
		}
	}
	for i := range raw.Looks {
		k, err := e.inference(&raw.Looks[i])
		if err != nil {
			return err
		}
		f.Inferences = append(f.Inferences, k)
	}
	return nil
}

// boxes appends the boxes of raw to dst.
func (e *Reader) boxes(raw [][4]float64, dst []detect.Box) ([]detect.Box, error) {
	for _, m := range raw {
		b, err := e.box(m)
		if err != nil {
			return dst, err
		}
		dst = append(dst, b)
	}
	return dst, nil
}

// inMosaic takes in where a picture lies in a mosaic.
func (e *Reader) inMosaic(raw *rawMosaic, m *Mosaic) (err error) {
	m.Number = raw.N
	m.Pose = motion.Similarity{Turn: complex(raw.Pose[0], raw.Pose[1]), Shift: complex(raw.Pose[2], raw.Pose[3])}
	if raw.N < max(e.mosaic, 1) || raw.N > e.mosaic+1 {
		return e.wrong("mosaic %d comes after mosaic %d", raw.N, e.mosaic)
	}
	e.mosaic = raw.N
	if !m.Pose.Sane() {
		return e.wrong("pose %v", raw.Pose)
	}
	m.Moved, err = e.boxes(raw.Moved, m.Moved)
	return err
}

func (e *Reader) inference(raw *rawLook) (k Inference, err error) {
	if raw.Net < 0 || raw.Net >= len(e.header.Networks) {
		return k, e.wrong("there is no network %d", raw.Net)
	}
	if !(raw.Scale >= 0 && raw.Scale <= mostSide) {
		return k, e.wrong("scale %v", raw.Scale)
	}
	k.Network, k.Scale = raw.Net, float32(raw.Scale)
	if raw.Part != nil {
		if k.Region, err = e.box(*raw.Part); err != nil {
			return k, err
		}
	}
	for _, r := range raw.Found {
		d := detect.Detection{Class: r.class, Score: float32(r.score)}
		if !e.header.Networks[k.Network].set.Has(d.Class) {
			return k, e.wrong("network %d does not find a %v", k.Network, d.Class)
		}
		if !(r.score >= 0 && r.score <= 1) {
			return k, e.wrong("score %v", r.score)
		}
		if d.Box, err = e.box(r.box); err != nil {
			return k, err
		}
		k.Found = append(k.Found, d)
	}
	return k, nil
}

// box checks that a box lies in the picture, to the tenth of a pixel by which boxes
// are rounded outwards.
func (e *Reader) box(v [4]float64) (b detect.Box, err error) {
	b = detect.Box{X0: float32(v[0]), Y0: float32(v[1]), X1: float32(v[2]), Y1: float32(v[3])}
	if !b.Finite() || b.Empty() || !outset(e.bounds, 0.11).Contains(b) {
		return b, e.wrong("box %v is not one within %dx%d", v, e.header.Size.X, e.header.Size.Y)
	}
	return b.Intersect(e.bounds), nil
}

func outset(b detect.Box, d float32) detect.Box {
	return detect.Box{X0: b.X0 - d, Y0: b.Y0 - d, X1: b.X1 + d, Y1: b.Y1 + d}
}

func (e *Reader) seconds(s float64) (time.Duration, error) {
	if !(s >= 0 && s <= mostSeconds) {
		return 0, e.wrong("time %v", s)
	}
	return time.Duration(math.Round(s * float64(time.Second))), nil
}

// changed reports whether a line has anything of a change.
func (r *rawLine) changed() bool {
	c := &r.Change
	return r.Add != nil || c.Strike != nil || c.Restore != nil || c.Times != nil || c.Outside != "" || c.By != "" || c.Why != "" || !c.At.IsZero()
}

// edit takes in a line behind the end.
func (e *Reader) edit(raw *rawLine) error {
	if raw.Frame != nil || raw.End != nil || !raw.changed() {
		return e.wrong(`behind the end there is a change, such as {"strike":[...]} or {"add":{...}}`)
	}
	if raw.Add == nil {
		if err := raw.Check(); err != nil {
			return e.wrong("%v", err)
		}
		e.edits.apply(raw.Change)
		return nil
	}
	if raw.Strike != nil || raw.Restore != nil || raw.Times != nil || raw.Outside != "" {
		return e.wrong(`a line has {"add":{...}} or another change`)
	}
	if len(raw.Add.Boxes) == 0 {
		return e.wrong("a track without a box")
	}
	a := Added{Class: raw.Add.Class}
	for _, v := range raw.Add.Boxes {
		t, err := e.seconds(v[0])
		if err != nil {
			return err
		}
		if n := len(a.Boxes); n > 0 && t <= a.Boxes[n-1].Time {
			return e.wrong("the times of a track must rise")
		}
		b, err := e.box([4]float64(v[1:]))
		if err != nil {
			return err
		}
		a.Boxes = append(a.Boxes, Place{t, b})
	}
	e.edits.Add = append(e.edits.Add, a)
	return nil
}
