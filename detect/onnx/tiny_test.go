package onnx

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
)

// TestTinyFile holds the example's file to be the network that is made here.
func TestTinyFile(t *testing.T) {
	if file, err := os.ReadFile("testdata/tiny.onnx"); err != nil || !bytes.Equal(file, tinyModel()) {
		t.Errorf("testdata/tiny.onnx is another network: %v", err)
	}
}

// TestTinyNetwork runs a network of a few hundred bytes, made here, through all
// of the package: preparation, the runtime, decoding, suppression and the way
// back to the picture's pixels. It needs no weights, and is small enough for an
// emulated processor.
func TestTinyNetwork(t *testing.T) {
	if Version() == "" {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB)")
	}
	open := func(outputs ...string) (network.Session, error) {
		return Open(Config{Name: "tiny", Model: tinyModel(), Outputs: outputs, InputSize: image.Pt(96, 64)})
	}
	n, err := network.New(open, network.Config{
		Name: "tiny", Family: network.YuNet, MaxIoU: detect.DefaultMaxIoU, MinScore: [detect.NumClasses]float32{detect.Face: 0.53},
		Input: network.Input{Layout: "NCHW", Channels: "BGR", High: 255, Pad: 114, Multiple: 32},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	// The picture is twice the input's size, so a cell of 8 is one of 16.
	pic := image.NewYCbCr(image.Rect(0, 0, 192, 128), image.YCbCrSubsampleRatio420)
	for i := range pic.Cb {
		pic.Cb[i], pic.Cr[i] = 128, 128
	}
	paint := func(r image.Rectangle, v byte) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				pic.Y[y*pic.YStride+x] = v
			}
		}
	}
	for name, c := range map[string]struct {
		bright []image.Rectangle
		want   []detect.Box
	}{
		"dark":       {nil, nil},
		"one cell":   {[]image.Rectangle{image.Rect(48, 32, 64, 48)}, []detect.Box{{X0: 48, Y0: 32, X1: 64, Y1: 48}}},
		"two cells":  {[]image.Rectangle{image.Rect(0, 0, 16, 16), image.Rect(176, 112, 192, 128)}, []detect.Box{{X1: 16, Y1: 16}, {X0: 176, Y0: 112, X1: 192, Y1: 128}}},
		"large cell": {[]image.Rectangle{image.Rect(64, 64, 128, 128)}, []detect.Box{{X0: 64, Y0: 64, X1: 128, Y1: 128}}},
	} {
		t.Run(name, func(t *testing.T) {
			paint(pic.Rect, 16)
			for _, r := range c.bright {
				paint(r, 235)
			}
			dets, err := n.Detect(t.Context(), pic, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				best := float32(0)
				for _, d := range dets {
					if d.Class == detect.Face && d.Score > 0.9 {
						best = max(best, d.Box.IoU(want))
					}
				}
				// Exact but for the last bits of an exponential.
				if best < 0.9999 {
					t.Errorf("no face at %v: %v", want, dets)
				}
			}
			for _, d := range dets {
				inside := false
				for _, want := range c.want {
					inside = inside || d.Box.IoU(d.Box.Intersect(want)) > 0.9999
				}
				if !inside {
					t.Errorf("a face where it is dark: %v", d)
				}
			}
		})
	}
}

// tinyModel returns a network with YuNet's inputs and outputs for which every
// cell of each stride is a face as large as the cell if it is bright. A cell's
// score is sigmoid(bright/8 - 24) of its mean brightness, 0..255.
func tinyModel() []byte {
	var g graph
	g.tensor("mean", []float32{1. / 3, 1. / 3, 1. / 3}, 1, 3, 1, 1)
	g.tensor("gain", []float32{1. / 8}, 1, 1, 1, 1)
	g.tensor("bias", []float32{-24}, 1)
	g.tensor("none", []float32{0, 0, 0, 0}, 4, 1, 1, 1)
	g.tensor("centre", []float32{0.5, 0.5, 0, 0}, 4)
	g.ints("one", 1, -1, 1)
	g.ints("four", 1, -1, 4)
	g.node("Conv", []string{"input", "mean"}, "grey")
	var outs []string
	for _, s := range []struct {
		name string
		size int64
	}{{"8", 8}, {"16", 16}, {"32", 32}} {
		g.node("AveragePool", []string{"grey"}, "pool"+s.name,
			attribute{"kernel_shape", []int64{s.size, s.size}}, attribute{"strides", []int64{s.size, s.size}})
		g.node("Conv", []string{"pool" + s.name, "gain", "bias"}, "logit"+s.name)
		g.node("Sigmoid", []string{"logit" + s.name}, "score"+s.name)
		g.node("Reshape", []string{"score" + s.name, "one"}, "cls_"+s.name)
		g.node("Identity", []string{"cls_" + s.name}, "obj_"+s.name)
		g.node("Conv", []string{"pool" + s.name, "none", "centre"}, "place"+s.name)
		g.node("Transpose", []string{"place" + s.name}, "last"+s.name, attribute{"perm", []int64{0, 2, 3, 1}})
		g.node("Reshape", []string{"last" + s.name, "four"}, "bbox_"+s.name)
		outs = append(outs, "cls_"+s.name, "obj_"+s.name, "bbox_"+s.name)
	}
	return g.model(outs)
}

// graph writes ONNX's GraphProto; field numbers are those of onnx.proto.
type graph []byte

type attribute struct {
	name string
	ints []int64
}

func text(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func message(b []byte, field protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), m)
}

func number(b []byte, field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

// initializer adds a TensorProto: dims 1, data_type 2, name 8, raw_data 9.
func (g *graph) initializer(name string, kind int64, raw []byte, dims ...int64) {
	var t []byte
	for _, d := range dims {
		t = number(t, 1, d)
	}
	t = text(number(t, 2, kind), 8, name)
	*g = message(*g, 5, message(t, 9, raw))
}

func (g *graph) tensor(name string, v []float32, dims ...int64) {
	var raw []byte
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	g.initializer(name, 1, raw, dims...)
}

func (g *graph) ints(name string, v ...int64) {
	var raw []byte
	for _, i := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(i))
	}
	g.initializer(name, 7, raw, int64(len(v)))
}

// node adds a NodeProto: input 1, output 2, op_type 4, attribute 5.
func (g *graph) node(op string, in []string, out string, attributes ...attribute) {
	var n []byte
	for _, s := range in {
		n = text(n, 1, s)
	}
	n = text(text(n, 2, out), 4, op)
	for _, a := range attributes { // name 1, ints 8, type 20 (7 is INTS)
		m := text(nil, 1, a.name)
		for _, v := range a.ints {
			m = number(m, 8, v)
		}
		n = message(n, 5, number(m, 20, 7))
	}
	*g = message(*g, 1, n)
}

// model closes the graph: ModelProto with ir_version 1, graph 7, opset 8.
func (g *graph) model(outs []string) []byte {
	value := func(name string, dims ...int64) []byte {
		var shape []byte
		for _, d := range dims {
			var dim []byte // empty: any size
			if d > 0 {
				dim = number(nil, 1, d)
			}
			shape = message(shape, 1, dim)
		}
		return message(text(nil, 1, name), 2, message(nil, 1, message(number(nil, 1, 1), 2, shape)))
	}
	out := message(text(*g, 2, "tiny"), 11, value("input", 1, 3, 0, 0))
	for _, o := range outs {
		out = message(out, 12, value(o, 1, 0, 0))
	}
	m := message(number(nil, 1, 8), 7, out)
	return message(m, 8, number(nil, 2, 13))
}
