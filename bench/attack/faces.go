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

// The sides of a face as shown: as far as the two cells of 1080 lines that it
// may span at most, and near.
const (
	faceSide = 128
	nearSide = 320
)

// loadFaces cuts out the largest labelled faces, at most three of a picture, at
// two sizes: with light and tint made alike, and as they are. Without the
// pictures the note says so.
func loadFaces(o *options) (faces map[string][2][]*subject, note string, err error) {
	if o.data == "" {
		return nil, "Faces were left out: HEDGE_DATA is not set.", nil
	}
	type found struct {
		file string
		box  detect.Box
	}
	var all []found
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
					all = append(all, found{l.file, detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.box.Short(), a.box.Short()) })
	faces = map[string][2][]*subject{}
	taken := map[string]int{}
	smallest, n := float32(0), 0
	for _, f := range all {
		if n == o.people || taken[f.file] == 3 {
			continue
		}
		pic, err := readPicture(f.file)
		if err != nil {
			return nil, "", err
		}
		taken[f.file]++
		n++
		smallest = f.box.Short()
		for _, kind := range []string{"face", "face in its own light"} {
			list := faces[kind]
			for i, side := range [2]int{faceSide, nearSide} {
				s := cutFace(f.file, pic, f.box, side)
				if kind == "face" {
					s.equalise()
				}
				list[i] = append(list[i], s)
			}
			faces[kind] = list
		}
	}
	if n < o.people {
		return nil, "", fmt.Errorf("only %d faces are labelled; use -identities %d", n, n)
	}
	return faces, fmt.Sprintf("The faces are %d labelled ones of at least %.0f px, from %d photographs of faces_dlib_voc and faces_wider_small.",
		n, smallest, len(taken)), nil
}
