//go:build !rknn || !cgo || !linux

package rknn

import "github.com/hedgecam/hedge/detect/network"

// Open returns ErrNotBuilt: this program was built without the tag rknn.
func Open(Config) (network.Session, error) { return nil, ErrNotBuilt }

// Built reports whether the program was built with the tag.
const Built = false
