package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/hedgecam/hedge/bench/internal/reach"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

// networkSizes are the inputs at which every network is measured. The boards'
// published figures are for the two in boards.go.
var networkSizes = []image.Point{{X: 320, Y: 192}, {X: 640, Y: 384}, {X: 960, Y: 576}}

// loadRuntime loads ONNX Runtime.
func (s *suite) loadRuntime() error {
	library, err := ort.Library()
	if err != nil {
		return err
	}
	if err := onnx.Load(library); err != nil {
		return err
	}
	s.report.Machine.Runtime = onnx.Version()
	return nil
}

// measureNetworks measures each network of the manifest that is there, at each
// size, with one and two threads.
func measureNetworks(ctx context.Context, s *suite) error {
	if err := s.loadRuntime(); err != nil {
		return err
	}
	t := reach.Table{
		Title:   "Networks, one look",
		Columns: []string{"network", "input", "1 thread: core ms", "2 threads: core ms", "2 threads: core time against 1", "wall ms, 1 thread", "2 threads"},
		Note:    "Filling the tensor and decoding the output included, scaling the frame not. Wall times depend on what else runs on the machine.",
	}
	for _, m := range models.Manifest() {
		weights, err := m.Load(ctx, models.Options{Offline: true})
		if err != nil {
			s.report.Notes = append(s.report.Notes, m.Name+" was not measured: "+err.Error())
			continue
		}
		s.looks[m.Name] = looks{}
		var x, y []float64
		for _, size := range s.networkSizes(m.Name) {
			if !m.Input.Allows(size.X, size.Y) {
				continue
			}
			v, cells, err := s.look(ctx, m, weights, size)
			if err != nil {
				return fmt.Errorf("%s at %v: %w", m.Name, size, err)
			}
			t.Line(append([]any{m.Name, fmt.Sprintf("%dx%d", size.X, size.Y)}, cells...)...)
			s.looks[m.Name][size] = v
			x, y = append(x, float64(size.X*size.Y)), append(y, v)
		}
		s.report.grows(m.Name+", 1 thread", "pixels of the input", x, y)
	}
	s.report.Tables = append(s.report.Tables, t)
	return nil
}

func (s *suite) networkSizes(name string) []image.Point {
	if s.short() {
		return networkSizes[:1]
	}
	all := slices.Clone(networkSizes)
	for _, b := range boards {
		if b.network == name && !slices.Contains(all, b.input) {
			all = append(all, b.input)
		}
	}
	slices.SortFunc(all, func(a, b image.Point) int { return a.X*a.Y - b.X*b.Y })
	return all
}

// look measures one network with one and with two threads, and returns the core
// time with one and the cells of its line.
func (s *suite) look(ctx context.Context, m models.Model, weights []byte, size image.Point) (one float64, cells []any, err error) {
	var fns []func() error
	var walls [2][]float64
	pic := street(fullHD, 8, 1)[0]
	var small *image.YCbCr
	var opened []*network.Network
	defer func() {
		for _, n := range opened {
			err = errors.Join(err, n.Close())
		}
	}()
	for i := range walls {
		n, err := networks.OpenModel(m, weights, networks.Options{InputSize: size, Threads: i + 1})
		if err != nil {
			return 0, nil, err
		}
		opened = append(opened, n)
		if small == nil {
			p := newPreparation(fullHD, size, 0)
			if err := p.run(pic); err != nil {
				return 0, nil, err
			}
			small = p.small
		}
		var found []detect.Detection
		fns = append(fns, func() error {
			start := time.Now()
			var err error
			found, err = n.Detect(ctx, small, found[:0])
			walls[i] = append(walls[i], ms(time.Since(start)))
			return err
		})
	}
	took, err := sides(s.budget(1500*time.Millisecond), fns...)
	if err != nil {
		return 0, nil, err
	}
	one = median(took[0])
	return one, []any{one, median(took[1]), ratio(took[1], took[0]), median(walls[0]), median(walls[1])}, nil
}

// meter is a detector whose looks and their core time are counted.
type meter struct {
	detect.Detector
	looks counter
	core  counter // nanoseconds
}

// Detect implements detect.Detector. With one thread a network, all its work is
// done on the calling one.
func (m *meter) Detect(ctx context.Context, pic *image.YCbCr, dst []detect.Detection) (found []detect.Detection, err error) {
	spent := threadTime(func() { found, err = m.Detector.Detect(ctx, pic, dst) })
	m.looks.Add(1)
	m.core.Add(int64(spent))
	return found, err
}

// openMeters opens the default networks, metered.
func (s *suite) openMeters(ctx context.Context) (meters []*meter, detectors []detect.Detector, set *networks.Set, err error) {
	if err := s.loadRuntime(); err != nil {
		return nil, nil, nil, err
	}
	set, err = networks.Open(ctx, s.networks, networks.Options{Offline: true})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, d := range set.Detectors {
		m := &meter{Detector: d}
		meters, detectors = append(meters, m), append(detectors, m)
	}
	return meters, detectors, set, nil
}
