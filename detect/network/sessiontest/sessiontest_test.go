package sessiontest

import (
	"math"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/network"
)

// TestFake: the fake conforms.
func TestFake(t *testing.T) { Run(t, Replay(Tiny()), Options{}) }

// TestCompareFinds: the kit finds what it is there to find.
func TestCompareFinds(t *testing.T) {
	for says, change := range map[string]func(outs []network.Tensor){
		"no output":    func(outs []network.Tensor) { outs[1].Name = "other" },
		"has shape":    func(outs []network.Tensor) { outs[2].Shape = []int64{1, 2, 3} },
		"value 3 of":   func(outs []network.Tensor) { outs[0].Data[3] += 0.1 },
		"is NaN, want": func(outs []network.Tensor) { outs[0].Data[0] = float32(math.NaN()) },
	} {
		got := Tiny().Outputs
		got[0].Data[0] = 0
		want := Tiny().Outputs
		want[0].Data[0] = 0
		change(got)
		if err := compare(got, want, 1e-4); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	if err := compare(Tiny().Outputs[1:], Tiny().Outputs, 1e-4); err == nil {
		t.Error("too few outputs pass")
	}
}
