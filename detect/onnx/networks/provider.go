package networks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/rknn"
	"github.com/hedgecam/hedge/models"
)

// RKNN is the provider for the NPU of Rockchip's boards: no part of ONNX Runtime, but
// detect/rknn.
const RKNN = "rknn"

// Providers are the names of what can compute the networks.
func Providers() []string {
	var names []string
	for _, p := range onnx.Providers {
		names = append(names, string(p))
	}
	return append(names, RKNN)
}

// CheckProvider says what is wrong with a provider's name.
func CheckProvider(name string) error {
	switch {
	case !slices.Contains(Providers(), name):
		return fmt.Errorf("provider %q: must be one of %s", name, strings.Join(Providers(), ", "))
	case name == RKNN && !rknn.Built:
		return rknn.ErrNotBuilt
	}
	return nil
}

// check says why a set cannot be opened with the provider.
func (o Options) check(set string) error {
	if o.Provider == "" {
		return nil
	}
	if err := CheckProvider(o.Provider); err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	for _, name := range sets[set] {
		m, err := models.Find(name)
		if err != nil {
			return err
		}
		if o.Provider == RKNN && m.NPU == nil {
			return fmt.Errorf("networks: the set %s cannot be had with %s, since %s has not been converted for it: take %s, %s or another provider", set, RKNN, name, HedgeN, HedgeP)
		}
	}
	return nil
}

// opener returns what opens sessions of a model in ONNX Runtime.
func (o Options) opener(m models.Model, weights []byte) network.Opener {
	return func(outputs ...string) (network.Session, error) {
		s, err := onnx.Open(onnx.Config{Name: m.Name, Model: weights, Outputs: outputs, InputSize: o.InputSize,
			Threads: o.Threads, Provider: onnx.Provider(o.Provider)})
		if err != nil {
			return nil, err // and no session that holds a nil one
		}
		return s, nil
	}
}

// openRKNN opens a network of the manifest that its user has converted.
func openRKNN(m models.Model, c network.Config) (*network.Network, error) {
	if m.NPU == nil {
		return nil, fmt.Errorf("networks: %s has not been converted for %s", m.Name, RKNN)
	}
	data, err := converted(m.Name + ".rknn")
	if err != nil {
		return nil, err
	}
	c.Family, c.Faces, c.Input.Layout = network.HedgeMaps, m.NPU.Faces(), "NHWC"
	return network.New(func(...string) (network.Session, error) { return rknn.Open(rknn.Config{Name: m.Name, Model: data}) }, c)
}

// converted reads a file that was converted for an NPU, from the folder that HEDGE_MODELS
// names or the user's cache folder.
func converted(file string) ([]byte, error) {
	var looked []string
	cache, err := models.CacheDir()
	if err != nil {
		cache = ""
	}
	for _, dir := range []string{os.Getenv(models.Env), cache} {
		if dir == "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, file))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
		looked = append(looked, dir)
	}
	return nil, fmt.Errorf("networks: no %s in %s: convert the network for the board's NPU, as models/README.md says, and put it there or into the folder that %s names",
		file, strings.Join(looked, " and "), models.Env)
}
