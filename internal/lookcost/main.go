// Command lookcost runs networks through ONNX Runtime as Hedge does, one thread each, to
// time an inference or to count its instructions.
//
//	go run ./internal/lookcost hedge-n hedge-p@384x256 person.onnx@192x192
//
// A network is a name of the manifest, whose tensor is filled and whose output is decoded
// too, or a file, which is only run. It prints "time NAME NANOSECONDS": the processor time
// of one inference, the median of -runs.
//
// With -cost a line "work SECTION INFERENCES NAME" stands for each network: the counting
// plugin (scripts/arm64/count.c) tells sections apart by the calls of mark, so that
// opening a network is in no count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

func main() {
	cost := flag.Bool("cost", false, "print the sections of the count instead of times")
	runs := flag.Int("runs", 5, "inferences of each network")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, flag.Args(), *runs, *cost); err != nil {
		fmt.Fprintln(os.Stderr, "lookcost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, names []string, runs int, cost bool) error {
	if len(names) == 0 || runs < 1 {
		return errors.New("needs networks, and at least one run of each")
	}
	library, err := ort.Library()
	if err != nil {
		return err
	}
	if err := onnx.Load(library); err != nil {
		return err
	}
	for i, name := range names {
		infer, err := open(ctx, name)
		if err != nil {
			return err
		}
		if err := infer(); err != nil { // what the first one allocates
			return err
		}
		var took []time.Duration
		mark()
		for range runs {
			start := processTime()
			if err := infer(); err != nil {
				return err
			}
			took = append(took, processTime()-start)
		}
		mark()
		slices.Sort(took)
		line := fmt.Sprintf("time %s %d\n", name, took[runs/2].Nanoseconds())
		if cost {
			line = fmt.Sprintf("work %d %d %s\n", 2*i+1, runs, name)
		}
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

// open opens a network that is named NAME or NAME@WIDTHxHEIGHT, for the rest of the
// process, and returns its inference.
func open(ctx context.Context, text string) (func() error, error) {
	name, in, _ := strings.Cut(text, "@")
	var size image.Point
	if in != "" {
		if _, err := fmt.Sscanf(in, "%dx%d", &size.X, &size.Y); err != nil {
			return nil, fmt.Errorf("network %q: no size WIDTHxHEIGHT behind the @", text)
		}
	}
	if strings.HasSuffix(name, ".onnx") {
		s, err := onnx.Open(onnx.Config{Path: name, InputSize: size})
		if err != nil {
			return nil, err
		}
		return func() error { return s.Run(ctx) }, nil
	}
	m, err := models.Find(name)
	if err != nil {
		return nil, err
	}
	weights, err := m.Load(ctx, models.Options{Offline: true})
	if err != nil {
		return nil, err
	}
	n, err := networks.OpenModel(m, weights, networks.Options{InputSize: size})
	if err != nil {
		return nil, err
	}
	pic := picture(image.Pt(640, 360))
	return func() error {
		_, err := n.Detect(ctx, pic, nil)
		return err
	}, nil
}

// picture returns a picture with structure everywhere, the same in every run.
func picture(size image.Point) *image.YCbCr {
	p := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
		for i := range plane {
			plane[i] = byte(i*i>>7 ^ i>>3)
		}
	}
	return p
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
