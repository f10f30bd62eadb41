// Package detectors turns the setting -networks, which every program has, into the
// Detectors of a pipeline.Config.
package detectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/redact"
)

// Open opens the set of networks of that name, which the caller closes. The error
// is an *Error.
func Open(ctx context.Context, name string, o networks.Options) (*networks.Set, error) {
	set, err := networks.Open(ctx, name, o)
	if err != nil {
		return nil, withWayOut(err)
	}
	return set, nil
}

func withWayOut(err error) error { return &Error{Err: err} }

// Error says why networks cannot be had, and names the way out.
type Error struct {
	// Err is the cause.
	Err error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%v\nor hide everything outside without a network: -networks none", e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// MayPass reports whether the networks may be had later: only what is not installed, and was
// not to be downloaded, is not there the next time either.
func (e *Error) MayPass() bool {
	var missing *models.NotFoundError
	return !errors.As(e.Err, &missing) || missing.Err != nil
}

// ProviderHelp is the help of the flag -provider.
const ProviderHelp = "what computes the networks; openvino is for Intel's processors, openvino-gpu for their graphics and openvino-npu for their NPUs, " +
	"and need the library of onnxruntime-openvino; rknn is for Rockchip's NPUs, in a program built with the tag rknn; one that is not there is an error; " +
	"openvino-gpu, openvino-npu and rknn are not run on hardware yet: see docs/boards.md"

// OpenFor is Open for a program whose policy may change while it runs: a set that
// cannot be opened is an error only if the policy needs it now. Otherwise log says
// why, and the set is empty.
func OpenFor(ctx context.Context, policy *redact.Policy, name string, o networks.Options, log *slog.Logger) (*networks.Set, error) {
	o.Silhouettes = name != networks.None
	set, err := networks.Open(ctx, name, o)
	switch {
	case err == nil:
		return set, nil
	case policy.Needs() != 0:
		return nil, withWayOut(err)
	}
	log.Warn("without networks: a policy that needs them will hide everything outside", "reason", err)
	return &networks.Set{}, nil
}
