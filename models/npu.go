package models

import (
	"errors"
	"image"
)

// NPU says where a network of the family "hedge" ends for compilers of NPUs: at the maps
// of its heads, which detect/network reads as HedgeMaps. models/cmd/npu makes that graph.
type NPU struct {
	// Columns and Rows are those of the picture in which faces are looked for, for 32 of
	// the input's.
	Columns int `json:"columns"`
	Rows    int `json:"rows"`
	// Maps are the values of the graph that are the maps of stride 8, 16 and 32, by the
	// name of the output that is made of them.
	Maps map[string][3]string `json:"maps"`
}

// Faces are Columns and Rows as detect/network wants them.
func (n *NPU) Faces() image.Point { return image.Pt(n.Columns, n.Rows) }

func (n *NPU) validate() error {
	if n == nil {
		return nil
	}
	if n.Columns < 1 || n.Rows < 1 || len(n.Maps) != 3 {
		return errors.New("want columns, rows and three outputs' maps")
	}
	return nil
}
