package main

import "syscall"

// mount mounts a small disk in memory on a folder. Only root may.
func mount(dir string) error { return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512m") }

// unmount takes it away, also while files of it are open.
func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }

// withUs has a child end with this program, however that ends.
func withUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
