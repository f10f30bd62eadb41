package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// referenceEvery is how many pictures of a clip one inference of the reference serves.
const referenceEvery = 2

// loadAny loads a set or, with -reference, a clip without labels.
func (o *options) loadAny(ctx context.Context, path string) (*set, error) {
	info, err := os.Stat(path)
	if o.reference == "" || err != nil || info.IsDir() {
		return loadSet(path)
	}
	models, err := networks.Open(ctx, o.reference, networks.Options{})
	if err != nil {
		return nil, fmt.Errorf("-reference: %w", err)
	}
	s, err := referenceSet(ctx, path, models.Detectors)
	return s, errors.Join(err, models.Close())
}

// referenceSet makes a set of a clip. Its labels are what other networks find in every
// second picture, and say where somebody may be: they count as complete.
func referenceSet(ctx context.Context, path string, reference []detect.Detector) (*set, error) {
	r := &recording{file: filepath.Base(path), clip: true}
	s := &set{dir: filepath.Dir(path), name: r.file, recordings: []*recording{r}}
	s.facts.complete = detect.Classes(detect.Face, detect.Person, detect.Plate)
	err := pictures(ctx, path, func(n int, pic *image.YCbCr) (err error) {
		if n%referenceEvery != 1 {
			return nil
		}
		l := &label{frame: n, size: pic.Rect.Size(), labelled: true}
		l.objects, err = findAll(ctx, reference, pic)
		r.labels = append(r.labels, l)
		return err
	})
	if err == nil && len(r.labels) == 0 {
		err = fmt.Errorf("%s: no picture", path)
	}
	return s, err
}

// findAll returns what detectors find in a picture, but for vehicles.
func findAll(ctx context.Context, detectors []detect.Detector, pic *image.YCbCr) (list []truth, err error) {
	var found []detect.Detection
	for _, d := range detectors {
		if found, err = d.Detect(ctx, pic, found[:0]); err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Class != detect.Vehicle {
				list = append(list, truth{class: f.Class, box: f.Box, track: noTrack})
			}
		}
	}
	return list, nil
}
