package onnxgraph

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto: ValueInfoProto, TypeProto, TypeProto.Tensor,
// TensorShapeProto and its Dimension.
const (
	valueInfoType  = 2
	typeTensor     = 1
	tensorElement  = 1
	tensorShape    = 2
	shapeDim       = 1
	dimValue       = 1
	elementFloat32 = 1
	elementInt64   = 7
	nodeOperator   = 4
	tensorDims     = 1
	tensorType     = 2
	tensorRaw      = 9
)

// FixInput returns the ONNX model with its input of that name a float32 tensor of that
// shape. Shapes that an exporter inferred for inner values go. The model is not changed.
func FixInput(model []byte, input string, shape []int64) ([]byte, error) {
	return rewrite(model, func(parts []field) (graph []byte, err error) {
		found := false
		for _, f := range parts {
			names := []string{}
			if f.number == graphInput {
				if names, err = texts(f.body, valueInfoName); err != nil {
					return nil, fmt.Errorf("not a valid ONNX file: %w", err)
				}
			}
			switch {
			case f.number == graphValueInfo:
			case len(names) > 0 && names[0] == input:
				found = true
				graph = appendMessage(graph, graphInput, tensorInfo(input, shape))
			default:
				graph = append(graph, f.whole...)
			}
		}
		if !found {
			return nil, fmt.Errorf("the ONNX file has no input %q", input)
		}
		return graph, nil
	})
}

// tensorInfo makes a ValueInfoProto of a float32 tensor; without a shape it says none.
func tensorInfo(name string, shape []int64) []byte {
	kind := protowire.AppendVarint(protowire.AppendTag(nil, tensorElement, protowire.VarintType), elementFloat32)
	if shape != nil {
		var dims []byte
		for _, d := range shape {
			dims = appendMessage(dims, shapeDim, protowire.AppendVarint(protowire.AppendTag(nil, dimValue, protowire.VarintType), uint64(d)))
		}
		kind = appendMessage(kind, tensorShape, dims)
	}
	info := appendMessage(nil, valueInfoName, []byte(name))
	return appendMessage(info, valueInfoType, appendMessage(nil, typeTensor, kind))
}

// Ends returns the ONNX model with the outputs of the given names only, each of which is
// the inner value that ends names for it, and without what none of them needs.
func Ends(model []byte, ends map[string]string) ([]byte, error) {
	names := slices.Sorted(maps.Keys(ends))
	model, err := rewrite(model, func(parts []field) (graph []byte, err error) {
		made := map[string][]byte{}
		for _, f := range parts {
			if f.number == graphNode {
				if err := index(made, f.body); err != nil {
					return nil, err
				}
			}
			if f.number != graphOutput && f.number != graphValueInfo {
				graph = append(graph, f.whole...)
			}
		}
		for _, name := range names {
			if made[ends[name]] == nil {
				return nil, fmt.Errorf("the ONNX file has no value %q", ends[name])
			}
			node := appendMessage(appendMessage(nil, nodeInput, []byte(ends[name])), nodeOutput, []byte(name))
			graph = appendMessage(graph, graphNode, appendMessage(node, nodeOperator, []byte("Identity")))
			graph = appendMessage(graph, graphOutput, tensorInfo(name, nil))
		}
		return graph, nil
	})
	if err != nil {
		return nil, err
	}
	return Cut(model, names...)
}

// Flatten returns the ONNX model with every constant shape of five dimensions, of which
// the first is 1, made one of four: the second and third become one. What stands between
// two such Reshapes, a multiplication by a matrix, is the same then. NPUs' compilers take
// four dimensions.
func Flatten(model []byte) ([]byte, error) {
	return rewrite(model, func(parts []field) (graph []byte, err error) {
		shapes := map[string]bool{}
		for _, f := range parts {
			if f.number != graphNode {
				continue
			}
			if op, err := texts(f.body, nodeOperator); err != nil || len(op) != 1 || op[0] != "Reshape" {
				continue
			}
			if in, err := texts(f.body, nodeInput); err == nil && len(in) == 2 {
				shapes[in[1]] = true
			}
		}
		for _, f := range parts {
			if f.number == graphInitializer {
				if name, err := texts(f.body, tensorName); err == nil && len(name) == 1 && shapes[name[0]] {
					graph = appendMessage(graph, graphInitializer, flat(name[0], f.body))
					continue
				}
			}
			if f.number != graphValueInfo {
				graph = append(graph, f.whole...)
			}
		}
		return graph, nil
	})
}

// flat returns a TensorProto of int64 with one dimension less if it is a shape of five.
func flat(name string, tensor []byte) []byte {
	raw, err := texts(tensor, tensorRaw)
	if err != nil || len(raw) != 1 || len(raw[0]) != 5*8 {
		return tensor
	}
	var d [5]uint64
	for i := range d {
		d[i] = binary.LittleEndian.Uint64([]byte(raw[0][8*i:]))
	}
	if d[0] != 1 {
		return tensor
	}
	var four []byte
	for _, v := range []uint64{1, d[1] * d[2], d[3], d[4]} {
		four = binary.LittleEndian.AppendUint64(four, v)
	}
	out := protowire.AppendVarint(protowire.AppendTag(nil, tensorDims, protowire.VarintType), 4)
	out = protowire.AppendVarint(protowire.AppendTag(out, tensorType, protowire.VarintType), elementInt64)
	return appendMessage(appendMessage(out, tensorName, []byte(name)), tensorRaw, four)
}

// Operators returns how often each operator stands in the ONNX model.
func Operators(model []byte) (map[string]int, error) {
	count := map[string]int{}
	_, err := rewrite(model, func(parts []field) ([]byte, error) {
		for _, f := range parts {
			if f.number != graphNode {
				continue
			}
			op, err := texts(f.body, nodeOperator)
			if err != nil || len(op) != 1 {
				return nil, fmt.Errorf("not a valid ONNX file: a node with %d operators, %v", len(op), err)
			}
			count[op[0]]++
		}
		return nil, nil
	})
	return count, err
}
