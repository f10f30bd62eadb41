package camera

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/blackjack/webcam"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/pipeline/mediadev/mjpeg"
)

// ErrFormat says that a camera delivers another format than was agreed on.
var ErrFormat = errors.New("the camera's driver has changed the format")

// captureDevice is what is needed of a webcam.Webcam, a V4L2 camera.
type captureDevice interface {
	GetSupportedFormats() map[webcam.PixelFormat]string
	GetSupportedFrameSizes(webcam.PixelFormat) []webcam.FrameSize
	GetSupportedFramerates(f webcam.PixelFormat, width, height uint32) []webcam.FrameRate
	SetImageFormat(f webcam.PixelFormat, width, height uint32) (webcam.PixelFormat, uint32, uint32, error)
	SetFramerate(float32) error
	SetBufferCount(uint32) error
	StartStreaming() error
	WaitForFrame(seconds uint32) error
	GetFrame() (data []byte, index uint32, err error)
	ReleaseFrame(index uint32) error
	Close() error
}

// device is an open V4L2 camera. Pictures go from the memory that it shares with its
// driver into the pipeline's: JPEGs through libjpeg-turbo, others in one pass.
type device struct {
	*mediadev.Source
	dev     captureDevice
	decoder *mjpeg.Decoder // of JPEGs
	format  frame.Format
	size    image.Point

	// using is held while a picture in the driver's memory is used.
	using  sync.Mutex
	closed atomic.Bool
}

// buffers is how many pictures the driver holds.
const buffers = 3

// openDevice opens /dev/videoN.
func openDevice(_ context.Context, n int, o Options) (connection, error) {
	path := "/dev/video" + strconv.Itoa(n)
	dev, err := webcam.Open(path)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %w", path, ErrNoDevice)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, inUse(err))
	}
	return openCapture(dev, o)
}

// inUse puts into words that another program has the camera. The library's errors have no
// number.
func inUse(err error) error {
	if errors.Is(err, syscall.EBUSY) || strings.Contains(err.Error(), syscall.EBUSY.Error()) {
		return fmt.Errorf("another program uses the camera: close it: %w", err)
	}
	return err
}

func openCapture(dev captureDevice, o Options) (_ connection, err error) {
	d := &device{dev: dev}
	defer func() {
		if err != nil {
			err = errors.Join(inUse(err), d.free())
		}
	}()
	mode, ok := choose(offers(dev, o), o.Size, o.Rate)
	if !ok {
		return nil, fmt.Errorf("it offers no format that is known; known are %v", knownFormats)
	}
	d.format, d.size = mode.FrameFormat, image.Pt(mode.Width, mode.Height)
	asked := pixelFormats[mode.FrameFormat]
	got, _, _, err := dev.SetImageFormat(asked, uint32(mode.Width), uint32(mode.Height))
	if err != nil {
		return nil, fmt.Errorf("set %dx%d %s: %w", mode.Width, mode.Height, mode.FrameFormat, err)
	}
	if got != asked {
		return nil, fmt.Errorf("%w: it was asked for %s", ErrFormat, mode.FrameFormat)
	}
	if mode.FrameRate > 0 {
		if err := dev.SetFramerate(mode.FrameRate); err != nil {
			return nil, fmt.Errorf("set %v pictures a second: %w", mode.FrameRate, err)
		}
	}
	if d.format == frame.FormatMJPEG {
		if d.decoder, err = mjpeg.NewDecoder(); err != nil {
			return nil, err
		}
	}
	if err := dev.SetBufferCount(buffers); err != nil {
		return nil, err
	}
	if err := dev.StartStreaming(); err != nil {
		return nil, fmt.Errorf("start %dx%d %s: %w", mode.Width, mode.Height, mode.FrameFormat, err)
	}
	d.Source = mediadev.NewSource(video.ReaderFunc(d.read), mediadev.SourceOptions{FullRange: d.format == frame.FormatMJPEG, Rotate: o.Rotate})
	return d, nil
}

// read returns the next picture. It is the driver's memory until it is released.
func (d *device) read() (image.Image, func(), error) {
	none := func() {}
	for {
		d.using.Lock()
		if d.closed.Load() {
			d.using.Unlock()
			return nil, none, io.EOF
		}
		// A second at most, so that Close need not wait longer.
		err := d.dev.WaitForFrame(1)
		var timeout *webcam.Timeout
		if errors.As(err, &timeout) {
			d.using.Unlock()
			continue
		}
		if err != nil {
			d.using.Unlock()
			return nil, none, fmt.Errorf("wait for a picture: %w", err)
		}
		data, index, err := d.dev.GetFrame()
		if err != nil {
			d.using.Unlock()
			return nil, none, fmt.Errorf("take a picture: %w", err)
		}
		release := func() {
			_ = d.dev.ReleaseFrame(index) // the next GetFrame tells of a camera that is gone
			d.using.Unlock()
		}
		if len(data) == 0 { // the driver dropped it
			release()
			continue
		}
		img, err := d.picture(data)
		if err != nil {
			release()
			return nil, none, err
		}
		return img, release, nil
	}
}

// picture returns a picture in the camera's format.
func (d *device) picture(data []byte) (image.Image, error) {
	switch d.format {
	case frame.FormatMJPEG:
		return d.decoder.Decode(data)
	case frame.FormatI420:
		return planar(data, d.size)
	}
	return mediadev.NewPacked(packedFormats[d.format], data, d.size)
}

// planar returns a picture whose planes lie one behind the other.
func planar(data []byte, size image.Point) (*image.YCbCr, error) {
	luma, chroma := size.X*size.Y, (size.X+1)/2*((size.Y+1)/2)
	if len(data) != luma+2*chroma {
		return nil, fmt.Errorf("%w: a picture of %d bytes, and not the %dx%d that were agreed on", ErrFormat, len(data), size.X, size.Y)
	}
	return &image.YCbCr{Y: data[:luma], Cb: data[luma:][:chroma], Cr: data[luma+chroma:], YStride: size.X, CStride: (size.X + 1) / 2,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rectangle{Max: size}}, nil
}

// Close ends a Read under way and frees the camera, once nothing uses its memory any more.
func (d *device) Close() error {
	d.closed.Store(true)
	// A Read under way goes on for a second at most.
	err := d.Source.Close()
	if errors.Is(err, mediadev.ErrBlocked) {
		err = d.Source.Close()
	}
	return errors.Join(err, d.free())
}

// free closes the camera.
func (d *device) free() error {
	d.using.Lock()
	defer d.using.Unlock()
	if d.dev == nil {
		return nil
	}
	err := d.dev.Close()
	d.dev = nil
	if d.decoder != nil {
		err = errors.Join(err, d.decoder.Close())
	}
	return err
}

// pixelFormats are V4L2's codes of the formats that are known.
var pixelFormats = map[frame.Format]webcam.PixelFormat{
	frame.FormatI420: fourCC("YU12"), frame.FormatNV12: fourCC("NV12"), frame.FormatNV21: fourCC("NV21"),
	frame.FormatYUYV: fourCC("YUYV"), frame.FormatUYVY: fourCC("UYVY"), frame.FormatMJPEG: fourCC("MJPG"),
}

var packedFormats = map[frame.Format]mediadev.PackedFormat{
	frame.FormatYUYV: mediadev.YUYV, frame.FormatUYVY: mediadev.UYVY, frame.FormatNV12: mediadev.NV12, frame.FormatNV21: mediadev.NV21,
}

// fourCC returns the code of four characters.
func fourCC(s string) webcam.PixelFormat {
	return webcam.PixelFormat(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// offers lists what a camera can deliver in known formats. Of a range of sizes it is the one
// asked for, or the nearest that is not larger.
func offers(dev captureDevice, o Options) (list []prop.Media) {
	supported := dev.GetSupportedFormats()
	for _, f := range knownFormats {
		code := pixelFormats[f]
		if _, ok := supported[code]; !ok {
			continue
		}
		for _, s := range dev.GetSupportedFrameSizes(code) {
			w, h := nearest(o.Size.X, s.MinWidth, s.MaxWidth, s.StepWidth), nearest(o.Size.Y, s.MinHeight, s.MaxHeight, s.StepHeight)
			m := prop.Media{Video: prop.Video{Width: int(w), Height: int(h), FrameFormat: f}}
			rates := dev.GetSupportedFramerates(code, w, h)
			if len(rates) == 0 {
				list = append(list, m)
			}
			for _, r := range rates {
				if m.FrameRate = rate(r, o.Rate); m.FrameRate > 0 {
					list = append(list, m)
				}
			}
		}
	}
	return list
}

// nearest returns the value of a range that is nearest to the one asked for, and not more if
// that can be.
func nearest(asked int, least, most, step uint32) uint32 {
	v := uint32(min(max(asked, int(least)), int(most)))
	if step > 1 {
		v -= (v - least) % step
	}
	return v
}

// rate returns that of a range which is nearest to the one asked for, 0 if it has none.
func rate(r webcam.FrameRate, asked float64) float32 {
	if r.MinNumerator == 0 || r.MaxNumerator == 0 || r.MinDenominator == 0 {
		return 0
	}
	slowest, fastest := float64(r.MinDenominator)/float64(r.MaxNumerator), float64(r.MaxDenominator)/float64(r.MinNumerator)
	return float32(math.Round(1000*min(max(asked, slowest), fastest)) / 1000)
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
