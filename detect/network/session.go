package network

import "context"

// A Tensor is a dense array of float32, the last dimension fastest.
type Tensor struct {
	// Name is what the graph calls it.
	Name string
	// Shape holds the dimensions, each at least 1.
	Shape []int64
	// Data holds the values: as many as the product of Shape.
	Data []float32
}

// A Session runs the graph of one network: ONNX Runtime, or a board's NPU. It is
// used by one goroutine at a time.
type Session interface {
	// Input returns the tensor that Run reads. Its memory is the session's, is
	// written by the caller, and stays where it is until Close.
	Input() Tensor
	// Outputs returns the tensors that Run fills, in an order that never changes.
	// Their memory is the session's and stays where it is until Close.
	Outputs() []Tensor
	// Run computes the outputs from the input. It ends early with an error when ctx
	// ends. After an error the outputs mean nothing.
	Run(ctx context.Context) error
	// Close frees what the session holds. It is called once, with no Run under way.
	Close() error
}

// An Opener opens a session that gives at least the outputs of the given names;
// all of the network's if there are none. It leaves out what they do not need, if
// it can.
type Opener func(outputs ...string) (Session, error)
