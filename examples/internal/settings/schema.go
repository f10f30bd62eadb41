package settings

import (
	"encoding/json"
	"math"
)

// The forms of durations and sizes in a file.
const (
	durationPattern = `^-?(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$`
	bytesPattern    = `^[0-9]+(\.[0-9]+)? *(|B|[kKMGT]B|[KMGT]iB)$`
)

// property is one setting in a JSON schema.
type property struct {
	Type        any      `json:"type"`
	Description string   `json:"description"`
	Default     any      `json:"default,omitempty"`
	Enum        []string `json:"enum,omitempty"`
	Pattern     string   `json:"pattern,omitempty"`
	Minimum     *float64 `json:"minimum,omitempty"`
	Maximum     *float64 `json:"maximum,omitempty"`
}

// Schema returns the JSON schema (draft 2020-12) of a program's configuration
// file, indented, with a line end.
func Schema(config any, program string) []byte {
	properties := map[string]property{}
	for _, f := range describe(config) {
		properties[f.name] = f.property()
	}
	// Nothing in these types can fail to be encoded.
	out, _ := json.MarshalIndent(struct {
		Schema     string              `json:"$schema"`
		Title      string              `json:"title"`
		Type       string              `json:"type"`
		Additional bool                `json:"additionalProperties"`
		Properties map[string]property `json:"properties"`
	}{"https://json-schema.org/draft/2020-12/schema", program, "object", false, properties}, "", "  ")
	return append(out, '\n')
}

func (f *field) property() property {
	p := property{Type: "string", Description: f.help, Enum: f.enum}
	if f.text != "" {
		p.Default = f.text
	}
	switch f.kind {
	case kindBool:
		p.Type, p.Default = "boolean", f.text == "true"
	case kindInt, kindFloat:
		p.Type, p.Default = "number", json.Number(f.text)
		if f.kind == kindInt {
			p.Type = "integer"
		}
	case kindDuration:
		p.Pattern = durationPattern
	case kindBytes:
		p.Type, p.Pattern = []string{"string", "integer"}, bytesPattern
	}
	// A schema has no bounds for texts: those are told in words.
	bounded := !math.IsInf(f.min, -1) || !math.IsInf(f.max, 1)
	if text := f.kind == kindDuration || f.kind == kindBytes; bounded && text {
		p.Description += " (" + f.span() + ")"
		return p
	}
	if !math.IsInf(f.min, -1) {
		p.Minimum = &f.min
	}
	if !math.IsInf(f.max, 1) {
		p.Maximum = &f.max
	}
	return p
}
