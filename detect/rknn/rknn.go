// Package rknn runs networks on the NPU of Rockchip's boards, such as those with RK3588.
//
// It is built with the tag rknn (go build -tags rknn), needs cgo and Linux, and loads
// Rockchip's librknnrt.so when the first network is opened; nothing of Rockchip's is
// linked or a part of Hedge. It has not been run on hardware: its test runs it against a
// library of its own that gives recorded tensors. What a network must look like, and how
// it is converted, says models/README.md.
package rknn

import (
	"errors"
	"fmt"
)

// Library is the file that Config.Library defaults to; the loader looks for it.
const Library = "librknnrt.so"

// Config names a converted network.
type Config struct {
	// Name stands in errors.
	Name string
	// Model is the content of a .rknn file, whose input is one picture of bytes, 0..255. It
	// is not kept after Open.
	Model []byte
	// Library is the path of librknnrt.so. It defaults to Library. A process loads one.
	Library string
}

// ErrNotBuilt is returned by Open in a program that was built without the tag.
var ErrNotBuilt = errors.New("rknn: this program was built without Rockchip's NPU: build it on or for the board with `go build -tags rknn`, or take the provider cpu")

// Error says that a network cannot be opened or run.
type Error struct {
	// Network names the network.
	Network string
	// Doing is the step that failed.
	Doing string
	// Code is what librknnrt.so returned, 0 if the reason is another.
	Code int
	// Reason is what is wrong.
	Reason string
}

func (e *Error) Error() string {
	return fmt.Sprintf("rknn: network %q: %s: %s", e.Network, e.Doing, e.Reason)
}
