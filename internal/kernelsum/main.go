// Command kernelsum runs the per-frame kernels over fixed pseudo-random pictures
// and prints a checksum of what comes out. Their arithmetic is on integers, so
// that every architecture, with cgo or without, prints the same.
//
//	go run ./internal/kernelsum                     # checksums
//	go run ./internal/kernelsum -cost -frames 16    # the work to count instructions of
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
)

// warmUp is how many frames a workload runs before its frames are counted.
const warmUp = 4

func main() {
	cost := flag.Bool("cost", false, "run the workloads of 1080p frames whose instructions are counted")
	frames := flag.Int("frames", 6, "frames per workload")
	flag.Parse()
	if err := run(os.Stdout, *cost, *frames); err != nil {
		fmt.Fprintln(os.Stderr, "kernelsum:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, cost bool, frames int) error {
	if frames < 1 {
		return errors.New("-frames must be at least 1")
	}
	if cost {
		return runCost(w, frames)
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

func runCost(w io.Writer, frames int) error {
	for i, k := range append(perFrame(), tracking()) {
		frame, err := k.start()
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		for n := range warmUp + frames {
			if n == warmUp {
				mark()
			}
			if err := frame(n, io.Discard); err != nil {
				return fmt.Errorf("%s, frame %d: %w", k.name, n, err)
			}
		}
		mark()
		if _, err := fmt.Fprintf(w, "work %d %d %s\n", 2*i+1, frames, k.name); err != nil {
			return err
		}
	}
	return nil
}

// mark begins the next section of the count.
//
//go:noinline
func mark() {}
