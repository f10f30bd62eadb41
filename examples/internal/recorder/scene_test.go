package recorder

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// scene writes frames to a broadcaster.
type scene struct {
	t           testing.TB
	broadcaster *stream.Broadcaster
	r           *redact.Redactor
	pic         *image.YCbCr
	n           int
	at          time.Duration // of the next frame
}

func newScene(t testing.TB, w, h int) *scene {
	t.Helper()
	broadcaster, err := stream.New(stream.Options{BitRate: 300e3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broadcaster.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &scene{t: t, broadcaster: broadcaster}
	s.size(w, h)
	return s
}

func (s *scene) size(w, h int) {
	s.t.Helper()
	p := &redact.Policy{Version: 1, Property: []redact.Polygon{{{X: 0, Y: 0.5}, {X: 1, Y: 0.5}, {X: 1, Y: 1}, {X: 0, Y: 1}}}}
	var err error
	if s.r, err = redact.New(p, image.Pt(w, h), redact.DefaultOptions()); err != nil {
		s.t.Fatal(err)
	}
	s.pic = image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
}

// write writes the next frame; the one after it is 40 ms later.
func (s *scene) write() {
	s.t.Helper()
	for i := range s.pic.Y {
		s.pic.Y[i] = byte(60 + (i+3*s.n)%120)
	}
	f, err := s.r.Redact(s.pic, redact.Scene{Time: s.at})
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Release()
	if err := s.broadcaster.Write(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
	s.n++
	s.at += 40 * time.Millisecond
}

// feed writes n frames, no faster than they are taken from c.
func (s *scene) feed(n int, c <-chan *stream.Unit) {
	s.t.Helper()
	for range n {
		s.write()
		wait(s.t, "the recorder", func() bool { return len(c) < 20 })
	}
}

func wait(t testing.TB, what string, done func() bool) {
	t.Helper()
	if done() {
		return
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// events collects events. Its add may be called by any goroutine.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) add(v Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, v)
}

func (e *events) of(kind EventKind) (found []Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.all {
		if v.Kind == kind {
			found = append(found, v)
		}
	}
	return found
}

// files returns the recordings in a folder in the order of their names; anything
// else in it, but the clock's file and one that has no fragment yet, is an error.
func files(t testing.TB, dir string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partPrefix) || e.Name() == clockFile {
			continue
		}
		if _, ok := parseName(e.Name()); !ok {
			t.Errorf("there is %q", e.Name())
		}
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths
}

// probe is what ffprobe finds in a file.
type probe struct {
	Format struct {
		Duration string
		Tags     map[string]string
	}
	Streams []struct {
		CodecType string `json:"codec_type"`
		CodecName string `json:"codec_name"`
		Width     int
		Height    int
		Frames    string `json:"nb_read_frames"`
		Aspect    string `json:"sample_aspect_ratio"`
		Matrix    string `json:"color_space"`
		Primaries string `json:"color_primaries"`
		Transfer  string `json:"color_transfer"`
		Tags      map[string]string
	}
	Packets []struct {
		Time  string `json:"pts_time"`
		Flags string
	}
}

// look has ffprobe decode a file; what it complains about is an error.
func look(t testing.TB, path string) (p probe, frames int) {
	t.Helper()
	if _, err := exec.LookPath("ffprobe"); err != nil {
		t.Skip("needs the program ffprobe (package ffmpeg)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "warning", "-count_frames", "-show_format", "-show_streams", "-show_packets", "-of", "json", path)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("%s: %v: %s", filepath.Base(path), err, &complaints)
	}
	if err := json.Unmarshal(out.Bytes(), &p); err != nil {
		t.Fatalf("%s: %v: %s", path, err, &out)
	}
	if len(p.Streams) != 1 || p.Streams[0].CodecType != "video" || p.Streams[0].CodecName != "h264" {
		t.Fatalf("%s: %+v", path, p.Streams)
	}
	frames, err := strconv.Atoi(p.Streams[0].Frames)
	if err != nil || frames != len(p.Packets) {
		t.Errorf("%s: %s pictures decoded of %d", path, p.Streams[0].Frames, len(p.Packets))
	}
	if len(p.Packets) > 0 && !strings.HasPrefix(p.Packets[0].Flags, "K") {
		t.Errorf("%s does not begin with a key frame", path)
	}
	return p, frames
}

// times returns the times of a file's pictures in ms.
func (p *probe) times(t testing.TB) (ms []int) {
	t.Helper()
	for _, pkt := range p.Packets {
		v, err := strconv.ParseFloat(pkt.Time, 64)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, int(v*1000+0.5))
	}
	if !slices.IsSorted(ms) {
		t.Errorf("times %v", ms)
	}
	return ms
}

// nothingElse fails for a file without a fragment that is left in a folder.
func nothingElse(t testing.TB, dir string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, partPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// start starts a recorder that the test closes.
func start(t testing.TB, broadcaster *stream.Broadcaster, o Options, change func(*Recorder)) *Recorder {
	t.Helper()
	r, err := newRecorder(broadcaster, o)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	go r.run()
	t.Cleanup(func() { _ = r.Close() }) // the tests check it
	return r
}

func stop(t testing.TB, r interface{ Close() error }) {
	t.Helper()
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
