// Command kernelsum runs the per-frame kernels over fixed pseudo-random pictures
// and prints a checksum of what comes out. Their arithmetic is on integers, so
// that every architecture, with cgo or without, prints the same.
//
//	go run ./internal/kernelsum                     # checksums
//	go run ./internal/kernelsum -cost -frames 16    # the work to count instructions of
//	go run ./internal/kernelsum -time -frames 16    # "time NAME NANOSECONDS" of a frame
//
// With -cost a line "work SECTION FRAMES NAME" stands for each workload. The
// counting plugin (scripts/arm64/count.c) tells sections apart by the calls of
// mark, and bench/boards joins both.
//
// Detections, tracks and boxes are floats, for which a Go compiler may fuse a
// multiplication with an addition on one architecture and not on another; the
// tracker therefore only takes part in the count.
package main

import (
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"
	"time"
)

// warmUp is how many frames a workload runs before its frames are counted.
const warmUp = 4

func main() {
	cost := flag.Bool("cost", false, "run the workloads of 1080p frames whose instructions are counted")
	timed := flag.Bool("time", false, "print the processor time of a frame of the same workloads")
	frames := flag.Int("frames", 6, "frames per workload")
	flag.Parse()
	if err := run(os.Stdout, *cost || *timed, *timed, *frames); err != nil {
		fmt.Fprintln(os.Stderr, "kernelsum:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, cost, timed bool, frames int) error {
	if frames < 1 {
		return errors.New("-frames must be at least 1")
	}
	if cost {
		return runCost(w, timed, frames)
	}
	for _, k := range append(perFrame(), oddSizes()...) {
		sum, err := checksum(k, frames)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%08x %s\n", sum, k.name); err != nil {
			return err
		}
	}
	return nil
}

// checksum runs frames frames of a workload and returns the CRC-32 of all that
// came out.
func checksum(k workload, frames int) (uint32, error) {
	frame, err := k.start()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", k.name, err)
	}
	sum := crc32.NewIEEE()
	for n := range frames {
		if err := frame(n, sum); err != nil {
			return 0, fmt.Errorf("%s, frame %d: %w", k.name, n, err)
		}
	}
	return sum.Sum32(), nil
}

func runCost(w io.Writer, timed bool, frames int) error {
	for i, k := range append(perFrame(), tracking()) {
		frame, err := k.start()
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		var start time.Duration
		for n := range warmUp + frames {
			if n == warmUp {
				start = processTime()
				mark()
			}
			if err := frame(n, io.Discard); err != nil {
				return fmt.Errorf("%s, frame %d: %w", k.name, n, err)
			}
		}
		mark()
		line := fmt.Sprintf("work %d %d %s\n", 2*i+1, frames, k.name)
		if timed {
			line = fmt.Sprintf("time %s %d\n", k.name, (processTime()-start).Nanoseconds()/int64(frames))
		}
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

// processTime is the processor time of all threads of this process.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // a process may always ask that of itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mark begins the next section of the count.
//
//go:noinline
func mark() {}
