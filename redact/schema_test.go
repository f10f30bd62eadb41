package redact

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// schema is a part of a JSON schema.
type schema struct {
	Ref        string `json:"$ref"`
	Additional any    `json:"additionalProperties"`
	Properties map[string]schema
	Items      *schema
	Enum       []string
	Default    any
	MinItems   int
	MaxItems   int
	Defs       map[string]schema `json:"$defs"`
}

// TestSchema: docs/policy.schema.json has the fields, values, defaults and bounds that a
// policy has.
func TestSchema(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "docs", "policy.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	var defaults map[string]any
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(HideEverything().Canonical(), &defaults); err != nil {
		t.Fatal(err)
	}
	delete(defaults, "version")
	delete(s.Properties, "version")
	// fields compares the fields of an object with their defaults. with puts a value into a policy.
	var fields func(path string, s schema, defaults map[string]any, with func(value string) string)
	fields = func(path string, s schema, defaults map[string]any, with func(value string) string) {
		if s.Additional != false || len(s.Properties) != len(defaults) {
			t.Errorf("%s: the schema has %d fields and further ones: %v; a policy has %d", path, len(s.Properties), s.Additional, len(defaults))
		}
		for name, want := range defaults {
			p, ok := s.Properties[name]
			if p.Ref == "#/$defs/polygons" {
				p = s.Defs["polygons"]
			}
			here := func(value string) string { return with(fmt.Sprintf("%q: %s", name, value)) }
			if more, is := want.(map[string]any); is {
				fields(path+name+".", p, more, func(field string) string { return here("{" + field + "}") })
				continue
			}
			if fmt.Sprint(p.Default) != fmt.Sprint(want) || !ok {
				t.Errorf("%s%s defaults to %v, in the schema to %v", path, name, want, p.Default)
			}
			allowed, form := p.Enum, "%q"
			if p.Items != nil && len(p.Items.Enum) > 0 {
				allowed, form = p.Items.Enum, "[%q]"
			}
			accepted := 0
			for _, value := range []string{"all", "detected", "shown", "frost", "background", "solid", "face", "person", "plate", "vehicle", "box", "feet", "silhouette"} {
				if _, err := ParsePolicy([]byte(here(fmt.Sprintf(form, value)))); err == nil {
					accepted++
				}
			}
			for _, value := range allowed {
				if _, err := ParsePolicy([]byte(here(fmt.Sprintf(form, value)))); err != nil {
					t.Errorf("the schema allows %s%s to be %q: %v", path, name, value, err)
				}
			}
			if accepted != len(allowed) {
				t.Errorf("%s%s: the schema allows %q, and %d values are read", path, name, allowed, accepted)
			}
		}
	}
	fields("", s, defaults, func(field string) string { return `{"version": 1, ` + field + "}" })
	if list, one := s.Defs["polygons"], s.Defs["polygon"]; list.MaxItems != MaxPolygons || one.MaxItems != MaxPoints || one.MinItems != 3 {
		t.Errorf("polygons: %d; points: %d to %d", list.MaxItems, one.MinItems, one.MaxItems)
	}
}
