// Package networks opens the sets of networks that Hedge's programs offer, by
// name.
package networks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

// The sets of networks.
const (
	// HedgeN is this project's own network, one pass for all classes. It is part
	// of the program: nothing has to be fetched.
	HedgeN = "hedge-n"
	// HedgeP is hedge-n on a smaller picture, at less than half the cost: for
	// small boards.
	HedgeP = "hedge-p"
	// Best is CenterFace for faces beside hedge-n on the whole picture and on tiles
	// of it at native size, fused: for recordings, on a strong machine.
	Best = "best"
	// None is no network: what would need one is hidden with everything outside.
	None = "none"
	// Trio is YuNet for faces, YOLOX-nano for people and vehicles, and LPD-YuNet
	// for plates, each a detector of its own.
	Trio = "trio"
)

var sets = map[string][]string{
	None:   nil,
	HedgeN: {"hedge-n"},
	HedgeP: {"hedge-p"},
	Trio:   {"yunet_s", "yolox_nano", "lpd_yunet"},
	Best:   {"hedge-n", "centerface"},
}

// Members returns the names of the models that a set is made of, as they stand in the
// manifest; none for a set that there is not.
func Members(name string) []string { return slices.Clone(sets[name]) }

// Names lists the sets, for a flag's help.
func Names() string { return strings.Join([]string{HedgeN, HedgeP, Trio, Best, None}, ", ") }

// Options adjust the networks of a set. The zero value takes every default.
type Options struct {
	// InputSize is that of onnx.Config. It defaults to each model's own.
	InputSize image.Point
	// FullRange is that of network.Config: samples are full range (JPEG).
	FullRange bool
	// MinScore replaces the models' thresholds where it is not 0.
	MinScore [detect.NumClasses]float32
	// Threads is that of onnx.Config. It defaults to 1.
	Threads int
	// Provider names what computes the networks, one of Providers. It defaults to "cpu".
	// With RKNN the network Selfie is computed by "cpu".
	Provider string
	// Offline forbids to download weights.
	Offline bool
	// Silhouettes asks for Set.Segmenter, too.
	Silhouettes bool
	// Progress is told of downloads: see models.Options.
	Progress func(done, total int64)
}

// Set is an opened set of networks.
type Set struct {
	// Detectors are the networks, one thread each; of Best, one that holds them.
	// Close closes them.
	Detectors []detect.Detector
	// Models describes them, in the same order. Best is one, whose sum is made of
	// those of its networks.
	Models []models.Model
	// Segmenter finds the silhouettes of people who are near: the network Selfie, which
	// is part of the program. It is nil if Options.Silhouettes did not ask for it. Close
	// closes it.
	Segmenter detect.Segmenter
}

// Open opens the set of the given name: it finds ONNX Runtime and the weights,
// or says for each how to get it.
func Open(ctx context.Context, name string, o Options) (*Set, error) {
	members, ok := sets[name]
	if !ok {
		return nil, fmt.Errorf("networks: no set %q (one of %s)", name, Names())
	}
	s := &Set{}
	if len(members) == 0 && !o.Silhouettes {
		return s, nil
	}
	if err := o.check(name); err != nil {
		return nil, err
	}
	if o.Provider != RKNN || o.Silhouettes {
		if err := Load(); err != nil {
			return nil, err
		}
	}
	for _, member := range members {
		if err := s.open(ctx, member, o); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if name == Best {
		s.fuse()
	}
	if o.Silhouettes {
		g, err := openSegmenter(ctx, o)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.Segmenter = g
	}
	return s, nil
}

// Load finds ONNX Runtime and loads it with [onnx.Load]: the library that HEDGE_ORT_LIB
// names, else the one beside the program, that of the user's cache folder, or the system's.
// Open calls it; a program that uses OpenModel alone, or networks of its own, does so
// itself. The error says how to get the library.
func Load() error {
	library, err := ort.Library()
	if err != nil {
		return err
	}
	return onnx.Load(library)
}

// Selfie is the network that tells people who are near from what is behind them.
const Selfie = "selfie"

// openSegmenter opens the network Selfie. ONNX Runtime must be loaded.
func openSegmenter(ctx context.Context, o Options) (*network.Segmenter, error) {
	m, err := models.Find(Selfie)
	if err != nil {
		return nil, err
	}
	weights, err := m.Load(ctx, models.Options{Offline: true})
	if err != nil {
		return nil, err
	}
	o.InputSize = image.Point{} // the model fixes it
	if o.Provider == RKNN {
		o.Provider = string(onnx.CPU) // it is not converted for an NPU
	}
	return network.NewSegmenter(o.opener(m, weights), m.Name, m.Input.Form(), o.FullRange)
}

// fuse makes one detector of all: the networks for all classes look at tiles, too.
func (s *Set) fuse() {
	var parts []detect.Part
	one, sums := models.Model{Name: Best, Input: s.Models[0].Input}, sha256.New()
	for i, d := range s.Detectors {
		p, m := detect.Part{Detector: d}, s.Models[i]
		if len(m.Classes) > 1 {
			p.Tile = image.Pt(m.Input.Width, m.Input.Height)
		}
		for _, k := range m.Classes {
			if !one.ClassSet().Has(k.Class) {
				one.Classes = append(one.Classes, k)
			}
		}
		parts = append(parts, p)
		_, _ = fmt.Fprintln(sums, m.Name, m.SHA256) // a hash takes everything
	}
	one.SHA256 = hex.EncodeToString(sums.Sum(nil))
	s.Detectors, s.Models = []detect.Detector{detect.NewFusion(Best, parts...)}, []models.Model{one}
}

func (s *Set) open(ctx context.Context, name string, o Options) error {
	m, err := models.Find(name)
	if err != nil {
		return err
	}
	weights, err := m.Load(ctx, models.Options{Offline: o.Offline, Progress: o.Progress})
	if err != nil {
		return err
	}
	n, err := OpenModel(m, weights, o)
	if err != nil {
		return err
	}
	s.Detectors = append(s.Detectors, n)
	s.Models = append(s.Models, m)
	return nil
}

// OpenModel opens one network of the manifest, whose weights are given and must
// not change while it is open. ONNX Runtime must be loaded, see [Load].
func OpenModel(m models.Model, weights []byte, o Options) (*network.Network, error) {
	family, err := network.ParseFamily(m.Family)
	if err != nil {
		return nil, err
	}
	c := network.Config{Name: m.Name, Family: family, Input: m.Input.Form(), MaxIoU: detect.DefaultMaxIoU, FullRange: o.FullRange}
	for _, k := range m.Classes {
		c.MinScore[k.Class] = k.Threshold
	}
	for i, v := range o.MinScore {
		if v != 0 {
			c.MinScore[i] = v
		}
	}
	if o.InputSize == (image.Point{}) {
		o.InputSize = image.Pt(m.Input.Width, m.Input.Height)
	}
	if o.Provider == RKNN {
		return openRKNN(m, c)
	}
	return network.New(o.opener(m, weights), c)
}

// Close closes the networks. It may be called more than once.
func (s *Set) Close() error {
	var errs []error
	for _, d := range s.Detectors {
		errs = append(errs, d.Close())
	}
	if s.Segmenter != nil {
		errs = append(errs, s.Segmenter.Close())
	}
	return errors.Join(errs...)
}
