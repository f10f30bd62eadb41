package onnxgraph

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/hedgecam/hedge/models"
)

func message(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func put(n protowire.Number, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), body)
}

func node(op string, in, out []string, more ...[]byte) []byte {
	var b []byte
	for _, s := range in {
		b = append(b, put(nodeInput, []byte(s))...)
	}
	for _, s := range out {
		b = append(b, put(nodeOutput, []byte(s))...)
	}
	return put(graphNode, message(append([][]byte{b, put(4, []byte(op))}, more...)...))
}

// two is a model of two branches on one stem: a = f(stem, wa), b = g(stem, wb).
func two(more ...[]byte) []byte {
	graph := message(
		node("Conv", []string{"x", "w"}, []string{"stem"}),
		node("Conv", []string{"stem", "wa", ""}, []string{"a"}),
		node("Split", []string{"stem", "wb"}, []string{"b", "unused"}),
		put(2, []byte("name")),
		put(graphInitializer, put(tensorName, []byte("w"))),
		put(graphInitializer, put(tensorName, []byte("wa"))),
		put(graphInitializer, put(tensorName, []byte("wb"))),
		put(11, put(valueInfoName, []byte("x"))),
		put(graphOutput, put(valueInfoName, []byte("a"))),
		put(graphOutput, put(valueInfoName, []byte("b"))),
		put(graphValueInfo, put(valueInfoName, []byte("stem"))),
		message(more...),
	)
	return message(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 8), put(modelGraph, graph), put(8, []byte("opset")))
}

func TestCut(t *testing.T) {
	whole := two()
	before := bytes.Clone(whole)
	got, err := Cut(whole, "a")
	if err != nil {
		t.Fatal(err)
	}
	want := message(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 8), put(modelGraph, message(
		node("Conv", []string{"x", "w"}, []string{"stem"}),
		node("Conv", []string{"stem", "wa", ""}, []string{"a"}),
		put(2, []byte("name")),
		put(graphInitializer, put(tensorName, []byte("w"))),
		put(graphInitializer, put(tensorName, []byte("wa"))),
		put(11, put(valueInfoName, []byte("x"))),
		put(graphOutput, put(valueInfoName, []byte("a"))),
	)), put(8, []byte("opset")))
	if !bytes.Equal(got, want) {
		t.Errorf("cut to %q, want %q", got, want)
	}
	if !bytes.Equal(whole, before) {
		t.Error("the model was changed")
	}
}

func TestCutRefuses(t *testing.T) {
	inner := put(nodeAttribute, put(attributeGraph, nil))
	for name, c := range map[string]struct {
		model  []byte
		output string
		says   string
	}{
		"no such output": {two(), "c", `no output "c"`},
		"inner value":    {two(), "stem", `no output "stem"`},
		"a loop":         {two(node("If", []string{"stem"}, []string{"z"}, inner)), "a", "graph of its own"},
		"no model":       {[]byte("not a model"), "a", "not a valid ONNX file"},
		"no graph":       {put(8, []byte("opset")), "a", "no graph"},
		"broken":         {put(modelGraph, []byte{0xff}), "a", "not a valid ONNX file"},
	} {
		if _, err := Cut(c.model, c.output); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestCutHedge: of hedge-n, the faces are a small part and bring their own weights
// only; people and plates share the body's first layers.
func TestCutHedge(t *testing.T) {
	for _, name := range []string{"hedge-n", "hedge-p"} {
		m, err := models.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := m.Load(t.Context(), models.Options{})
		if err != nil {
			t.Fatal(err)
		}
		size := map[string]int{}
		for _, branch := range []string{"faces", "people", "plates"} {
			cut, err := Cut(whole, branch)
			if err != nil {
				t.Fatal(err)
			}
			size[branch] = len(cut)
		}
		sum := size["faces"] + size["people"] + size["plates"]
		if size["faces"] > len(whole)/10 || sum < len(whole) || sum > len(whole)*11/10 {
			t.Errorf("%s: %d bytes, branches %v", name, len(whole), size)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add(two(), "a")
	f.Fuzz(func(t *testing.T, model []byte, output string) {
		if cut, err := Cut(model, output); err == nil {
			if again, err := Cut(cut, output); err != nil || !bytes.Equal(cut, again) {
				t.Errorf("cut again: %v, %d bytes of %d", err, len(again), len(cut))
			}
		}
	})
}
