package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// referenceEvery is how many pictures of a clip one inference of the reference serves.
const referenceEvery = 2

// loadAny loads a set or, with -reference, a clip without labels.
func (o *options) loadAny(ctx context.Context, path string) (*labels.Set, error) {
	info, err := os.Stat(path)
	if o.reference == "" || err != nil || info.IsDir() {
		return labels.Load(path)
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
func referenceSet(ctx context.Context, path string, reference []detect.Detector) (*labels.Set, error) {
	r := &labels.Recording{File: filepath.Base(path), Clip: true}
	s := &labels.Set{Dir: filepath.Dir(path), Name: r.File, Recordings: []*labels.Recording{r}}
	s.Facts.Complete = detect.Classes(detect.Face, detect.Person, detect.Plate)
	err := pictures(ctx, path, func(n int, pic *image.YCbCr) (err error) {
		if n%referenceEvery != 1 {
			return nil
		}
		l := &labels.Label{Frame: n, Size: pic.Rect.Size(), Labelled: true}
		l.Objects, err = findAll(ctx, reference, pic)
		r.Labels = append(r.Labels, l)
		return err
	})
	if err == nil && len(r.Labels) == 0 {
		err = fmt.Errorf("%s: no picture", path)
	}
	return s, err
}

// findAll returns what detectors find in a picture, but for vehicles.
func findAll(ctx context.Context, detectors []detect.Detector, pic *image.YCbCr) (list []labels.Truth, err error) {
	var found []detect.Detection
	for _, d := range detectors {
		if found, err = d.Detect(ctx, pic, found[:0]); err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Class != detect.Vehicle {
				list = append(list, labels.Truth{Class: f.Class, Box: f.Box, Track: labels.NoTrack})
			}
		}
	}
	return list, nil
}
