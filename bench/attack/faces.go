package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the format of the pictures
	"os"
	"path/filepath"
	"slices"

	"github.com/hedgecam/hedge/detect"
)

// labelled is a labelled picture.
type labelled struct {
	set, file string // file is a path
	Image     string `json:"image"`
	Boxes     []struct {
		Class      string `json:"class"`
		X, Y, W, H float32
		Ignore     bool
	} `json:"boxes"`
}

// readLabels returns the single pictures of a set.
func readLabels(dir string) (list []labelled, err error) {
	f, err := os.Open(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for line := 1; sc.Scan(); line++ {
		l := labelled{set: filepath.Base(dir)}
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.Name(), line, err)
		}
		if !filepath.IsLocal(l.Image) {
			return nil, fmt.Errorf("%s, line %d: image %q is not a path inside the set", f.Name(), line, l.Image)
		}
		for i, b := range l.Boxes {
			if !(b.W > 0 && b.H > 0) {
				return nil, fmt.Errorf("%s, line %d: boxes[%d] is empty", f.Name(), line, i)
			}
		}
		l.file = filepath.Join(dir, l.Image)
		list = append(list, l)
	}
	return list, sc.Err()
}

// readPicture decodes a JPEG file.
func readPicture(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pic, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pic, nil
}

// portrait is a face in a photograph.
type portrait struct {
	file string
	pic  image.Image
	box  detect.Box
}

// subject returns the face at the given side, with its light and tint made like
// those of all others, or as they are.
func (p *portrait) subject(side int, ownLight bool) *subject {
	s := cutFace(p.file, p.pic, p.box, side)
	if !ownLight {
		s.equalise()
	}
	return s
}

// loadFaces returns the largest labelled faces, at most three of a picture.
// Without the pictures the note says so.
func loadFaces(o *options) (faces []*portrait, note string, err error) {
	if o.data == "" {
		return nil, "Faces were left out: HEDGE_DATA is not set.", nil
	}
	var all []*portrait
	for _, set := range []string{"faces_dlib_voc", "faces_wider_small"} {
		list, err := readLabels(filepath.Join(o.data, "dev", set))
		if errors.Is(err, os.ErrNotExist) {
			return nil, "Faces were left out: " + set + " is not there.", nil
		}
		if err != nil {
			return nil, "", err
		}
		for _, l := range list {
			for _, b := range l.Boxes {
				if b.Class == "face" && !b.Ignore && b.X >= 0 && b.Y >= 0 {
					all = append(all, &portrait{file: l.file, box: detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *portrait) int { return cmp.Compare(b.box.Short(), a.box.Short()) })
	taken := map[string]int{}
	for _, f := range all {
		if len(faces) == o.people || taken[f.file] == 3 {
			continue
		}
		if f.pic, err = readPicture(f.file); err != nil {
			return nil, "", err
		}
		taken[f.file]++
		faces = append(faces, f)
	}
	n := len(faces)
	if n < o.people {
		return nil, "", fmt.Errorf("only %d faces are labelled; use -identities %d", n, n)
	}
	return faces, fmt.Sprintf("The faces are %d labelled ones of at least %.0f px, from %d photographs of faces_dlib_voc and faces_wider_small.",
		n, faces[n-1].box.Short(), len(taken)), nil
}
