package pipeline

import (
	"errors"
	"fmt"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

// Camera says whether the camera of a recording moves.
type Camera uint8

// What is known of a camera.
const (
	// AnyCamera: the recording shows whether it moves.
	AnyCamera Camera = iota
	// FixedCamera does not move: moving patches that no object explains are hidden.
	FixedCamera
	// MovingCamera moves: moving patches count only in pictures that lie in a mosaic of the
	// place (motion.Mosaic), of a camera that turns and goes nowhere.
	MovingCamera
)

// String returns "any", "fixed" or "moving".
func (c Camera) String() string {
	switch c {
	case FixedCamera:
		return "fixed"
	case MovingCamera:
		return "moving"
	}
	return "any"
}

// told returns what evidence says of a camera of which it was told whether it moves.
func (c Camera) told() string {
	switch c {
	case FixedCamera:
		return evidence.CameraFixed
	case MovingCamera:
		return evidence.CameraMoving
	}
	return ""
}

// cameraOf is the reverse of told.
func cameraOf(told string) Camera {
	for _, c := range [...]Camera{FixedCamera, MovingCamera} {
		if c.told() == told {
			return c
		}
	}
	return AnyCamera
}

// RecordingConfig is what a [Recording] is made of.
type RecordingConfig struct {
	// Policy is the owner's policy. A nil policy hides everything. NewRecording copies it.
	Policy *redact.Policy
	// Detectors find what the policy must hide. They are not closed. It defaults to
	// none: then all that would have needed one is hidden.
	Detectors []detect.Detector
	// Copies are further sets of the same detectors in the same order. Each set runs
	// beside the others, on other pictures. It defaults to none.
	Copies [][]detect.Detector
	// Segmenter finds the silhouettes of people who are near, in the second pass. It is not
	// closed. It defaults to none: then a policy's "silhouette" is as "box".
	Segmenter detect.Segmenter
	// Networks describes Detectors in the evidence, in the same order. It defaults
	// to their names and classes.
	Networks []evidence.Network
	// Every is how many pictures one inference of each detector serves. It defaults to 1.
	Every int
	// Regions is the largest number of regions of interest for each whole picture that a
	// detector sees: 0 for none. The detector sees a region with more detail than in the
	// whole picture. Regions are chosen where the picture has more detail than the network's
	// input, and around uncertain finds. More than one is chosen only if the picture is more
	// than three times as wide as the input. DefaultRecordingConfig has 3.
	Regions int
	// Part is the length of the parts of a recording that can be looked at on their own: see
	// Recording.Look. Regions are chosen anew from the beginning of each. It defaults to
	// DefaultPart, 5 minutes.
	Part time.Duration
	// Camera says whether the camera moves. It defaults to AnyCamera.
	Camera Camera
	// Length is the duration of the recording; 0 if it is not known.
	Length time.Duration
	// Timeout is how long one inference may take. It defaults to 5 s.
	Timeout time.Duration
	// MaxFailures is how many failures of one stage in a row end the work. It
	// defaults to 30.
	MaxFailures int
	// Compressed says that the pictures were decoded from lossy video, see
	// Config.Compressed.
	Compressed bool
	// Redact adjusts the redactor's options, which begin as redact.DefaultOptions without a
	// margin, because the padded boxes of tracks have one, and with a Grow of 1 (one block of 2
	// pixels) if Compressed is set. It defaults to leaving them as they are.
	Redact func(*redact.Options)
	// Track adjusts how tracks are linked. That begins as track.DefaultLinkerConfig; on a
	// moving camera Misses is 5, and Slack 4.5 pixels of 640. It defaults to leaving it as it
	// is.
	Track func(*track.LinkerConfig)
	// Spill is the folder for evidence that does not fit into Memory bytes: see
	// evidence.NewLog. Boxes go there, and no pixel.
	Spill  string
	Memory int
	// OnEvent is called for each event, and must return soon. It defaults to
	// nothing.
	OnEvent func(Event)
	// OnPicture is called after each picture of a pass, 1 or 2, and must return
	// soon. It defaults to nothing.
	OnPicture func(pass int)
}

// DefaultRecordingConfig returns the configuration to begin with. It has no detectors,
// and a policy that hides everything.
func DefaultRecordingConfig() RecordingConfig { return RecordingConfig{Regions: 3} }

// RecordingScores are the least scores, by class, that a network should report in a
// recording. Whole tracks decide: a weak find alone hides nothing, and may join two
// strong ones.
var RecordingScores = [detect.NumClasses]float32{detect.Face: 0.2, detect.Person: 0.03, detect.Plate: 0.2, detect.Vehicle: 0.15}

const (
	// movingSlack is the least margin of covers on a moving camera, in pixels of the copy
	// that its shift is measured in: small boxes are rough, and turns and zooms are no shifts.
	// It does not come on top of the other margin: 3 pixels that did hid 21.9 and not 20.1 % of what
	// is beside the large people of a window of TUD-Campus that pans, zooms and shakes.
	// mosaicSlack is added in a mosaic, where the way of the camera is known so well that
	// covers have nothing to spare: of 4,915 people on two windows of PETS09-S2L1, 12 are shown
	// without it and 6 with it.
	movingSlack, mosaicSlack = 4.5, 1.5
	// watchWidth is how wide, in pixels, that copy is about: as the networks' input.
	watchWidth = 640
	// wholeMisses is track's LinkerConfig.Misses on a moving camera, where nothing shows
	// what is behind somebody who has gone. On the window of PETS09-S2L1 12 people leak with
	// 4 and 10 with 5 and 6; 6 hide one point more of the window of TUD-Campus than 5.
	wholeMisses = 5
)

func (c RecordingConfig) withDefaults() (RecordingConfig, error) {
	if c.Policy == nil {
		c.Policy = redact.HideEverything()
	}
	c.Policy = c.Policy.Clone()
	if err := c.Policy.Validate(); err != nil {
		return c, fmt.Errorf("pipeline: policy: %w", err)
	}
	if c.Every < 0 || c.Regions < 0 || c.Timeout < 0 || c.MaxFailures < 0 || c.Memory < 0 || c.Part < 0 {
		return c, errors.New("pipeline: Every, Regions, Timeout, MaxFailures, Memory and Part must not be negative")
	}
	for i, set := range c.Copies {
		if len(set) != len(c.Detectors) {
			return c, fmt.Errorf("pipeline: copy %d has %d detectors, not %d", i, len(set), len(c.Detectors))
		}
	}
	c.Every = max(c.Every, 1)
	if c.Part == 0 {
		c.Part = DefaultPart
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.MaxFailures == 0 {
		c.MaxFailures = 30
	}
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	if c.OnPicture == nil {
		c.OnPicture = func(int) {}
	}
	return c, nil
}

// Recording redacts a recording that can be read twice. [Recording.Inspect] is the
// first pass: it gathers evidence. [Recording.Decide] judges whole tracks, forwards
// and backwards. [Recording.Redact] is the second pass. One goroutine at a time uses
// it.
//
// It fails closed as a [Pipeline] does. Where a detector failed in the first pass,
// everything outside of the property is hidden in the second. In the recording of a fixed
// camera, motion that no track explains is hidden, and the whole picture while it does
// not show the place of the beginning; where a moving camera only turns, such motion is
// hidden too. Where no detector runs, somebody who fills the picture of a fixed camera counts
// as another place, and everything is hidden meanwhile. A picture that the first pass did not
// see is hidden as a whole.
type Recording struct {
	cfg   RecordingConfig
	names []string
	stats stats
	needs detect.ClassSet // what must be found for the policy
	// plateNeeds is what must be found for the background plate.
	plateNeeds detect.ClassSet
	// missing are the classes that the policy needs and no detector finds.
	missing detect.ClassSet
}

// NewRecording checks the configuration.
func NewRecording(c RecordingConfig) (*Recording, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Recording{cfg: c}
	for i, d := range c.Detectors {
		if d == nil {
			return nil, fmt.Errorf("pipeline: detector %d is nil", i)
		}
		r.names = append(r.names, d.Name())
	}
	if len(c.Networks) != 0 && len(c.Networks) != len(c.Detectors) {
		return nil, fmt.Errorf("pipeline: %d networks are described, and there are %d detectors", len(c.Networks), len(c.Detectors))
	}
	if len(c.Networks) == 0 {
		for i, d := range c.Detectors {
			r.cfg.Networks = append(r.cfg.Networks, evidence.Network{Name: r.names[i], Classes: classList(d.Classes())})
		}
	}
	r.needs, r.plateNeeds = c.Policy.Needs(), c.Policy.NeedsBackground()
	r.stats.init(r.names)
	return r, nil
}

func classList(s detect.ClassSet) (list []detect.Class) {
	for c := range detect.Class(detect.NumClasses) {
		if s.Has(c) {
			list = append(list, c)
		}
	}
	return list
}

// Stats returns what was done so far.
func (r *Recording) Stats() Stats { return r.stats.snapshot() }

// ErrCutOff is returned when the second pass reads fewer pictures than the first.
var ErrCutOff = errors.New("the recording ends earlier than when it was read first")
