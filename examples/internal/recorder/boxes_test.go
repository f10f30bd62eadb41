package recorder

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func boxOf(kind string, payload int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+payload))
	return append(append(b, kind...), make([]byte, payload)...)
}

var boxCases = []struct {
	name string
	data []byte
	want int64
}{
	{"empty", nil, 0},
	{"header only", join(boxOf("ftyp", 4), boxOf("moov", 20)), 0},
	{"whole", join(boxOf("ftyp", 4), boxOf("moov", 20), boxOf("moof", 8), boxOf("mdat", 100), boxOf("moof", 8), boxOf("mdat", 0)), 12 + 28 + 16 + 108 + 16 + 8},
	{"cut in mdat", join(boxOf("moof", 8), boxOf("mdat", 100), boxOf("moof", 8), boxOf("mdat", 100)[:50]), 124},
	{"cut in a head", join(boxOf("moof", 8), boxOf("mdat", 100), boxOf("moof", 8)[:7]), 124},
	{"without mdat", join(boxOf("moof", 8), boxOf("mdat", 100), boxOf("moof", 8)), 124},
	{"mdat alone", join(boxOf("ftyp", 4), boxOf("mdat", 100)), 0},
	{"size 0", join(boxOf("moof", 8), boxOf("mdat", 10), make([]byte, 100)), 34},
	{"size 7", join(boxOf("moof", 8), boxOf("mdat", 10), []byte{0, 0, 0, 7, 'm', 'o', 'o', 'f'}), 34},
	{"64 bits", join(boxOf("moof", 8), []byte{0, 0, 0, 1, 'm', 'd', 'a', 't', 0, 0, 0, 0, 0, 0, 0, 17, 1}), 33},
	{"64 bits, too many", join(boxOf("moof", 8), []byte{0, 0, 0, 1, 'm', 'd', 'a', 't', 0xff, 0, 0, 0, 0, 0, 0, 17, 1}), 0},
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestWholeFragments(t *testing.T) {
	for _, tt := range boxCases {
		got, err := wholeFragments(bytes.NewReader(tt.data), int64(len(tt.data)))
		if err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, want %d", tt.name, got, err, tt.want)
		}
	}
}

// FuzzWholeFragments: what is kept is a part of the file, and all of it is kept
// the next time.
func FuzzWholeFragments(f *testing.F) {
	for _, tt := range boxCases {
		f.Add(tt.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := wholeFragments(bytes.NewReader(data), int64(len(data)))
		if err != nil || n < 0 || n > int64(len(data)) {
			t.Fatalf("%d of %d, %v", n, len(data), err)
		}
		if again, err := wholeFragments(bytes.NewReader(data[:n]), n); err != nil || again != n {
			t.Fatalf("%d, then %d, %v", n, again, err)
		}
	})
}

// TestTorn: wherever a file is torn, the next start leaves one that can be read,
// with all fragments that were complete.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	r := start(t, s.broadcaster, Options{Dir: dir}, nil)
	s.feed(80, r.sub.C)
	stop(t, r)
	data, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	last, kept := -1, 0
	for n := len(data) - 1; n >= 0; n -= len(data)/300 + 1 {
		torn := t.TempDir()
		path := filepath.Join(torn, filepath.Base(files(t, dir)[0]))
		if err := os.WriteFile(path, data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var ev events
		sh, err := openStore(torn, Limits{}, time.Now, ev.add)
		if err != nil || len(ev.of(Repaired)) > 1 {
			t.Fatalf("torn at %d: %v, %+v", n, err, ev.all)
		}
		sh.close()
		size := int(sh.total)
		if size > n || n-size > len(data)/2 {
			t.Errorf("torn at %d: %d kept", n, size)
		}
		if size == last {
			continue
		}
		last = size
		if size == 0 {
			if len(files(t, torn)) != 0 {
				t.Error("a file without pictures is left")
			}
			continue
		}
		_, frames := look(t, path)
		if frames%25 != 0 || frames == 0 {
			t.Errorf("torn at %d: %d pictures", n, frames)
		}
		kept++
	}
	// Fragments of 25, 25, 25 and 5 pictures: the last is always torn.
	if kept != 3 {
		t.Errorf("%d different lengths are kept", kept)
	}
}
