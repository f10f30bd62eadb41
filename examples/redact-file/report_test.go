package main

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/models"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// TestCameraMoved: of a recording whose camera was moved, in one pass and in two, the program
// says when, what is hidden since and the way out, and the report has the part as
// camera_moved. With -moving, which is one way out, it says and hides nothing of the kind.
func TestCameraMoved(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	place, in := filepath.Join(dir, "place.png"), filepath.Join(dir, "in.mkv")
	ff(t, "-f", "lavfi", "-i", "cellauto=size=40x23:rate=1:rule=110:random_seed=7,scale=320:184:flags=bicubic", "-frames:v", "1", place)
	// Turned upside down after six seconds of nine.
	ff(t, "-loop", "1", "-framerate", "10", "-t", "6", "-i", place, "-loop", "1", "-framerate", "10", "-t", "3", "-i", place,
		"-filter_complex", "[1]hflip,vflip[turned];[0][turned]concat,format=yuv420p", "-preset", "ultrafast", in)
	for name, c := range map[string]struct {
		policy string
		args   []string
		moved  bool
	}{
		"one pass":          {closedPolicy, nil, true},
		"two passes":        {foundPolicy, []string{"-networks", "none", "-moving=false"}, true},
		"one pass, -moving": {closedPolicy, []string{"-moving"}, false},
	} {
		rep := filepath.Join(dir, "report.json")
		code, said := runProgram(t, append([]string{"-in", in, "-out", filepath.Join(dir, "out.mp4"), "-policy",
			write(t, filepath.Join(dir, "p.json"), c.policy), "-report", rep, "-force"}, c.args...)...)
		if code != exitDone {
			t.Fatalf("%s: exit code %d: %s", name, code, said)
		}
		r := readReport(t, rep)
		if !c.moved {
			if len(r.Elsewhere) > 0 || strings.Contains(said, "the camera was moved") {
				t.Errorf("%s: %v: %s", name, r.Elsewhere, said)
			}
			continue
		}
		for _, part := range []string{"warning: the camera was moved at 6s: from then until 8.9s ", "does not show the place of the beginning, and is hidden as a whole",
			"say -moving", "cut the file there and give each part its own policy"} {
			if !strings.Contains(said, part) {
				t.Errorf("%s: does not say %q:\n%s", name, part, said)
			}
		}
		if len(r.Elsewhere) != 1 || r.Elsewhere[0].From < 5.9 || r.Elsewhere[0].From > 6.01 || r.Elsewhere[0].To < 8.8 || r.Frames.HiddenWhole < 30 {
			t.Errorf("%s: moved %v, %d pictures hidden as a whole of %d", name, r.Elsewhere, r.Frames.HiddenWhole, r.Frames.Out)
		}
	}
}

// TestMovedParts: each part of a second and more in which the camera stands elsewhere is told of
// and reported, and what is hidden for another reason is none.
func TestMovedParts(t *testing.T) {
	var away spans
	for _, e := range []pipeline.Event{
		{Time: 2 * time.Second, Kind: pipeline.FailedClosed, Reason: pipeline.ReasonDetectorFailed},
		{Time: 4 * time.Second, Kind: pipeline.Recovered},
		{Time: 5 * time.Second, Kind: pipeline.FailedClosed, Reason: pipeline.ReasonViewDiffers},
		{Time: 6 * time.Second, Kind: pipeline.CameraMoved, Reason: pipeline.ReasonCameraMoved},
		{Time: 6 * time.Second, Kind: pipeline.FailedClosed, Reason: pipeline.ReasonCameraMoved},
		{Time: 9 * time.Second, Kind: pipeline.Recovered},
		{Time: 20 * time.Second, Kind: pipeline.FailedClosed, Reason: pipeline.ReasonViewDiffers}, // a damaged picture
		{Time: 20*time.Second + 100*time.Millisecond, Kind: pipeline.Recovered},
		{Time: 30 * time.Second, Kind: pipeline.FailedClosed, Reason: pipeline.ReasonCameraMoved},
	} {
		away.event(e)
	}
	var said bytes.Buffer
	var r report
	for _, e := range away.all(90 * time.Second) {
		r.elsewhere(&job{stderr: &said}, e)
	}
	if want := []spanReport{{5, 9}, {30, 90}}; !slices.Equal(r.Elsewhere, want) {
		t.Errorf("reported %v, want %v", r.Elsewhere, want)
	}
	if n := strings.Count(said.String(), "warning: the camera was moved at "); n != 2 || !strings.Contains(said.String(), "at 30s: from then until 1m30s") {
		t.Errorf("%d warnings: %s", n, said.String())
	}
}

// TestReportNamesNetworks: the report names each network, in one pass and in two, with what it
// did, and what computed them.
func TestReportNamesNetworks(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	policy, err := redact.ParsePolicy([]byte(foundPolicy))
	if err != nil {
		t.Fatal(err)
	}
	recording := clip(t, filepath.Join(dir, "in.mp4"))
	picture := filepath.Join(dir, "in.png")
	ff(t, "-i", recording, "-frames:v", "1", picture)
	for in, out := range map[string]string{recording: "out.mp4", picture: "out.png"} {
		people := detecttest.New(detect.Classes(detect.Face, detect.Person), detecttest.Find())
		rest := detecttest.New(detect.Classes(detect.Plate, detect.Vehicle), detecttest.Find())
		j := job{options: options{networks: "two", provider: "openvino", every: 1, track: 1}, policy: policy, stderr: &bytes.Buffer{}, encoder: x264,
			set: &networks.Set{Detectors: []detect.Detector{people, rest}, Models: []models.Model{
				{Name: "of people", Classes: []models.Class{{Class: detect.Face}, {Class: detect.Person}}},
				{Name: "of the rest", Classes: []models.Class{{Class: detect.Plate}, {Class: detect.Vehicle}}}}},
			file: file{in: in, out: filepath.Join(dir, out)}}
		r, err := j.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, out+".json")
		if err := writeReport(path, false, []*report{r}); err != nil {
			t.Fatal(err)
		}
		written := readReport(t, path)
		if len(written.Detectors) != 2 || written.Detectors[0].Name != people.Name() || written.Detectors[1].Name != rest.Name() || written.Detectors[0].Looks == 0 {
			t.Errorf("%s: %+v", out, written.Detectors)
		}
		if written.Networks != "two" || written.Provider != "openvino" || len(written.Models) != 2 || written.Models[0].Name != "of people" {
			t.Errorf("%s: networks %q, provider %q, models %+v", out, written.Networks, written.Provider, written.Models)
		}
		if err := j.set.Close(); err != nil {
			t.Error(err)
		}
	}
}
