package archive_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/pipeline/evidence"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(archivetest.LeftByNATS))
}

// TestUnserved: a recording that waits for a worker that is not there says which one.
func TestUnserved(t *testing.T) {
	right := queue.Worker{Version: "1", Networks: []string{"hedge-n-1"}}
	none, old := queue.Worker{Version: "1"}, queue.Worker{Version: "0", Networks: []string{"hedge-n-1"}}
	looked := queue.Recording{Version: "1", Networks: "hedge-n-1", Stage: queue.Inspect, Status: queue.Waiting}
	rendered := looked
	rendered.Stage = queue.Render
	running := looked
	running.Status = queue.Running
	for _, c := range []struct {
		r       queue.Recording
		workers []queue.Worker
		says    string
	}{
		{looked, nil, "no worker is there"},
		{looked, []queue.Worker{old}, "version"},
		{looked, []queue.Worker{old, none}, "networks"},
		{looked, []queue.Worker{none, old}, "networks"},
		{looked, []queue.Worker{old, none, right}, ""},
		{rendered, []queue.Worker{none}, ""},
		{rendered, []queue.Worker{old}, "version"},
		{running, nil, ""},
	} {
		if why := archive.Unserved(&c.r, c.workers); (why == "") != (c.says == "") || !strings.Contains(why, c.says) {
			t.Errorf("%s with %+v: %q, want %q", c.r.Stage, c.workers, why, c.says)
		}
	}
}

// TestTidy: an original that should have been removed is, when the server begins again; no
// other is.
func TestTidy(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	gone, kept := a.Add(t, "gone", "1"), a.Add(t, "kept", "2")
	original := gone.Original
	gone.RemoveOriginal, gone.Original, gone.Status = true, "", queue.Done
	if _, err := a.Queue.Save(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := a.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Files.Open(t.Context(), original); !errors.Is(err, store.ErrMissing) {
		t.Errorf("it is still there: %v", err)
	}
	f, err := a.Files.Open(t.Context(), kept.Original)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// TestRetryOfAnotherVersion: evidence that is made anew numbers tracks anew, so that nobody
// is shown by a number of before, and the trail says so.
func TestRetryOfAnotherVersion(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	r := a.Add(t, "street", "1")
	r.Changes = []evidence.Change{
		{Strike: []uint64{3}, By: "anna"}, {Times: &evidence.ChangedTimes{Track: 5, From: 2, To: 2}, By: "anna"}, {Outside: evidence.OutsideAll, By: "anna"},
	}
	r.Evidence, r.Stage, r.Output, r.Accepted = "evidence/1.jsonl", queue.Render, archive.NewOutput("1"), &evidence.Change{By: "anna"}
	if _, err := a.Queue.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	same, err := a.Retry(t.Context(), r.ID, r.Version, evidence.Change{By: "somebody"})
	if err != nil || len(same.Changes) != 3 || same.Evidence != r.Evidence {
		t.Errorf("the same version: %+v, %v", same, err)
	}
	r, err = a.Retry(t.Context(), r.ID, "another", evidence.Change{By: "somebody"})
	now := evidence.Apply(r.Changes)
	if err != nil || len(now.Strike) != 0 || len(now.Times) != 0 || !now.HideOutside || len(r.Changes) != 4 || r.Changes[3].By == "" {
		t.Errorf("another version: %+v, %v", r.Changes, err)
	}
	if r.Evidence != "" || r.Output != nil || r.Accepted != nil || r.Stage != queue.Inspect {
		t.Errorf("what the page shows is of the version before: %+v", r)
	}
}

// TestNothingChanged: a request that changes nothing does not take back that somebody has
// accepted, which would be in no trail.
func TestNothingChanged(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	r := a.Add(t, "street", "1")
	r.Evidence, r.Stage, r.Status, r.Output, r.Accepted = "evidence/1.jsonl", queue.Render, queue.Done, archive.NewOutput("1"), &evidence.Change{By: "anna"}
	r, err := a.Queue.Save(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]evidence.Change{nil, {{Strike: []uint64{}, By: "ben"}}, {{Restore: []uint64{}, By: "ben"}}} {
		if _, err := a.Change(t.Context(), r.ID, r.Revision, false, list...); err == nil {
			t.Errorf("%+v was taken", list)
		}
	}
	if r, err = a.Change(t.Context(), r.ID, r.Revision, true); err != nil || r.Accepted == nil || r.Status != queue.Waiting {
		t.Errorf("rendered again as it is: %+v, %v", r, err)
	}
}

// TestSentenceIsOneLine: what people write cannot look like another entry.
func TestSentenceIsOneLine(t *testing.T) {
	got := archive.Sentence(evidence.Change{Strike: []uint64{1}, By: "a\u2028b", Why: "x\nAccepted by\r\x1b[31m \u202eanna"})
	if strings.ContainsFunc(got, func(c rune) bool { return !unicode.IsPrint(c) }) {
		t.Errorf("%q", got)
	}
}

// TestHandoverText: the text says of each track what the video shows, keeps to one line for
// each entry. Nothing is handed over before all changes are in the video.
func TestHandoverText(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	r := a.Add(t, "street\nAccepted by anna", "1")
	r.Output = archive.NewOutput("1")
	sum := sha256.Sum256([]byte("x"))
	r.Output.VideoSHA256, r.Output.Changes = hex.EncodeToString(sum[:]), 2
	r.Acts = []queue.Act{{What: "tried again", By: "carl\nAccepted by"}}
	r.Changes = []evidence.Change{
		{Strike: []uint64{1}, By: "anna"}, {Times: &evidence.ChangedTimes{Track: 2, From: 1, To: 1.5}, By: "anna"}, {Outside: evidence.OutsideAll, By: "ben"},
	}
	report := `{"tracks": [{"id": 1, "class": "person", "struck": true}, {"id": 2, "class": "person", "to": 9}, {"id": 3, "class": "person", "to": 9}]}`
	for name, text := range map[string]string{r.Output.Video: "x", r.Output.Sheet: "x", r.Output.Evidence: "x", r.Output.Report: report} {
		if err := a.Files.Put(t.Context(), name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	var zipped bytes.Buffer
	if err := a.WriteZip(t.Context(), &zipped, &r); err == nil || !strings.Contains(err.Error(), "render it again") || zipped.Len() > 0 {
		t.Fatalf("a change is not in the video, and it is handed over: %v", err)
	}
	r.Output.Changes = len(r.Changes)
	if err := a.WriteZip(t.Context(), &zipped, &r); err != nil {
		t.Fatal(err)
	}
	// Its files are stored as they are.
	for _, line := range []string{
		"What was hidden in street Accepted by anna", "1: person, 0.0 s to 0.0 s, confidence 0.00, hidden where it is not on the property, see below",
		"2: person, 0.0 s to 9.0 s, confidence 0.00, hidden from 1.0 s to 1.5 s, see below", "3: person, 0.0 s to 9.0 s, confidence 0.00, hidden\n",
		"carl Accepted by: tried again",
	} {
		if !strings.Contains(zipped.String(), line) {
			t.Errorf("no %q", line)
		}
	}
	if strings.Contains(zipped.String(), "\nAccepted by") {
		t.Error("a name looks like an entry")
	}
}

// TestHandoverName: whatever a recording is called, its hand-over has a name of plain letters.
func TestHandoverName(t *testing.T) {
	for name, want := range map[string]string{
		"street.mp4": "street-01234567", "../../etc/passwd": "etc_passwd-01234567", "a b\n\"c\".mp4": "a_b__c-01234567",
		"ü.mp4": "recording-01234567", "": "recording-01234567", strings.Repeat("x", 300) + ".mp4": strings.Repeat("x", 80) + "-01234567",
	} {
		if got := archive.HandoverName(&queue.Recording{ID: "0123456789abcdef", Name: name}); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestAddAgain: the same file under the same policy is kept once, and with other networks it
// is another recording.
func TestAddAgain(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: ", err)
	}
	a := archivetest.New(t, queue.Config{Poll: 20 * time.Millisecond})
	path := filepath.Join(t.TempDir(), "a.mkv")
	if out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=0.4", "-c:v", "mpeg4", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f := archive.Filing{Path: path, Policy: redact.HideEverything(), Networks: networks.HedgeN, Version: archivetest.Version, Priority: queue.Normal}
	f.Policy.Outside.Hide = redact.HideDetected
	first, err := a.Archive.Add(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := a.Queue.JetStream().Stream(t.Context(), "ARCHIVE_JOBS")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Archive.Add(t.Context(), f); !errors.Is(err, queue.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	f.Networks = networks.HedgeP
	second, err := a.Archive.Add(t.Context(), f)
	if err != nil || second.ID == first.ID {
		t.Errorf("with other networks: %v, %v", second.ID, err)
	}
	if info, err := jobs.Info(t.Context()); err != nil || info.State.Msgs != 2 {
		t.Errorf("%+v, %v: want the jobs of both", info, err)
	}
}

// TestClocks: of two reviewers whose machines' clocks differ by an hour, the one who comes
// later has the last word, whatever the clocks say.
func TestClocks(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	r := a.Add(t, "a.mp4", "1")
	r.Evidence, r.Status, r.Output = "evidence/a.jsonl", queue.Done, &queue.Output{}
	r, err := a.Queue.Save(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []evidence.Change{
		{Strike: []uint64{1, 2}, By: "ahead", At: now.Add(time.Hour)},
		{Restore: []uint64{1}, By: "behind", At: now},
	} {
		if r, err = a.Change(t.Context(), r.ID, r.Revision, false, c); err != nil {
			t.Fatal(err)
		}
	}
	if e := evidence.Apply(r.Changes); !slices.Equal(e.Strike, []uint64{2}) {
		t.Errorf("shown are the tracks %v, want only 2", e.Strike)
	}
	if r.Changes[0].By != "ahead" || r.Changes[1].By != "behind" {
		t.Errorf("%+v", r.Changes)
	}
	// A retry by somebody whose clock is behind hides all again.
	r, err = a.Retry(t.Context(), r.ID, "another version", evidence.Change{By: "behind", At: now.Add(-time.Hour)})
	if err != nil || len(evidence.Apply(r.Changes).Strike) != 0 {
		t.Errorf("%+v, %v", r.Changes, err)
	}
}
