//go:build !rknn || !cgo || !linux

package rknn

import (
	"errors"
	"strings"
	"testing"
)

// TestNotBuilt: without the tag a program says how it is built.
func TestNotBuilt(t *testing.T) {
	if s, err := Open(Config{Name: "hedge-n", Model: []byte{1}}); s != nil || !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "-tags rknn") {
		t.Errorf("%v, %v", s, err)
	}
}
