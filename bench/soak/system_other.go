//go:build !linux

package main

import (
	"io/fs"
	"syscall"
)

func mount(string) error { return fs.ErrPermission }

func unmount(string) error { return nil }

func withUs() *syscall.SysProcAttr { return nil }
