//go:build rknn && cgo && linux

package rknn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/network"
	"github.com/hedgecam/hedge/detect/network/sessiontest"
)

// fake builds a library from C, or skips.
func fake(t *testing.T, name, source string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	lib := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), cc, "-Wall", "-Werror", "-shared", "-fPIC", "-o", lib, "-x", "c", source)
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("no C compiler")
		}
		t.Fatalf("%v\n%s", err, out)
	}
	return lib
}

// attr is hedge_attr, byte for byte.
type attr struct {
	Index, NDims                 uint32
	Dims                         [16]uint32
	Name                         [256]byte
	Elements, Size               uint32
	Format, Kind, Quantisation   int32
	Fraction                     int8
	_                            [3]byte
	ZeroPoint                    int32
	Scale                        float32
	WidthStride, SizeWithStrides uint32
	PassThrough                  uint8
	_                            [3]byte
	HeightStride                 uint32
}

// blob is a "model" of the fake.
type blob struct {
	step, code int32
	attrs      []attr // the input's first
	data       []byte
}

func (b *blob) add(a attr, name string, shape ...int64) {
	copy(a.Name[:], name)
	a.NDims, a.Elements = uint32(len(shape)), 1
	for i, d := range shape {
		a.Dims[i] = uint32(d)
		a.Elements *= uint32(d)
	}
	b.attrs = append(b.attrs, a)
}

func (b *blob) bytes() []byte {
	out := bytes.NewBufferString("fake")
	for _, v := range []any{b.step, b.code, uint32(1), uint32(len(b.attrs) - 1), b.attrs, b.data} {
		if err := binary.Write(out, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	return out.Bytes()
}

const (
	kindFloat32, kindInt8, kindUint8 = 0, 2, 3
	nchw, nhwc                       = 0, 1
	affine                           = 2
)

// recorded makes a "model" of the recording: all outputs in bytes but the last.
func recorded() (b *blob, opened func(string) network.Opener) {
	r := sessiontest.Tiny()
	b = &blob{}
	in := network.Tensor{Shape: []int64{1, r.Input.Shape[2], r.Input.Shape[3], 3}}
	in.Data = make([]float32, 3*in.Shape[1]*in.Shape[2])
	r.Draw(in)
	b.add(attr{Format: nhwc, Kind: kindUint8}, "input", in.Shape...)
	for _, v := range in.Data {
		b.data = append(b.data, byte(v))
	}
	for i, o := range r.Outputs {
		if i == len(r.Outputs)-1 {
			b.add(attr{Format: nchw, Kind: kindFloat32}, o.Name, o.Shape...)
			for _, v := range o.Data {
				b.data = binary.LittleEndian.AppendUint32(b.data, math.Float32bits(v))
			}
			continue
		}
		scale, zero := float32(1)/255, int32(-128)
		b.add(attr{Format: nchw, Kind: kindInt8, Quantisation: affine, Scale: scale, ZeroPoint: zero}, o.Name, o.Shape...)
		for _, v := range o.Data {
			b.data = append(b.data, byte(int8(math.Round(float64(v/scale))+float64(zero))))
		}
	}
	return b, func(lib string) network.Opener {
		return func(...string) (network.Session, error) {
			return Open(Config{Name: "tiny", Model: b.bytes(), Library: lib})
		}
	}
}

// TestFakeNPU: a session conforms, bytes within half a step of the recorded values. The
// errors come after it, since a process loads one library.
func TestFakeNPU(t *testing.T) {
	if _, err := Open(Config{Name: "tiny", Library: filepath.Join(t.TempDir(), "none.so")}); err == nil ||
		!strings.Contains(err.Error(), "none.so") || !strings.Contains(err.Error(), "RKNN SDK") {
		t.Errorf("no library: %v", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.c")
	if err := os.WriteFile(empty, []byte("int x;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Name: "tiny", Library: fake(t, "other.so", empty)}); err == nil || !strings.Contains(err.Error(), "no rknn_init") {
		t.Errorf("another library: %v", err)
	}
	lib := fake(t, "librknnrt.so", "testdata/fake.c")
	_, open := recorded()
	sessiontest.Run(t, open(lib), sessiontest.Options{Tolerance: 0.501 / 255, Layout: "NHWC"})
	t.Run("Errors", func(t *testing.T) { fails(t, lib) })
	t.Run("Tensors", func(t *testing.T) { refuses(t, lib) })
	t.Run("Dequantises", func(t *testing.T) { dequantises(t, lib) })
	if _, err := Open(Config{Name: "tiny", Library: lib + ".other"}); err == nil || !strings.Contains(err.Error(), "already loaded") {
		t.Errorf("a second library: %v", err)
	}
}

// fails: each call's error names the network, the step and what the code means, and
// nothing stays open: the fake has room for four.
func fails(t *testing.T, lib string) {
	for step, c := range []struct {
		code        int
		doing, says string
	}{
		{-6, "open", "no .rknn file"}, {-5, "ask for its tensors", "a parameter is invalid"}, {-8, "set the input", "the input is invalid"},
		{-2, "run", "took too long"}, {-9, "get the outputs", "the output is invalid"}, {-77, "close", "returned -77"},
	} {
		for range 6 {
			b, _ := recorded()
			b.step, b.code = int32(step+1), int32(c.code)
			s, err := Open(Config{Name: "tiny", Model: b.bytes(), Library: lib})
			if err == nil {
				if step >= 2 && step < 5 {
					err = s.Run(t.Context())
				}
				err = errors.Join(err, s.Close(), s.Close())
			}
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Doing != c.doing || e.Network != "tiny" || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("step %d: %v", step+1, err)
			}
		}
	}
}

// refuses: tensors that are not what they say, or not one picture, are refused, and
// nothing stays open.
func refuses(t *testing.T, lib string) {
	for name, change := range map[string]func(b *blob){
		"two inputs' shape": func(b *blob) { b.attrs[0].Dims[0], b.attrs[0].Elements = 2, 2*b.attrs[0].Elements },
		"grey":              func(b *blob) { b.attrs[0].Dims[3], b.attrs[0].Elements = 1, b.attrs[0].Elements/3 },
		"count":             func(b *blob) { b.attrs[1].Elements++ },
		"dimensions":        func(b *blob) { b.attrs[2].NDims = 17 },
		"huge":              func(b *blob) { b.attrs[2].Dims[1], b.attrs[2].Dims[2] = 1<<31, 1<<31 },
		"empty":             func(b *blob) { b.attrs[3].Dims[0] = 0 },
		"native layout":     func(b *blob) { b.attrs[4].Format = 2 },
		"no scale":          func(b *blob) { b.attrs[5].Scale = 0 },
		"no number":         func(b *blob) { b.attrs[5].Scale = float32(math.NaN()) },
		"no outputs":        func(b *blob) { b.attrs = b.attrs[:1] },
	} {
		for range 6 {
			b, _ := recorded()
			change(b)
			s, err := Open(Config{Name: "tiny", Model: b.bytes(), Library: lib})
			var e *Error
			if s != nil || !errors.As(err, &e) || e.Code != 0 {
				t.Fatalf("%s: %v, %v", name, s, err)
			}
		}
	}
	for _, model := range [][]byte{nil, []byte("PK, and no model at all")} {
		if s, err := Open(Config{Name: "tiny", Model: model, Library: lib}); s != nil || err == nil {
			t.Errorf("%q: %v, %v", model, s, err)
		}
	}
}

// dequantises: every byte is (byte - zero point) * scale.
func dequantises(t *testing.T, lib string) {
	b := &blob{}
	b.add(attr{Format: nchw, Kind: kindInt8}, "input", 1, 3, 2, 2)
	b.add(attr{Format: nchw, Kind: kindInt8, Quantisation: affine, Scale: 0.25, ZeroPoint: 17}, "all", 1, 256)
	b.data = make([]byte, 12)
	for i := range 256 {
		b.data = append(b.data, byte(i))
	}
	s, err := Open(Config{Name: "bytes", Model: b.bytes(), Library: lib})
	if err != nil {
		t.Fatal(err)
	}
	if in := s.Input(); in.Shape[1] != 2 || in.Shape[3] != 3 {
		t.Errorf("input %v, which is to be of pixels", in.Shape)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, v := range s.Outputs()[0].Data {
		if want := (float32(int8(i)) - 17) / 4; v != want {
			t.Errorf("byte %d is %v, want %v", i, v, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
