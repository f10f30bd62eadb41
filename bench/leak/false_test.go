package main

import (
	"image"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/labels"
	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
)

// TestFalseTracks: of two people found all the time, one is labelled; the other is a
// false alarm where people are labelled completely, and unknown otherwise.
func TestFalseTracks(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	path := filepath.Join(t.TempDir(), "c.mkv")
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=128x96:r=5:d=12", "-c:v", "ffv1", path)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	yes, no := detect.Box{X0: 10, Y0: 20, X1: 30, Y1: 80}, detect.Box{X0: 80, Y0: 20, X1: 100, Y1: 80}
	found := detecttest.Find(detect.Detection{Class: detect.Person, Score: 0.9, Box: yes}, detect.Detection{Class: detect.Person, Score: 0.9, Box: no})
	everything := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	rec := &labels.Recording{File: "c.mkv", Clip: true}
	for n := range 60 {
		rec.Labels = append(rec.Labels, &labels.Label{Frame: n + 1, Size: image.Pt(128, 96), Labelled: true, Objects: []labels.Truth{{Class: detect.Person, Box: yes}}})
	}
	p, err := playTwice(t.Context(), path, pipeline.RecordingConfig{Policy: hardPolicy(t), Detectors: []detect.Detector{detecttest.New(everything, found)}}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for complete, want := range map[detect.ClassSet]int{detect.Classes(detect.Person): 1, 0: 0} {
		r := &leakreport.Run{Mode: "recording"}
		countTracks(r, p.decision, rec, complete)
		if r.Believed != 2 || r.Judged != 2*want || r.False != want || r.Minutes < 0.19 || r.Minutes > 0.2 {
			t.Errorf("complete %v: %d tracks, of %d judged %d false, in %.3f minutes", complete, r.Believed, r.Judged, r.False, r.Minutes)
		}
		if want == 1 && !strings.Contains(r.Text(), "tracks hidden 2, of 2 judged by labels 1 false: 5.08 a minute") {
			t.Error(r.Text())
		}
	}
}

// TestReference: in a clip without labels, a track is false where other networks find nothing.
func TestReference(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	path := filepath.Join(t.TempDir(), "c.mkv")
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=s=128x96:r=5:d=2", "-c:v", "ffv1", path)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	yes := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 10, Y0: 20, X1: 30, Y1: 80}}
	no := detect.Detection{Class: detect.Person, Score: 0.9, Box: detect.Box{X0: 80, Y0: 20, X1: 100, Y1: 80}}
	car := detect.Detection{Class: detect.Vehicle, Score: 0.9, Box: no.Box}
	everything := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle)
	s, err := referenceSet(t.Context(), path, []detect.Detector{detecttest.New(everything, detecttest.Find(yes, car))})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Recordings[0]; len(r.Labels) != 5 || len(r.Labels[4].Objects) != 1 || r.Labels[4].Frame != 9 || s.Name != "c.mkv" {
		t.Fatalf("%s: %d labelled pictures, the last is %+v", s.Name, len(r.Labels), r.Labels[len(r.Labels)-1])
	}
	pl := &plan{options: &options{Config: leakreport.Config{Moving: "no"}, classSet: everything, recording: true},
		config: pipeline.Config{Policy: hardPolicy(t), Detectors: []detect.Detector{detecttest.New(everything, detecttest.Find(yes, no))}}}
	_, run, err := pl.measure(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if table := leakreport.FalseTable([]leakreport.Run{*run, {Set: "unlabelled"}}); run.False != 1 || run.Judged != 2 || len(table.Lines) != 1 {
		t.Errorf("%d tracks false, of %d judged; %d lines", run.False, run.Judged, len(table.Lines))
	}
}
