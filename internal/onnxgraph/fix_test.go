package onnxgraph

import (
	"bytes"
	"encoding/binary"
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestFixInput(t *testing.T) {
	got, err := FixInput(two(), "x", []int64{1, 3, 384, 640})
	if err != nil {
		t.Fatal(err)
	}
	dim := func(n uint64) []byte { return put(shapeDim, protowire.AppendVarint([]byte{dimValue << 3}, n)) }
	info := put(graphInput, message(put(valueInfoName, []byte("x")),
		put(valueInfoType, put(typeTensor, message([]byte{tensorElement << 3, elementFloat32}, put(tensorShape, message(dim(1), dim(3), dim(384), dim(640))))))))
	if !bytes.Contains(got, info) || bytes.Contains(got, put(graphValueInfo, put(valueInfoName, []byte("stem")))) {
		t.Errorf("fixed to %q", got)
	}
	if _, err := FixInput(two(), "y", nil); err == nil || !strings.Contains(err.Error(), `no input "y"`) {
		t.Errorf("an input that is not there: %v", err)
	}
	if _, err := FixInput([]byte("text"), "x", nil); err == nil {
		t.Error("text is fixed")
	}
}

// TestEnds: an inner value becomes the output, and what it does not need goes.
func TestEnds(t *testing.T) {
	got, err := Ends(two(), map[string]string{"end": "stem"})
	if err != nil {
		t.Fatal(err)
	}
	count, err := Operators(got)
	if err != nil || !maps.Equal(count, map[string]int{"Conv": 1, "Identity": 1}) {
		t.Errorf("left %v, %v", count, err)
	}
	if !bytes.Contains(got, put(graphInitializer, put(tensorName, []byte("w")))) || bytes.Contains(got, []byte("wa")) {
		t.Errorf("cut to %q", got)
	}
	if _, err := Ends(two(), map[string]string{"end": "none"}); err == nil || !strings.Contains(err.Error(), `no value "none"`) {
		t.Errorf("a value that is not there: %v", err)
	}
}

// TestFlatten: only the shapes of Reshapes, and only those of five dimensions, change.
func TestFlatten(t *testing.T) {
	tensor := func(name string, dims ...uint64) []byte {
		var raw []byte
		for _, d := range dims {
			raw = binary.LittleEndian.AppendUint64(raw, d)
		}
		return put(graphInitializer, message([]byte{tensorDims << 3, byte(len(dims)), tensorType << 3, elementInt64},
			put(tensorName, []byte(name)), put(tensorRaw, raw)))
	}
	graph := func(five []byte) []byte {
		return put(modelGraph, message(
			node("Reshape", []string{"x", "five"}, []string{"a"}), node("Reshape", []string{"a", "four"}, []string{"b"}),
			node("Mul", []string{"b", "other"}, []string{"c"}),
			five, tensor("four", 1, 3, 64, 72), tensor("other", 1, 2, 3, 4, 5)))
	}
	got, err := Flatten(graph(tensor("five", 1, 3, 64, 2, 32)))
	if err != nil {
		t.Fatal(err)
	}
	if want := graph(tensor("five", 1, 3*64, 2, 32)); !bytes.Equal(got, want) {
		t.Errorf("flattened to %q, want %q", got, want)
	}
	if batch := graph(tensor("five", 2, 3, 64, 2, 32)); true {
		if got, err := Flatten(batch); err != nil || !bytes.Equal(got, batch) {
			t.Errorf("of two pictures: %q, %v", got, err)
		}
	}
}
