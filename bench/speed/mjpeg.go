package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"time"

	"github.com/pion/mediadevices/pkg/frame"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
)

// measureMJPEG measures the decoding of a camera's JPEG of 4:2:0 against
// mediadevices' own decoder.
func measureMJPEG(ctx context.Context, s *suite) (err error) {
	var data bytes.Buffer
	pic := street(fullHD, 12, 1)[0]
	if err := jpeg.Encode(&data, pic, &jpeg.Options{Quality: 85}); err != nil {
		return err
	}
	theirs, err := frame.NewDecoder(frame.FormatMJPEG)
	if err != nil {
		return err
	}
	ours, err := mjpeg.NewDecoder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Close()) }()
	reader := mjpeg.NewReader(func() ([]byte, error) { return data.Bytes(), nil })
	source := mediadev.NewSource(reader, mediadev.SourceOptions{FullRange: true})
	defer func() { err = errors.Join(err, source.Close(), reader.Close()) }()
	var buf pipeline.Buffer

	ways := []struct {
		name string
		run  func() error
	}{
		{"mediadevices (image/jpeg)", func() error {
			_, release, err := theirs.Decode(data.Bytes(), fullHD.X, fullHD.Y)
			if err == nil {
				release()
			}
			return err
		}},
		{"pipeline/mediadev/mjpeg (libjpeg-turbo)", func() error {
			_, err := ours.Decode(data.Bytes())
			return err
		}},
		{"the same into a pipeline's buffer, limited range", func() error { return source.Read(ctx, &buf) }},
	}
	var fns []func() error
	for _, w := range ways {
		fns = append(fns, w.run)
	}
	took, err := sides(s.budget(3*time.Second), fns...)
	if err != nil {
		return err
	}
	t := reach.Table{
		Title:   "MJPEG 1080p to 4:2:0",
		Columns: []string{"decoder", "ms", "times faster than mediadevices", "bytes of garbage a frame"},
		Note:    fmt.Sprintf("A generated street, 4:2:0, quality 85, %d bytes.", data.Len()),
	}
	var bytesLeft []float64
	for i, w := range ways {
		bytesLeft = append(bytesLeft, garbage(w.run))
		t.Line(w.name, median(took[i]), ratio(took[0], took[i]), bytesLeft[i])
	}
	s.report.Tables = append(s.report.Tables, t)
	s.report.measured(goalMJPEG, ratio(took[0], took[1]), fmt.Sprintf("%s ms against %s ms", reach.Number(median(took[1])), reach.Number(median(took[0]))))
	s.report.measured(goalMJPEGGarbage, bytesLeft[1], fmt.Sprintf("mediadevices' decoder: %s", reach.Number(bytesLeft[0])))
	return nil
}
