// Package filedriver is a camera for pion/mediadevices that plays a recording,
// for trying out and testing a whole program without a camera:
//
//	id, err := filedriver.Register("porch", "porch.mp4", ffmpeg.Options{RealTime: true, Loop: true})
//	stream, err := mediadevices.GetUserMedia(mediadevices.MediaStreamConstraints{
//		Video: func(c *mediadevices.MediaTrackConstraints) { c.DeviceID = prop.String(id) },
//		...
//	})
//
// It reads the recording through the ffmpeg program.
package filedriver

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// ErrNotOpen is returned by VideoRecord of a driver that is not open.
var ErrNotOpen = errors.New("filedriver: camera is not open")

// Register makes the recording a camera of mediadevices' driver manager and
// returns its device ID. A second camera with the same label is refused.
// When mediadevices' camera package looks for devices anew it deletes all
// cameras, this one too: Register it after that. To remove it give the ID to the
// manager's Delete.
func Register(label, file string, o ffmpeg.Options) (id string, err error) {
	m := driver.GetManager()
	labelled := func(d driver.Driver) bool { return d.Info().Label == label }
	if len(m.Query(labelled)) > 0 {
		return "", fmt.Errorf("filedriver: there is a driver with the label %q already", label)
	}
	info := driver.Info{Label: label, Name: label, DeviceType: driver.Camera}
	if err := m.Register(New(file, o), info); err != nil {
		return "", fmt.Errorf("filedriver: register %q: %w", label, err)
	}
	ds := m.Query(labelled)
	if len(ds) != 1 {
		return "", fmt.Errorf("filedriver: %d drivers with the label %q after registering one", len(ds), label)
	}
	return ds[0].ID(), nil
}

// Driver is a camera that plays a recording from its beginning each time it is
// opened. It implements mediadevices' driver.Adapter and driver.VideoRecorder.
type Driver struct {
	file string
	opts ffmpeg.Options

	mu  sync.Mutex
	src *ffmpeg.Source
}

var _ driver.VideoRecorder = (*Driver)(nil)

// New returns a camera that plays the file. Options.RealTime makes it as fast as
// a camera, Options.Loop endless.
func New(file string, o ffmpeg.Options) *Driver { return &Driver{file: file, opts: o} }

// Open starts to read the recording. The errors are those of ffmpeg.Open.
func (d *Driver) Open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.src != nil {
		return nil
	}
	src, err := ffmpeg.Open(context.Background(), d.file, d.opts)
	if err != nil {
		return fmt.Errorf("filedriver: %w", err)
	}
	d.src = src
	return nil
}

// Close ends the recording; the Read of its readers then returns io.EOF. It may
// be called more than once.
func (d *Driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.src == nil {
		return nil
	}
	src := d.src
	d.src = nil
	return src.Close()
}

// Properties returns the one format of an open camera: the recording's size and
// rate, I420.
func (d *Driver) Properties() []prop.Media {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.src == nil {
		return nil
	}
	info := d.src.Info()
	return []prop.Media{{Video: prop.Video{
		Width: info.Size.X, Height: info.Size.Y, FrameFormat: frame.FormatI420, FrameRate: float32(info.Rate.Float()),
	}}}
}

// VideoRecord returns the reader of the pictures: 4:2:0 of limited range,
// borrowed until the next Read. There is one format, whatever p says. A picture
// that the decoder marks as damaged is left out.
func (d *Driver) VideoRecord(prop.Media) (video.Reader, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.src == nil {
		return nil, ErrNotOpen
	}
	r := &reader{src: d.src, size: d.src.Info().Size}
	return r, nil
}

type reader struct {
	src  *ffmpeg.Source
	size image.Point
	mu   sync.Mutex
	buf  pipeline.Buffer
}

func (r *reader) Read() (image.Image, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		err := r.src.Read(context.Background(), &r.buf)
		switch {
		case err == nil:
			return r.buf.Resize(r.size.X, r.size.Y), func() {}, nil
		case errors.Is(err, pipeline.ErrPicture):
		case errors.Is(err, ffmpeg.ErrClosed):
			return nil, func() {}, io.EOF
		default:
			return nil, func() {}, err
		}
	}
}
