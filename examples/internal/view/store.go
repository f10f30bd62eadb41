package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"

	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline"
)

// suffix is the end of the view's file name, beside the policy's file.
const suffix = ".view"

// content is what the file holds: the camera's size, why the owner has to confirm, and
// where the place has edges. Of a block of 1/16 of the picture's long side that is 64
// bits for each of two appearances, which say on which side of random planes its edges
// lie: enough to compare, and nothing to look at. See motion.View.Sketch.
type content struct {
	Note        string `json:"note"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Unconfirmed bool   `json:"unconfirmed"`
	Structure   []byte `json:"structure,omitempty"`
}

const note = "What the camera showed when its zones were confirmed, to be compared at the next start. No picture can be made of it. To confirm the zones, use the program: do not delete this file."

// Load returns the view kept beside a policy's file, and no view if there is none. A
// file that cannot be read counts as a view to be confirmed; the error says why.
func Load(policy string) (pipeline.View, error) {
	unknown := pipeline.View{Unconfirmed: pipeline.ReasonCameraMoved}
	data, err := os.ReadFile(policy + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return pipeline.View{}, nil
	}
	var c content
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err == nil && (c.Width < 1 || c.Height < 1) {
		err = errors.New("has no size")
	}
	if err != nil {
		return unknown, fmt.Errorf("the camera's view has to be confirmed, because %s cannot be read: %w", policy+suffix, err)
	}
	v := pipeline.View{Native: image.Pt(c.Width, c.Height), Structure: c.Structure}
	if c.Unconfirmed {
		v.Unconfirmed = pipeline.ReasonCameraMoved
	}
	return v, nil
}

// Saver returns what keeps a view beside a policy's file: pipeline.Config.SaveView.
func Saver(policy string) func(pipeline.View) error {
	return func(v pipeline.View) error {
		c := content{note, v.Native.X, v.Native.Y, v.Unconfirmed != pipeline.NoReason, v.Structure}
		data, err := json.MarshalIndent(c, "", "  ")
		if err != nil {
			return fmt.Errorf("keep the view: %w", err)
		}
		err = atomicfile.Write(policy+suffix, true, func(f *os.File) error {
			_, err := f.Write(append(data, '\n'))
			return err
		})
		if err != nil {
			return fmt.Errorf("keep the view: %w", err)
		}
		return nil
	}
}
