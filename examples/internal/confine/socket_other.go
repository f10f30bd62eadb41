//go:build !linux

package confine

func refuseSockets(bool) error { return nil }
