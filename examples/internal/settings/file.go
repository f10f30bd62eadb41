package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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

// readFile sets the fields that the file names, and returns what is wrong.
func readFile(path string, fields []*field) (problems []error) {
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
	// A panic of the parser is one more way of saying that the text is wrong.
	defer func() {
		if r := recover(); r != nil {
			entries, err = nil, errors.New("is not YAML")
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		var se *yaml.SyntaxError
		if errors.As(err, &se) && se.Token != nil && se.Token.Position != nil {
			return nil, se.Token.Position.Line, errors.New(se.Message)
		}
		return nil, 0, errors.New("is not YAML")
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType || d.Body.Type() == ast.NullType {
			continue
		}
		if body != nil {
			return nil, lineOf(d.Body), errors.New("only one document is read")
		}
		body = d.Body
	}
	switch n := body.(type) {
	case nil:
		return nil, 0, nil // only defaults, flags and environment
	case *ast.MappingNode:
		for _, v := range n.Values {
			e, err := yamlEntry(v)
			if err != nil {
				return nil, lineOf(v), err
			}
			entries = append(entries, e)
		}
		return entries, 0, nil
	default:
		return nil, lineOf(body), errors.New("must be settings, one a line, like keep: 60s")
	}
}

func yamlEntry(v *ast.MappingValueNode) (e entry, err error) {
	key, ok := v.Key.(*ast.StringNode)
	if !ok {
		return e, fmt.Errorf("%s is no name of a setting", v.Key.String())
	}
	e = entry{key: key.Value, line: lineOf(v.Key)}
	switch n := v.Value.(type) {
	case *ast.StringNode:
		e.form, e.text = formString, n.Value
	case *ast.LiteralNode:
		e.form, e.text = formString, n.Value.Value
	case *ast.BoolNode:
		e.form, e.text = formBool, fmt.Sprint(n.Value)
	case *ast.IntegerNode:
		e.form, e.text = formNumber, n.Token.Value
	case *ast.FloatNode:
		e.form, e.text = formNumber, n.Token.Value
	}
	return e, nil
}

func lineOf(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
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
