package network_test

import (
	"context"
	"fmt"
	"image"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/network"
)

// npu stands for a board's NPU that runs a network of the family hedge.
type npu struct {
	in  network.Tensor
	out []network.Tensor
}

func (n *npu) Input() network.Tensor     { return n.in }
func (n *npu) Outputs() []network.Tensor { return n.out }
func (n *npu) Close() error              { return nil }

// Run fills all outputs. It puts one person into the first: x0, y0, x1, y1 in pixels of
// the input, and the scores for a person and for a vehicle.
func (n *npu) Run(context.Context) error {
	for _, t := range n.out {
		clear(t.Data)
	}
	copy(n.out[0].Data, []float32{32, 16, 48, 56, 0.8, 0.1})
	return nil
}

func tensor(name string, shape ...int64) network.Tensor {
	values := int64(1)
	for _, d := range shape {
		values *= d
	}
	return network.Tensor{Name: name, Shape: shape, Data: make([]float32, values)}
}

// A session of four methods makes a detector. Boxes are in the picture's own pixels.
func Example() {
	open := func(...string) (network.Session, error) {
		return &npu{in: tensor("input", 1, 3, 64, 128), out: []network.Tensor{
			tensor("people", 1, 10, 6), tensor("faces", 1, 10, 5), tensor("plates", 1, 10, 5),
		}}, nil
	}
	var scores [detect.NumClasses]float32
	for c := range scores {
		scores[c] = 0.3
	}
	n, err := network.New(open, network.Config{
		Name: "my-npu", Family: network.Hedge, MinScore: scores, MaxIoU: detect.DefaultMaxIoU,
		Input: network.Input{Layout: "NCHW", Channels: "BGR", High: 255, Pad: 114, Multiple: 32},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	picture := image.NewYCbCr(image.Rect(0, 0, 1280, 640), image.YCbCrSubsampleRatio420)
	found, err := n.Detect(context.Background(), picture, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range found {
		fmt.Println(n.Name(), d.Class, d.Box)
	}
	// Output: my-npu person {320 160 480 560}
}
