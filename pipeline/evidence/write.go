package evidence

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Writer writes evidence as lines.
type Writer struct {
	w      io.Writer
	line   []byte
	frames int
}

// NewWriter writes the first line.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	line, err := json.Marshal(rawHeader{Hedge: kind, Version: Version, Input: h.Input,
		Width: h.Size.X, Height: h.Size.Y, Networks: append([]Network{}, h.Networks...), Camera: h.Camera})
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	_, err = w.Write(line)
	return &Writer{w: w}, err
}

// Frame writes the next picture's line.
func (w *Writer) Frame(f *Frame) error {
	w.frames++
	b := w.line[:0]
	b = append(b, `{"frame":`...)
	b = strconv.AppendInt(b, int64(w.frames), 10)
	b = append(b, `,"t":`...)
	b = appendSeconds(b, f.Time)
	if len(f.Inferences) > 0 {
		b = append(b, `,"looks":[`...)
		for i := range f.Inferences {
			b = appendInference(appendComma(b, i), &f.Inferences[i])
		}
		b = append(b, ']')
	}
	if f.Clear {
		b = append(b, `,"shift":[`...)
		b = appendNumber(b, f.DX, 3)
		b = append(b, ',')
		b = appendNumber(b, f.DY, 3)
		b = append(b, ']')
	}
	b = appendMoved(b, f.Moved)
	if m := &f.Mosaic; m.Number > 0 {
		b = strconv.AppendInt(append(b, `,"mosaic":{"n":`...), int64(m.Number), 10)
		b = append(b, `,"pose":[`...)
		b = append(appendNumber(b, real(m.Pose.Turn), 6), ',')
		b = append(appendNumber(b, imag(m.Pose.Turn), 6), ',')
		b = append(appendNumber(b, real(m.Pose.Shift), 3), ',')
		b = append(appendNumber(b, imag(m.Pose.Shift), 3), ']')
		b = append(appendMoved(b, m.Moved), '}')
	}
	if f.View > 0 {
		b = strconv.AppendInt(append(b, `,"view":`...), int64(f.View), 10)
	}
	if len(f.Failed) > 0 {
		b = append(b, `,"failed":[`...)
		for i, n := range f.Failed {
			b = strconv.AppendInt(appendComma(b, i), int64(n), 10)
		}
		b = append(b, ']')
	}
	b = append(b, "}\n"...)
	w.line = b
	_, err := w.w.Write(b)
	return err
}

// End writes the last line.
func (w *Writer) End() error {
	_, err := w.w.Write([]byte(`{"end":` + strconv.Itoa(w.frames) + "}\n"))
	return err
}

func appendMoved(b []byte, moved []detect.Box) []byte {
	if len(moved) == 0 {
		return b
	}
	b = append(b, `,"moved":[`...)
	for i, m := range moved {
		b = append(appendBox(append(appendComma(b, i), '['), m), ']')
	}
	return append(b, ']')
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func appendInference(b []byte, k *Inference) []byte {
	b = append(b, `{"net":`...)
	b = strconv.AppendInt(b, int64(k.Network), 10)
	if !k.Region.Empty() {
		b = append(appendBox(append(b, `,"part":[`...), k.Region), ']')
	}
	b = appendNumber(append(b, `,"scale":`...), float64(k.Scale), 3)
	b = append(b, `,"found":[`...)
	for i, d := range k.Found {
		b = append(appendComma(b, i), `["`...)
		b = append(b, d.Class.String()...)
		b = append(b, `",`...)
		b = append(appendBox(b, d.Box), ',')
		b = append(appendNumber(b, float64(d.Score), 4), ']')
	}
	return append(b, "]}"...)
}

// appendBox writes a box to a tenth of a pixel, rounded outwards, so that it stays
// a box however thin it is.
func appendBox(b []byte, x detect.Box) []byte {
	out := func(v float32, round func(float64) float64) float64 { return round(float64(v)*10) / 10 }
	b = append(appendNumber(b, out(x.X0, math.Floor), 1), ',')
	b = append(appendNumber(b, out(x.Y0, math.Floor), 1), ',')
	b = append(appendNumber(b, out(x.X1, math.Ceil), 1), ',')
	return appendNumber(b, out(x.Y1, math.Ceil), 1)
}

// appendSeconds writes a time exactly.
func appendSeconds(b []byte, t time.Duration) []byte {
	return appendNumber(b, t.Seconds(), 9)
}

// appendNumber writes v with at most so many decimals, without zeros at its end.
func appendNumber(b []byte, v float64, decimals int) []byte {
	n := len(b)
	b = strconv.AppendFloat(b, v, 'f', decimals, 64)
	if decimals > 0 {
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
		if b[len(b)-1] == '.' {
			b = b[:len(b)-1]
		}
	}
	if string(b[n:]) == "-0" {
		return append(b[:n], '0')
	}
	return b
}
