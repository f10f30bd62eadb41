package pipeline

import (
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

// TestTrustLevel: how much is hidden of a frame at 1 s, and why, by what its format and
// its detectors are worth.
func TestTrustLevel(t *testing.T) {
	const at = time.Second
	before, after := at-100*time.Millisecond, at+100*time.Millisecond
	for _, tt := range []struct {
		name   string
		change func(tr *trust, f *frame)
		level  redact.Level
		why    Reason
	}{
		{"nothing yet", func(*trust, *frame) {}, redact.HideOutside, ReasonDetectorLate},
		{"looked at", func(tr *trust, _ *frame) { tr.succeeded(0, at, true) }, redact.HidePolicy, NoReason},
		{"a region only", func(tr *trust, _ *frame) { tr.succeeded(0, at, false) }, redact.HideOutside, ReasonDetectorLate},
		{"between two", func(tr *trust, _ *frame) { tr.succeeded(0, before, true); tr.succeeded(0, after, true) }, redact.HidePolicy, NoReason},
		{"after one", func(tr *trust, _ *frame) { tr.succeeded(0, before, true) }, redact.HidePolicy, NoReason},
		{"long after one", func(tr *trust, f *frame) { tr.succeeded(0, at-aloneFor-1, true) }, redact.HideOutside, ReasonDetectorLate},
		{"long after one, and nothing moved", func(tr *trust, f *frame) { tr.succeeded(0, 0, true); f.movedAt = 0 }, redact.HidePolicy, NoReason},
		{"two far apart", func(tr *trust, f *frame) {
			tr.succeeded(0, at-aloneFor-1, true)
			tr.succeeded(0, at+apartFor, true)
		}, redact.HideOutside, ReasonDetectorLate},
		{"after a failure", func(tr *trust, _ *frame) { _ = tr.failed(0, before, errScript) }, redact.HideOutside, ReasonDetectorFailed},
		{"before a failure", func(tr *trust, _ *frame) { tr.succeeded(0, before, true); _ = tr.failed(0, after, errScript) }, redact.HideOutside, ReasonDetectorFailed},
		{"before a failure, with motion", func(tr *trust, _ *frame) {
			tr.setSupport([]*redact.Policy{{Version: 1}}, true)
			tr.succeeded(0, before, true)
			_ = tr.failed(0, after, errScript)
		}, redact.HidePolicy, NoReason},
		{"before a cut", func(tr *trust, f *frame) { tr.succeeded(0, before, true); f.cut = before + 1 }, redact.HideOutside, ReasonDetectorLate},
		{"not required", func(tr *trust, _ *frame) { tr.require(0, detect.Classes(detect.Person)) }, redact.HidePolicy, NoReason},
		{"nobody finds it", func(tr *trust, _ *frame) {
			tr.succeeded(0, at, true)
			tr.require(detect.Classes(detect.Person, detect.Face), 0)
		}, redact.HideOutside, ReasonNoDetector},
		{"blocked", func(tr *trust, f *frame) { tr.succeeded(0, at, true); f.blocked = ReasonViewDiffers }, redact.HideFrame, ReasonViewDiffers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := &trust{timeToLive: apartFor, maxFailures: 10, stats: &stats{}, onEvent: func(Event) {}, view: &viewWatch{},
				detectors: []detectorTrust{{name: "a", finds: detect.Classes(detect.Person)}}}
			tr.stats.init([]string{"a"})
			tr.require(detect.Classes(detect.Person), detect.Classes(detect.Person))
			tr.setSupport(nil, false)
			f := &frame{at: at, movedAt: at, nextCut: forever}
			tt.change(tr, f)
			if level, why := tr.level(f); level != tt.level || why != tt.why {
				t.Errorf("level %v for %v, want %v for %v", level, why, tt.level, tt.why)
			}
		})
	}
}

// TestTrustBlocks: of the reasons to show nothing, the one that lasts longest counts.
func TestTrustBlocks(t *testing.T) {
	w := &viewWatch{}
	tr := &trust{view: w}
	want := func(r Reason) {
		t.Helper()
		if got := tr.blockReason(); got != r {
			t.Errorf("blocked for %v, want %v", got, r)
		}
	}
	want(NoReason)
	tr.format.unseen = true
	want(ReasonFormatChanged)
	w.known.Unconfirmed = ReasonCameraMoved
	want(ReasonCameraMoved)
	tr.format.foreign = true
	want(ReasonAspectChanged)
}

// TestTrustReports: the owner is told once when more is hidden, and once when it ends; a
// detector that fails too often in a row is an error that counts.
func TestTrustReports(t *testing.T) {
	var events []Event
	tr := &trust{maxFailures: 2, stats: &stats{}, onEvent: func(e Event) { events = append(events, e) },
		detectors: []detectorTrust{{name: "a", finds: detect.Classes(detect.Person)}}}
	tr.stats.init([]string{"a"})
	for _, why := range []Reason{NoReason, ReasonDetectorLate, ReasonDetectorLate, ReasonDetectorFailed, NoReason, NoReason} {
		tr.report(0, levelOf(why), why)
	}
	kinds := []EventKind{FailedClosed, FailedClosed, Recovered}
	if len(events) != len(kinds) {
		t.Fatalf("%d events, want %d", len(events), len(kinds))
	}
	for i, e := range events {
		if e.Kind != kinds[i] {
			t.Errorf("event %d is %v, want %v", i, e.Kind, kinds[i])
		}
	}
	if err := tr.failed(0, 1, errScript); err != nil {
		t.Errorf("the first failure: %v", err)
	}
	tr.succeeded(0, 2, false)
	if err := tr.failed(0, 3, errScript); err != nil {
		t.Errorf("a failure after a success: %v", err)
	}
	if err := tr.failed(0, 4, errScript); err == nil || err.Count != 2 || err.Stage != "a" {
		t.Errorf("the second in a row: %v", err)
	}
}
