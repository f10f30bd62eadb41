package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxFileBytes is the longest configuration file that is read.
const MaxFileBytes = 64 << 10

// entry is one key of a file, with its value as it is written.
type entry struct {
	key  string
	line int
	form form
	text string
}

// form is how a value is written.
type form int

const (
	formOther form = iota // a list, a mapping, null, an alias
	formString
	formBool
	formNumber
)

// ReadFile fills in config, a pointer to a struct, with what another program's
// configuration file says, and with the defaults of config for the rest. Settings
// that config does not have are the other program's affair: they are skipped, but for
// those that are one slip of the finger away from one that it has. The error is
// everything that is wrong with those that it has.
func ReadFile(path string, config any) error {
	fields := describe(config)
	for _, f := range fields {
		f.setDefault()
	}
	return errors.Join(readFile(path, fields, true)...)
}

// readFile sets the fields that the file names, and returns what is wrong. partial
// says that the file may name others.
func readFile(path string, fields []*field, partial bool) (problems []error) {
	data, err := readConfig(path)
	if err != nil {
		return []error{fmt.Errorf("configuration: %w", err)}
	}
	entries, line, err := parseFile(data, strings.EqualFold(filepath.Ext(path), ".json"))
	if err != nil {
		return []error{&Problem{Where: place(path, line), Reason: err.Error()}}
	}
	seen := map[string]int{}
	for _, e := range entries {
		bad := func(reason string) {
			problems = append(problems, &Problem{Where: place(path, e.line), Setting: e.key, Reason: reason})
		}
		f := find(fields, e.key)
		switch {
		case f == nil && partial:
			if meant := slip(fields, e.key); meant != "" {
				bad(fmt.Sprintf("there is no such setting: is %s meant?", meant))
			}
		case f == nil:
			bad("there is no such setting (-help lists them)")
		case seen[e.key] > 0:
			bad(fmt.Sprintf("is given twice, first in line %d", seen[e.key]))
		case !f.accepts(e.form):
			bad("must be " + f.wants())
		default:
			if err := f.set(e.text); err != nil {
				bad(err.Error())
			}
		}
		seen[e.key] = e.line
	}
	return problems
}

// slip returns the name of the setting that a word becomes when one letter of it is
// put in, left out or changed, or two neighbours change places; "" if there is none.
func slip(fields []*field, word string) string {
	for _, f := range fields {
		a, b := word, f.name
		for a != "" && b != "" && a[0] == b[0] {
			a, b = a[1:], b[1:]
		}
		for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
			a, b = a[:len(a)-1], b[:len(b)-1]
		}
		swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
		if len(f.name) > 3 && (len(a)+len(b) > 0 && len(a) <= 1 && len(b) <= 1 || swapped) {
			return f.name
		}
	}
	return ""
}

func place(path string, line int) string {
	if line == 0 {
		return path
	}
	return fmt.Sprintf("%s:%d", path, line)
}

func find(fields []*field, name string) *field {
	for _, f := range fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// accepts reports whether the setting may be written in that form in a file.
func (f *field) accepts(v form) bool {
	switch f.kind {
	case kindBool:
		return v == formBool
	case kindInt, kindFloat:
		return v == formNumber
	case kindBytes:
		return v == formNumber || v == formString
	default:
		return v == formString
	}
}

func (f *field) wants() string {
	switch f.kind {
	case kindBool:
		return "true or false"
	case kindInt, kindFloat:
		return "a number"
	case kindDuration:
		return "a duration such as 90s"
	case kindBytes:
		return "a size such as 2GiB"
	default:
		return "a text; put it in quotes"
	}
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("%s is longer than %d bytes, the most that is read", path, MaxFileBytes)
	}
	return data, nil
}

// parseFile returns the keys of a file, in its order. On error, line is where
// it is, 0 if that is not known.
func parseFile(data []byte, asJSON bool) (entries []entry, line int, err error) {
	if !utf8.Valid(data) {
		return nil, 0, errors.New("is not UTF-8 text")
	}
	if asJSON {
		return parseJSON(data)
	}
	return parseYAML(data)
}

// parseYAML takes one mapping of plain values. Anchors, aliases, tags and merge
// keys are refused: nothing here needs them.
func parseYAML(data []byte) (entries []entry, line int, err error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, 0, nil // only comments
	} else if err != nil {
		line, err = yamlError(err)
		return nil, line, err
	}
	if err := d.Decode(&second); err == nil {
		return nil, second.Line, errors.New("only one document is read")
	} else if !errors.Is(err, io.EOF) {
		line, err = yamlError(err)
		return nil, line, err
	}
	root := doc.Content[0]
	if root.ShortTag() == "!!null" {
		return nil, 0, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, root.Line, errors.New("must be settings, one a line, like keep: 60s")
	}
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" {
			return nil, key.Line, fmt.Errorf("%q is no name of a setting", key.Value)
		}
		e := entry{key: key.Value, line: key.Line, text: value.Value}
		if value.Kind == yaml.ScalarNode && value.Style&yaml.TaggedStyle == 0 && value.Anchor == "" {
			e.form = yamlForms[value.ShortTag()]
		}
		entries = append(entries, e)
	}
	return entries, 0, nil
}

var yamlForms = map[string]form{"!!str": formString, "!!bool": formBool, "!!int": formNumber, "!!float": formNumber}

var yamlLine = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?`)

// yamlError takes an error of the YAML parser apart.
func yamlError(err error) (line int, reason error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, err
	}
	if m[1] != "" {
		line, _ = strconv.Atoi(m[1]) // digits; too many of them mean that it is not known
	}
	return line, errors.New(err.Error()[len(m[0]):])
}

// parseJSON takes one object of plain values. It is not left to the YAML parser
// because that refuses tabs.
func parseJSON(data []byte) (entries []entry, line int, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	at := func() int {
		return 1 + bytes.Count(data[:min(int(d.InputOffset()), len(data))], []byte{'\n'})
	}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, at(), errors.New("must be one JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, at(), err
		}
		e := entry{key: t.(string), line: at()} // the decoder lets no other key pass
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, at(), err
		}
		switch v := value.(type) {
		case string:
			e.form, e.text = formString, v
		case bool:
			e.form, e.text = formBool, fmt.Sprint(v)
		case json.Number:
			e.form, e.text = formNumber, v.String()
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, at(), errors.New("the object does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, at(), errors.New("there is something after the object")
	}
	return entries, 0, nil
}
