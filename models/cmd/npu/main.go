// Npu writes hedge-n or hedge-p as the compilers of NPUs take it, and holds it against
// the network itself: models/README.md has the way from there to a board.
//
//	go run ./models/cmd/npu -model hedge-n -out hedge-n-npu.onnx PICTURE.jpg...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "npu:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("npu", flag.ContinueOnError)
	f.SetOutput(stderr)
	name := f.String("model", "hedge-n", "which network: hedge-n, hedge-p")
	out := f.String("out", "", "the .onnx file to write; one that is there is kept")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("-out is missing: name the .onnx file to write")
	}
	if err := atomicfile.Check(*out, false); err != nil {
		return fmt.Errorf("-out %s: %w", *out, err)
	}
	library, err := ort.Library()
	if err != nil {
		return err
	}
	if err := onnx.Load(library); err != nil {
		return err
	}
	m, err := models.Find(*name)
	if err != nil {
		return err
	}
	weights, err := m.Load(ctx, models.Options{})
	if err != nil {
		return err
	}
	heads, err := export(m, weights, image.Pt(m.Input.Width, m.Input.Height))
	if err != nil {
		return err
	}
	p, err := openPair(m, weights, heads)
	if err != nil {
		return err
	}
	defer p.Close()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(stdout, format+"\n", args...) } // nowhere else to say it
	for _, path := range f.Args() {
		d, err := p.compare(ctx, path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		say("%s: %d boxes by both; at most %.2g px and %.2g of score apart; with maps in bytes %+d boxes, least overlap %.2f",
			path, d.boxes, d.pixels, d.score, d.more, d.least)
	}
	if err := atomicfile.Write(*out, false, func(f *os.File) error {
		_, err := f.Write(heads)
		return err
	}); err != nil {
		return err
	}
	count, err := operators(heads)
	if err != nil {
		return err
	}
	say("%s: %d bytes", *out, len(heads))
	for _, op := range slices.Sorted(maps.Keys(count)) {
		say("  %-10s %d", op, count[op])
	}
	return nil
}

// open reads a JPEG of colours.
func open(path string) (*image.YCbCr, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	img, err := jpeg.Decode(file)
	if err != nil {
		return nil, err
	}
	pic, ok := img.(*image.YCbCr)
	if !ok {
		return nil, errors.New("it has no colours: name another picture")
	}
	return pic, nil
}
