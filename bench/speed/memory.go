package main

import "runtime"

// memory is the state of the Go heap at a moment.
type memory struct {
	live     uint64 // bytes, after a collection
	mallocs  uint64
	bytes    uint64 // allocated in total
	cycles   uint32
	routines int
}

// heap looks at the heap as it is; its live bytes are those of the last look at a
// collected one.
func heap() memory {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{live: m.HeapAlloc, mallocs: m.Mallocs, bytes: m.TotalAlloc, cycles: m.NumGC, routines: runtime.NumGoroutine()}
}

// collected looks at the heap after a collection, so that live bytes are what is
// in use.
func collected() memory {
	runtime.GC()
	return heap()
}

// allocations returns the mean number of Go allocations of a run of f, which has
// run before.
func allocations(f func() error) float64 {
	const runs = 20
	before := heap()
	for range runs {
		if f() != nil {
			break
		}
	}
	return float64(heap().mallocs-before.mallocs) / runs
}

// garbage returns the mean number of bytes that a run of f allocates on the Go
// heap.
func garbage(f func() error) float64 {
	const runs = 5
	before := heap()
	for range runs {
		if f() != nil {
			break
		}
	}
	return float64(heap().bytes-before.bytes) / runs
}
