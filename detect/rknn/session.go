//go:build rknn && cgo && linux

package rknn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"unsafe"

	"github.com/hedgecam/hedge/detect/network"
)

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include "api.h"

typedef struct {
	int (*init)(hedge_context *, void *, uint32_t, uint32_t, void *);
	int (*destroy)(hedge_context);
	int (*query)(hedge_context, int, void *, uint32_t);
	int (*inputs_set)(hedge_context, uint32_t, hedge_input *);
	int (*run)(hedge_context, void *);
	int (*outputs_get)(hedge_context, uint32_t, hedge_output *, void *);
	int (*outputs_release)(hedge_context, uint32_t, hedge_output *);
} hedge_api;

static hedge_api api;

// load fills api, and returns what the library lacks, or 0.
static const char *hedge_load(void *lib) {
	static const char *const names[] = {"rknn_init", "rknn_destroy", "rknn_query", "rknn_inputs_set", "rknn_run", "rknn_outputs_get", "rknn_outputs_release"};
	void **to = (void **)&api;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		to[i] = dlsym(lib, names[i]);
		if (!to[i])
			return names[i];
	}
	return 0;
}

static int hedge_init(hedge_context *c, void *model, uint32_t size) { return api.init(c, model, size, 0, 0); }
static int hedge_destroy(hedge_context c) { return api.destroy(c); }
static int hedge_query(hedge_context c, int what, void *info, uint32_t size) { return api.query(c, what, info, size); }

typedef struct {
	int code, step; // what the last call returned, and which it was, counted from 0
} hedge_result;

static hedge_result hedge_run(hedge_context c, hedge_input *in, uint32_t n, hedge_output *out) {
	hedge_result r = {api.inputs_set(c, 1, in), 0};
	if (r.code >= 0)
		r = (hedge_result){api.run(c, 0), 1};
	if (r.code >= 0)
		r = (hedge_result){api.outputs_get(c, n, out, 0), 2};
	if (r.code >= 0)
		r = (hedge_result){api.outputs_release(c, n, out), 3};
	return r;
}
*/
import "C"

// Built reports whether the program was built with the tag.
const Built = true

var library struct {
	sync.Mutex
	path string
}

// load loads librknnrt.so, once for the process.
func load(path string) error {
	library.Lock()
	defer library.Unlock()
	if library.path == path {
		return nil
	}
	if library.path != "" {
		return fmt.Errorf("it is already loaded from %q", library.path)
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	lib := C.dlopen(name, C.RTLD_NOW)
	if lib == nil {
		return fmt.Errorf("%s; it comes with the board's system or with Rockchip's RKNN SDK", C.GoString(C.dlerror()))
	}
	if missing := C.hedge_load(lib); missing != nil {
		C.dlclose(lib)
		return fmt.Errorf("it is not Rockchip's library: it has no %s", C.GoString(missing))
	}
	library.path = path // it stays loaded: it has threads
	return nil
}

// session is a network on the NPU. All that C keeps is C's memory.
type session struct {
	name    string
	context C.hedge_context
	open    bool
	input   network.Tensor
	in      *C.hedge_input
	pixels  []byte // what in points to
	outputs []network.Tensor
	outs    []C.hedge_output // C's memory
	tables  [][]float32      // of each output the values of its bytes; nil where it is float32
}

// Open opens a network. Its input is of shape 1xHxWx3, values 0 to 255. The error is an
// [*Error].
func Open(c Config) (network.Session, error) {
	if c.Library == "" {
		c.Library = Library
	}
	if err := load(c.Library); err != nil {
		return nil, &Error{c.Name, "load " + c.Library, 0, err.Error()}
	}
	if len(c.Model) == 0 || len(c.Model) > math.MaxInt32 {
		return nil, &Error{c.Name, "open", 0, fmt.Sprintf("a model of %d bytes", len(c.Model))}
	}
	s := &session{name: c.Name}
	model := C.CBytes(c.Model)
	code := C.hedge_init(&s.context, model, C.uint32_t(len(c.Model)))
	C.free(model)
	if code < 0 {
		return nil, &Error{c.Name, "open", int(code), reason(int(code))}
	}
	s.open = true
	if err := s.describe(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// describe asks for the tensors and makes their memory.
func (s *session) describe() error {
	var n C.hedge_counts
	if err := s.query(C.hedge_query_counts, unsafe.Pointer(&n), unsafe.Sizeof(n)); err != nil {
		return err
	}
	if n.inputs != 1 || n.outputs < 1 || n.outputs > 64 {
		return &Error{s.name, "open", 0, fmt.Sprintf("it has %d inputs and %d outputs, and not one picture", n.inputs, n.outputs)}
	}
	a := C.hedge_attr{}
	if err := s.query(C.hedge_query_input, unsafe.Pointer(&a), unsafe.Sizeof(a)); err != nil {
		return err
	}
	shape, size, ok := shapeOf(&a)
	if !ok || len(shape) != 4 || shape[0] != 1 {
		return s.odd("input", &a)
	}
	if a.format == C.hedge_nchw {
		shape = []int64{1, shape[2], shape[3], shape[1]}
	}
	if shape[3] != 3 {
		return s.odd("input", &a)
	}
	s.input = network.Tensor{Name: C.GoString(&a.name[0]), Shape: shape, Data: make([]float32, size)}
	s.in = (*C.hedge_input)(C.calloc(1, C.sizeof_hedge_input))
	s.in.buf = C.calloc(1, C.size_t(size))
	s.in.size, s.in._type, s.in.format = C.uint32_t(size), C.hedge_uint8, C.hedge_nhwc
	s.pixels = unsafe.Slice((*byte)(s.in.buf), size)
	s.outs = unsafe.Slice((*C.hedge_output)(C.calloc(C.size_t(n.outputs), C.sizeof_hedge_output)), n.outputs)
	for i := range s.outs {
		if err := s.describeOutput(i); err != nil {
			return err
		}
	}
	return nil
}

// describeOutput prepares the output of that number. One of bytes stays in bytes until
// Run spreads them, others the library turns into float32.
func (s *session) describeOutput(i int) error {
	a := C.hedge_attr{index: C.uint32_t(i)}
	if err := s.query(C.hedge_query_output, unsafe.Pointer(&a), unsafe.Sizeof(a)); err != nil {
		return err
	}
	shape, size, ok := shapeOf(&a)
	if !ok || a.format != C.hedge_nchw && a.format != C.hedge_undefined {
		return s.odd("output", &a)
	}
	t, o := network.Tensor{Name: C.GoString(&a.name[0]), Shape: shape}, &s.outs[i]
	o.index, o.preallocated = C.uint32_t(i), 1
	var table []float32
	if a._type == C.hedge_int8 && a.quantisation == C.hedge_affine {
		if !(a.scale > 0) || math.IsInf(float64(a.scale), 0) {
			return s.odd("output", &a)
		}
		table = make([]float32, 256)
		for b := range table {
			table[b] = (float32(int8(b)) - float32(a.zero_point)) * float32(a.scale)
		}
		o.buf, o.size = C.calloc(1, C.size_t(size)), C.uint32_t(size)
		t.Data = make([]float32, size)
	} else {
		o.buf, o.size, o.want_float = C.calloc(4, C.size_t(size)), C.uint32_t(4*size), 1
		t.Data = unsafe.Slice((*float32)(o.buf), size)
	}
	s.outputs, s.tables = append(s.outputs, t), append(s.tables, table)
	return nil
}

func (s *session) query(what C.int, info unsafe.Pointer, size uintptr) error {
	if code := C.hedge_query(s.context, what, info, C.uint32_t(size)); code < 0 {
		return &Error{s.name, "ask for its tensors", int(code), reason(int(code))}
	}
	return nil
}

func (s *session) odd(which string, a *C.hedge_attr) error {
	return &Error{s.name, "open", 0, fmt.Sprintf("%s %q of dimensions %v, %d values, format %d, type %d, scale %v cannot be used: see models/README.md",
		which, C.GoString(&a.name[0]), a.dims[:min(a.n_dims, 16)], a.n_elems, a.format, a._type, a.scale)}
}

// shapeOf returns a tensor's dimensions and number of values, if they agree.
func shapeOf(a *C.hedge_attr) (shape []int64, size int, ok bool) {
	const most = 1 << 26
	if a.n_dims < 1 || a.n_dims > 16 {
		return nil, 0, false
	}
	size = 1
	for _, d := range a.dims[:a.n_dims] {
		if d < 1 || int(d) > most/size {
			return nil, 0, false
		}
		shape, size = append(shape, int64(d)), size*int(d)
	}
	return shape, size, size == int(a.n_elems)
}

// Input implements [network.Session].
func (s *session) Input() network.Tensor { return s.input }

// Outputs implements [network.Session].
func (s *session) Outputs() []network.Tensor { return s.outputs }

// steps are those of hedge_run.
var steps = [...]string{"set the input", "run", "get the outputs", "release the outputs"}

// Run implements [network.Session]. A context that ends while the NPU is at work, which
// is for milliseconds, does not end that.
func (s *session) Run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, v := range s.input.Data {
		s.pixels[i] = byte(min(max(v, 0), 255) + 0.5)
	}
	if r := C.hedge_run(s.context, s.in, C.uint32_t(len(s.outs)), &s.outs[0]); r.code < 0 {
		return &Error{s.name, steps[r.step], int(r.code), reason(int(r.code))}
	}
	for i, table := range s.tables {
		if table == nil {
			continue
		}
		to := s.outputs[i].Data
		for k, b := range unsafe.Slice((*byte)(s.outs[i].buf), len(to)) {
			to[k] = table[b]
		}
	}
	return nil
}

// Close implements [network.Session]. Further calls do nothing.
func (s *session) Close() error {
	if !s.open {
		return nil
	}
	s.open = false
	code := C.hedge_destroy(s.context)
	for i := range s.outs {
		C.free(s.outs[i].buf)
	}
	C.free(unsafe.Pointer(unsafe.SliceData(s.outs)))
	if s.in != nil {
		C.free(s.in.buf)
		C.free(unsafe.Pointer(s.in))
	}
	s.in, s.pixels, s.outs, s.outputs, s.tables = nil, nil, nil, nil, nil
	if code < 0 {
		return &Error{s.name, "close", int(code), reason(int(code))}
	}
	return nil
}

// codes are the meanings of the API's return values, by their negative.
var codes = [...]string{
	1: "it failed", 2: "it took too long", 3: "the NPU cannot be used: is the driver rknpu loaded, and /dev/dri allowed", 4: "no memory",
	5: "a parameter is invalid", 6: "this is no .rknn file, or one of another version than librknnrt.so", 7: "the context is invalid",
	8: "the input is invalid", 9: "the output is invalid", 10: "librknnrt.so does not suit the driver: update both",
	11: "the model does not suit the driver", 12: "the model does not suit the driver's version",
	13: "the model was converted for another chip: name this board's as target_platform",
}

func reason(code int) string {
	if -code > 0 && -code < len(codes) {
		return fmt.Sprintf("%s (%d)", codes[-code], code)
	}
	return fmt.Sprintf("librknnrt.so returned %d", code)
}
