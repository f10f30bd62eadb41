package stream

import (
	"reflect"
	"testing"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

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
		u := collect(tt.nals, sps, pps, ffmpeg.Format{})
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
