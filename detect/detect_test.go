package detect

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestClassText(t *testing.T) {
	for c := range Class(NumClasses) {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Class
		if err := json.Unmarshal(text, &back); err != nil || back != c || string(text) != `"`+c.String()+`"` {
			t.Errorf("%v: %s, back %v, %v", c, text, back, err)
		}
	}
	if _, err := json.Marshal(Class(NumClasses)); err == nil {
		t.Error("a class that does not exist was written")
	}
	c := Plate
	if err := c.UnmarshalText([]byte("Face")); err == nil || c != Plate || !strings.Contains(err.Error(), "Face") {
		t.Errorf("class Face: %v, %v", c, err)
	}
	if s := Class(9).String(); s != "class(9)" {
		t.Errorf("class 9 is %q", s)
	}
}

func TestClassSet(t *testing.T) {
	s := Classes(Face, Vehicle)
	for c, want := range map[Class]bool{Face: true, Person: false, Plate: false, Vehicle: true} {
		if s.Has(c) != want {
			t.Errorf("%v: %v", c, !want)
		}
	}
	if Classes() != 0 {
		t.Error("no classes are some")
	}
	if a, b := s.String(), Classes().String(); a != "face, vehicle" || b != "none" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestOutputError(t *testing.T) {
	err := fmt.Errorf("frame 3: %w", &OutputError{"yunet", "a box is not finite"})
	var oe *OutputError
	if !errors.As(err, &oe) || oe.Network != "yunet" || !strings.Contains(err.Error(), "a box is not finite") {
		t.Errorf("%v", err)
	}
}
