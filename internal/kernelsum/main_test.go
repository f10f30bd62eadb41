package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// Every workload gives something, the same in every run, and another thing when
// it goes on: a checksum of nothing would compare well.
func TestChecksums(t *testing.T) {
	for _, k := range append(perFrame(), oddSizes()...) {
		t.Run(k.name, func(t *testing.T) {
			var sums [3]uint32
			for i, frames := range []int{2, 2, 3} {
				var err error
				if sums[i], err = checksum(k, frames); err != nil {
					t.Fatal(err)
				}
			}
			if sums[0] != sums[1] {
				t.Errorf("%08x and %08x from the same input", sums[0], sums[1])
			}
			if sums[1] == sums[2] || sums[0] == crc32.ChecksumIEEE(nil) {
				t.Errorf("a frame more gives nothing: %08x, %08x", sums[1], sums[2])
			}
		})
	}
}

// The moving squares of the motion workload are found, once they have moved by
// more than a cell, and not the whole picture.
func TestWatchFindsSquares(t *testing.T) {
	frame, err := watch(fullHD)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for n := range 12 {
		out.Reset()
		if err := frame(n, &out); err != nil {
			t.Fatal(err)
		}
	}
	boxes := make([]detect.Box, out.Len()/16)
	if err := binary.Read(&out, binary.LittleEndian, boxes); err != nil {
		t.Fatal(err)
	}
	area := float32(0)
	for _, b := range boxes {
		area += b.Area()
	}
	if share := area / float32(fullHD.X*fullHD.Y); len(boxes) < 6 || share > 0.2 {
		t.Errorf("%d boxes for 6 squares, %.2f of the picture: %v", len(boxes), share, boxes)
	}
}

func TestCostNamesSections(t *testing.T) {
	var out strings.Builder
	if err := run(&out, true, false, 1); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for i, k := range append(perFrame(), tracking()) {
		fmt.Fprintf(&want, "work %d 1 %s\n", 2*i+1, k.name)
	}
	if out.String() != want.String() {
		t.Errorf("got %q, want %q", out.String(), want.String())
	}
	if err := run(io.Discard, false, false, 0); err == nil {
		t.Error("no frames are taken")
	}
}
