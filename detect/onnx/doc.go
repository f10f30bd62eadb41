// Package onnx runs detection networks with ONNX Runtime.
//
// [Load] finds the shared library, once for the process; [Open] makes a
// [detect.Detector] of one network, [OpenGroup] one of several networks that
// share a prepared input. It is the only package of Hedge that knows ONNX
// Runtime, and needs cgo.
//
// # Input
//
// Every family takes a float32 tensor of shape 1x3xHxW, planes in the order B,
// G, R, values 0..255. The picture is scaled to fit, aspect kept, and lies in
// the top left corner; the rest is filled with 114. That is how YOLOX was
// trained (github.com/Megvii-BaseDetection/YOLOX, yolox/data/data_augment.py,
// preproc) and where OpenCV pads for YuNet, and boxes need no offset.
//
// # Memory
//
// Input and output tensors are allocated once, in C, because ONNX Runtime keeps
// pointers to them. Detect allocates nothing in Go once its buffers have grown.
package onnx
