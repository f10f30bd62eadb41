package encoder

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

var nalusCases = []struct {
	name string
	data []byte
	want [][]byte
}{
	{"empty", nil, nil},
	{"no start code", []byte{1, 2, 3}, nil},
	{"three and four bytes", []byte{0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2}, [][]byte{{0x67, 1}, {0x68, 2}}},
	{"zeros at the end", []byte{0, 0, 1, 0x65, 3, 0, 0, 0, 0, 1, 0x41, 0}, [][]byte{{0x65, 3}, {0x41}}},
	{"empty units", []byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x65}, [][]byte{{0x65}}},
	{"only zeros", []byte{0, 0, 1, 0, 0, 0}, nil},
	{"before the first", []byte{9, 9, 0, 0, 1, 0x65}, nil},
	{"emulation prevention", []byte{0, 0, 1, 0x65, 0, 0, 3, 1}, [][]byte{{0x65, 0, 0, 3, 1}}},
}

func TestNALUs(t *testing.T) {
	for _, tt := range nalusCases {
		got, err := nalus(tt.data)
		if len(got) != len(tt.want) || len(got) > 0 && !reflect.DeepEqual(got, tt.want) || (err == nil) != (tt.want != nil) || err != nil && !errors.Is(err, ErrOutput) {
			t.Errorf("%s: %x, %v, want %x", tt.name, got, err, tt.want)
		}
	}
}

// FuzzNALUs: units are not empty, contain no start code, and come out again when they are
// joined.
func FuzzNALUs(f *testing.F) {
	for _, tt := range nalusCases {
		f.Add(tt.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		units, err := nalus(data)
		if err != nil {
			return
		}
		for _, nal := range units {
			if len(nal) == 0 || bytes.Contains(nal, []byte{0, 0, 1}) || nal[len(nal)-1] == 0 {
				t.Fatalf("%x: %x", data, nal)
			}
		}
		joined, err := h264.AnnexB(units).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := nalus(joined); err != nil || !reflect.DeepEqual(again, units) {
			t.Fatalf("%x, then %x, %v", units, again, err)
		}
	})
}
