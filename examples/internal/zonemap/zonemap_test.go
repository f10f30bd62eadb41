package zonemap

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/redact"
)

// TestAreas: a mask lies over everything, and what is not drawn is what outside says.
func TestAreas(t *testing.T) {
	square := redact.Polygon{{X: 0.2, Y: 0.2}, {X: 0.8, Y: 0.2}, {X: 0.8, Y: 0.8}}
	full := redact.Policy{Version: 1, Property: []redact.Polygon{square}, Strip: []redact.Polygon{square}, Mask: []redact.Polygon{square},
		Outside: redact.Outside{Hide: redact.HideDetected}}
	for _, c := range []struct {
		policy *redact.Policy
		areas  []Kind
		kinds  []Kind
	}{
		{nil, []Kind{Hidden}, []Kind{Hidden}},
		{redact.HideEverything(), []Kind{Hidden}, []Kind{Hidden}},
		{&redact.Policy{Version: 1, Property: []redact.Polygon{square}}, []Kind{Hidden, Shown}, []Kind{Hidden, Shown}},
		{&full, []Kind{Found, Found, Shown, Hidden}, []Kind{Hidden, Found, Shown}},
	} {
		var kinds []Kind
		for _, a := range Areas(c.policy) {
			kinds = append(kinds, a.Kind)
		}
		if !slices.Equal(kinds, c.areas) {
			t.Errorf("%+v: areas %v, want %v", c.policy, kinds, c.areas)
		}
		if got := Kinds(c.policy); !slices.Equal(got, c.kinds) {
			t.Errorf("%+v: kinds %v, want %v", c.policy, got, c.kinds)
		}
		text := SVG(c.policy, 160, 90)
		if n := strings.Count(text, "<polygon"); n != len(c.areas) {
			t.Errorf("%d polygons of %d areas", n, len(c.areas))
		}
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("no XML: %v", err)
			}
		}
	}
}
