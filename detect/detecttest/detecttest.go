// Package detecttest is the conformance kit of detect.Detector, and fakes that
// misbehave in every way that the rest of Hedge must survive.
//
// A Detector's own test calls [Run]; a test of something that uses a Detector
// makes a [Fake]. The package is plain Go and takes no test framework but the
// standard one.
package detecttest

import (
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
)

// Options tells Run what to expect.
type Options struct {
	// Picture is one in which the detector finds something. It defaults to a
	// grey gradient, for detectors that find something in any picture or of
	// which nothing is known.
	Picture *image.YCbCr
	// Finds is the least number of detections expected in Picture. It defaults
	// to 0.
	Finds int
	// Allocs is the number of Go allocations that one Detect may make once its
	// buffers have grown. It defaults to 0.
	Allocs float64
	// Within bounds the time from a cancellation to Detect's return, and any
	// single call. It defaults to 10 seconds.
	Within time.Duration
	// BlocksUntilCancelled says that Detect never returns by itself; only what
	// can be asked of such a detector is asked.
	BlocksUntilCancelled bool
}

// Run runs the conformance tests, each on a detector of its own. newDetector
// returns one that is open; Run closes it.
func Run(t *testing.T, newDetector func() detect.Detector, opts Options) {
	t.Helper()
	opts = opts.withDefaults()
	for _, c := range checks {
		if opts.BlocksUntilCancelled && !c.blocking {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			d := newDetector()
			defer func() {
				if err := d.Close(); err != nil {
					t.Errorf("Close at the end: %v", err)
				}
			}()
			if err := c.run(d, opts); err != nil {
				t.Error(err)
			}
		})
	}
}

func (o Options) withDefaults() Options {
	if o.Picture == nil {
		o.Picture = gradient(image.Rect(0, 0, 96, 64), image.YCbCrSubsampleRatio420)
	}
	if o.Within == 0 {
		o.Within = 10 * time.Second
	}
	return o
}

// check is one test of the kit. It returns what is wrong.
type check struct {
	name     string
	blocking bool // makes sense for a detector that never returns by itself
	run      func(d detect.Detector, o Options) error
}

var checks = []check{
	{"Finds", false, finds},
	{"BorrowsThePicture", false, borrows},
	{"AppendsToDst", false, appends},
	{"DoesNotAllocate", false, allocates},
	{"CancelBefore", true, cancelBefore},
	{"CancelDuring", true, cancelDuring},
	{"CloseTwice", true, closeTwice},
	{"CloseWhileRunning", true, closeWhileRunning},
	{"UseAfterClose", true, useAfterClose},
	{"Sizes", false, sizes},
	{"CropIsLikeItsCopy", false, crops},
	{"BadPicture", true, badPicture},
	{"Name", true, names},
	{"InputSize", true, inputSize},
	{"AnswersDuringDetect", true, answersDuringDetect},
}

// gradient makes a picture with a slope in each plane.
func gradient(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	p := image.NewYCbCr(r, ratio)
	for y := range len(p.Y) / p.YStride {
		for x := range p.YStride {
			p.Y[y*p.YStride+x] = byte(16 + (x*5+y*3)%220)
		}
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = byte(64+i%128), byte(192-i%128)
	}
	return p
}

// clone returns a copy with the same layout, planes of its own.
func clone(p *image.YCbCr) *image.YCbCr {
	c := *p
	c.Y = append([]byte(nil), p.Y...)
	c.Cb = append([]byte(nil), p.Cb...)
	c.Cr = append([]byte(nil), p.Cr...)
	return &c
}
