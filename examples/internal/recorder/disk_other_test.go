//go:build !linux

package recorder

import (
	"errors"
	"testing"
)

func smallDisk(*testing.T, string) error { return errors.ErrUnsupported }
