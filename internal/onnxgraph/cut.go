// Package onnxgraph takes what is not wanted out of an ONNX file, and fixes what an NPU's
// compiler wants fixed.
package onnxgraph

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of onnx.proto (ONNX, IR version 3 and later).
const (
	modelGraph       = 7
	graphNode        = 1
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12
	graphValueInfo   = 13
	nodeInput        = 1
	nodeOutput       = 2
	nodeAttribute    = 5
	attributeGraph   = 6
	attributeGraphs  = 11
	tensorName       = 8
	valueInfoName    = 1
)

// Cut returns the ONNX model with the outputs of the given names only, in the
// model's own order, and without the nodes and weights that none of them needs.
// The inputs stay. model is not changed, and what is returned shares no memory
// with it. An output that the model has not, and a node with a graph of its own
// (If, Loop), which Cut does not follow, are errors.
func Cut(model []byte, outputs ...string) ([]byte, error) {
	return rewrite(model, func(parts []field) (graph []byte, err error) {
		keep, err := wanted(parts, outputs)
		if err != nil {
			return nil, err
		}
		for _, f := range parts {
			ok, err := keep(f)
			if err != nil {
				return nil, fmt.Errorf("not a valid ONNX file: %w", err)
			}
			if ok {
				graph = append(graph, f.whole...)
			}
		}
		return graph, nil
	})
}

// rewrite returns the model with the graph that edit makes of the graph's fields.
func rewrite(model []byte, edit func(parts []field) (graph []byte, err error)) ([]byte, error) {
	body, err := only(model, modelGraph)
	if err != nil {
		return nil, fmt.Errorf("not a valid ONNX file: %w", err)
	}
	parts, err := fields(body)
	if err != nil {
		return nil, fmt.Errorf("not a valid ONNX file: %w", err)
	}
	graph, err := edit(parts)
	if err != nil {
		return nil, err
	}
	top, err := fields(model)
	if err != nil {
		return nil, fmt.Errorf("not a valid ONNX file: %w", err)
	}
	var out []byte
	for _, f := range top {
		if f.number == modelGraph {
			out = appendMessage(out, modelGraph, graph)
		} else {
			out = append(out, f.whole...)
		}
	}
	return out, nil
}

func appendMessage(b []byte, n protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), body)
}

// field is one field of a message: all of it, and its contents if it has a length.
type field struct {
	number      protowire.Number
	whole, body []byte
}

func fields(b []byte) ([]field, error) {
	var out []field
	for len(b) > 0 {
		n, kind, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(n, kind, b[tag:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		f := field{number: n, whole: b[:tag+size]}
		if kind == protowire.BytesType {
			f.body, _ = protowire.ConsumeBytes(b[tag:])
		}
		out, b = append(out, f), b[tag+size:]
	}
	return out, nil
}

// only returns the contents of the message's one field of that number.
func only(b []byte, n protowire.Number) ([]byte, error) {
	all, err := fields(b)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(f field) bool { return f.number == n })
	if i < 0 {
		return nil, errors.New("it holds no graph")
	}
	return all[i].body, nil
}

// texts returns what the message's fields of that number say.
func texts(b []byte, n protowire.Number) ([]string, error) {
	all, err := fields(b)
	var out []string
	for _, f := range all {
		if f.number == n {
			out = append(out, string(f.body))
		}
	}
	return out, err
}

// wanted returns which fields of the graph the outputs need.
func wanted(parts []field, outputs []string) (keep func(field) (bool, error), err error) {
	makes := map[string][]byte{} // a value, and the node that makes it
	has := map[string]bool{}
	for _, f := range parts {
		switch f.number {
		case graphNode:
			if err := index(makes, f.body); err != nil {
				return nil, err
			}
		case graphOutput:
			names, err := texts(f.body, valueInfoName)
			if err != nil {
				return nil, fmt.Errorf("not a valid ONNX file: %w", err)
			}
			for _, n := range names {
				has[n] = true
			}
		}
	}
	needed := map[string]bool{}
	queue := slices.Clone(outputs)
	for _, o := range outputs {
		if !has[o] {
			return nil, fmt.Errorf("the ONNX file has no output %q", o)
		}
	}
	for len(queue) > 0 {
		value := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if value == "" || needed[value] { // "" is an input that is left out, and made by nobody
			continue
		}
		needed[value] = true
		inputs, err := texts(makes[value], nodeInput)
		if err != nil {
			return nil, fmt.Errorf("not a valid ONNX file: %w", err)
		}
		queue = append(queue, inputs...)
	}
	names := map[protowire.Number]protowire.Number{graphNode: nodeOutput, graphInitializer: tensorName, graphOutput: valueInfoName}
	return func(f field) (bool, error) {
		if f.number == graphValueInfo {
			return false, nil // shapes that an exporter inferred; the runtime infers its own
		}
		number, judged := names[f.number]
		if !judged {
			return true, nil
		}
		of, err := texts(f.body, number)
		if f.number == graphOutput {
			return len(of) > 0 && slices.Contains(outputs, of[0]), err
		}
		return slices.ContainsFunc(of, func(n string) bool { return n != "" && needed[n] }), err
	}, nil
}

// index enters the values that a node makes.
func index(makes map[string][]byte, node []byte) error {
	all, err := fields(node)
	if err != nil {
		return fmt.Errorf("not a valid ONNX file: %w", err)
	}
	for _, f := range all {
		switch f.number {
		case nodeOutput:
			makes[string(f.body)] = node
		case nodeAttribute:
			inner, err := fields(f.body)
			if err != nil {
				return fmt.Errorf("not a valid ONNX file: %w", err)
			}
			if slices.ContainsFunc(inner, func(a field) bool { return a.number == attributeGraph || a.number == attributeGraphs }) {
				return errors.New("the ONNX file has a node with a graph of its own: it cannot be cut")
			}
		}
	}
	return nil
}
