package sessiontest

import (
	"context"
	"slices"

	"github.com/hedgecam/hedge/detect/network"
)

// replay is a session that computes nothing: for the recorded picture it gives the
// recorded outputs, for any other nothing but zeros.
type replay struct {
	r    Recording
	want []float32
	in   network.Tensor
	outs []network.Tensor
}

// Replay returns an opener of fake sessions that give the recording.
func Replay(r Recording) network.Opener {
	return func(...string) (network.Session, error) {
		blank := func(t network.Tensor) network.Tensor {
			n := int64(1)
			for _, d := range t.Shape {
				n *= d
			}
			t.Data = make([]float32, n)
			return t
		}
		s := &replay{r: r, in: blank(r.Input)}
		for _, o := range r.Outputs {
			s.outs = append(s.outs, blank(o))
		}
		r.Draw(s.in)
		s.want = slices.Clone(s.in.Data)
		return s, nil
	}
}

func (s *replay) Input() network.Tensor     { return s.in }
func (s *replay) Outputs() []network.Tensor { return s.outs }
func (s *replay) Close() error              { return nil }

func (s *replay) Run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	known := slices.Equal(s.in.Data, s.want)
	for i, o := range s.outs {
		clear(o.Data)
		if known {
			copy(o.Data, s.r.Outputs[i].Data)
		}
	}
	return nil
}
