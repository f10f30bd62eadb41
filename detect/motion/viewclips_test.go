package motion

import (
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

const (
	faceClip = "face_video_portrait_1080x608"
	// stepsUp is the picture in which who fills the picture of that clip steps up to
	// the camera and covers all of the little that was seen of the place.
	stepsUp = 520
)

// TestViewClips: no picture of a fixed camera's clip counts as another view, with
// nothing known of the objects in it.
func TestViewClips(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name, path string
		w, h       int
		until      int
	}{
		{"face", faceClip + "/egoblur_gen1_600f.mp4", 304, 540, stepsUp},
		{"face, larger", faceClip + "/egoblur_gen1_600f.mp4", 608, 1080, stepsUp},
		{"pets", "mot15_PETS09-S2L1/vtest.avi", 384, 288, 0},
		{"indoor", "videos_unlabelled/indoor_one_by_one_768x432.mp4", 384, 216, 0},
		{"campus", "mot15_TUD-Campus/TUD-Campus.mp4", 384, 288, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, n, hidden, low := NewView(), 0, 0, float32(2)
			decode(t, c.path, c.w, c.h, func(k int, pic *image.YCbCr) {
				if c.until > 0 && k > c.until {
					return
				}
				n++
				if v.Update(at(k), pic, image.Point{}, nil) >= ViewDiffers {
					hidden++
				}
				if v.Share() >= 0 {
					low = min(low, v.Share())
				}
			})
			if hidden > 0 {
				t.Errorf("%d of %d pictures hidden", hidden, n)
			}
			t.Logf("%d pictures, the least share %.2f", n, low)
		})
	}
}

// TestViewFace: with a network that finds who fills the picture, all of them are
// shown, when she steps up to the camera too.
func TestViewFace(t *testing.T) {
	long(t)
	type line struct {
		Frame int
		Boxes []struct{ X, Y, W, H float32 }
	}
	f, err := os.Open(filepath.Join(os.Getenv("HEDGE_DATA"), "dev", faceClip, "labels.jsonl"))
	if err != nil {
		t.Skip("no labels: ", err)
	}
	defer f.Close()
	faces := map[int]detect.Box{}
	for dec := json.NewDecoder(f); dec.More(); {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		for _, b := range l.Boxes {
			// A person's shoulders are thrice as wide as the face.
			faces[l.Frame] = detect.Box{X0: b.X - b.W, Y0: b.Y - b.H/4, X1: b.X + 2*b.W, Y1: 1080}
		}
	}
	v := NewView()
	decode(t, faceClip+"/egoblur_gen1_600f.mp4", 304, 540, func(k int, pic *image.YCbCr) {
		who := detect.Object{Class: detect.Person, Box: faces[k], Padded: faces[k], Confirmed: true}
		if s := v.Update(at(k), pic, image.Pt(608, 1080), []detect.Object{who}); s >= ViewDiffers {
			t.Errorf("picture %d: %v, share %.2f", k, s, v.Share())
		}
	})
}
