//go:build !linux

package nodump

// Process does nothing: this system has its own way.
func Process() error { return nil }

// Child does nothing: this system has its own way.
func Child(int) error { return nil }

// Memory does nothing: this system has its own way.
func Memory([]byte) {}
