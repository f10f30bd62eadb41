//go:build !linux

package record

import (
	"errors"
	"testing"
)

func smallDisk(*testing.T, string) error { return errors.ErrUnsupported }
