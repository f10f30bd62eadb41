package machine

import "testing"

func TestStolen(t *testing.T) {
	a := parseTicks("cpu  100 10 20 300 5 1 2 40 7 0\ncpu0 1 2 3\n")
	b := parseTicks("cpu  150 10 20 400 5 1 2 90 7 0\n")
	if a != (ticks{478, 40}) {
		t.Errorf("read %+v", a)
	}
	if got := stolen(a, b); got != 0.25 {
		t.Errorf("50 of 200 ticks stolen are %v", got)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "cpu 1 2 3 x 5 6 7 8 9", "intr 1 2 3 4 5 6 7 8 9"} {
		if got := stolen(parseTicks(bad), b); got != 0 {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestFacts(t *testing.T) {
	m := This()
	m.End()
	if m.Cores < 1 || m.Stolen < 0 || m.Stolen > 1 {
		t.Errorf("%+v", m)
	}
}
