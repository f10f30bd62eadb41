package onnx

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
	// HedgeP is Hedge but for the size at which faces are looked for.
	HedgeP
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
	return 0, fmt.Errorf("onnx: unknown network family %q (one of %s)", name, strings.Join(names, ", "))
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
	// multiple is what width and height of the input must be multiples of.
	multiple int
	// minScore are the thresholds used where the configuration names none.
	minScore [detect.NumClasses]float32
	// outputs returns names and shapes for an input size.
	outputs func(size image.Point) []output
	// decoder returns the function that turns outputs, in the order of
	// outputs, into boxes in pixels of the input.
	decoder func(size image.Point) decoder
}

type output struct {
	name  string
	shape []int64
	// classes are those that only this output finds, if each output finds classes
	// of its own; 0 for outputs that are read together.
	classes detect.ClassSet
}

// A decoder appends the objects found in the raw outputs to dst, unsuppressed,
// in pixels of the network's input. It returns a reason if a candidate of
// sufficient score makes no sense. All values are finite when it is called.
type decoder func(raw [][]float32, minScore *[detect.NumClasses]float32, dst []detect.Detection) ([]detect.Detection, string)

var everything = detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)

// The default thresholds are the ones at which each public network invents 0.1
// boxes a picture on the development pictures, where that leaves it useful
// (faces 0.535, people 0.076); plates 0.4 and vehicles 0.25 are customary. Those
// of hedge and hedge_p are hedge-n's and hedge-p's in models.json.
var specs = [...]spec{
	{"yunet", detect.Classes(detect.Face), 32, [detect.NumClasses]float32{detect.Face: 0.53}, yunetOutputs, yunetDecoder},
	{"yolox", detect.Classes(detect.Person, detect.Vehicle), 32, [detect.NumClasses]float32{detect.Person: 0.076, detect.Vehicle: 0.25}, yoloxOutputs, yoloxDecoder},
	{"lpd_yunet", detect.Classes(detect.Plate), 64, [detect.NumClasses]float32{detect.Plate: 0.4}, lpdOutputs, lpdDecoder},
	{"hedge", everything, 32, [detect.NumClasses]float32{detect.Face: 0.453, detect.Person: 0.093, detect.Plate: 0.437, detect.Vehicle: 0.25}, hedgeOutputs(35, 32), hedgeDecoder},
	{"hedge_p", everything, 32, [detect.NumClasses]float32{detect.Face: 0.307, detect.Person: 0.072, detect.Plate: 0.42, detect.Vehicle: 0.25}, hedgeOutputs(36, 36), hedgeDecoder},
}

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
