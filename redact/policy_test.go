package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

const fullPolicy = `{"version": 1,
 "property": [[[0.10,0.55],[0.90,0.55],[1,1],[0,1]]],
 "strip":    [[[0,0.5],[1,0.5],[1,0.55],[0,0.55]]],
 "mask":     [[[0.4,0.6],[0.5,0.6],[0.45,0.7]]],
 "outside":  {"hide": "detected", "fill": "solid"},
 "found":    {"fill": "solid"},
 "inside":   {"hide": ["plate", "face"]},
 "visitors": "feet"}`

func TestParsePolicy(t *testing.T) {
	p, err := ParsePolicy([]byte(fullPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if p.Property[0][1] != (Point{0.9, 0.55}) || len(p.Strip) != 1 || p.Mask[0][2].Y != 0.7 ||
		p.Outside != (Outside{HideDetected, Solid}) || p.Found != (Found{Solid}) || p.Visitors != VisitorsFeet ||
		len(p.Inside.Hide) != 2 || p.Inside.Hide[0] != detect.Plate {
		t.Fatalf("decoded %+v", p)
	}
	const canonical = `{"version":1,"property":[[[0.1,0.55],[0.9,0.55],[1,1],[0,1]]],` +
		`"strip":[[[0,0.5],[1,0.5],[1,0.55],[0,0.55]]],"mask":[[[0.4,0.6],[0.5,0.6],[0.45,0.7]]],` +
		`"outside":{"hide":"detected","fill":"solid"},"found":{"fill":"solid"},"inside":{"hide":["face","plate"]},"visitors":"feet"}`
	if got := string(p.Canonical()); got != canonical {
		t.Fatalf("canonical form\n%s, want\n%s", got, canonical)
	}
	var q Policy
	if err := json.Unmarshal(p.Canonical(), &q); err != nil {
		t.Fatal(err)
	}
	if q.SHA256() != p.SHA256() || len(p.SHA256()) != 64 {
		t.Fatalf("checksum %q changed to %q", p.SHA256(), q.SHA256())
	}
	if q.Visitors = VisitorsBox; q.SHA256() == p.SHA256() {
		t.Fatal("another policy has the same checksum")
	}
}

func TestPolicyDefaultsAreClosed(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"version":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Canonical(), HideEverything().Canonical()) {
		t.Fatal("the shortest policy is not HideEverything")
	}
	const want = `{"version":1,"property":[],"strip":[],"mask":[],"outside":{"hide":"all","fill":"frost"},"found":{"fill":"background"},"inside":{"hide":[]},"visitors":"box"}`
	if got := string(p.Canonical()); got != want {
		t.Fatalf("defaults %s", got)
	}
}

// property returns a policy with one property polygon.
func property(points string) string { return `{"version":1,"property":[[` + points + `]]}` }

var badPolicies = []struct{ name, text, path, reason string }{
	{"empty", "", "", "empty"},
	{"blank", " \n\t", "", "empty"},
	{"null", "null", "", "null"},
	{"list", "[]", "", "object"},
	{"text", "hello", "", "not JSON"},
	{"truncated", `{"version":1,"property":[`, "property", "too early"},
	{"not UTF-8", "{\"version\":1,\"visitors\":\"\xff\"}", "", "UTF-8"},
	{"trailing", `{"version":1} {}`, "", "follows"},
	{"no version", `{}`, "version", "missing"},
	{"version 2", `{"version":2}`, "version", "knows"},
	{"version 1.0", `{"version":1.0}`, "version", "whole"},
	{"version text", `{"version":"1"}`, "version", "number"},
	{"unknown", `{"version":1,"propery":[]}`, "propery", "not a field"},
	{"other case", `{"version":1,"Property":[]}`, "Property", "not a field"},
	{"unknown in outside", `{"version":1,"outside":{"hides":"all"}}`, "outside.hides", "not a field"},
	{"unknown in inside", `{"version":1,"inside":{"show":[]}}`, "inside.show", "not a field"},
	{"twice", `{"version":1,"mask":[],"mask":[]}`, "mask", "twice"},
	{"twice in outside", `{"version":1,"outside":{"hide":"all","hide":"all"}}`, "outside.hide", "twice"},
	{"null list", `{"version":1,"property":null}`, "property", "null"},
	{"hide", `{"version":1,"outside":{"hide":"none"}}`, "outside.hide", "detected"},
	{"hide empty", `{"version":1,"outside":{"hide":""}}`, "outside.hide", "empty"},
	{"fill", `{"version":1,"outside":{"fill":"blur"}}`, "outside.fill", "frost"},
	{"fill shown", `{"version":1,"outside":{"fill":"shown"}}`, "outside.fill", "background"},
	{"unknown in found", `{"version":1,"found":{"hide":"all"}}`, "found.hide", "not a field"},
	{"fill of found", `{"version":1,"found":{"fill":"frost"}}`, "found.fill", "\"background\" or \"solid\""},
	{"found as text", `{"version":1,"found":"solid"}`, "found", "object"},
	{"visitors", `{"version":1,"visitors":"all"}`, "visitors", `"box", "silhouette" or "feet"`},
	{"visitors number", `{"version":1,"visitors":3}`, "visitors", "text"},
	{"class", `{"version":1,"inside":{"hide":["face","dog"]}}`, "inside.hide[1]", "dog"},
	{"vehicle", `{"version":1,"inside":{"hide":["vehicle"]}}`, "inside.hide[0]", "vehicle"},
	{"class twice", `{"version":1,"inside":{"hide":["face","face"]}}`, "inside.hide[1]", "twice"},
	{"NaN", property(`[0,0],[NaN,0],[1,1]`), "property[0][1][0]", "not JSON"},
	{"infinity", property(`[0,0],[1e999,0],[1,1]`), "property[0][1][0]", "0 to 1"},
	{"beyond 1", property(`[0,0],[1,0],[1,1],[0,1.01]`), "property[0][3][1]", "0 to 1"},
	{"negative", property(`[-0.1,0],[1,0],[1,1]`), "property[0][0][0]", "0 to 1"},
	{"one number", property(`[0,0],[1],[1,1]`), "property[0][1]", "[x, y]"},
	{"three numbers", property(`[0,0],[1,0,0],[1,1]`), "property[0][1][2]", "[x, y]"},
	{"number as text", property(`[0,0],["1",0],[1,1]`), "property[0][1][0]", "number"},
	{"no points", property(``), "property[0]", "at least 3"},
	{"two points", property(`[0,0],[1,1]`), "property[0]", "at least 3"},
	{"repeated", property(`[0,0],[1,0],[1,0],[1,1]`), "property[0][2]", "repeats"},
	{"closed", property(`[0,0],[1,0],[1,1],[0,0]`), "property[0][3]", "closes by itself"},
	{"one line", property(`[0,0],[0.5,0.5],[1,1]`), "property[0]", "area"},
	{"spike", property(`[0,0],[1,0],[0.5,0],[0.5,1]`), "property[0]", "itself"},
	{"bow tie", property(`[0,0],[1,1],[1,0],[0,1]`), "property[0]", "itself"},
	{"touches in a point", property(`[0,0],[0.5,0.5],[1,0],[1,1],[0.5,0.5],[0,1]`), "property[0]", "itself"},
	{"point on an edge", property(`[0,0],[1,0],[1,1],[0.5,0],[0,1]`), "property[0]", "itself"},
	{"second polygon", `{"version":1,"strip":[[[0,0],[1,0],[1,1]],[[0,0],[1,1]]]}`, "strip[1]", "at least 3"},
	{"mask", `{"version":1,"mask":[[[0,0],[2,0],[1,1]]]}`, "mask[0][1][0]", "0 to 1"},
	{"deep", strings.Repeat("[", 100_000), "", "object"},
	{"deep property", `{"version":1,"property":` + strings.Repeat("[", 100_000), "property[0][0][0]", "number"},
	{"long", `{"version":1` + strings.Repeat(" ", MaxPolicyBytes) + `}`, "", "longer"},
	{"many points", property(strings.Repeat(`[0,0],`, MaxPoints) + `[1,1]`), fmt.Sprintf("property[0][%d]", MaxPoints), "too many"},
	{"many polygons", `{"version":1,"mask":[` + strings.Repeat(`[],`, MaxPolygons) + `[]]}`, fmt.Sprintf("mask[%d]", MaxPolygons), "too many"},
}

func TestBadPolicies(t *testing.T) {
	for _, c := range badPolicies {
		t.Run(c.name, func(t *testing.T) {
			p, err := ParsePolicy([]byte(c.text))
			var pe *PolicyError
			if p != nil || !errors.As(err, &pe) {
				t.Fatalf("policy %v, error %v", p, err)
			}
			if pe.Path != c.path || !strings.Contains(pe.Reason, c.reason) {
				t.Fatalf("path %q, reason %q; want %q and %q", pe.Path, pe.Reason, c.path, c.reason)
			}
			if s := err.Error(); strings.Contains(s, "\n") || len(s) > 400 {
				t.Fatalf("message is not one line: %q", s)
			}
		})
	}
}

func TestPolicyErrorLine(t *testing.T) {
	_, err := ParsePolicy([]byte("{\"version\": 1,\n\n \"property\": nonsense}"))
	if err == nil || !strings.Contains(err.Error(), "line 3: property: is not JSON") {
		t.Fatalf("error %v", err)
	}
}

func TestLoadPolicy(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "policy.json")
	if _, err := LoadPolicy(name); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), name) {
		t.Fatalf("missing file: %v", err)
	}
	if _, err := LoadPolicy(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("a directory: %v", err)
	}
	for text, want := range map[string]string{"": "is empty", `{"version":1,"x":1}`: "x: is not a field", fullPolicy: ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := LoadPolicy(name)
		switch {
		case want == "" && (err != nil || p.Visitors != VisitorsFeet):
			t.Fatalf("good policy: %v", err)
		case want != "" && (err == nil || p != nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), want)):
			t.Fatalf("policy %q: error %v", text, err)
		}
	}
}

func TestValidateGoLiterals(t *testing.T) {
	var pe *PolicyError
	if err := (&Policy{}).Validate(); !errors.As(err, &pe) || pe.Path != "version" {
		t.Fatalf("no version: %v", err)
	}
	nan := 0.0
	nan /= nan
	p := &Policy{Version: 1, Mask: []Polygon{{{0, 0}, {1, 0}, {nan, 1}}}}
	if err := p.Validate(); !errors.As(err, &pe) || pe.Path != "mask[0][2][0]" {
		t.Fatalf("NaN: %v", err)
	}
	if json.Valid(p.Canonical()) != true {
		t.Fatalf("canonical form of a bad policy is not JSON: %s", p.Canonical())
	}
}

// TestPolicyWithin: a policy that is a value within another one is written so that it can be
// read again.
func TestPolicyWithin(t *testing.T) {
	p := Policy{Version: 1, Strip: []Polygon{{{0, 0}, {1, 0}, {1, 1}}}, Outside: Outside{Hide: HideDetected}}
	type within struct{ Zones Policy }
	data, err := json.Marshal(within{p})
	var back within
	if err = errors.Join(err, json.Unmarshal(data, &back)); err != nil {
		t.Fatal(err)
	}
	if back.Zones.SHA256() != p.SHA256() {
		t.Errorf("%s", data)
	}
}

// TestClone: what is changed in a copy is not changed in the policy.
func TestClone(t *testing.T) {
	p := Policy{Version: 1, Property: []Polygon{{{0, 0}, {1, 0}, {1, 1}}}, Strip: []Polygon{{{0, 0}, {1, 0}, {1, 1}}},
		Mask: []Polygon{{{0, 0}, {1, 0}, {1, 1}}}, Inside: Inside{Hide: []detect.Class{detect.Face}}}
	was, q := p.SHA256(), p.Clone()
	if q.SHA256() != was {
		t.Errorf("%s", q.Canonical())
	}
	for _, z := range q.lists() {
		z.polygons[0][1].X = 0.5
	}
	q.Inside.Hide[0] = detect.Plate
	if p.SHA256() != was || q.SHA256() == was {
		t.Errorf("%s, its copy %s", p.Canonical(), q.Canonical())
	}
	if (*Policy)(nil).Clone() != nil {
		t.Error("no policy became one")
	}
	var pe *PolicyError
	if _, err := Prepare(t.Context(), nil, image.Pt(64, 64)); !errors.As(err, &pe) {
		t.Errorf("no policy is prepared: %v", err)
	}
}

func TestNeeds(t *testing.T) {
	const (
		f, p, l, v = 1 << detect.Face, 1 << detect.Person, 1 << detect.Plate, 1 << detect.Vehicle
	)
	grounds := `"property":[[[0,0],[1,0],[1,1]]]`
	for _, c := range []struct {
		text   string
		want   detect.ClassSet
		motion bool
	}{
		{``, 0, false},
		{grounds, 0, false},
		{`"inside":{"hide":["face"]}`, 0, false},
		{`"visitors":"feet"`, 0, false},
		{grounds + `,"inside":{"hide":["face"]}`, f, false},
		{grounds + `,"inside":{"hide":["person","plate"]}`, p | l, true},
		{grounds + `,"visitors":"feet"`, f | p | l | v, true},
		{grounds + `,"visitors":"silhouette"`, f | p | l | v, true},
		{grounds + `,"outside":{"hide":"detected"}`, f | p | l | v, true},
		{grounds + `,"outside":{"hide":"detected"},"inside":{"hide":["plate"]}`, f | p | l, true},
		{`"outside":{"hide":"detected"}`, f | p | l, true},
		{`"strip":[[[0,0],[1,0],[1,1]]]`, f | p | l, true},
		{`"mask":[[[0,0],[1,0],[1,1]]]`, 0, false},
	} {
		text := `{"version":1,` + c.text + `}`
		if c.text == "" {
			text = `{"version":1}`
		}
		pol, err := ParsePolicy([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := pol.Needs(); got != c.want || pol.NeedsMotion() != c.motion {
			t.Errorf("%s: needs %04b, motion %v; want %04b, %v", text, got, pol.NeedsMotion(), c.want, c.motion)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(fullPolicy))
	for _, c := range badPolicies {
		if len(c.text) < 1000 {
			f.Add([]byte(c.text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			var pe *PolicyError
			if p != nil || !errors.As(err, &pe) || pe.Reason == "" {
				t.Fatalf("policy %v, error %v", p, err)
			}
			return
		}
		c := p.Canonical()
		q, err := ParsePolicy(c)
		if err != nil {
			t.Fatalf("canonical form %s is refused: %v", c, err)
		}
		if !bytes.Equal(q.Canonical(), c) || q.Needs() != p.Needs() {
			t.Fatalf("canonical form %s became %s", c, q.Canonical())
		}
	})
}
