package camera

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/mediadevices/pkg/driver"
	v4l2 "github.com/pion/mediadevices/pkg/driver/camera"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// device is an open camera of mediadevices.
type device struct {
	*mediadev.Source
	driver driver.Driver
}

// openDevice opens /dev/videoN.
func openDevice(_ context.Context, n int, o Options) (connection, error) {
	d := findDevice(n)
	if d == nil {
		// It may have been plugged in since the last look.
		v4l2.Initialize() //nolint:misspell // its name
		d = findDevice(n)
	}
	if d == nil {
		return nil, fmt.Errorf("/dev/video%d: %w", n, ErrNoDevice)
	}
	return openDriver(d, o)
}

func findDevice(n int) driver.Driver {
	suffix := v4l2.LabelSeparator + "video" + strconv.Itoa(n)
	for _, d := range driver.GetManager().Query(driver.FilterVideoRecorder()) {
		if strings.HasSuffix(d.Info().Label, suffix) {
			return d
		}
	}
	return nil
}

func openDriver(d driver.Driver, o Options) (_ connection, err error) {
	if err := d.Open(); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	format, ok := choose(d.Properties(), o.Size, o.Rate)
	if !ok {
		return nil, fmt.Errorf("it offers no format that is known; known are %v", knownFormats)
	}
	recorder, ok := d.(driver.VideoRecorder)
	if !ok {
		return nil, errors.New("it delivers no pictures")
	}
	r, err := recorder.VideoRecord(format)
	if err != nil {
		return nil, fmt.Errorf("start %dx%d %s: %w", format.Width, format.Height, format.FrameFormat, err)
	}
	src := mediadev.NewSource(r, mediadev.SourceOptions{FullRange: format.FrameFormat == frame.FormatMJPEG, Rotate: o.Rotate})
	return &device{Source: src, driver: d}, nil
}

// Close closes the camera first: only that ends its driver's Read.
func (d *device) Close() error {
	err := d.driver.Close()
	return errors.Join(err, d.Source.Close())
}

// knownFormats are those that are taken, the least work first.
var knownFormats = []frame.Format{frame.FormatI420, frame.FormatNV12, frame.FormatNV21,
	frame.FormatYUYV, frame.FormatUYVY, frame.FormatMJPEG}

// choose returns the best of the formats that a camera offers: not slower than
// half the rate asked for, the largest picture not larger than size (or else the
// smallest), then the rate nearest to the one asked for, then the least work.
func choose(offers []prop.Media, size image.Point, rate float64) (prop.Media, bool) {
	// What is wrong with a format, the most important first.
	rank := func(m prop.Media) []float64 {
		var slow, tooLarge, rateOff float64
		pixels := -float64(m.Width * m.Height)
		if m.Width > size.X || m.Height > size.Y {
			tooLarge, pixels = 1, -pixels
		}
		// A rate that is not told is taken for right.
		if m.FrameRate > 0 {
			octaves := math.Log2(float64(m.FrameRate) / rate)
			if octaves < -1 {
				slow = 1
			}
			// Rates within a tenth are alike.
			rateOff = math.Round(math.Abs(octaves) * 7)
		}
		return []float64{slow, tooLarge, pixels, rateOff, float64(slices.Index(knownFormats, m.FrameFormat))}
	}
	var best prop.Media
	found := false
	for _, m := range offers {
		if m.Width <= 0 || m.Height <= 0 || !slices.Contains(knownFormats, m.FrameFormat) {
			continue
		}
		if !found || slices.Compare(rank(m), rank(best)) < 0 {
			best, found = m, true
		}
	}
	return best, found
}
