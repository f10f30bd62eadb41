package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestIntact: what was signed and not touched is intact, by file and by fingerprint; a
// second record knows the first; nothing of the footage is in any file.
func TestIntact(t *testing.T) {
	s := newScene(t, 4)
	s.write("recordings/notes.txt", []byte("foreign"))
	first := s.sign(clock)
	s.expect(first, 0, nil, "intact: 4 recordings")
	r := s.open(first)
	if r.Others != 1 || r.PolicySum == "" || len(r.Segments) != 4 || r.Head != r.Segments[3].Link {
		t.Errorf("%+v", r)
	}
	code, out := s.call(clock, "verify", "-record", first, "-dir", s.dir, "-fingerprint", strings.ToUpper(r.Fingerprint))
	if code != 0 {
		t.Errorf("by fingerprint: %s", out)
	}
	later := func() time.Time { return now.Add(time.Hour) }
	if next := s.open(s.sign(later)); next.Previous == "" || next.Fingerprint != r.Fingerprint {
		t.Errorf("the second record: %+v", next)
	}
	// The same second again: nothing is overwritten.
	if code, out := s.call(later, s.signArgs()...); code == 0 || !strings.Contains(out, "exists") {
		t.Errorf("overwritten: %s", out)
	}
	made, err := filepath.Glob(s.path("proof/*"))
	if err != nil || len(made) != 6 {
		t.Fatalf("made %v, %v", made, err)
	}
	footage := fragment(1)[25:]
	for _, path := range made {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{string(footage[:12]), base64.StdEncoding.EncodeToString(footage)[:16], fmt.Sprintf("%x", footage[:12])} {
			if bytes.Contains(data, []byte(form)) {
				t.Errorf("%s has footage", path)
			}
		}
	}
}

// TestTampering: each kind of change is named with the recording that it is in.
func TestTampering(t *testing.T) {
	rename := func(s *scene, from, to string) {
		if err := os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)); err != nil {
			s.t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(s *scene)
		want   []string
	}{
		"one bit": {func(s *scene) {
			data := s.read("recordings/" + s.names[1])
			data[60] ^= 1
			s.write("recordings/"+s.names[1], data)
		}, []string{"changed: hedge-000002"}},
		"a header": {func(s *scene) {
			data := s.read("recordings/" + s.names[1])
			data[3] ^= 0x40
			s.write("recordings/"+s.names[1], data)
		}, []string{"changed: hedge-000002"}},
		"longer": {func(s *scene) { appendTo(t, filepath.Join(s.dir, s.names[3]), []byte{0}) }, []string{"changed: hedge-000004", "1 bytes longer"}},
		"cut": {func(s *scene) {
			if err := os.Truncate(filepath.Join(s.dir, s.names[2]), 100); err != nil {
				t.Fatal(err)
			}
		}, []string{"cut: hedge-000003", "100 of"}},
		"empty": {func(s *scene) { s.write("recordings/"+s.names[2], nil) }, []string{"cut: hedge-000003", "0 of"}},
		"missing": {func(s *scene) {
			if err := os.Remove(filepath.Join(s.dir, s.names[0])); err != nil {
				t.Fatal(err)
			}
		}, []string{"missing: hedge-000001"}},
		"all gone": {func(s *scene) {
			for _, n := range s.names {
				if err := os.Remove(filepath.Join(s.dir, n)); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"missing: hedge-000001", "missing: hedge-000004"}},
		"added between": {func(s *scene) { s.write("recordings/hedge-000002-20261129T100130Z.mp4", fragment(9)) }, []string{"added: hedge-000002-20261129T100130Z.mp4"}},
		"added after":   {func(s *scene) { s.write("recordings/hedge-000005-20261129T110000Z.mp4", fragment(9)) }, []string{"added: hedge-000005", "-growing"}},
		"swapped": {func(s *scene) {
			rename(s, s.names[1], "x")
			rename(s, s.names[2], s.names[1])
			rename(s, "x", s.names[2])
		}, []string{"reordered: hedge-000002", "reordered: hedge-000003"}},
		"another time": {func(s *scene) { rename(s, s.names[1], "hedge-000002-20261129T230000Z.mp4") },
			[]string{"reordered: hedge-000002-20261129T100100Z.mp4", "lies under hedge-000002-20261129T230000Z.mp4"}},
		"a link": {func(s *scene) {
			rename(s, s.names[1], "../elsewhere.mp4")
			if err := os.Symlink("../elsewhere.mp4", filepath.Join(s.dir, s.names[1])); err != nil {
				t.Fatal(err)
			}
		}, []string{"missing: hedge-000002"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 4)
			record := s.sign(clock)
			c.change(s)
			s.expect(record, 1, nil, c.want...)
		})
	}
}

// TestRandomManipulations: of 1,000 random manipulations each is found, and the names
// are those of what was touched.
func TestRandomManipulations(t *testing.T) {
	s := newScene(t, 6)
	record := s.sign(clock)
	seed := uint64(20261129)
	r := rand.New(rand.NewPCG(seed, 2))
	whole := map[string][]byte{}
	for _, n := range s.names {
		whole[n] = s.read("recordings/" + n)
	}
	c := &verifyConfig{Record: record, Dir: s.dir, Public: s.path("state/proof.key.pub")}
	for i := 0; i < 1000; {
		a, b := s.names[r.IntN(6)], s.names[r.IntN(6)]
		path, touched := filepath.Join(s.dir, a), []string{a}
		data := bytes.Clone(whole[a])
		what := r.IntN(7)
		switch what {
		case 0:
			data[r.IntN(len(data))] ^= byte(1 + r.IntN(255))
			s.write("recordings/"+a, data)
		case 1:
			s.write("recordings/"+a, data[:r.IntN(len(data))])
		case 2:
			s.write("recordings/"+a, append(data, make([]byte, 1+r.IntN(50))...))
		case 3:
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		case 4:
			touched[0] = fmt.Sprintf("hedge-%06d-20261201T0000%02dZ.mp4", 1+r.IntN(9), r.IntN(60))
			s.write("recordings/"+touched[0], data)
		case 5:
			if a == b {
				continue // nothing is done
			}
			s.write("recordings/"+a, whole[b])
			s.write("recordings/"+b, whole[a])
			touched = append(touched, b)
		case 6:
			n := r.IntN(len(data) - 1)
			s.write("recordings/"+a, append(data[:n:n], data[n+1:]...))
		}
		i++
		v, err := verify(t.Context(), c)
		if err != nil {
			t.Fatalf("seed %d, %d, manipulation %d: %v", seed, i, what, err)
		}
		found := map[string]bool{}
		for _, f := range v.findings {
			found[f.Name] = true
		}
		for _, n := range touched {
			if !found[n] {
				t.Fatalf("seed %d, %d, manipulation %d of %s is not found: %v", seed, i, what, n, v.findings)
			}
		}
		if len(found) != len(touched) {
			t.Fatalf("seed %d, %d, manipulation %d of %v: found %v", seed, i, what, touched, v.findings)
		}
		if what == 4 {
			if err := os.Remove(filepath.Join(s.dir, touched[0])); err != nil {
				t.Fatal(err)
			}
		}
		for n, data := range whole {
			s.write("recordings/"+n, data)
		}
	}
}

// TestRecordChanged: a record of which anything was changed, and one by another key,
// proves nothing.
func TestRecordChanged(t *testing.T) {
	s := newScene(t, 2)
	path := s.sign(clock)
	var envelope map[string]any
	if err := json.Unmarshal(s.read("proof/"+filepath.Base(path)), &envelope); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(envelope["payload"].(string))
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, change func(map[string]any)) string {
		e := map[string]any{}
		for k, v := range envelope {
			e[k] = v
		}
		change(e)
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		s.write(name, data)
		return s.path(name)
	}
	for i := 0; i < len(payload); i += 7 {
		changed := bytes.Clone(payload)
		changed[i] ^= 1
		s.expect(put("bad.json", func(e map[string]any) { e["payload"] = base64.StdEncoding.EncodeToString(changed) }), 1, nil, "it proves nothing")
	}
	forged := bytes.Replace(payload, []byte(s.names[0]), []byte(s.names[1]), 1)
	s.expect(put("bad.json", func(e map[string]any) { e["payload"] = base64.StdEncoding.EncodeToString(forged) }), 1, nil, "it proves nothing")
	s.expect(put("bad.json", func(e map[string]any) { e["signatures"] = []any{} }), 1, nil, "it proves nothing")
	s.expect(put("bad.json", func(e map[string]any) { e["payloadType"] = "text/plain" }), 1, nil, "it was changed, or is something else")
	s.write("bad.json", s.read("proof/" + filepath.Base(path))[:500])
	s.expect(s.path("bad.json"), 1, nil, "no signed record")
	s.expect(s.path("none.json"), 1, nil, "record: ")

	other := newScene(t, 2)
	theirs := other.sign(clock)
	s.expect(theirs, 1, nil, "signed by another key")
	if code, out := s.call(clock, "verify", "-record", theirs, "-dir", s.dir, "-fingerprint", s.open(path).Fingerprint); code != 1 || !strings.Contains(out, "was signed by the key") {
		t.Errorf("another fingerprint: %d, %s", code, out)
	}
}

// TestKey: the key is made once, for its owner alone; one that is gone, damaged or open
// to others is an error that says what to do, and no other is made in its place.
func TestKey(t *testing.T) {
	s := newScene(t, 1)
	s.sign(clock)
	key, pub := s.path("state/proof.key"), s.path("state/proof.key.pub")
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's rights: %v, %v", info.Mode(), err)
	}
	private, public := s.read("state/proof.key"), s.read("state/proof.key.pub")
	for name, c := range map[string]struct {
		change func() error
		want   string
	}{
		"gone":    {func() error { return os.Remove(key) }, "is gone"},
		"open":    {func() error { return os.Chmod(key, 0o640) }, "chmod"},
		"damaged": {func() error { return os.WriteFile(key, []byte("nonsense"), 0o600) }, "is no private key"},
		"cut":     {func() error { return os.WriteFile(key, private[:40], 0o600) }, "is no private key"},
		"empty":   {func() error { return os.WriteFile(key, nil, 0o600) }, "is no private key"},
		"wrong public": {func() error {
			return os.WriteFile(pub, public[:30], 0o644)
		}, "public key"},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if code, out := s.call(clock, s.signArgs("-out", s.path("more"))...); code != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: code %d, %s", name, code, out)
		}
		if err := os.Chmod(filepath.Dir(key), 0o700); err != nil {
			t.Fatal(err)
		}
		s.write("state/proof.key", private)
		if err := os.Chmod(key, 0o600); err != nil {
			t.Fatal(err)
		}
		s.write("state/proof.key.pub", public)
	}
	// A power cut between the two files.
	if err := os.Remove(pub); err != nil {
		t.Fatal(err)
	}
	if _, err := openKey(key); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(public, s.read("state/proof.key.pub")) {
		t.Error("another public key")
	}
	// Programs at their first start use one key.
	for round := range 20 {
		path := s.path(fmt.Sprintf("new%d/proof.key", round))
		var group sync.WaitGroup
		prints := make([]string, 8)
		for i := range prints {
			group.Go(func() {
				k, err := openKey(path)
				if err != nil {
					t.Error(err)
					return
				}
				prints[i] = k.fingerprint()
			})
		}
		group.Wait()
		for _, p := range prints {
			if p != prints[0] {
				t.Errorf("keys %q", prints)
			}
		}
	}
}

// TestFolders: a folder that is empty or missing, one that is still written, and one
// whose clock jumped back.
func TestFolders(t *testing.T) {
	s := newScene(t, 0)
	if code, out := s.call(clock, s.signArgs()...); code != 1 || !strings.Contains(out, "no recording in") {
		t.Errorf("an empty folder: %d, %s", code, out)
	}
	if code, out := s.call(clock, "-dir", s.path("none"), "-key", s.path("k")); code != 1 || !strings.Contains(out, "none") {
		t.Errorf("no folder: %d, %s", code, out)
	}

	s = newScene(t, 2)
	last := filepath.Join(s.dir, s.names[1])
	appendTo(t, last, fragment(5)[:50]) // half written
	record := s.sign(time.Now)
	if r := s.open(record); !r.Segments[1].Open || r.Segments[0].Open || r.Segments[1].Bytes != int64(len(box("ftyp", nil))+len(fragment(2))) {
		t.Errorf("segments %+v", r.Segments)
	}
	s.expect(record, 0, nil, "intact")
	if err := os.Truncate(last, s.open(record).Segments[1].Bytes); err != nil { // as the recorder does after a power cut
		t.Fatal(err)
	}
	s.expect(record, 0, nil, "intact")
	appendTo(t, last, fragment(6))
	s.record(3, time.Date(2026, 11, 29, 10, 2, 0, 0, time.UTC))
	s.expect(record, 0, []string{"-growing"}, "intact", "newer than the record")
	s.expect(record, 1, nil, "added: hedge-000003")
	if err := os.Remove(filepath.Join(s.dir, s.names[0])); err != nil {
		t.Fatal(err)
	}
	s.expect(record, 0, []string{"-growing", "-expired"}, "not there any more")
	s.expect(record, 1, []string{"-growing"}, "missing: hedge-000001")
	if err := os.Truncate(last, 40); err != nil {
		t.Fatal(err)
	}
	s.expect(record, 1, []string{"-growing", "-expired"}, "cut: hedge-000002")

	s = newScene(t, 2)
	s.record(3, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	record = s.sign(clock)
	if r := s.open(record); !r.Segments[2].ClockBack || r.Segments[2].Number != 3 {
		t.Errorf("a clock that went back: %+v", r.Segments)
	}
	s.expect(record, 0, nil, "intact: 3", "the camera's clock was set back")
	if page := string(s.read("proof/" + strings.TrimSuffix(filepath.Base(record), ".json") + "-en.html")); !strings.Contains(page, "clock was set back before") {
		t.Error("the page does not tell of the clock")
	}
}

// TestUsage: what is missing is named, with the way out.
func TestUsage(t *testing.T) {
	s := newScene(t, 1)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "-dir recordings"},
		{[]string{"verify"}, "-record"},
		{[]string{"verify", "-record", "x"}, "-dir"},
		{[]string{"verify", "-record", "x", "-dir", "y"}, "-fingerprint"},
		{[]string{"verify", "-record", "x", "-dir", "y", "-public", "a", "-fingerprint", "b"}, "not both"},
	} {
		if code, out := s.call(clock, c.args...); code != 2 || !strings.Contains(out, c.want) {
			t.Errorf("%q: %d, %s", c.args, code, out)
		}
	}
}
