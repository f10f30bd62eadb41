// Package onnx runs networks with ONNX Runtime.
//
// [Load] loads the shared library at a path, once for the process; [Open] makes a
// [network.Session] of one network's file. What the outputs mean is the business
// of detect/network. It is the only package of Hedge that knows ONNX Runtime, and
// needs cgo.
//
// Input and output tensors are allocated once, in C, because ONNX Runtime keeps
// pointers to them.
package onnx
