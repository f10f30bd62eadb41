package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
)

// now is the tests' time: long after the recordings, and after their files were written.
var now = time.Now().Add(24 * time.Hour)

func clock() time.Time { return now }

// scene is a folder of recordings, with what belongs to it.
type scene struct {
	t     *testing.T
	root  string
	dir   string
	names []string
}

// newScene makes a folder with n recordings.
func newScene(t *testing.T, n int) *scene {
	t.Helper()
	s := &scene{t: t, root: t.TempDir()}
	s.dir = filepath.Join(s.root, "recordings")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("policy.json", []byte(`{"version":1,"property":[[[0.1,0.55],[0.9,0.55],[1,1],[0,1]]],"inside":{"hide":["face"]}}`))
	for i := range n {
		s.record(i+1, time.Date(2026, 11, 29, 10, i, 0, 0, time.UTC))
	}
	return s
}

// record adds a recording.
func (s *scene) record(number int, at time.Time) {
	s.t.Helper()
	name := fmt.Sprintf("hedge-%06d-%s.mp4", number, at.Format("20060102T150405Z"))
	s.names = append(s.names, name)
	s.write(filepath.Join("recordings", name), append(box("ftyp", nil), fragment(uint64(number))...))
}

// box is one of an MP4 file.
func box(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(data)))
	return append(append(b, kind...), data...)
}

// fragment is one of random footage.
func fragment(seed uint64) []byte {
	data := make([]byte, 200)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return append(box("moof", []byte{1}), box("mdat", data)...)
}

func (s *scene) path(name string) string { return filepath.Join(s.root, name) }

func (s *scene) write(name string, data []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) read(name string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// call runs the program.
func (s *scene) call(at func() time.Time, args ...string) (code int, out string) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(s.t.Context(), args, at, &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

func (s *scene) signArgs(more ...string) []string {
	return append([]string{"-dir", s.dir, "-out", s.path("proof"), "-key", s.path("state/proof.key"), "-policy", s.path("policy.json")}, more...)
}

// sign makes a record, and returns its path.
func (s *scene) sign(at func() time.Time, more ...string) string {
	s.t.Helper()
	code, out := s.call(at, s.signArgs(more...)...)
	if code != 0 {
		s.t.Fatalf("sign: code %d, %s", code, out)
	}
	return strings.TrimSpace(out)
}

// verify checks a record.
func (s *scene) verify(record string, more ...string) (code int, out string) {
	s.t.Helper()
	return s.call(clock, append([]string{"verify", "-record", record, "-dir", s.dir, "-public", s.path("state/proof.key.pub")}, more...)...)
}

// expect fails the test unless the check ends with the code and says all of want.
func (s *scene) expect(record string, code int, args []string, want ...string) {
	s.t.Helper()
	got, out := s.verify(record, args...)
	if got != code {
		s.t.Errorf("code %d, want %d: %s", got, code, out)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			s.t.Errorf("does not say %q: %s", w, out)
		}
	}
}

// open returns a record's predicate.
func (s *scene) open(record string) *record {
	s.t.Helper()
	r, err := openRecord(s.t.Context(), &verifyConfig{Record: record, Public: s.path("state/proof.key.pub")})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// writeLog writes events as the camera does.
func (s *scene) writeLog(events ...eventlog.Event) string {
	s.t.Helper()
	var b bytes.Buffer
	for _, e := range events {
		if err := json.NewEncoder(&b).Encode(e); err != nil {
			s.t.Fatal(err)
		}
	}
	s.write("events.jsonl", b.Bytes())
	return s.path("events.jsonl")
}

func appendTo(t *testing.T, path string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
