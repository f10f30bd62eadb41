// Package view has what the programs share about the camera's view: the words for
// what the pipeline says, and the file in which the confirmed view outlives a
// restart.
package view

import (
	"fmt"

	"github.com/hedgecam/hedge/pipeline"
)

// words says each reason in a sentence for the owner.
var words = [pipeline.NumReasons]string{
	pipeline.NoReason:             "Your zones alone decide what is hidden.",
	pipeline.ReasonNoDetector:     "No network looks for what is to be hidden, so everything outside your property is.",
	pipeline.ReasonDetectorFailed: "A network has failed. Until it works again, everything outside your property is hidden.",
	pipeline.ReasonDetectorLate:   "The networks cannot keep up just now, so everything outside your property is hidden.",
	pipeline.ReasonFormatChanged:  "The camera has changed its format. Nothing is shown until the networks have looked at it.",
	pipeline.ReasonAspectChanged:  "The picture's aspect ratio is not the one your zones were drawn for, so nothing is shown until you confirm them.",
	pipeline.ReasonViewDiffers:    "The camera does not show the place that your zones were drawn for just now, so nothing is shown until it does.",
	pipeline.ReasonCameraMoved:    "The camera was moved, so nothing is shown until you confirm that your zones still fit.",
}

// Words says in a sentence for the owner why more is hidden than the policy asks.
func Words(r pipeline.Reason) string {
	if r < pipeline.NumReasons {
		return words[r]
	}
	return ""
}

// EventWords says in a sentence for the owner what happened. It is "" for no kind
// of event that there is.
func EventWords(e pipeline.Event) string {
	var text string
	switch e.Kind {
	case pipeline.DetectorFailed:
		text = e.Detector
	case pipeline.ViewNotSaved:
		text = "A restart would not know what the camera showed: it could not be written down"
	case pipeline.FailedClosed, pipeline.CameraMoved:
		text = Words(e.Reason)
	case pipeline.Recovered:
		text = Words(pipeline.NoReason)
	case pipeline.FormatChanged:
		text = fmt.Sprintf("The picture has %dx%d pixels now.", e.Size.X, e.Size.Y)
		if e.Reason != pipeline.NoReason {
			text += " " + Words(e.Reason)
		}
	default:
		return ""
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}
