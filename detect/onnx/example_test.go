package onnx_test

import (
	"context"
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/onnx"
)

// A session of ONNX Runtime becomes a detector by what its outputs mean. The network of
// the example finds a face wherever a square of 8, 16 or 32 pixels of its input is bright.
// A program calls networks.Load first, or onnx.Load with the library's path.
func Example() {
	open := func(outputs ...string) (network.Session, error) {
		return onnx.Open(onnx.Config{Path: "testdata/tiny.onnx", Outputs: outputs, InputSize: image.Pt(96, 64)})
	}
	var scores [detect.NumClasses]float32
	scores[detect.Face] = 0.9
	n, err := network.New(open, network.Config{
		Name: "tiny", Family: network.YuNet, MinScore: scores, MaxIoU: detect.DefaultMaxIoU,
		Input: network.Input{Layout: "NCHW", Channels: "BGR", High: 255, Pad: 114, Multiple: 32},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()

	picture := image.NewYCbCr(image.Rect(0, 0, 192, 128), image.YCbCrSubsampleRatio420)
	for i := range picture.Cb {
		picture.Cb[i], picture.Cr[i] = 128, 128
	}
	for i := range picture.Y {
		picture.Y[i] = 16
		if x, y := i%192, i/192; x >= 48 && x < 64 && y >= 32 && y < 48 {
			picture.Y[i] = 235
		}
	}
	found, err := n.Detect(context.Background(), picture, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range found {
		fmt.Printf("%v at %.0f, %.0f to %.0f, %.0f\n", d.Class, d.Box.X0, d.Box.Y0, d.Box.X1, d.Box.Y1)
	}
	// Output: face at 48, 32 to 64, 48
}
