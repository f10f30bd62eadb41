package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hedgecam/hedge/detect"
)

// LoadPolicy reads a policy from a file; see ParsePolicy. Its errors name the
// file.
func LoadPolicy(path string) (*Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("policy %s: no such file; without a policy nothing is shown, so write one (see the README) or name another: %w", path, os.ErrNotExist)
		}
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxPolicyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", path, err)
	}
	p, err := ParsePolicy(data)
	var pe *PolicyError
	if errors.As(err, &pe) {
		pe.File = path
	}
	return p, err
}

// ParsePolicy decodes a policy from JSON and validates it. Fields that it does
// not know, fields named twice, null, and anything after the policy are errors.
// Fields left out have the defaults of [Policy]; version may not be left out.
// The error is a *PolicyError, which is ErrIncomplete where the text is empty or
// was cut off.
func ParsePolicy(data []byte) (*Policy, error) {
	if len(data) > MaxPolicyBytes {
		return nil, &PolicyError{Reason: fmt.Sprintf("is longer than %d bytes, the most that is read", MaxPolicyBytes)}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, &PolicyError{Reason: `is empty; the shortest policy is {"version": 1}, which hides everything`, incomplete: true}
	}
	if bytes.IndexByte(data, 0) >= 0 {
		// Some file systems fill up with them what was not written before a power cut.
		return nil, &PolicyError{Reason: "has bytes of the value 0 in it; was it cut off while it was written?", incomplete: true}
	}
	if !utf8.Valid(data) {
		return nil, &PolicyError{Reason: "is not UTF-8 text"}
	}
	d := &policyDecoder{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	p, err := d.policy()
	if err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// policyDecoder walks the tokens of a policy. The standard decoder alone would
// take fields named twice, in another case, and null.
type policyDecoder struct {
	data []byte
	dec  *json.Decoder
}

func (d *policyDecoder) policy() (*Policy, error) {
	p := &Policy{}
	versioned := false
	err := d.object("", func(name string) error {
		var err error
		switch name {
		case "version":
			versioned = true
			p.Version, err = d.integer(name)
		case "property":
			p.Property, err = d.polygons(name)
		case "strip":
			p.Strip, err = d.polygons(name)
		case "mask":
			p.Mask, err = d.polygons(name)
		case "outside":
			err = d.outside(p)
		case "found":
			err = d.found(p)
		case "inside":
			err = d.inside(p)
		case "visitors":
			var s string
			s, err = d.text(name)
			p.Visitors = Visitors(s)
		default:
			return &PolicyError{Path: name, Reason: "is not a field of a policy; the fields are version, property, strip, mask, outside, found, inside, visitors"}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if !versioned {
		return nil, &PolicyError{Path: "version", Reason: `is missing; write "version": 1`}
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &PolicyError{Line: d.line(), Reason: "something follows the policy; a file holds one policy and nothing else"}
	}
	return p, nil
}

func (d *policyDecoder) outside(p *Policy) error {
	return d.object("outside", func(name string) error {
		path := "outside." + name
		var s string
		var err error
		switch name {
		case "hide":
			s, err = d.text(path)
			p.Outside.Hide = Hide(s)
		case "fill":
			s, err = d.text(path)
			if err == nil {
				p.Outside.Fill, err = fillNamed(path, s, outsideFills...)
			}
		default:
			return &PolicyError{Path: path, Reason: "is not a field of outside; the fields are hide and fill"}
		}
		return err
	})
}

func (d *policyDecoder) found(p *Policy) error {
	return d.object("found", func(name string) error {
		path := "found." + name
		if name != "fill" {
			return &PolicyError{Path: path, Reason: "is not a field of found; the only field is fill"}
		}
		s, err := d.text(path)
		if err == nil {
			p.Found.Fill, err = fillNamed(path, s, foundFills...)
		}
		return err
	})
}

// fillNamed returns the one of allowed that has the name.
func fillNamed(path, name string, allowed ...Fill) (Fill, error) {
	var names []string
	for _, f := range allowed {
		if f.String() == name {
			return f, nil
		}
		names = append(names, strconv.Quote(f.String()))
	}
	last := len(names) - 1
	return Shown, &PolicyError{Path: path, Reason: fmt.Sprintf("is %q; use %s or %s", name, strings.Join(names[:last], ", "), names[last])}
}

func (d *policyDecoder) inside(p *Policy) error {
	return d.object("inside", func(name string) error {
		path := "inside." + name
		if name != "hide" {
			return &PolicyError{Path: path, Reason: "is not a field of inside; the only field is hide"}
		}
		return d.list(path, func(path string) error {
			s, err := d.text(path)
			if err != nil {
				return err
			}
			var c detect.Class
			if c.UnmarshalText([]byte(s)) != nil {
				return &PolicyError{Path: path, Reason: fmt.Sprintf(`is %q; use "face", "person" or "plate"`, s)}
			}
			p.Inside.Hide = append(p.Inside.Hide, c)
			return nil
		})
	})
}

func (d *policyDecoder) polygons(path string) ([]Polygon, error) {
	var polygons []Polygon
	err := d.list(path, func(path string) error {
		if len(polygons) == MaxPolygons {
			return &PolicyError{Path: path, Reason: fmt.Sprintf("is one polygon too many; at most %d are allowed", MaxPolygons)}
		}
		var poly Polygon
		err := d.list(path, func(path string) error {
			if len(poly) == MaxPoints {
				return &PolicyError{Path: path, Reason: fmt.Sprintf("is one point too many; a polygon has at most %d", MaxPoints)}
			}
			pt, err := d.point(path)
			poly = append(poly, pt)
			return err
		})
		polygons = append(polygons, poly)
		return err
	})
	return polygons, err
}

func (d *policyDecoder) point(path string) (Point, error) {
	var xy [2]float64
	n := 0
	err := d.list(path, func(path string) error {
		if n == len(xy) {
			return &PolicyError{Path: path, Reason: "is one number too many; a point is [x, y]"}
		}
		t, err := d.token(path)
		if err != nil {
			return err
		}
		num, ok := t.(json.Number)
		if !ok {
			return d.wrong(path, t, "a number")
		}
		v, err := strconv.ParseFloat(num.String(), 64)
		if err != nil {
			return &PolicyError{Path: path, Reason: fmt.Sprintf("is %s; coordinates are fractions of the picture, 0 to 1", num)}
		}
		if v >= 0 && v <= 1 {
			v = float64(onGrid(v)) / grid
		}
		xy[n] = v
		n++
		return nil
	})
	if err == nil && n != len(xy) {
		err = &PolicyError{Path: path, Reason: fmt.Sprintf("has %d numbers; a point is [x, y]", n)}
	}
	return Point{xy[0], xy[1]}, err
}

// object reads an object and calls field for every name in it; field reads the
// value.
func (d *policyDecoder) object(path string, field func(name string) error) error {
	t, err := d.token(path)
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return d.wrong(path, t, "an object, {...}")
	}
	var seen []string
	for d.dec.More() {
		t, err := d.token(path)
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return d.wrong(path, t, "the name of a field")
		}
		for _, s := range seen {
			if s == name {
				if path != "" {
					name = path + "." + name
				}
				return &PolicyError{Path: name, Line: d.line(), Reason: "is given twice; give it once"}
			}
		}
		seen = append(seen, name)
		if err := field(name); err != nil {
			return err
		}
	}
	_, err = d.token(path)
	return err
}

// list reads an array and calls item for every element; item reads it.
func (d *policyDecoder) list(path string, item func(path string) error) error {
	t, err := d.token(path)
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return d.wrong(path, t, "a list, [...]")
	}
	for i := 0; d.dec.More(); i++ {
		if err := item(path + "[" + strconv.Itoa(i) + "]"); err != nil {
			return err
		}
	}
	_, err = d.token(path)
	return err
}

func (d *policyDecoder) text(path string) (string, error) {
	t, err := d.token(path)
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", d.wrong(path, t, "a text in quotes")
	}
	if s == "" {
		return "", &PolicyError{Path: path, Reason: "is empty; leave the field out for its default"}
	}
	return s, nil
}

func (d *policyDecoder) integer(path string) (int, error) {
	t, err := d.token(path)
	if err != nil {
		return 0, err
	}
	num, ok := t.(json.Number)
	if !ok {
		return 0, d.wrong(path, t, "a number")
	}
	v, err := strconv.Atoi(num.String())
	if err != nil {
		return 0, &PolicyError{Path: path, Reason: fmt.Sprintf("is %s; it must be a whole number", num)}
	}
	return v, nil
}

// token reads the next token; path names what is being read.
func (d *policyDecoder) token(path string) (json.Token, error) {
	t, err := d.dec.Token()
	if err == nil {
		return t, nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &PolicyError{Path: path, Line: d.line(), Reason: "the text ends too early; is the file complete?", incomplete: true}
	}
	return nil, &PolicyError{Path: path, Line: d.line(), Reason: fmt.Sprintf("is not JSON: %v", err)}
}

func (d *policyDecoder) wrong(path string, got json.Token, want string) error {
	is := fmt.Sprintf("%v", got)
	switch got := got.(type) {
	case nil:
		is = "null"
	case string:
		is = strconv.Quote(got)
	}
	return &PolicyError{Path: path, Line: d.line(), Reason: fmt.Sprintf("is %s, not %s", is, want)}
}

// line returns the line up to which the text was read, from 1.
func (d *policyDecoder) line() int {
	return 1 + bytes.Count(d.data[:min(int(d.dec.InputOffset()), len(d.data))], []byte{'\n'})
}
