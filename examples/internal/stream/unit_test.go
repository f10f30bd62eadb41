package stream

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

var annexBCases = []struct {
	name string
	data []byte
	want [][]byte
}{
	{"empty", nil, nil},
	{"no start code", []byte{1, 2, 3}, nil},
	{"three and four bytes", []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2}, [][]byte{{0x67, 1}, {0x68, 2}}},
	{"zeros at the end", []byte{0, 0, 1, 0x65, 3, 0, 0, 0, 0, 1, 0x41, 0}, [][]byte{{0x65, 3}, {0x41}}},
	{"empty units", []byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x65}, [][]byte{{0x65}}},
	{"before the first", []byte{9, 9, 0, 0, 1, 0x65}, [][]byte{{0x65}}},
	{"emulation prevention", []byte{0, 0, 1, 0x65, 0, 0, 3, 1}, [][]byte{{0x65, 0, 0, 3, 1}}},
}

func TestSplitAnnexB(t *testing.T) {
	for _, tt := range annexBCases {
		if got := splitAnnexB(tt.data); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %x, want %x", tt.name, got, tt.want)
		}
	}
}

// FuzzSplitAnnexB: units are not empty, contain no start code, and come out again
// when they are joined.
func FuzzSplitAnnexB(f *testing.F) {
	for _, tt := range annexBCases {
		f.Add(tt.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		nals := splitAnnexB(data)
		for _, nal := range nals {
			if len(nal) == 0 || bytes.Contains(nal, []byte{0, 0, 1}) || nal[len(nal)-1] == 0 {
				t.Fatalf("%x: %x", data, nal)
			}
		}
		if again := splitAnnexB(annexB([]*Unit{{Data: nals}})); !reflect.DeepEqual(again, nals) {
			t.Fatalf("%x, then %x", nals, again)
		}
	})
}

// TestCollect: key units have their parameter sets, whether the encoder repeats
// them or not, and supplemental information and delimiters are gone.
func TestCollect(t *testing.T) {
	sps, pps := []byte{0x67, 1}, []byte{0x68, 2}
	for _, tt := range []struct {
		name string
		nals [][]byte
		want [][]byte
		key  bool
	}{
		{"repeated", [][]byte{{0x09, 1}, {0x67, 3}, {0x68, 4}, {0x06, 5}, {0x65, 6}, {0x65, 7}}, [][]byte{{0x67, 3}, {0x68, 4}, {0x65, 6}, {0x65, 7}}, true},
		{"not repeated", [][]byte{{0x65, 6}}, [][]byte{sps, pps, {0x65, 6}}, true},
		{"no key", [][]byte{{0x06, 5}, {0x41, 6}, {0x41, 7}}, [][]byte{{0x41, 6}, {0x41, 7}}, false},
	} {
		u := collect(annexB([]*Unit{{Data: tt.nals}}), sps, pps, ffmpeg.Format{})
		if !reflect.DeepEqual(u.Data, tt.want) || u.Key != tt.key {
			t.Errorf("%s: %x key=%t", tt.name, u.Data, u.Key)
		}
		if s, p := u.ParameterSets(); tt.key != (s != nil && p != nil) {
			t.Errorf("%s: parameter sets %x %x", tt.name, s, p)
		}
	}
	if n := (&Unit{Data: [][]byte{{1}, {2, 3}}}).Len(); n != 3 {
		t.Errorf("%d bytes", n)
	}
}
