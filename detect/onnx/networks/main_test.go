package networks

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

// TestMain fails the run if a goroutine or a native object outlives the tests.
func TestMain(m *testing.M) {
	if path, err := ort.Library(); err == nil {
		if err := onnx.Load(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if n := ort.Live.Load(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d native objects left\n", n)
		code = 1
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// all are the networks of the manifest.
var all = []string{"yunet_s", "yolox_nano", "lpd_yunet", HedgeN, HedgeP, "centerface"}

// fullRange are the options for the pictures of the tests, which are JPEG.
var fullRange = Options{FullRange: true}

// open opens a network of the manifest, at 640x384 unless o says otherwise, or
// skips.
func open(t testing.TB, name string, o Options) *network.Network {
	t.Helper()
	m, err := models.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := m.Load(t.Context(), models.Options{Offline: true})
	if err != nil || onnx.Version() == "" {
		t.Skipf("needs the networks' files (HEDGE_MODELS) and ONNX Runtime (HEDGE_ORT_LIB): %v", err)
	}
	if o.InputSize == (image.Point{}) {
		o.InputSize = image.Pt(640, 384)
	}
	n, err := OpenModel(m, weights, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// labelled is one picture of a development set and the boxes drawn on it.
type labelled struct {
	Image string
	Boxes []struct {
		Class      string
		X, Y, W, H float32
		Ignore     bool
	}
	pic *image.YCbCr
}

// set reads the first pictures of a development set, at most limit, or skips.
// Given a name it reads that picture only.
func set(t testing.TB, name string, limit int, only ...string) []labelled {
	t.Helper()
	dir := os.Getenv("HEDGE_DATA")
	if dir == "" {
		t.Skip("needs the development pictures (HEDGE_DATA)")
	}
	dir = filepath.Join(dir, "dev", name)
	f, err := os.Open(filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	var all []labelled
	for s := bufio.NewScanner(f); s.Scan() && len(all) < limit; {
		var l labelled
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if len(only) > 0 && l.Image != only[0] {
			continue
		}
		l.pic = decode(t, filepath.Join(dir, l.Image))
		all = append(all, l)
	}
	return all
}

// decode reads a JPEG; a grey one becomes 4:2:0 with neutral chroma.
func decode(t testing.TB, path string) *image.YCbCr {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	switch p := img.(type) {
	case *image.YCbCr:
		return p
	case *image.Gray:
		out := image.NewYCbCr(p.Rect, image.YCbCrSubsampleRatio420)
		for y := range p.Rect.Dy() {
			copy(out.Y[y*out.YStride:], p.Pix[y*p.Stride:][:p.Rect.Dx()])
		}
		for i := range out.Cb {
			out.Cb[i], out.Cr[i] = 128, 128
		}
		return out
	}
	t.Fatalf("%s: decoded as %T", path, img)
	return nil
}

// drawing writes the picture with labels in green and detections in red to the
// folder named by HEDGE_DRAW, for a look.
func drawing(t testing.TB, name string, l labelled, dets []detect.Detection) {
	dir := os.Getenv("HEDGE_DRAW")
	if dir == "" {
		return
	}
	out := image.NewRGBA(l.pic.Rect)
	draw.Draw(out, out.Rect, l.pic, l.pic.Rect.Min, draw.Src)
	frame := func(b detect.Box, c color.Color) {
		r := image.Rect(int(b.X0), int(b.Y0), int(b.X1), int(b.Y1))
		for _, e := range []image.Rectangle{
			{r.Min, image.Pt(r.Max.X, r.Min.Y+2)}, {image.Pt(r.Min.X, r.Max.Y-2), r.Max},
			{r.Min, image.Pt(r.Min.X+2, r.Max.Y)}, {image.Pt(r.Max.X-2, r.Min.Y), r.Max},
		} {
			draw.Draw(out, e, image.NewUniform(c), image.Point{}, draw.Src)
		}
	}
	for _, b := range l.Boxes {
		frame(detect.Box{X0: b.X, Y0: b.Y, X1: b.X + b.W, Y1: b.Y + b.H}, color.RGBA{0, 255, 0, 255})
	}
	for _, d := range dets {
		frame(d.Box, color.RGBA{255, 0, 0, 255})
	}
	f, err := os.Create(filepath.Join(dir, name+".jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := jpeg.Encode(f, out, nil); err != nil {
		t.Fatal(err)
	}
}
