package onnx

import (
	"fmt"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/hedgecam/hedge/detect/network"
	native "github.com/hedgecam/hedge/internal/ort"
)

/*
#include <stdlib.h>
*/
import "C"

// tensor is a float32 tensor whose memory is C's. Go memory must not be used here,
// because the runtime keeps the pointer.
type tensor struct {
	name  string
	shape ort.Shape
	data  []float32
	value *ort.Tensor[float32]
}

func (t *tensor) tensor() network.Tensor {
	return network.Tensor{Name: t.name, Shape: t.shape, Data: t.data}
}

func newTensor(name string, shape ort.Shape) (*tensor, error) {
	n := shape.FlattenedSize()
	// A cache line is enough for any vector instruction the runtime picks.
	const align = 64
	p := C.aligned_alloc(align, C.size_t((n*4+align-1)/align*align))
	if p == nil {
		return nil, fmt.Errorf("onnx: no memory for a tensor of shape %v", shape)
	}
	data := unsafe.Slice((*float32)(p), n)
	clear(data)
	v, err := ort.NewTensor(shape, data)
	if err != nil {
		C.free(p)
		return nil, fmt.Errorf("onnx: tensor of shape %v: %w", shape, err)
	}
	native.Live.Add(1)
	return &tensor{name, shape, data, v}, nil
}

func (t *tensor) close() error {
	p := unsafe.Pointer(unsafe.SliceData(t.data))
	t.data = nil
	err := t.value.Destroy()
	C.free(p)
	native.Live.Add(-1)
	return err
}
