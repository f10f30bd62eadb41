package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/hedgecam/hedge/internal/onnxgraph"
)

/*
#include <signal.h>
#include <stdlib.h>

// save returns the calling thread's stack for signals, which restore gives back to it.
static stack_t *hedge_save(void) {
	stack_t *was = calloc(1, sizeof(*was));
	if (was && sigaltstack(0, was)) {
		free(was);
		was = 0;
	}
	return was;
}

static void hedge_restore(stack_t *was) {
	if (was)
		sigaltstack(was, 0);
	free(was);
}
*/
import "C"

// A Provider is what computes a network within ONNX Runtime: its execution provider,
// and the device of that.
type Provider string

// The providers. Those of OpenVINO are for Intel's devices, and need an ONNX Runtime
// that was built with it.
const (
	CPU         Provider = "cpu"
	OpenVINO    Provider = "openvino" // on the processor
	OpenVINOGPU Provider = "openvino-gpu"
	OpenVINONPU Provider = "openvino-npu"
)

// Providers are all of them.
var Providers = []Provider{CPU, OpenVINO, OpenVINOGPU, OpenVINONPU}

// ProviderError says that the provider asked for cannot compute a network. No other
// takes its place.
type ProviderError struct {
	// Network names the network.
	Network string
	// Provider is the one asked for.
	Provider Provider
	// Path is the ONNX Runtime library that was loaded.
	Path string
	// Reason is what is wrong, with the library's own words where it spoke.
	Reason string
}

func (e *ProviderError) Error() string {
	return fmt.Sprintf("onnx: network %q cannot be run by %s: %s; it needs the device, and as ONNX Runtime library, which is %q, "+
		"that of the Python package onnxruntime-openvino: set HEDGE_ORT_LIB to it, as docs/boards.md says, or take the provider %s",
		e.Network, e.Provider, e.Reason, e.Path, CPU)
}

// device returns what OpenVINO calls the device, "" for CPU.
func (p Provider) device() string {
	switch p {
	case OpenVINO:
		return "CPU"
	case OpenVINOGPU:
		return "GPU"
	case OpenVINONPU:
		return "NPU"
	}
	return ""
}

// notWhole is what ONNX Runtime says when a provider would leave a part of the graph,
// or all of it, to its own kernels.
const notWhole = "assigned to the default CPU EP"

// append adds the provider to a session's options. ONNX Runtime would compute by itself
// what a provider does not take, and OpenVINO on the processor what a device does not:
// both are forbidden, so that what was asked for is what runs.
func (p Provider) append(o *ort.SessionOptions, threads int) error {
	if p.device() == "" {
		return nil
	}
	return errors.Join(
		o.AddSessionConfigEntry("session.disable_cpu_ep_fallback", "1"),
		o.AppendExecutionProviderOpenVINO(map[string]string{"device_type": p.device(), "num_of_threads": strconv.Itoa(threads)}),
	)
}

// opening calls open, which opens a session, on a thread whose stack for signals is the
// same afterwards. OpenVINO's processor plugin gives the thread that loads it another, and
// unmaps that when the last session is closed, on whatever thread; Go interrupts its
// threads by signals, and the next one for that thread would end the process.
func (p Provider) opening(open func() error) error {
	if p.device() == "" {
		return open()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	was := C.hedge_save()
	defer C.hedge_restore(was)
	return open()
}

// prepare returns the model as the provider takes it: compilers want the size of the
// input, and an NPU's refuses a graph that leaves it open.
func (p Provider) prepare(model []byte, input string, shape []int64) ([]byte, error) {
	if p.device() == "" {
		return model, nil
	}
	return onnxgraph.FixInput(model, input, shape)
}

// failed makes an error of what opening a session with the provider gave.
func (p Provider) failed(network string, err error) error {
	if p.device() == "" {
		return &ModelError{network, err.Error()}
	}
	reason := err.Error()
	if strings.Contains(reason, notWhole) {
		reason = "it does not take every operator of the network, or its device is not there; a part by it and the rest by ONNX Runtime is not done in secret (" + reason + ")"
	}
	library.Lock()
	defer library.Unlock()
	return &ProviderError{network, p, library.path, reason}
}
