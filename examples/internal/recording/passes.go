// Package recording is what programs that redact recordings in two passes share: the
// configuration of both passes, the checks between them, contact sheets, and the two
// passes as jobs of their own, Inspect and Render.
package recording

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// Options say how a recording is redacted.
type Options struct {
	// Policy is the owner's.
	Policy *redact.Policy
	// Networks are the sets that look: the first, and copies of it that run beside it, on
	// other pictures. With none, only what evidence says is known.
	Networks []*networks.Set
	// Every is pipeline.RecordingConfig's.
	Every int
	// Part is pipeline.RecordingConfig's.
	Part time.Duration
	// Camera says whether the camera moves.
	Camera pipeline.Camera
	// OnPicture is called after each picture of a pass, and must return soon. It defaults
	// to nothing.
	OnPicture func(pass int)
}

// New makes the configuration of both passes over a recording. The caller keeps the
// networks, and closes them afterwards.
func New(o Options, info ffmpeg.Info) (*pipeline.Recording, error) {
	c := pipeline.DefaultRecordingConfig()
	c.Policy, c.Every, c.Part, c.Camera = o.Policy, o.Every, o.Part, o.Camera
	c.Length, c.Compressed, c.OnPicture = info.Duration, true, o.OnPicture
	for i, set := range o.Networks {
		if i > 0 {
			c.Copies = append(c.Copies, set.Detectors)
			continue
		}
		c.Detectors, c.Segmenter = set.Detectors, set.Segmenter
		for _, m := range set.Models {
			n := evidence.Network{Name: m.Name, SHA256: m.SHA256}
			for _, k := range m.Classes {
				n.Classes = append(n.Classes, k.Class)
			}
			c.Networks = append(c.Networks, n)
		}
	}
	return pipeline.NewRecording(c)
}

// ReadsTwice reports whether the input is a file that can be read again.
func ReadsTwice(info ffmpeg.Info) bool { return info.Path != "" && !info.Live && IsFile(info.Path) }

// IsFile reports whether a name is that of a file, and not of an address or a device.
func IsFile(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.Mode().IsRegular()
}

// Fits returns an *evidence.Error for evidence of another recording.
func Fits(h evidence.Header, info ffmpeg.Info, in evidence.Input) error {
	if err := h.Input.Compare(in); err != nil {
		return &evidence.Error{Line: 1, Reason: err.Error()}
	}
	if h.Size != info.Size {
		return &evidence.Error{Line: 1, Reason: fmt.Sprintf("pictures of %dx%d, and those of %s are %dx%d",
			h.Size.X, h.Size.Y, info.Path, info.Size.X, info.Size.Y)}
	}
	return nil
}

// Checked is the output of a second pass, which is complete only if the recording is
// still the one that the first pass saw.
type Checked struct {
	pipeline.Sink
	// Input is the recording as the first pass saw it, and Path where it is.
	Input evidence.Input
	Path  string
}

// Finish implements pipeline.Finisher.
func (c *Checked) Finish(ctx context.Context) error {
	if err := c.Input.Check(c.Path); err != nil {
		return err
	}
	if f, ok := c.Sink.(pipeline.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}
