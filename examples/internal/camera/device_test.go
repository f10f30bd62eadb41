package camera

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/blackjack/webcam"
	"github.com/pion/mediadevices/pkg/frame"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// fakeDevice is a V4L2 camera of one format and size. Its pictures are of one colour, whose
// luma is 30 and then rises by 10.
type fakeDevice struct {
	format   frame.Format
	offered  webcam.FrameSize
	rates    []webcam.FrameRate
	size     image.Point // of the pictures
	gets     webcam.PixelFormat
	startErr error
	end      int  // pictures after which it is gone
	empty    bool // every other picture is
	halves   bool // the upper half is bright, the lower dark; of YUYV

	mu      sync.Mutex
	n       int
	memory  []byte // that it shares
	taken   bool
	closed  int
	setSize image.Point
	setRate float32
}

func newFakeDevice(format frame.Format) *fakeDevice {
	return &fakeDevice{format: format, size: image.Pt(64, 48), end: 1000, gets: pixelFormats[format],
		offered: webcam.FrameSize{MinWidth: 64, MaxWidth: 64, MinHeight: 48, MaxHeight: 48}}
}

func (f *fakeDevice) GetSupportedFormats() map[webcam.PixelFormat]string {
	return map[webcam.PixelFormat]string{pixelFormats[f.format]: "fake"}
}

func (f *fakeDevice) GetSupportedFrameSizes(webcam.PixelFormat) []webcam.FrameSize {
	return []webcam.FrameSize{f.offered}
}

func (f *fakeDevice) GetSupportedFramerates(webcam.PixelFormat, uint32, uint32) []webcam.FrameRate {
	return f.rates
}

func (f *fakeDevice) SetImageFormat(_ webcam.PixelFormat, w, h uint32) (webcam.PixelFormat, uint32, uint32, error) {
	f.setSize = image.Pt(int(w), int(h))
	return f.gets, w, h, nil
}

func (f *fakeDevice) SetFramerate(r float32) error { f.setRate = r; return nil }

func (f *fakeDevice) SetBufferCount(uint32) error { return nil }

func (f *fakeDevice) StartStreaming() error { return f.startErr }

func (f *fakeDevice) WaitForFrame(uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n >= f.end {
		return syscall.ENODEV
	}
	return nil
}

func (f *fakeDevice) GetFrame() ([]byte, uint32, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken {
		return nil, 0, errors.New("two pictures are taken at once")
	}
	f.taken = true
	f.n++
	if f.empty && f.n%2 == 0 {
		return nil, 0, nil
	}
	f.memory = f.picture(byte(20 + 10*f.n))
	return f.memory, 0, nil
}

// ReleaseFrame overwrites the picture: who still looks at it sees that.
func (f *fakeDevice) ReleaseFrame(uint32) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.memory)
	f.taken = false
	return nil
}

func (f *fakeDevice) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed++; f.taken {
		return errors.New("closed while a picture is in use")
	}
	return nil
}

// picture returns one of a luma, with chroma 90 and 170.
func (f *fakeDevice) picture(luma byte) []byte {
	n := f.size.X * f.size.Y
	switch f.format {
	case frame.FormatMJPEG:
		pic := image.NewYCbCr(image.Rectangle{Max: f.size}, image.YCbCrSubsampleRatio420)
		fillPlane(pic.Y, luma)
		fillPlane(pic.Cb, 90)
		fillPlane(pic.Cr, 170)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, pic, &jpeg.Options{Quality: 100}); err != nil {
			panic(err) // into memory
		}
		return b.Bytes()
	case frame.FormatYUYV:
		if f.halves {
			return append(bytes.Repeat([]byte{200, 90, 200, 170}, n/4), bytes.Repeat([]byte{40, 90, 40, 170}, n/4)...)
		}
		return bytes.Repeat([]byte{luma, 90, luma, 170}, n/2)
	case frame.FormatUYVY:
		return bytes.Repeat([]byte{90, luma, 170, luma}, n/2)
	}
	out := bytes.Repeat([]byte{luma}, n)
	switch f.format {
	case frame.FormatNV12:
		return append(out, bytes.Repeat([]byte{90, 170}, n/4)...)
	case frame.FormatNV21:
		return append(out, bytes.Repeat([]byte{170, 90}, n/4)...)
	}
	return append(append(out, bytes.Repeat([]byte{90}, n/4)...), bytes.Repeat([]byte{170}, n/4)...)
}

func fillPlane(p []byte, v byte) {
	for i := range p {
		p[i] = v
	}
}

// deviceSource returns a source of a fake camera.
func deviceSource(t *testing.T, f *fakeDevice) *Source {
	t.Helper()
	s, err := Open("camera:0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.open = func(context.Context) (connection, error) { return openCapture(f, s.o) }
	return s
}

// TestDevice: pictures of every format arrive with their samples, JPEGs in limited range; the
// driver's memory is used only while a picture is taken from it, and one that is
// gone is opened again.
func TestDevice(t *testing.T) {
	for _, format := range knownFormats {
		t.Run(string(format), func(t *testing.T) {
			f := newFakeDevice(format)
			f.empty = true
			s := deviceSource(t, f)
			var b pipeline.Buffer
			last := b.Time - 1
			for i := range 8 {
				if err := s.Read(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
				want, chroma := 30+20*i, [2]int{90, 170}
				if format == frame.FormatMJPEG {
					want, chroma = (219*want+16*255+127)/255, [2]int{128 - 38*224/255, 128 + 42*224/255}
				}
				pic := b.Resize(64, 48)
				for name, c := range map[string][2]int{"Y": {int(pic.Y[700]), want}, "Cb": {int(pic.Cb[100]), chroma[0]}, "Cr": {int(pic.Cr[300]), chroma[1]}} {
					if c[0] < c[1]-1 || c[0] > c[1]+1 {
						t.Errorf("picture %d: %s is %d, want %d", i, name, c[0], c[1])
					}
				}
				if b.Time <= last {
					t.Errorf("picture %d at %v after %v", i, b.Time, last)
				}
				last = b.Time
			}
			closeIt(t, s)
			if f.closed != 1 || f.taken {
				t.Errorf("closed %d times, a picture in use: %t", f.closed, f.taken)
			}
		})
	}
	f := newFakeDevice(frame.FormatYUYV)
	f.end = 3
	s := deviceSource(t, f)
	defer closeIt(t, s)
	s.open = func(context.Context) (connection, error) { f.n = 0; return openCapture(f, s.o) }
	var b pipeline.Buffer
	for range 8 {
		if err := s.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.State(); st.Lost != 2 || !st.Connected || f.closed != 2 {
		t.Errorf("%+v, closed %d times", st, f.closed)
	}
}

// TestDeviceClosed: Close ends a Read that waits, and does not wait for a picture that nobody
// has taken.
func TestDeviceClosed(t *testing.T) {
	f := newFakeDevice(frame.FormatYUYV)
	c, err := openCapture(f, Options{Size: f.size, Rate: 30})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var b pipeline.Buffer
	if err := c.Read(ctx, &b); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Read(ctx, &b); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := c.Close(); err != nil || f.closed != 1 || f.taken {
		t.Errorf("%v, closed %d times, a picture in use: %t", err, f.closed, f.taken)
	}
}

// TestDeviceFaults: a camera in use, one without a known format, and a driver that changes the
// format are errors that say so.
func TestDeviceFaults(t *testing.T) {
	var format *mediadev.FormatError
	for name, tt := range map[string]struct {
		change func(*fakeDevice)
		text   string
		is     func(error) bool
	}{
		"in use": {func(f *fakeDevice) {
			f.startErr = errors.New("Failed to map request buffers: device or resource busy")
		}, "another program uses the camera", nil},
		"no format": {func(f *fakeDevice) { f.format = "H264" }, "no format that is known", nil},
		"changed":   {func(f *fakeDevice) { f.gets = fourCC("MJPG") }, "asked for YUYV", func(err error) bool { return errors.Is(err, ErrFormat) }},
		"resized":   {func(f *fakeDevice) { f.size = image.Pt(32, 24) }, "of 1536 bytes, and not the 64x48", func(err error) bool { return errors.As(err, &format) }},
		"resized planar": {func(f *fakeDevice) { f.format, f.gets, f.size = frame.FormatI420, fourCC("YU12"), image.Pt(32, 24) },
			"not the 64x48", func(err error) bool { return errors.Is(err, ErrFormat) }},
	} {
		f := newFakeDevice(frame.FormatYUYV)
		tt.change(f)
		c, err := openCapture(f, Options{Size: image.Pt(64, 48), Rate: 30})
		if err == nil {
			err = c.Read(t.Context(), &pipeline.Buffer{})
			if cerr := c.Close(); cerr != nil {
				t.Errorf("%s: %v", name, cerr)
			}
		}
		if err == nil || !strings.Contains(err.Error(), tt.text) || tt.is != nil && !tt.is(err) || f.closed != 1 {
			t.Errorf("%s: %v, closed %d times", name, err, f.closed)
		}
	}
}

// TestDeviceOffers: of a range of sizes and rates it is what was asked for, or the nearest.
func TestDeviceOffers(t *testing.T) {
	for _, tt := range []struct {
		size webcam.FrameSize
		rate webcam.FrameRate
		want image.Point
		fps  float32
	}{
		{webcam.FrameSize{MinWidth: 32, MaxWidth: 3280, StepWidth: 2, MinHeight: 32, MaxHeight: 2464, StepHeight: 2},
			webcam.FrameRate{MinNumerator: 1, MaxNumerator: 1000, StepNumerator: 1, MinDenominator: 1000, MaxDenominator: 90000, StepDenominator: 1}, image.Pt(1280, 720), 30},
		{webcam.FrameSize{MinWidth: 32, MaxWidth: 800, StepWidth: 64, MinHeight: 32, MaxHeight: 600, StepHeight: 16},
			webcam.FrameRate{MinNumerator: 1, MaxNumerator: 1, MinDenominator: 15, MaxDenominator: 15}, image.Pt(800, 592), 15},
		{webcam.FrameSize{MinWidth: 1920, MaxWidth: 1920, MinHeight: 1080, MaxHeight: 1080},
			webcam.FrameRate{MinNumerator: 1, MaxNumerator: 1, MinDenominator: 60, MaxDenominator: 60}, image.Pt(1920, 1080), 60},
	} {
		f := newFakeDevice(frame.FormatYUYV)
		f.offered, f.rates, f.size = tt.size, []webcam.FrameRate{tt.rate}, tt.want
		c, err := openCapture(f, Options{Size: image.Pt(1280, 720), Rate: 30})
		if err != nil {
			t.Fatal(err)
		}
		if f.setSize != tt.want || f.setRate != tt.fps {
			t.Errorf("%+v: %v at %v", tt.size, f.setSize, f.setRate)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
