package track

import (
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Config says how a [Tracker] works. It begins as [DefaultConfig]; a zero means zero.
// Sizes of an object are the square root of its box's area.
type Config struct {
	// Size is the picture's size in pixels. Boxes are clipped to it, and an
	// object whose predicted box has left it is dropped. Zero is no bounds at all.
	Size image.Point

	// Class holds what differs between the classes. It defaults to DefaultClass of each.
	Class [detect.NumClasses]ClassConfig

	// Keep is how far back from the newest inference positions can be asked for. Older
	// history is forgotten. It defaults to 5 s, and is
	// never less than the longest Hold or BackFill.
	Keep time.Duration

	// AwaitRegions keeps a face or plate that was last seen in a region of interest until a
	// region has missed it (twice, once it is Confirmed), and not for Keep: for callers who
	// give each of them ([detect.Object].InRegion) its turn. One that has left the picture
	// is dropped. It defaults to false.
	AwaitRegions bool

	// MaxTracks bounds the memory. If there are more objects than that, the whole picture
	// counts as a face, a person and a plate; with 0 the first object is one too many. It
	// defaults to 4096.
	MaxTracks int
}

// ClassConfig says how objects of one class are tracked. The defaults are those
// of [DefaultClass]; the figures given here are a person's, measured with
// YOLOX-nano on two clips of people.
type ClassConfig struct {
	// Low is the lowest score of a detection that is not ignored. Detections
	// between Low and High keep a track alive, and begin one that is held for a
	// shorter time. It defaults to 0.05.
	Low float32
	// High is the score of a confident detection. It defaults to 0.4.
	High float32
	// Observations is how many it takes, one of them confident, until an object is
	// Confirmed. It defaults to 3.
	Observations int

	// Hold is how long an object is kept after its last observation, when its
	// observations leave no uncertainty; the more they leave the shorter it is, down
	// to HoldUncertain. It is never dropped before an inference has missed it, within
	// Config.Keep: one on the whole picture if it was seen in that, and one on a region if a
	// face or plate was seen in one. It defaults to 3 s.
	Hold time.Duration
	// HoldUncertain is how long a most uncertain object is kept: one that
	// was seen once, at score Low. It defaults to 300 ms.
	HoldUncertain time.Duration
	// Misses is how many inferences in a row must miss an object that is not Confirmed to
	// end it early, or to begin it late: an object that so many inferences around its
	// observations miss was most likely never there. Of
	// inferences less than 60 ms apart one counts. It defaults to 0: time alone counts.
	Misses int
	// Fixture is how long an object must stay in its place, seen weakly each time (people:
	// below High), where nothing moves, until it counts as a thing of the place: a window,
	// a pole. A face or plate must never lie in anything that carries one, where that is
	// looked for. [Tracker.At] leaves it out from then on, until something moves there
	// ([Tracker.Stir]) or it is seen clearly, elsewhere or carried. Only inferences on the
	// whole picture count. It defaults to 0: nothing is left out.
	Fixture time.Duration
	// BackFill is how long before its first observation an object is taken to have
	// been there, when its observations leave no uncertainty. It defaults to 2 s.
	BackFill time.Duration
	// BackFillUncertain is the same for a most uncertain object.
	// It defaults to 150 ms.
	BackFillUncertain time.Duration

	// Jitter is the standard deviation of a detected box's edges, as a share of
	// the object's size, 0.001 at least. It defaults to 0.05.
	Jitter float32
	// Speed is the standard deviation of the speeds of objects, in sizes per
	// second, 0.001 at least: what is assumed of an object seen once. It defaults to
	// 1.5.
	Speed float32
	// Accel is the acceleration up to which the padded box holds what it has lost
	// sight of, in sizes per second squared. It defaults to 0.6.
	Accel float32
	// MaxGrow bounds how far each side of the padded box moves outwards because the
	// position is uncertain, in sizes. It defaults to 0.15.
	MaxGrow float32
	// Shrink is how fast each side of the padded box follows when the detected box
	// gets smaller, in widths (heights) per second. It defaults to 0.08.
	Shrink float32
	// Margin is added to each side of the padded box, as a share of the width
	// (height). It defaults to 0.05, and to 0.16 for plates.
	Margin float32
}

// DefaultClass returns the defaults of a class. Those of a person are measured.
// Faces and plates are small beside the person or vehicle that moves them, so
// they move more sizes in a second; vehicles are taken to move like people do.
func DefaultClass(c detect.Class) ClassConfig {
	d := ClassConfig{
		Low: 0.05, High: 0.4, Observations: 3,
		Hold: 3 * time.Second, HoldUncertain: 300 * time.Millisecond,
		BackFill: 2 * time.Second, BackFillUncertain: 150 * time.Millisecond,
		Jitter: 0.05, Speed: 1.5, Accel: 0.6, MaxGrow: 0.15, Shrink: 0.08, Margin: usualMargin,
	}
	switch c {
	case detect.Face:
		d.Low, d.High = 0.3, 0.6
		d.Speed, d.Accel, d.MaxGrow = 4, 2, 0.5
	case detect.Plate:
		d.Low, d.High = 0.3, 0.6
		d.Speed, d.Accel, d.MaxGrow, d.Margin = 8, 4, 0.5, plateMargin
	}
	return d
}

// DefaultConfig returns the configuration to begin with: the defaults of every class,
// and pictures of any size.
func DefaultConfig() Config {
	c := Config{Keep: 5 * time.Second, MaxTracks: 4096}
	for i := range c.Class {
		c.Class[i] = DefaultClass(detect.Class(i))
	}
	return c
}

// leastJitter and leastSpeed keep a regression of one observation finite.
const leastJitter, leastSpeed = 1e-3, 1e-3

// bounded returns c with values that the tracker can calculate with.
func (c Config) bounded() Config {
	for i := range c.Class {
		k := &c.Class[i]
		k.Jitter, k.Speed = max(k.Jitter, leastJitter), max(k.Speed, leastSpeed)
		c.Keep = max(c.Keep, k.Hold, k.BackFill)
	}
	return c
}
