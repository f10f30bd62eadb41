// Package detect defines what Hedge looks for in a picture, and the interface
// of everything that looks for it.
//
// Pictures are the standard library's *image.YCbCr. A network works on a small
// copy of the frame; [Detector.InputSize] lets a caller make that copy once for all
// networks of the same size. Subpackages bring networks (network) and what runs them (onnx, and
// rknn on Rockchip's NPU), a tracker (track), a background model (motion) and the
// conformance kit that every Detector passes (detecttest).
package detect

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strings"
	"time"
)

// Class is a kind of object.
type Class uint8

// The classes. A vehicle is not hidden for itself; it carries plates.
const (
	Face Class = iota
	Person
	Plate
	Vehicle
	// NumClasses is the number of classes, for arrays indexed by Class.
	NumClasses = iota
)

var classNames = [NumClasses]string{"face", "person", "plate", "vehicle"}

// String returns the class's name as it stands in policies and reports.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// MarshalText returns the class's name.
func (c Class) MarshalText() ([]byte, error) {
	if int(c) >= len(classNames) {
		return nil, fmt.Errorf("detect: no class %d", uint8(c))
	}
	return []byte(classNames[c]), nil
}

// UnmarshalText accepts a class's name.
func (c *Class) UnmarshalText(text []byte) error {
	for i, n := range classNames {
		if n == string(text) {
			*c = Class(i)
			return nil
		}
	}
	return fmt.Errorf("detect: unknown class %q (one of face, person, plate, vehicle)", text)
}

// ClassSet is a set of classes.
type ClassSet uint8

// Classes makes a set.
func Classes(cs ...Class) ClassSet {
	var s ClassSet
	for _, c := range cs {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s ClassSet) Has(c Class) bool { return s&(1<<c) != 0 }

// String names the classes of the set, as in "face, plate"; "none" if it is empty.
func (s ClassSet) String() string {
	var names []string
	for c := range Class(NumClasses) {
		if s.Has(c) {
			names = append(names, c.String())
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Detection is one object found in one picture.
type Detection struct {
	// Box is the object's place in pixels of the picture's own coordinates.
	Box Box
	// Class is what it is.
	Class Class
	// Score is the network's confidence, 0..1.
	Score float32
}

// Object is one tracked object at one moment: a detection that has a history.
type Object struct {
	// ID names the track; it is never used again while a tracker lives.
	ID uint64
	// Class is what it is.
	Class Class
	// Box is the best estimate of its place at that moment, in pixels.
	Box Box
	// Padded is the padded box, what must be hidden to hide it: Box grown by the
	// uncertainty of the estimate (speed, age of the last observation) and by the margin of
	// its class.
	Padded Box
	// Score is the highest recent confidence, 0..1.
	Score float32
	// Age is the distance in time from
	// that moment to the nearest observation. It is 0 for a picture it was seen in.
	Age time.Duration
	// Confirmed is set once the object was seen often enough to be no accident.
	Confirmed bool
	// InRegion is set while what saw it last was a region of interest, and not the whole picture.
	InRegion bool
	// Silhouette is where in and around Box a person is, in just that picture; nil if it
	// is not known.
	Silhouette *Silhouette
}

// Detector finds objects in pictures.
//
// A Detector is used by one goroutine at a time, but for two things. Name, Classes and
// InputSize never change their answers and may be called at any time, by any
// goroutine: they wait for nothing, a Detect under way least of all. So may Close, and
// more than once: it waits for a Detect under way.
type Detector interface {
	// Name says in reports and errors which detector it is: for networks, the
	// model's name. It is not empty.
	Name() string

	// Classes returns the classes that it can report.
	Classes() ClassSet

	// InputSize returns the size to which a picture of the given size is scaled
	// (aspect kept, without the letterbox bars) before the detector looks at it.
	// A 4:2:0 picture handed to Detect at just that size is used as it is; any
	// other is scaled by Detect itself. InputSize of its own result is that
	// result. A detector that works at any size returns size as it is.
	InputSize(size image.Point) image.Point

	// Detect appends what it finds in pic to dst and returns the extended
	// slice; the boxes are in pic's own coordinates (those of pic.Rect), inside
	// it, and not empty. It borrows pic until it returns, does not change it
	// and keeps no reference to it. On error the detections already in dst are
	// unchanged and none are added. A cancelled ctx ends the call early with
	// ctx.Err(). An empty picture is [ErrPicture], a closed detector
	// [ErrClosed], and an output that makes no sense an [*OutputError].
	Detect(ctx context.Context, pic *image.YCbCr, dst []Detection) ([]Detection, error)

	// Close frees what the detector holds.
	Close() error
}

// Selector is the optional ability of a [Detector] that looks for some of its
// classes at less cost than for all.
type Selector interface {
	// Select says which classes the following Detects must look for. A Detect may
	// report others of Classes too, or leave them out. It is called by the
	// goroutine that calls Detect, and may take as long as opening the detector
	// did. On error everything stays as it was. Until the first call, all classes
	// are looked for.
	Select(ClassSet) error
}

// Errors that every Detector returns in the same situation.
var (
	// ErrClosed: the detector was closed.
	ErrClosed = errors.New("detect: detector is closed")
	// ErrPicture: the picture is empty or of an unsupported subsampling.
	ErrPicture = errors.New("detect: picture is empty or not 4:2:0, 4:2:2 or 4:4:4")
)

// OutputError says that a network returned nonsense: a wrong shape, a value
// that is not finite, a box outside of the picture. The caller must treat the
// picture as not looked at.
type OutputError struct {
	// Network names the network.
	Network string
	// Reason says what is wrong with the output.
	Reason string
}

func (e *OutputError) Error() string {
	return fmt.Sprintf("detect: network %s returned nonsense: %s", e.Network, e.Reason)
}
