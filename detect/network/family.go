package network

import (
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/hedgecam/hedge/detect"
)

// Family is a kind of network: what its outputs mean.
type Family uint8

// The families.
const (
	// YuNet finds faces. Outputs per stride 8, 16 and 32: classification,
	// objectness and box.
	YuNet Family = iota + 1
	// YOLOX trained on COCO finds people, and vehicles (car, motorcycle, bus,
	// truck). One output of raw grid values, 85 an anchor.
	YOLOX
	// LPDYuNet finds license plates: SSD priors with four corner points.
	LPDYuNet
	// Hedge is this project's own: faces, people, plates and vehicles in one
	// pass. Three outputs of decoded rows, for people and vehicles, faces, plates.
	Hedge
	// CenterFace finds faces. Three maps of stride 4: score, size and offset.
	CenterFace
	// HedgeMaps is Hedge as NPUs run it: three maps of each head, not decoded. It needs
	// Config.Faces.
	HedgeMaps
)

// String returns the family's name as it stands in the models' manifest.
func (f Family) String() string {
	if s := f.spec(); s != nil {
		return s.name
	}
	return fmt.Sprintf("family(%d)", uint8(f))
}

// ParseFamily returns the family of the given name.
func ParseFamily(name string) (Family, error) {
	var names []string
	for i := range specs {
		if specs[i].name == name {
			return Family(i + 1), nil
		}
		names = append(names, specs[i].name)
	}
	return 0, fmt.Errorf("unknown network family %q (one of %s)", name, strings.Join(names, ", "))
}

func (f Family) spec() *spec {
	if f == 0 || int(f) > len(specs) {
		return nil
	}
	return &specs[f-1]
}

// spec is one row of the table of families.
type spec struct {
	name    string
	classes detect.ClassSet
	// outputs returns names and shapes for an input size.
	outputs func(size image.Point) []output
	// decoder returns the function that turns outputs, in the order of
	// outputs, into boxes in pixels of the input.
	decoder func(size image.Point) decoder
}

// output is what an output must be. A dimension of 0 may be any.
type output struct {
	name  string
	shape []int64
	// classes are those that only this output finds, if each output finds classes
	// of its own; 0 for outputs that are read together.
	classes detect.ClassSet
}

// neededBy reports whether the output has to be read for any of the classes.
func (o output) neededBy(wanted detect.ClassSet) bool {
	return o.classes == 0 || o.classes&wanted != 0
}

// check holds a tensor against what it must be.
func (o output) check(t Tensor) error {
	n, match := int64(1), len(t.Shape) == len(o.shape)
	for i := 0; match && i < len(o.shape); i++ {
		match = t.Shape[i] > 0 && (o.shape[i] == 0 || t.Shape[i] == o.shape[i])
		n *= t.Shape[i]
	}
	if !match || int64(len(t.Data)) != n {
		return fmt.Errorf("output %q has shape %v and %d values, want %v (0 is any)", o.name, t.Shape, len(t.Data), o.shape)
	}
	return nil
}

// A decoder appends the objects found in the raw outputs to dst, unsuppressed,
// in pixels of the network's input. It returns a reason if a candidate of
// sufficient score makes no sense. All values are finite when it is called.
type decoder func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string)

var everything = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)

// specs is the one table of families.
var specs = [...]spec{
	{"yunet", detect.Classes(detect.Face), yunetOutputs, yunetDecoder},
	{"yolox", detect.Classes(detect.Person, detect.Vehicle), yoloxOutputs, yoloxDecoder},
	{"lpd_yunet", detect.Classes(detect.Plate), lpdOutputs, lpdDecoder},
	{"hedge", everything, hedgeOutputs, hedgeDecoder},
	{"centerface", detect.Classes(detect.Face), centerFaceOutputs, centerFaceDecoder},
	{"hedge_maps", everything, hedgeMaps{sameFaces}.outputs, hedgeMaps{sameFaces}.decoder},
}

// sameFaces: faces are looked for in the input as it is.
var sameFaces = image.Pt(32, 32)

// maxSide bounds a box's side, in sides of the input: a network cuts objects
// off at the picture's edge only roughly, but not by that much.
const maxSide = 8

// candidate checks a box in input pixels, made of a passing score.
func candidate(b detect.Box, score float32, size image.Point) (reason string) {
	w, h := float32(size.X), float32(size.Y)
	switch {
	case !(score >= 0 && score <= 1.001):
		return fmt.Sprintf("score %v is not within 0..1", score)
	case !b.Finite():
		return "a box is not finite"
	case b.Empty():
		return fmt.Sprintf("box %v is empty", b)
	case b.W() > maxSide*w || b.H() > maxSide*h:
		return fmt.Sprintf("box %v is larger than %d times the input", b, maxSide)
	case b.Intersect(detect.Box{X1: w, Y1: h}).Empty():
		return fmt.Sprintf("box %v lies outside of the input", b)
	}
	return ""
}

// exp is math.Exp in single precision, +Inf where it overflows.
func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
