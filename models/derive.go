package models

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto (ONNX, IR version 3 and later).
const (
	modelGraph       = 7
	graphInput       = 11
	graphOutput      = 12
	graphValueInfo   = 13
	valueInfoName    = 1
	valueInfoType    = 2
	typeTensor       = 1
	tensorShape      = 2
	shapeDim         = 1
	dimParam         = 2
	maxSymbolicNames = 64
)

// An Axis is one dimension of a network's input or output. The published file fixes it
// to a number; it gets a name instead, so that the network takes pictures of other
// sizes.
type Axis struct {
	// Value is the name of the graph's input or output.
	Value string `json:"value"`
	// Dim is the dimension, counted from 0.
	Dim int `json:"dim"`
	// Name is the dimension's new, symbolic name.
	Name string `json:"name"`
}

// makeSymbolic returns the ONNX model with the given axes symbolic. The shapes
// that the exporter inferred for the values between input and output go, since
// they hold for the published size only; nodes and weights stay as they are.
// Every axis must exist, and model is not changed.
func makeSymbolic(model []byte, axes []Axis) ([]byte, error) {
	if len(axes) > maxSymbolicNames {
		return nil, fmt.Errorf("%d symbolic axes, at most %d", len(axes), maxSymbolicNames)
	}
	d := &derivation{axes: axes, done: make([]bool, len(axes))}
	out, err := mapFields(model, func(n protowire.Number, body []byte) ([]byte, bool, error) {
		if n != modelGraph {
			return body, true, nil
		}
		graph, err := mapFields(body, d.graphField)
		return graph, true, err
	})
	if err != nil {
		return nil, fmt.Errorf("not a valid ONNX file: %w", err)
	}
	for i, done := range d.done {
		if !done {
			return nil, fmt.Errorf("the ONNX file has no dimension %d of %q", axes[i].Dim, axes[i].Value)
		}
	}
	return out, nil
}

// derivation rewrites one graph.
type derivation struct {
	axes []Axis
	done []bool
}

func (d *derivation) graphField(n protowire.Number, body []byte) ([]byte, bool, error) {
	switch n {
	case graphValueInfo:
		return nil, false, nil
	case graphInput, graphOutput:
		value, err := d.valueInfo(body)
		return value, true, err
	}
	return body, true, nil
}

// valueInfo rewrites a ValueInfoProto: type, tensor type, shape, dimensions.
func (d *derivation) valueInfo(b []byte) ([]byte, error) {
	var name string
	// The name comes first in every file seen, but the format does not say so.
	if _, err := mapFields(b, func(n protowire.Number, body []byte) ([]byte, bool, error) {
		if n == valueInfoName {
			name = string(body)
		}
		return body, true, nil
	}); err != nil {
		return nil, err
	}
	return descend(b, []protowire.Number{valueInfoType, typeTensor, tensorShape}, func(shape []byte) ([]byte, error) {
		dim := -1
		return mapFields(shape, func(n protowire.Number, body []byte) ([]byte, bool, error) {
			if n != shapeDim {
				return body, true, nil
			}
			dim++
			for i, a := range d.axes {
				if a.Value == name && a.Dim == dim {
					d.done[i] = true
					named := protowire.AppendTag(nil, dimParam, protowire.BytesType)
					return protowire.AppendString(named, a.Name), true, nil
				}
			}
			return body, true, nil
		})
	})
}

// descend applies edit to the message that lies at path inside b.
func descend(b []byte, path []protowire.Number, edit func([]byte) ([]byte, error)) ([]byte, error) {
	if len(path) == 0 {
		return edit(b)
	}
	return mapFields(b, func(n protowire.Number, body []byte) ([]byte, bool, error) {
		if n != path[0] {
			return body, true, nil
		}
		out, err := descend(body, path[1:], edit)
		return out, true, err
	})
}

// mapFields copies a message field by field, in order. What edit returns takes
// the place of the contents of each length-delimited field, which is left out if
// keep is false; fields of other kinds are copied.
func mapFields(b []byte, edit func(n protowire.Number, body []byte) (out []byte, keep bool, err error)) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		num, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(num, kind, b[tag:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if kind != protowire.BytesType {
			out = append(out, b[:tag+size]...)
			b = b[tag+size:]
			continue
		}
		body, _ := protowire.ConsumeBytes(b[tag:])
		body, keep, err := edit(num, body)
		if err != nil {
			return nil, err
		}
		if keep {
			out = protowire.AppendTag(out, num, kind)
			out = protowire.AppendBytes(out, body)
		}
		b = b[tag+size:]
	}
	return out, nil
}
