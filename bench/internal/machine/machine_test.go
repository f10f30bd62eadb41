package machine

import (
	"testing"

	"github.com/prometheus/procfs"
)

func TestStolen(t *testing.T) {
	a := procfs.CPUStat{User: 100, Nice: 10, System: 20, Idle: 300, Iowait: 5, IRQ: 1, SoftIRQ: 2, Steal: 40, Guest: 7}
	b := a
	b.User, b.Idle, b.Steal, b.Guest = 150, 400, 90, 9
	if got := stolen(a, b); got != 0.25 {
		t.Errorf("50 of 200 s stolen are %v", got)
	}
	if got := stolen(procfs.CPUStat{}, b) + stolen(b, a); got != 0 {
		t.Errorf("what is not known gives %v", got)
	}
}

func TestFacts(t *testing.T) {
	m := This()
	m.End()
	if m.Cores < 1 || m.Stolen < 0 || m.Stolen > 1 || m.CPU == "" || m.System == "" {
		t.Errorf("%+v", m)
	}
}
