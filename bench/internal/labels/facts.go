package labels

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/detect"
)

// sourceFile is where a set says where it comes from and what its labels are
// worth.
const sourceFile = "SOURCE.md"

// Facts are what a set's SOURCE.md says, in words that a program can find:
//
//   - "true rate 7 fps": the recording's header is wrong; this is its rate.
//   - a line "Labels: class person, ... complete": all objects of the classes
//     named there are labelled. "incomplete" anywhere in the line says no.
//   - "moving camera", "walking camera", "panning", "hand-held", "dashcam": the
//     camera moves. Otherwise it is fixed.
//
// A "complete" field in the labels wins over the text.
type Facts struct {
	Rate     float64 // frames per second; 0: the header's
	Complete detect.ClassSet
	Moving   bool
}

var (
	rateFact     = regexp.MustCompile(`(?i)true rate (\d+(?:\.\d+)?) fps`)
	movingFact   = regexp.MustCompile(`(?i)moving camera|walking camera|panning|hand-?held|dashcam`)
	completeFact = regexp.MustCompile(`(?i)\bcomplete\b`)
	classFact    = regexp.MustCompile(`(?i)\bclass (face|person|plate|head)\b`)
)

func readFacts(text string) Facts {
	var f Facts
	if m := rateFact.FindStringSubmatch(text); m != nil {
		// The expression matches only what is a number.
		if v, err := strconv.ParseFloat(m[1], 64); err == nil {
			f.Rate = v
		}
	}
	f.Moving = movingFact.MatchString(text)
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "Labels:") || !completeFact.MatchString(line) ||
			strings.Contains(strings.ToLower(line), "incomplete") {
			continue
		}
		for _, m := range classFact.FindAllStringSubmatch(line, -1) {
			if c, err := parseClass(strings.ToLower(m[1])); err == nil {
				f.Complete |= detect.Classes(c)
			}
		}
	}
	return f
}

// JudgesRest reports whether what no label asked for is known, when the given
// classes are hidden. Faces are on people. Plates that are not labelled count
// as hidden without need, which errs against the tool.
func (f *Facts) JudgesRest(hidden detect.ClassSet) bool {
	if f.Complete.Has(detect.Person) {
		return true
	}
	return hidden&^f.Complete == 0
}
