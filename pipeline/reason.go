package pipeline

// Reason says why frames go out with more hidden than the policy asks. Words for
// people are made from it where they are shown.
type Reason uint8

// The reasons.
const (
	// NoReason: the policy alone decides.
	NoReason Reason = iota
	// ReasonNoDetector: no detector finds what the policy asks to hide.
	ReasonNoDetector
	// ReasonDetectorFailed: the newest results of a detector were failures.
	ReasonDetectorFailed
	// ReasonDetectorLate: the newest good result of a detector is older than
	// Config.TimeToLive.
	ReasonDetectorLate
	// ReasonFormatChanged: the picture has a new size, and not every detector has
	// seen it yet.
	ReasonFormatChanged
	// ReasonAspectChanged: the picture's aspect ratio is not that of the confirmed
	// view.
	ReasonAspectChanged
	// ReasonViewDiffers: the picture does not show the confirmed view just now. It
	// goes away when it does again.
	ReasonViewDiffers
	// ReasonCameraMoved: the picture does not show the confirmed view, and that
	// has lasted.
	ReasonCameraMoved

	// NumReasons is the number of reasons, NoReason among them.
	NumReasons
)

var reasonNames = [NumReasons]string{
	NoReason:             "none",
	ReasonNoDetector:     "no detector",
	ReasonDetectorFailed: "detector failed",
	ReasonDetectorLate:   "detector late",
	ReasonFormatChanged:  "format changed",
	ReasonAspectChanged:  "aspect changed",
	ReasonViewDiffers:    "view differs",
	ReasonCameraMoved:    "camera moved",
}

// String returns the reason's name, which is for logs and does not change. It is
// "" for no reason that there is.
func (r Reason) String() string {
	if r < NumReasons {
		return reasonNames[r]
	}
	return ""
}

// AwaitsOwner reports whether in Live mode only the owner can take the reason away, by
// Pipeline.Confirm.
func (r Reason) AwaitsOwner() bool { return r == ReasonAspectChanged || r == ReasonCameraMoved }
