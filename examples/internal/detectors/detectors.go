// Package detectors turns the setting -networks, which every program has, into the
// Detectors of a pipeline.Config.
package detectors

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/redact"
)

// Open opens the set of networks of that name, which the caller closes. The error
// names the way out.
func Open(ctx context.Context, name string, o networks.Options) (*networks.Set, error) {
	set, err := networks.Open(ctx, name, o)
	if err != nil {
		return nil, withWayOut(err)
	}
	return set, nil
}

func withWayOut(err error) error {
	return fmt.Errorf("%w\nor hide everything outside without a network: -networks none", err)
}

// OpenFor is Open for a program whose policy may change while it runs: a set that
// cannot be opened is an error only if the policy needs it now. Otherwise log says
// why, and the set is empty.
func OpenFor(ctx context.Context, policy *redact.Policy, name string, log *slog.Logger) (*networks.Set, error) {
	set, err := networks.Open(ctx, name, networks.Options{Silhouettes: name != networks.None})
	switch {
	case err == nil:
		return set, nil
	case policy.Needs() != 0:
		return nil, withWayOut(err)
	}
	log.Warn("without networks: a policy that needs them will hide everything outside", "reason", err)
	return &networks.Set{}, nil
}
