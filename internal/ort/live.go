package ort

import "sync/atomic"

// Live is the number of native objects (sessions, tensors, run options) of detect/onnx
// that are not yet freed, in the whole process. Tests hold it at 0 once every session
// is closed.
var Live atomic.Int64
