package onnx

import (
	"errors"
	"os"
	"path/filepath"

	ort "github.com/yalue/onnxruntime_go"
)

// Fold returns the model with what is constant in it computed: sizes of a fixed input,
// weights kept in fewer bits. Only operators of ONNX are left. Load must have been called.
// ONNX Runtime writes the result to a file, in a folder of its own that is removed.
func Fold(model []byte) (folded []byte, err error) {
	if Version() == "" {
		return nil, ErrNotLoaded
	}
	dir, err := os.MkdirTemp("", "hedge-fold-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "folded.onnx")
	ins, outs, err := ort.GetInputOutputInfoWithONNXData(model)
	if err != nil {
		return nil, err
	}
	var in, out []string
	for _, i := range ins {
		in = append(in, i.Name)
	}
	for _, o := range outs {
		out = append(out, o.Name)
	}
	err = withOptions(1, func(o *ort.SessionOptions) error {
		err := errors.Join(o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableBasic), o.SetOptimizedModelFilePath(path))
		if err != nil {
			return err
		}
		s, err := ort.NewDynamicAdvancedSessionWithONNXData(model, in, out, o)
		if err != nil {
			return err
		}
		return s.Destroy()
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
