// Package models knows the networks that Hedge uses: where they come from, under
// which licence, how their input looks, and how to get a copy that is byte for
// byte the one that was measured.
//
// The folder of each network holds its README (what it is good for and what it
// misses) and its licence. The weights are not in the repository, unless the
// manifest says that they are embedded.
package models

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
)

// A Model is one network of the manifest.
type Model struct {
	// Name names the model and its folder in this package.
	Name string `json:"name"`
	// Task says in a few words what it finds.
	Task string `json:"task"`
	// Family says how its output is decoded: "yunet", "yolox", "lpd_yunet",
	// "hedge" or "centerface", or that it is no detector but tells people from what is
	// behind them: "silhouette".
	Family string `json:"family"`
	// Classes are the classes it finds.
	Classes []Class `json:"classes"`
	// Licence is the SPDX identifier of the weights' licence.
	Licence string `json:"licence"`
	// File is the name of the ONNX file, without a folder.
	File string `json:"file"`
	// SHA256 is the file's sum in lower-case hexadecimal.
	SHA256 string `json:"sha256"`
	// Bytes is the file's size.
	Bytes int64 `json:"bytes"`
	// Input describes the picture it takes.
	Input Input `json:"input"`
	// Source says where the weights come from.
	Source Source `json:"source"`
	// Embedded is set if the weights are part of the Go package.
	Embedded bool `json:"embedded,omitempty"`
	// NPU says where the network ends for an NPU; nil if nothing is known of that.
	NPU *NPU `json:"npu,omitempty"`
}

// A Class is one class that a model finds, and the default score from which a
// detection counts.
type Class struct {
	Class detect.Class `json:"class"`
	// Threshold is the default lowest score, above 0 and below 1. The README of
	// the model gives the reason.
	Threshold float32 `json:"threshold"`
}

// Input describes a network's input: one picture as a float32 tensor.
type Input struct {
	// Name is the name of the graph's input.
	Name string `json:"name"`
	// Layout is the order of the dimensions. "NCHW" or "NHWC", with N = 1.
	Layout string `json:"layout"`
	// Channels is the order of the colour planes, "BGR" or "RGB".
	Channels string `json:"channels"`
	// Low and High are the values of black and of full intensity.
	Low  float32 `json:"low"`
	High float32 `json:"high"`
	// Pad is the value of the bars beside a letterboxed picture.
	Pad float32 `json:"pad"`
	// Multiple must divide the width and the height.
	Multiple int `json:"multiple"`
	// Min and Max bound the width and the height, in pixels.
	Min int `json:"min"`
	Max int `json:"max"`
	// Width and Height are the default size, in pixels.
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Form is what detect/network has to know of the input to prepare a picture.
func (in Input) Form() network.Input {
	return network.Input{Layout: in.Layout, Channels: in.Channels, Low: in.Low, High: in.High, Pad: in.Pad, Multiple: in.Multiple}
}

// Allows reports whether the network takes a picture of that size.
func (in Input) Allows(width, height int) bool {
	ok := func(n int) bool { return n >= in.Min && n <= in.Max && n%in.Multiple == 0 }
	return ok(width) && ok(height)
}

// Source says where a model's weights were published.
type Source struct {
	// Repository is the GitHub repository, "owner/name".
	Repository string `json:"repository"`
	// Commit is the full commit.
	Commit string `json:"commit"`
	// Path is the file's path at that commit.
	Path string `json:"path"`
	// URLs are the addresses of the file, tried in that order.
	URLs []string `json:"urls,omitempty"`
	// SHA256 and Bytes describe the published file. They differ from those of
	// the [Model] if Symbolic is not empty.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	// Symbolic lists the axes of the published file that are given a name, so
	// that the network takes more than the one size it was exported for.
	Symbolic []Axis `json:"symbolic,omitempty"`
}

//go:embed models.json
var manifestJSON []byte

var manifest = mustParse(manifestJSON)

func mustParse(data []byte) []Model {
	ms, err := parseManifest(data)
	if err != nil {
		panic(err) // The manifest is part of the package; its tests parse it.
	}
	return ms
}

// Manifest returns all models, in the order of the manifest. The caller owns
// the slice but must not change what its elements refer to.
func Manifest() []Model { return slices.Clone(manifest) }

// Find returns the model of that name, or an error that lists the names.
func Find(name string) (Model, error) {
	var names []string
	for _, m := range manifest {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Model{}, fmt.Errorf("models: no model %q (one of %s)", name, strings.Join(names, ", "))
}

// ClassSet returns the classes that the model finds.
func (m Model) ClassSet() detect.ClassSet {
	var s detect.ClassSet
	for _, c := range m.Classes {
		s |= detect.Classes(c.Class)
	}
	return s
}

// maxBytes bounds the size of weights: what is downloaded is held in memory.
const maxBytes = 256 << 20

// parseManifest decodes a manifest. It refuses unknown fields, and any entry that lacks
// something that the rest of the package relies on.
func parseManifest(data []byte) ([]Model, error) {
	var file struct {
		Version int     `json:"version"`
		Models  []Model `json:"models"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("models: manifest: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("models: manifest: something follows the JSON object")
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("models: manifest: version is %d, want 1", file.Version)
	}
	seen := map[string]bool{}
	for i, m := range file.Models {
		if err := m.validate(); err != nil {
			return nil, fmt.Errorf("models: manifest: models[%d] (%q): %w", i, m.Name, err)
		}
		if seen[m.Name] || seen[m.File] {
			return nil, fmt.Errorf("models: manifest: models[%d]: name %q or file %q is there twice", i, m.Name, m.File)
		}
		seen[m.Name], seen[m.File] = true, true
	}
	return file.Models, nil
}

var (
	nameRE   = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	commitRE = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

func (m Model) validate() error {
	if m.Family != network.SilhouetteFamily {
		if _, err := network.ParseFamily(m.Family); err != nil {
			return err
		}
	}
	switch {
	case !nameRE.MatchString(m.Name):
		return fmt.Errorf("name must match %s", nameRE)
	case m.Task == "" || m.Licence == "":
		return errors.New("task and licence must be given")
	case m.File != filepath.Base(m.File) || !strings.HasSuffix(m.File, ".onnx"):
		return fmt.Errorf("file %q must be the name of an .onnx file, without a folder", m.File)
	case !isSum(m.SHA256):
		return fmt.Errorf("sha256 %q is not 64 lower-case hexadecimal digits", m.SHA256)
	case m.Bytes <= 0 || m.Bytes > maxBytes:
		return fmt.Errorf("bytes is %d, want 1 to %d", m.Bytes, maxBytes)
	case len(m.Classes) == 0:
		return errors.New("classes is empty")
	}
	for i, c := range m.Classes {
		// Written so that a value that is not a number is refused too.
		if !(c.Threshold > 0 && c.Threshold < 1) {
			return fmt.Errorf("classes[%d]: threshold is %v, want above 0 and below 1", i, c.Threshold)
		}
	}
	if err := m.Input.validate(); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := m.NPU.validate(); err != nil {
		return fmt.Errorf("npu: %w", err)
	}
	if m.Embedded {
		return nil
	}
	if err := m.Source.validate(); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if len(m.Source.Symbolic) == 0 && m.Source.SHA256 != m.SHA256 {
		return errors.New("source: sha256 differs from the model's, but nothing is made symbolic")
	}
	return nil
}

func (in Input) validate() error {
	switch {
	case in.Name == "" || in.Layout != "NCHW" && in.Layout != "NHWC" || in.Channels != "BGR" && in.Channels != "RGB":
		return errors.New("want a name, layout NCHW or NHWC and channels BGR or RGB")
	case !(in.High > in.Low):
		return fmt.Errorf("high %v is not above low %v", in.High, in.Low)
	case in.Multiple < 1 || in.Min < 1 || in.Max < in.Min:
		return errors.New("want multiple and min of 1 or more and max of min or more")
	case !in.Allows(in.Width, in.Height):
		return fmt.Errorf("the default size %dx%d is not one that multiple, min and max allow", in.Width, in.Height)
	}
	return nil
}

func (s Source) validate() error {
	switch {
	case strings.Count(s.Repository, "/") != 1 || s.Path == "":
		return errors.New("want repository as owner/name, and a path")
	case !commitRE.MatchString(s.Commit):
		return fmt.Errorf("commit %q is not 40 hexadecimal digits", s.Commit)
	case len(s.URLs) == 0:
		return errors.New("urls is empty")
	case !isSum(s.SHA256):
		return fmt.Errorf("sha256 %q is not 64 lower-case hexadecimal digits", s.SHA256)
	case s.Bytes <= 0 || s.Bytes > maxBytes:
		return fmt.Errorf("bytes is %d, want 1 to %d", s.Bytes, maxBytes)
	}
	for i, u := range s.URLs {
		if !strings.HasPrefix(u, "https://") {
			return fmt.Errorf("urls[%d]: %q does not begin with https://", i, u)
		}
	}
	return nil
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && s == strings.ToLower(s)
}
