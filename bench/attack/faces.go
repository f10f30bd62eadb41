package main

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the format of the pictures
	"os"
	"path/filepath"
	"slices"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
)

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

// loadFaces returns the largest labelled faces, at most three of a picture.
// Without the pictures the note says so.
func loadFaces(o *options) (faces []*portrait, note string, err error) {
	if o.data == "" {
		return nil, "Faces were left out: HEDGE_DATA is not set.", nil
	}
	var all []*portrait
	for _, set := range []string{"faces_dlib_voc", "faces_wider_small"} {
		s, err := labels.Load(filepath.Join(o.data, "dev", set))
		if errors.Is(err, os.ErrNotExist) {
			return nil, "Faces were left out: " + set + " is not there.", nil
		}
		if err != nil {
			return nil, "", err
		}
		for _, r := range s.Recordings {
			for _, t := range r.Labels[0].Objects {
				if t.Class == detect.Face && !t.Ignore && t.Box.X0 >= 0 && t.Box.Y0 >= 0 {
					all = append(all, &portrait{file: filepath.Join(s.Dir, r.File), box: t.Box})
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
