package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// snapshotEvery is how often a snapshot is asked for.
const snapshotEvery = 2 * time.Second

// snapshots asks for the doorbell's snapshots and looks for raw pixels in them.
type snapshots struct {
	scene   scene
	program *program.Doorbell
	every   time.Duration
	seen    counted
	absent  int // were not given: there was nothing to see, or nobody answered
}

// watch asks and looks until ctx ends.
func (s *snapshots) watch(ctx context.Context) error {
	for wait(ctx, s.every) == nil {
		data, err := s.program.Ask(ctx, http.MethodGet, "/snapshot.jpg")
		if err != nil {
			s.absent++ // that is what the faults are for
			continue
		}
		if err := s.look(data); err != nil {
			return err
		}
	}
	return nil
}

// look counts a snapshot.
func (s *snapshots) look(data []byte) error {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	pic, ok := img.(*image.YCbCr)
	if !ok || pic.Rect.Size() != s.scene.size {
		return fmt.Errorf("snapshot: it is a %T of %v, and not a colour picture of %v", img, img.Bounds().Size(), s.scene.size)
	}
	s.seen.add(s.scene.look(tight(pic, s.scene.size)))
	return nil
}

// tight returns the luma without what is beside the rows.
func tight(pic *image.YCbCr, size image.Point) []byte {
	luma := make([]byte, size.X*size.Y)
	for y := range size.Y {
		copy(luma[y*size.X:], pic.Y[y*pic.YStride:][:size.X])
	}
	return luma
}
