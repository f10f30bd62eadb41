// Package evidence holds what the first pass over a recording has seen: boxes,
// scores and times, and no pixel. A second pass decides with it, and later runs need
// no network.
//
// # The file
//
// Evidence is JSON lines. Times are seconds from the first picture, boxes are
// [x0, y0, x1, y1] in pixels of the picture, x1 and y1 exclusive. The first line
// says what it is evidence of:
//
//	{"hedge":"evidence","version":1,"input":{"bytes":8131690,"sample_sha256":"9f…"},
//	 "width":768,"height":576,"networks":[{"name":"hedge-n","sha256":"57…","classes":["face","person","plate","vehicle"]}]}
//
// With "camera":"fixed" or "moving" in it, the camera was told to be that, and what only the
// other would have is not looked for.
//
// One line for each picture follows, in order of presentation. frame counts from 1.
// looks are the networks that looked at it ("net" counts from 0), at the whole or
// at a part, of which scale pixels of their input show one pixel; what they found has a class, a box and a score of 0..1. shift is how
// far the picture's content has moved since the picture before, as a moving camera
// does it; it is absent where that was not clear. moved are patches that move, if the
// camera does not. mosaic is where the picture lies in what a camera has seen that turns and
// zooms: the number of the mosaic, from 1 on, and how that moves to the picture, as
// [re, im, x, y]: a point p of the mosaic, taken as a complex number, is seen at
// (re + i im) p + x + iy. Its moved are patches that move by themselves, in pixels of the
// picture. view counts the places that the camera has shown, from 0, which is left out. failed are
// networks whose look came to nothing.
//
//	{"frame":1,"t":0,"looks":[{"net":0,"scale":0.667,"found":[["person",499,158.2,530,233.1,0.91]]}],"shift":[0,0]}
//	{"frame":2,"t":0.1,"looks":[{"net":0,"scale":0.667,"found":[]},{"net":0,"part":[0,96,640,480],"scale":1,"found":[]}],"moved":[[480,150,540,240]],"mosaic":{"n":1,"pose":[1.01,0.002,-3.5,1.25]}}
//	{"frame":3,"t":0.2,"failed":[0]}
//
// The line that ends it says how many pictures there were, so that a file that was
// cut off is known:
//
//	{"end":3}
//
// What the owner knows better goes behind it, by hand, a line for each change.
// Tracks are struck out by their number, which redact-file -tracks prints. A track
// is added as boxes at times; between two of them its place is interpolated.
//
//	{"strike":[3,17]}
//	{"add":{"class":"person","boxes":[[1.5,100,200,140,300],[4,180,200,220,300]]}}
//
// Further lines are what programs write for reviewers. A struck track is hidden again,
// as it was found. A track is hidden from one time to another, both included, instead of
// while it was seen; where it was not seen, its nearest place is hidden. All that is not on the property is
// hidden, whatever the policy says of the outside, until "policy" takes that back. Later lines win. Any change may say
// who made it, when, and what for.
//
//	{"restore":[17]}
//	{"times":{"track":3,"from":1.5,"to":4}}
//	{"outside":"all","by":"anna (192.0.2.7)","at":"2026-11-29T13:30:00Z","why":"request 14"}
package evidence

import (
	"fmt"
	"image"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/motion"
)

// Version is that of the file's format. Another one is refused.
const Version = 1

// Header says what evidence is of.
type Header struct {
	// Input is the recording.
	Input Input
	// Size is the pictures' size in pixels.
	Size image.Point
	// Networks are those that looked.
	Networks []Network
	// Camera is CameraFixed or CameraMoving if that was told and not found out: what is of
	// use for the other alone is missing. Else it is empty.
	Camera string
}

// What Header.Camera may be besides empty.
const (
	CameraFixed  = "fixed"
	CameraMoving = "moving"
)

// Network is one that looked.
type Network struct {
	Name    string          `json:"name"`
	SHA256  string          `json:"sha256,omitempty"`
	Classes []detect.Class  `json:"classes"`
	set     detect.ClassSet // of Classes
}

// Frame is what was seen of one picture. A Reader fills it anew for each.
type Frame struct {
	// Time is the presentation time.
	Time time.Duration
	// Inferences are those of the networks.
	Inferences []Inference
	// DX and DY are the shift of the content since the picture before; Clear says
	// that it is known.
	DX, DY float64
	Clear  bool
	// Moved are the patches that move, if the camera does not.
	Moved []detect.Box
	// Mosaic is where the picture lies in a mosaic, if the camera moves.
	Mosaic Mosaic
	// View is 0 while the picture shows the place that it showed at the beginning, and
	// otherwise counts how often it has begun to show another.
	View int
	// Failed are the networks, by their place in Header.Networks, whose inference failed.
	Failed []int
}

// Mosaic is where a picture lies in what a camera has seen that turns and zooms.
type Mosaic struct {
	// Number counts the mosaics of the recording from 1; 0 means that the place of the
	// picture is not known.
	Number int
	// Pose is the movement from the mosaic to the picture.
	Pose motion.Similarity
	// Moved are the patches that move by themselves, in pixels of the picture.
	Moved []detect.Box
}

// Inference is one inference of a network.
type Inference struct {
	// Network is the network's index in Header.Networks.
	Network int
	// Region is the part of the picture that the network saw, in pixels; an empty one is
	// the whole.
	Region detect.Box
	// Scale is the number of pixels of the network's input for one pixel of the picture.
	Scale float32
	// Found is what it found, in pixels of the whole picture.
	Found []detect.Detection
}

// Edits are what the owner and reviewers have changed by hand.
type Edits struct {
	// Strike are the numbers of tracks that are none.
	Strike []uint64
	// Add are tracks that were not found.
	Add []Added
	// Times are tracks that are hidden at other times than those at which they were seen,
	// the newest for each track.
	Times []Times
	// HideOutside says that all that is not on the property is hidden.
	HideOutside bool
	// Changes are all lines as they were read, but for those that add a track.
	Changes []Change
}

// Times says when a track is hidden.
type Times struct {
	// Track is its number.
	Track uint64
	// From and To are the first and the last time.
	From, To time.Duration
}

// Added is a track that was not found.
type Added struct {
	Class detect.Class
	// Boxes are its places, by rising time.
	Boxes []Place
}

// Place is where something is at a time.
type Place struct {
	Time time.Duration
	Box  detect.Box
}

// Error is evidence that makes no sense.
type Error struct {
	// Line is that of the file, counted from 1.
	Line int
	// Reason says what is wrong.
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("evidence: line %d: %s", e.Line, e.Reason) }
