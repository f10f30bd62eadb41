package models

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hedgecam/hedge/internal/download"
)

// The parts of a small ONNX file, as protocol buffers.
func message(b []byte, n protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), body)
}

func number(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

// dim is a dimension that is a number, or a name.
func dim(v any) []byte {
	switch v := v.(type) {
	case int:
		return number(nil, 1, uint64(v))
	case string:
		return message(nil, 2, []byte(v))
	}
	panic("a dimension is an int or a string")
}

func valueInfo(name string, dims ...any) []byte {
	var shape []byte
	for _, d := range dims {
		shape = message(shape, 1, dim(d))
	}
	tensor := message(number(nil, 1, 1), 2, shape) // elem_type float
	return message(message(nil, 1, []byte(name)), 2, message(nil, 1, tensor))
}

// smallModel is a model with one node, one weight, an input and an output, and,
// if intermediate is set, an inferred shape between them.
func smallModel(intermediate bool, in, out []byte) []byte {
	graph := message(nil, 1, []byte("node"))
	graph = message(graph, 2, []byte("graph"))
	graph = message(graph, 5, []byte("weight"))
	graph = message(graph, graphInput, in)
	graph = message(graph, graphOutput, out)
	if intermediate {
		graph = message(graph, graphValueInfo, valueInfo("between", 1, 8, 52, 52))
	}
	b := number(nil, 1, 7) // ir_version
	b = message(b, 2, []byte("pytorch"))
	b = message(b, modelGraph, graph)
	return message(b, 8, number(nil, 2, 11)) // opset_import
}

var smallAxes = []Axis{{"images", 2, "height"}, {"images", 3, "width"}, {"output", 1, "anchors"}}

func TestMakeSymbolic(t *testing.T) {
	published := smallModel(true, valueInfo("images", 1, 3, 416, 416), valueInfo("output", 1, 3549, 85))
	before := bytes.Clone(published)
	want := smallModel(false, valueInfo("images", 1, 3, "height", "width"), valueInfo("output", 1, "anchors", 85))
	got, err := makeSymbolic(published, smallAxes)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	if !bytes.Equal(published, before) {
		t.Error("the published model was changed")
	}
	again, err := makeSymbolic(got, smallAxes)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("a second time: %v, changed: %v", err, !bytes.Equal(again, got))
	}
}

func TestMakeSymbolicRefuses(t *testing.T) {
	published := smallModel(true, valueInfo("images", 1, 3, 416, 416), valueInfo("output", 1, 3549, 85))
	for _, tc := range []struct {
		name  string
		model []byte
		axes  []Axis
		want  string
	}{
		{"no such value", published, []Axis{{"picture", 2, "height"}}, `no dimension 2 of "picture"`},
		{"no such dimension", published, []Axis{{"images", 4, "depth"}}, `no dimension 4 of "images"`},
		{"negative dimension", published, []Axis{{"images", -1, "height"}}, "no dimension -1"},
		{"value in between", published, []Axis{{"between", 2, "height"}}, `no dimension 2 of "between"`},
		{"empty file", nil, smallAxes, "no dimension"},
		{"text", []byte("version https://git-lfs.github.com/spec/v1\n"), smallAxes, "not a valid ONNX file"},
		{"cut off", published[:len(published)-20], smallAxes, "not a valid ONNX file"},
		{"too many axes", published, make([]Axis, maxSymbolicNames+1), "at most"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := makeSymbolic(tc.model, tc.axes)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// The published files give exactly the files that the manifest names.
func TestDerivePublished(t *testing.T) {
	dir := os.Getenv(Env)
	if dir == "" {
		t.Skip("HEDGE_MODELS, a folder that holds the published files, is not set")
	}
	for _, m := range Manifest() {
		if m.Embedded || len(m.Source.Symbolic) == 0 {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			path := filepath.Join(dir, filepath.Base(m.Source.Path))
			published, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				t.Skipf("HEDGE_MODELS holds no %s", filepath.Base(path))
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := download.Check(path, published, m.Source.SHA256); err != nil {
				t.Fatal(err)
			}
			if int64(len(published)) != m.Source.Bytes {
				t.Errorf("the published file has %d bytes, the manifest says %d", len(published), m.Source.Bytes)
			}
			got, err := m.derive(published)
			if err != nil {
				t.Fatal(err)
			}
			if err := download.Check("the derived file", got, m.SHA256); err != nil {
				t.Error(err)
			}
			if int64(len(got)) != m.Bytes {
				t.Errorf("the derived file has %d bytes, the manifest says %d", len(got), m.Bytes)
			}
		})
	}
}

func FuzzMakeSymbolic(f *testing.F) {
	f.Add(smallModel(true, valueInfo("images", 1, 3, 416, 416), valueInfo("output", 1, 3549, 85)))
	f.Add(smallModel(false, valueInfo("images", 1, 3, "height", "width"), valueInfo("output", 1, "anchors", 85)))
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\n"))
	f.Add(bytes.Repeat([]byte{0x3a, 0x7f}, 64))
	f.Fuzz(func(t *testing.T, model []byte) {
		out, err := makeSymbolic(model, smallAxes)
		if err != nil {
			return
		}
		again, err := makeSymbolic(out, smallAxes)
		if err != nil {
			t.Fatalf("what came out is refused: %v", err)
		}
		if !bytes.Equal(out, again) {
			t.Error("a second time gives another file")
		}
	})
}
