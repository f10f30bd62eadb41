package settings

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what a setting's value is.
type kind int

const (
	kindString kind = iota
	kindBool
	kindInt
	kindFloat
	kindDuration
	kindBytes
	kindSecret
)

// word is the placeholder of a value in the help.
func (k kind) word() string {
	return [...]string{"text", "", "number", "number", "duration", "size", "text"}[k]
}

// field is one setting.
type field struct {
	name, help string
	text       string // the default, as it would be given
	enum       []string
	min, max   float64
	kind       kind
	value      reflect.Value
}

// describe returns the settings of a configuration, in the order of its fields.
func describe(config any) []*field {
	v := reflect.ValueOf(config)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("settings: %T is not a pointer to a struct", config))
	}
	names := map[string]bool{"config": true, "check": true, "schema": true, "help": true, "h": true}
	return describeStruct(v.Elem(), names)
}

// describeStruct returns the settings of a struct and of those embedded in it. Their
// names are entered in names.
func describeStruct(v reflect.Value, names map[string]bool) (fields []*field) {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
			fields = append(fields, describeStruct(v.Field(i), names)...)
			continue
		}
		f := &field{
			name: sf.Tag.Get("name"), help: sf.Tag.Get("help"), text: sf.Tag.Get("default"),
			min: math.Inf(-1), max: math.Inf(1), value: v.Field(i),
		}
		if err := f.init(sf); err != nil {
			panic(fmt.Sprintf("settings: field %s: %v", sf.Name, err))
		}
		if names[f.name] {
			panic(fmt.Sprintf("settings: field %s: the name %q is taken", sf.Name, f.name))
		}
		names[f.name] = true
		fields = append(fields, f)
	}
	return fields
}

// init finds the kind, and checks the tags.
func (f *field) init(sf reflect.StructField) error {
	if f.name == "" || f.help == "" || !sf.IsExported() {
		return fmt.Errorf("it needs a name, a help text and an exported field")
	}
	switch f.value.Interface().(type) {
	case string:
		f.kind = kindString
	case bool:
		f.kind = kindBool
	case int:
		f.kind = kindInt
	case float64:
		f.kind = kindFloat
	case time.Duration:
		f.kind = kindDuration
	case Bytes:
		f.kind = kindBytes
	case Secret:
		f.kind = kindSecret
	default:
		return fmt.Errorf("type %s is none of the kinds", sf.Type)
	}
	if e := sf.Tag.Get("enum"); e != "" {
		f.enum = strings.Split(e, ",")
	}
	if f.text == "" && f.numeric() {
		f.text = "0"
	}
	var lo, hi float64
	var err error
	if text := sf.Tag.Get("min"); text != "" {
		if lo, err = f.number(text); err != nil {
			return err
		}
		f.min = lo
	}
	if text := sf.Tag.Get("max"); text != "" {
		if hi, err = f.number(text); err != nil {
			return err
		}
		f.max = hi
	}
	if f.text == "" {
		return nil
	}
	spare := *f
	spare.value = reflect.New(f.value.Type()).Elem()
	return spare.set(f.text)
}

func (f *field) numeric() bool { return f.kind >= kindInt && f.kind <= kindBytes }

// setDefault gives the field its default.
func (f *field) setDefault() {
	f.value.SetZero()
	if f.text == "" {
		return
	}
	if err := f.set(f.text); err != nil {
		panic(err) // init has tried it
	}
}

// set gives the field the value that text stands for. The error quotes no
// secret.
func (f *field) set(text string) error {
	switch f.kind {
	case kindString:
		if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
			return fmt.Errorf("%q is none of %s", text, strings.Join(f.enum, ", "))
		}
		f.value.SetString(text)
	case kindSecret:
		s, err := readSecret(text)
		if err != nil {
			return err
		}
		f.value.SetString(s)
	case kindBool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		f.value.SetBool(b)
	default:
		n, err := f.number(text)
		if err != nil {
			return err
		}
		if n < f.min || n > f.max {
			return fmt.Errorf("%s is out of range: %s", text, f.span())
		}
		switch {
		case f.kind == kindFloat:
			f.value.SetFloat(n)
		case f.value.OverflowInt(int64(n)):
			return fmt.Errorf("%s is too large for this machine", text)
		default:
			f.value.SetInt(int64(n))
		}
	}
	return nil
}

// number parses the numeric kinds. Whole numbers are exact up to 2^53, and
// larger ones are refused.
func (f *field) number(text string) (float64, error) {
	switch f.kind {
	case kindInt:
		n, err := strconv.ParseInt(text, 10, 54)
		if err != nil {
			return 0, fmt.Errorf("%q is no whole number", text)
		}
		return float64(n), nil
	case kindFloat:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, fmt.Errorf("%q is no number", text)
		}
		return x, nil
	case kindDuration:
		d, err := time.ParseDuration(text)
		if err != nil || d.Abs() > 1<<53 {
			return 0, fmt.Errorf("%q is no duration: write it like 500ms, 90s or 2h30m", text)
		}
		return float64(d), nil
	case kindBytes:
		b, err := ParseBytes(text)
		return float64(b), err
	default:
		return 0, fmt.Errorf("min and max are for numbers")
	}
}

// span says in words what a number may be.
func (f *field) span() string {
	word := func(n float64) string {
		switch f.kind {
		case kindDuration:
			return time.Duration(n).String()
		case kindBytes:
			return Bytes(n).String()
		default:
			return strconv.FormatFloat(n, 'g', -1, 64)
		}
	}
	switch {
	case math.IsInf(f.max, 1):
		return "at least " + word(f.min)
	case math.IsInf(f.min, -1):
		return "at most " + word(f.max)
	}
	return word(f.min) + " to " + word(f.max)
}
