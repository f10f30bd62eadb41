package encoder

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/redact"
)

const (
	// probePictures are about a second of a camera.
	probePictures = 25
	// probeKey is the picture that is to be a key picture.
	probeKey = 12
)

// probeTime is how long it may take. Some drivers need a second to begin.
var probeTime = 5 * time.Second

var probeOptions = Options{Size: image.Pt(1280, 720), BitRate: 2_000_000, Rate: 25}

// probe encodes about a second of a test picture. Deaf says that the encoder makes no key
// picture when it is asked for one.
func probe(ctx context.Context, open func(Options) (Encoder, error)) (deaf bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	enc, err := open(probeOptions)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, enc.Close()) }()
	pic, err := newTestPicture(probeOptions.Size)
	if err != nil {
		return false, err
	}
	deaf = true
	const period = time.Second / probePictures
	for n, units := 0, 0; units < probePictures; n++ {
		if ctx.Err() != nil {
			return false, fmt.Errorf("only %d pictures came within %v", units, probeTime)
		}
		f, err := pic.frame(n)
		if err != nil {
			return false, err
		}
		out, err := enc.Encode(f, time.Duration(n)*period, n == probeKey)
		f.Release()
		if err != nil {
			return false, err
		}
		units += len(out)
		for _, u := range out {
			if u.Time == probeKey*period && h264.IsRandomAccess(u.NALUs) {
				deaf = false
			}
		}
	}
	return deaf, nil
}

// testPicture is drawn, and moves. It goes the way of every picture, through a redactor:
// one whose policy shows all of it.
type testPicture struct {
	large    *image.YCbCr
	size     image.Point
	redactor *redact.Redactor
}

// testRows is how many rows a test picture moves through.
const testRows = 64

func newTestPicture(size image.Point) (*testPicture, error) {
	policy, err := redact.ParsePolicy([]byte(`{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "outside": {"hide": "all", "fill": "solid"}}`))
	if err != nil {
		return nil, err
	}
	r, err := redact.New(policy, size, redact.Options{})
	if err != nil {
		return nil, err
	}
	large := image.NewYCbCr(image.Rectangle{Max: size.Add(image.Pt(0, testRows))}, image.YCbCrSubsampleRatio420)
	for y := range large.Rect.Dy() {
		for x := range large.Rect.Dx() {
			large.Y[y*large.YStride+x] = byte(16 + (x/2+y+(x/40^y/24)*37)%220)
		}
	}
	for i := range large.Cb {
		large.Cb[i], large.Cr[i] = byte(64+i%large.CStride/8%128), byte(64+i/large.CStride%128)
	}
	return &testPicture{large, size, r}, nil
}

// frame returns the n-th picture.
func (p *testPicture) frame(n int) (redact.Frame, error) {
	at := image.Pt(0, 2*n%testRows)
	pic := p.large.SubImage(image.Rectangle{Min: at, Max: at.Add(p.size)}).(*image.YCbCr)
	return p.redactor.Redact(pic, redact.Scene{})
}
