package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// TestSegments: every frame is in one of the files, at its time; each file begins
// with a key frame and has nothing but pictures in it.
func TestSegments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	s := newScene(t, 64, 48)
	var ev events
	now := time.Date(2026, 3, 29, 1, 59, 58, 0, time.FixedZone("CET", 3600))
	r := start(t, s.broadcaster, Options{Dir: dir, Segment: 3 * time.Second, OnEvent: ev.add, Clock: func() time.Time { return now }}, nil)
	for range 200 { // one at a time, so that a key frame that is asked for comes soon
		s.feed(1, r.sub.C)
		wait(t, "the recorder", func() bool { return len(r.sub.C) == 0 })
	}
	wait(t, "fragments", func() bool { return r.Stats().Bytes > 0 && r.Stats().Path != "" })
	stop(t, r)
	if st := r.Stats(); st.Lost != 0 || st.Err != nil || st.Path != "" {
		t.Errorf("%+v", st)
	}
	paths := files(t, dir)
	nothingElse(t, dir)
	total := 0
	for i, path := range paths {
		if want := fmt.Sprintf("hedge-%06d-20260329T005958Z.mp4", i+1); filepath.Base(path) != want {
			t.Errorf("%s, want %s", path, want)
		}
		p, n := look(t, path)
		ms := p.times(t)
		for j, at := range ms {
			if at != j*40 {
				t.Fatalf("%s: %v", path, ms)
			}
		}
		// A key frame is asked for when the time has come; two pictures may be on
		// their way.
		if i+1 < len(paths) && (n < 75 || n > 79) {
			t.Errorf("%s has %d pictures", path, n)
		}
		if p.Streams[0].Width != 64 || p.Streams[0].Height != 48 {
			t.Errorf("%+v", p.Streams[0])
		}
		total += n
		for _, tags := range []map[string]string{p.Format.Tags, p.Streams[0].Tags} {
			for k, v := range tags {
				switch k {
				case "major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id", "language":
				default:
					t.Errorf("%s says %s: %s", path, k, v)
				}
			}
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		data, err := os.ReadFile(path)
		if err != nil || strings.Contains(string(data), "x264") {
			t.Errorf("the encoder's settings are in %s (%v)", path, err)
		}
	}
	if total != 200 || len(paths) != 3 || len(ev.of(Saved)) != 3 {
		t.Errorf("%d frames in %d files, %d saved", total, len(paths), len(ev.of(Saved)))
	}
}

// TestQuiet: what came is on the disk soon, also when nothing more comes; after
// the silence there is another file.
func TestQuiet(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	r := start(t, s.broadcaster, Options{Dir: dir}, nil)
	s.feed(10, r.sub.C)
	wait(t, "the file", func() bool { return len(files(t, dir)) == 1 })
	if _, n := look(t, files(t, dir)[0]); n != 10 {
		t.Errorf("%d pictures", n)
	}
	s.at += time.Minute
	s.broadcaster.Pause(true)
	s.broadcaster.Pause(false)
	s.feed(10, r.sub.C)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatal(paths)
	}
	for _, path := range paths {
		if p, n := look(t, path); n != 10 || p.times(t)[9] != 360 {
			t.Errorf("%s: %v", path, p.times(t))
		}
	}
}

// TestFormat: another size of the pictures begins another file.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	r := start(t, s.broadcaster, Options{Dir: dir}, nil)
	s.feed(30, r.sub.C)
	s.size(128, 80)
	s.feed(30, r.sub.C)
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatal(paths)
	}
	for i, path := range paths {
		if p, n := look(t, path); n != 30 || p.Streams[0].Width != 64*(i+1) {
			t.Errorf("%s: %d pictures %+v", path, n, p.Streams)
		}
	}
}

// TestDescribed: recordings say how wide their pixels are and what their colours
// mean; when that changes another file begins.
func TestDescribed(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 704, 576)
	r := start(t, s.broadcaster, Options{Dir: dir}, nil)
	for _, f := range []ffmpeg.Format{
		{SampleAspect: ffmpeg.Rational{Num: 12, Den: 11}, Color: ffmpeg.Color{Matrix: "bt470bg", Primaries: "bt470bg", Transfer: "smpte170m"}},
		{SampleAspect: ffmpeg.Rational{Num: 16, Den: 11}, Color: ffmpeg.Color{Matrix: "bt709", Primaries: "bt709", Transfer: "bt709"}},
	} {
		s.broadcaster.Describe(f)
		s.feed(10, r.sub.C)
	}
	stop(t, r)
	paths := files(t, dir)
	if len(paths) != 2 {
		t.Fatal(paths)
	}
	for i, want := range []string{"12:11 bt470bg bt470bg smpte170m", "16:11 bt709 bt709 bt709"} {
		p, n := look(t, paths[i])
		v := p.Streams[0]
		if got := strings.Join([]string{v.Aspect, v.Matrix, v.Primaries, v.Transfer}, " "); got != want || n != 10 {
			t.Errorf("%d pictures, %s, want %s", n, got, want)
		}
	}
}

// TestLimits: the oldest files go first, by size and by age, and nothing else.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
	passed := time.Duration(0)
	old := func(number int, at time.Time, size int64) string {
		path := filepath.Join(dir, fmt.Sprintf("hedge-%06d-%s.mp4", number, at.Format(nameTime)))
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	day := 24 * time.Hour
	old(1, now.Add(-5*day), 1000)
	old(2, now.Add(400*day), 1000)                  // the clock was ahead
	old(3, time.Unix(0, 0).UTC(), 1000)             // the clock had not been set
	four := old(4, now.Add(-2*day), 1000)           // 4 is too old when 5 is not
	five := old(5, now.Add(-2*day+time.Hour), 3000) // just not too old
	six := old(6, now.Add(-day), 300_000)           //
	old(7, now.Add(-time.Hour), 400_000)            // not whole
	old(8, now.Add(-time.Hour), 400_000)            // not whole
	others := []string{"hedge-1.mp4", "notes.txt", "hedge-000009-20260510T120000Z.mp4.bak", "hedge-000009-99999999T120000Z.mp4"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, partPrefix+"hedge-000009-20260510T120000Z.mp4"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var ev events
	sh, err := openStore(dir, Limits{Age: 2*day - time.Minute, Bytes: 1e6}, func() time.Time { return now }, ev.add)
	if err != nil {
		t.Fatal(err)
	}
	defer sh.close()
	sh.passed = func() time.Duration { return passed }
	if got := len(ev.of(Repaired)); got != 2 || len(sh.files) != 6 || sh.total != 307_000 || sh.next != 9 {
		t.Fatalf("%d repaired, %+v", got, sh)
	}
	removed := func(growing int64, want ...string) {
		t.Helper()
		ev.all = nil
		sh.enforceRetention(growing)
		var got []string
		for _, e := range ev.all {
			if _, err := os.Stat(e.Path); e.Kind != Removed || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%+v: %v", e, err)
			}
			got = append(got, filepath.Base(e.Path))
		}
		for i := range want {
			want[i] = filepath.Base(want[i])
		}
		if !slices.Equal(got, want) {
			t.Errorf("removed %q, want %q", got, want)
		}
	}
	// The clock has not been watched for long enough.
	removed(0)
	// It jumps into the future: nothing is removed while that is not settled.
	passed, now = 9*time.Minute, now.Add(9*time.Minute+3650*day)
	removed(0)
	passed, now = 18*time.Minute, now.Add(9*time.Minute-3650*day)
	removed(0)
	passed, now = 27*time.Minute, now.Add(9*time.Minute)
	removed(0)
	passed, now = 29*time.Minute, now.Add(2*time.Minute)
	var first []string
	for _, f := range sh.files[:4] {
		first = append(first, f.name)
	}
	if filepath.Base(four) != first[3] {
		t.Fatal(first)
	}
	removed(0, first...)
	sh.limits.Files = 2
	removed(0)
	sh.limits.Files = 1
	removed(0, five)
	sh.limits.Files = 0
	removed(1e6-1, six)
	removed(1e6 + 1)
	if sh.total != 0 || len(sh.files) != 0 {
		t.Errorf("%+v", sh)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if name := sh.name(); name != "hedge-000009-20260510T122900Z.mp4" {
		t.Error(name)
	}
}

// TestBytes: a recorder stays within its limit, and a segment is no larger than
// a quarter of it.
func TestBytes(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	var ev events
	// The limit is lowered after its check, for a quick test.
	const limit = 60_000
	r := start(t, s.broadcaster, Options{Dir: dir, OnEvent: ev.add}, func(r *Recorder) {
		r.o.Limits.Bytes = limit
		r.store.limits.Bytes = limit
	})
	for range 20 {
		s.feed(50, r.sub.C)
		var sum int64
		for _, path := range files(t, dir) {
			if info, err := os.Stat(path); err == nil {
				sum += info.Size()
			}
		}
		// A second of 300 kbit/s, twice as much for a while, may be beyond.
		if sum > limit+80_000 {
			t.Errorf("%d bytes", sum)
		}
	}
	stop(t, r)
	if n := len(ev.of(Removed)); n < 3 || r.Stats().Lost != 0 {
		t.Errorf("%d removed, %+v", n, r.Stats())
	}
}

// TestClock: whatever the clock does, the files keep their order and none is
// written over; a restart goes on counting.
func TestClock(t *testing.T) {
	dir := t.TempDir()
	s := newScene(t, 64, 48)
	clock := []string{"2026-05-10T12:00:00Z", "2026-05-10T12:00:00Z", "2040-01-01T00:00:00Z", "1970-01-01T00:00:01Z"}
	total := 0
	for _, at := range clock {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		r := start(t, s.broadcaster, Options{Dir: dir, Clock: func() time.Time { return now }, Limits: Limits{Age: 24 * time.Hour}}, nil)
		s.feed(20, r.sub.C)
		stop(t, r)
		total += 20
	}
	paths := files(t, dir)
	want := []string{"hedge-000001-20260510T120000Z.mp4", "hedge-000002-20260510T120000Z.mp4", "hedge-000003-20400101T000000Z.mp4", "hedge-000004-19700101T000001Z.mp4"}
	for i := range paths {
		if filepath.Base(paths[i]) != want[i] {
			t.Errorf("%s, want %s", paths[i], want[i])
		}
		_, n := look(t, paths[i])
		total -= n
	}
	if total != 0 || len(paths) != len(want) {
		t.Errorf("%d frames are missing in %d files", total, len(paths))
	}
}

// TestDiskFull: it is told of once, attempts go on, and what is recorded after
// room was made follows within seconds; what was written before can be read.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	var full func(bool)
	var inject func(*Recorder)
	if err := smallDisk(t, dir); err == nil {
		ballast := filepath.Join(dir, "hedge-ballast")
		full = func(on bool) {
			if err := os.RemoveAll(ballast); err != nil {
				t.Error(err)
			}
			if on {
				// Until there is no room.
				_ = os.WriteFile(ballast, make([]byte, 1<<20), 0o600)
			}
		}
	} else {
		t.Logf("no file system of its own (%v): the error is made up", err)
		w := &limitedWriter{}
		inject = func(r *Recorder) { r.write = w.write }
		full = w.full.Store
	}
	s := newScene(t, 64, 48)
	var ev events
	r := start(t, s.broadcaster, Options{Dir: dir, OnEvent: ev.add}, inject)
	for i := range 3 {
		s.feed(60, r.sub.C)
		full(true)
		s.feed(100, r.sub.C)
		wait(t, "the fault", func() bool { return len(ev.of(Failed)) > i })
		if st := r.Stats(); !errors.Is(st.Err, syscall.ENOSPC) {
			t.Errorf("%+v", st)
		}
		full(false)
		// Of the stream's time: 1 s until the next attempt, a key frame, and 1 s
		// for a fragment.
		begin := s.at
		for len(ev.of(Recovered)) <= i && s.at < begin+10*time.Second {
			s.feed(5, r.sub.C)
			wait(t, "the recorder", func() bool { return len(r.sub.C) == 0 })
		}
		if d := s.at - begin; d > 5*time.Second {
			t.Errorf("recovered after %v", d)
		}
	}
	stop(t, r)
	if len(ev.of(Failed)) != 3 || r.Stats().Err != nil || r.Stats().Lost == 0 {
		t.Errorf("%+v, %+v", ev.all, r.Stats())
	}
	nothingElse(t, dir)
	for _, path := range files(t, dir) {
		look(t, path)
	}
}

func TestBadOptions(t *testing.T) {
	s := newScene(t, 64, 48)
	dir := t.TempDir()
	for _, o := range []Options{{}, {Dir: dir, Segment: time.Millisecond}, {Dir: dir, Limits: Limits{Age: -1}}, {Dir: dir, Limits: Limits{Bytes: 1000}}, {Dir: dir, Limits: Limits{Files: -1}}} {
		if _, err := New(s.broadcaster, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []RingOptions{{}, {Dir: dir, Keep: 1}, {Dir: dir, Memory: 1}, {Dir: dir, Limits: Limits{Bytes: 1}}} {
		if _, err := NewRing(s.broadcaster, o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(s.broadcaster, Options{Dir: filepath.Join(file, "x")}); !errors.Is(err, syscall.ENOTDIR) {
		t.Error(err)
	}
	if n := s.broadcaster.Stats().Subscribers; n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}
