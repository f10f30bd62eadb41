//go:build !linux

package pipeline

// yield lowers the priority of the calling thread where that is possible: not
// on this system.
func yield() {}
