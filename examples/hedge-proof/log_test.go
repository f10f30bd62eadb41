package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/ledongthuc/pdf"

	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/pipeline"
)

var begin = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)

func event(after time.Duration, kind string, d eventlog.Data) eventlog.Event {
	return eventlog.Event{Time: begin.Add(after), Kind: kind, Data: &d}
}

func counted(from, to time.Duration, c eventlog.Counts) eventlog.Event {
	c.From = begin.Add(from)
	return event(to, eventlog.Counted, eventlog.Data{Counts: &c})
}

// TestLog: what the camera wrote down is summed up by the hour; intervals begin and end;
// lines that are none, half lines and a clock that jumps do no harm and are counted.
func TestLog(t *testing.T) {
	s := newScene(t, 3)
	path := s.writeLog(
		event(-3*time.Hour, eventlog.PolicyInForce, eventlog.Data{Policy: "old"}),
		counted(-3*time.Hour, -2*time.Hour, eventlog.Counts{Frames: 1000}), // before the first recording
		event(0, eventlog.Started, eventlog.Data{Version: "v1", Sum: "abc", Policy: "one", Models: map[string]string{"hedge-n": "def"}}),
		counted(0, 50*time.Minute, eventlog.Counts{Frames: 10, Whole: 1, People: 4}),
		counted(50*time.Minute, time.Hour+time.Millisecond, eventlog.Counts{Frames: 5, Faces: 2, Closed: 1}), // a moment after the full hour
		event(time.Hour+time.Minute, pipeline.FailedClosed.String(), eventlog.Data{Reason: pipeline.ReasonDetectorLate.String()}),
		event(time.Hour+2*time.Minute, pipeline.FailedClosed.String(), eventlog.Data{Reason: pipeline.ReasonCameraMoved.String()}),
		event(time.Hour+5*time.Minute, pipeline.Recovered.String(), eventlog.Data{}),
		event(time.Hour+6*time.Minute, eventlog.Preview, eventlog.Data{Policy: "try"}),
		event(time.Hour+7*time.Minute, eventlog.Preview, eventlog.Data{Policy: "try again"}),
		event(time.Hour+8*time.Minute, eventlog.PreviewOver, eventlog.Data{}),
		event(time.Hour+8*time.Minute, eventlog.PolicyInForce, eventlog.Data{Policy: "two"}),
		eventlog.Event{Time: begin.Add(time.Hour + 9*time.Minute), Kind: eventlog.Confirmed},
		eventlog.Event{Time: begin.Add(time.Hour + 9*time.Minute), Kind: seal.Kind, Text: "somebody asks"},
		counted(time.Hour, time.Hour+10*time.Minute, eventlog.Counts{Frames: 7, Plates: 1, Motion: 3}),
		event(time.Hour, pipeline.FailedClosed.String(), eventlog.Data{Reason: "of tomorrow"}), // the clock was set back
	)
	appendTo(t, path, []byte("no JSON\n{\"kind\":1}\n{\"time\":\"2026-11-29T12:00:00Z\",\"kind\":\"half"))
	l := s.open(s.sign(clock, "-events", path)).Log
	want := []hour{
		{begin, eventlog.Counts{Frames: 15, Whole: 1, Closed: 1, Faces: 2, People: 4}},
		{begin.Add(time.Hour), eventlog.Counts{Frames: 7, Plates: 1, Motion: 3}},
	}
	if len(l.Hours) != len(want) {
		t.Fatalf("hours %+v", l.Hours)
	}
	for i, w := range want {
		w.From = l.Hours[i].From
		if !l.Hours[i].Begin.Equal(w.Begin) || l.Hours[i].Counts != w.Counts {
			t.Errorf("hour %d: %+v, want %+v", i, l.Hours[i], w)
		}
	}
	if l.Events != 16 || l.Unreadable != 2 || l.ClockBack != 1 {
		t.Errorf("%d events, %d unreadable, back %d times", l.Events, l.Unreadable, l.ClockBack)
	}
	if len(l.Closed) != 3 || l.Closed[0].To.Sub(l.Closed[0].From) != time.Minute || l.Closed[1].Reason != pipeline.ReasonCameraMoved.String() ||
		l.Closed[1].To.Sub(l.Closed[1].From) != 3*time.Minute || !l.Closed[2].To.IsZero() {
		t.Errorf("closed %+v", l.Closed)
	}
	if len(l.Policies) != 3 || l.Policies[0].Policy != "old" || l.Policies[2].Policy != "two" || len(l.Confirmed) != 1 || len(l.Previews) != 1 ||
		l.Previews[0].To.Sub(l.Previews[0].From) != 2*time.Minute || len(l.Seal) != 1 || l.Seal[0].Text != "somebody asks" || len(l.Programs) != 1 || l.Programs[0].Models["hedge-n"] != "def" {
		t.Errorf("%+v", l)
	}
}

// TestLogTampering: a log that grew is as it was signed; one that was changed is not.
func TestLogTampering(t *testing.T) {
	s := newScene(t, 1)
	path := s.writeLog(event(0, eventlog.Started, eventlog.Data{Version: "v1"}), counted(0, time.Minute, eventlog.Counts{Frames: 5}))
	record := s.sign(clock, "-events", path)
	appendTo(t, path, []byte("{}\n"))
	s.expect(record, 0, []string{"-events", path}, "intact")
	data := s.read("events.jsonl")
	s.write("events.jsonl", bytes.Replace(data, []byte(`"frames":5`), []byte(`"frames":6`), 1))
	s.expect(record, 1, []string{"-events", path}, "changed: events.jsonl")
	s.write("events.jsonl", data[:20])
	s.expect(record, 1, []string{"-events", path}, "cut: events.jsonl")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.expect(record, 1, []string{"-events", path}, "missing: events.jsonl")
	// A line that was half written is not signed, and may be ended later.
	s = newScene(t, 1)
	path = s.writeLog(event(0, eventlog.Started, eventlog.Data{Version: "v1"}))
	appendTo(t, path, []byte(`{"ti`))
	half := s.sign(clock, "-events", path)
	l, err := eventlog.Open(path, nil, func(eventlog.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	l.Add("ring", "")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.expect(half, 0, []string{"-events", path}, "intact")
	if l := s.open(s.sign(func() time.Time { return clock().Add(time.Hour) }, "-events", path)).Log; l.Events != 2 || l.Unreadable != 1 {
		t.Errorf("%d events, %d unreadable", l.Events, l.Unreadable)
	}
	// A log alone can be signed, too.
	s = newScene(t, 0)
	path = s.writeLog(event(0, eventlog.Confirmed, eventlog.Data{}))
	s.expect(s.sign(clock, "-events", path), 0, nil, "intact: 0 recordings")
}

// TestLogAlone: a camera that records nothing has a record of its event log, without any
// folder, which says so and is checked by the log.
func TestLogAlone(t *testing.T) {
	s := newScene(t, 2)
	path := s.writeLog(event(0, eventlog.Started, eventlog.Data{Version: "v1"}), counted(0, time.Minute, eventlog.Counts{Frames: 5}))
	sign := []string{"-events", path, "-out", s.path("proof"), "-key", s.path("state/proof.key"), "-policy", s.path("policy.json")}
	code, out := s.call(clock, sign...)
	record := strings.TrimSpace(out)
	if code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if r := s.open(record); !r.LogAlone || len(r.Segments) != 0 || r.Log.Hours[0].Frames != 5 || r.PolicySum == "" {
		t.Errorf("%+v", r)
	}
	for lang, want := range map[string][]string{"en": {"Recordings: 0", "no folder of recordings was given", "-events LOG"}, "de": {"Aufnahmen: 0", "kein Ordner mit Aufnahmen", "-events PROTOKOLL"}} {
		page := string(s.read("proof/" + strings.TrimSuffix(filepath.Base(record), ".json") + "-" + lang + ".html"))
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("the page does not say %q", w)
			}
		}
		if strings.Contains(page, "-dir") {
			t.Error("the page names a folder")
		}
	}
	verify := func(record string, code int, want string, args ...string) {
		t.Helper()
		args = append([]string{"verify", "-record", record, "-public", s.path("state/proof.key.pub")}, args...)
		if got, out := s.call(clock, args...); got != code || !strings.Contains(out, want) {
			t.Errorf("%d: %s, want %d: %s", got, out, code, want)
		}
	}
	verify(record, 0, "intact: the event log, without recordings, as signed", "-events", path)
	verify(record, 1, "nothing to check", "-events", path, "-dir", s.dir)
	verify(record, 2, "-events events.jsonl")
	withFolder := s.sign(func() time.Time { return now.Add(time.Hour) }, "-events", path)
	verify(withFolder, 1, "the record is of 2 recordings: name their folder", "-events", path)
	s.write("events.jsonl", s.read("events.jsonl")[:20])
	verify(record, 1, "NOT as signed: the event log", "-events", path)
}

// TestRotatedLog: a log of two files says the same as one, wherever it was rotated, and a
// half line in it counts as one that cannot be read; the record outlives one more rotation.
func TestRotatedLog(t *testing.T) {
	s := newScene(t, 3)
	path := s.writeLog(busy(40)...)
	whole := s.read("events.jsonl")
	one, err := readLog(path, begin)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%+v", logFacts(one))
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for cut := 1; cut < len(lines)-1; cut += 7 {
		s.write("events.jsonl.1", bytes.Join(lines[:cut], nil))
		s.write("events.jsonl", bytes.Join(lines[cut:], nil))
		two, err := readLog(path, begin)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%+v", logFacts(two)); got != want || two.Bytes+two.Older.Bytes != one.Bytes || two.Older.Name != "events.jsonl.1" {
			t.Errorf("cut at line %d: %s, want %s", cut, got, want)
		}
	}
	appendTo(t, eventlog.Older(path), []byte(`{"ti`))
	if l, err := readLog(path, begin); err != nil || l.Events != one.Events || l.Unreadable != 1 {
		t.Errorf("%+v, %v", l, err)
	}

	record := s.sign(clock, "-events", path)
	older, newer := s.read("events.jsonl.1"), s.read("events.jsonl")
	appendTo(t, path, []byte("{}\n"))
	s.expect(record, 0, []string{"-events", path}, "intact")
	s.write("events.jsonl.1", older[1:])
	s.expect(record, 1, []string{"-events", path}, "cut: events.jsonl.1")
	s.write("events.jsonl.1", append(older, '\n'))
	s.expect(record, 1, []string{"-events", path}, "changed: events.jsonl.1")
	// It is rotated once more.
	s.write("events.jsonl.1", newer)
	s.write("events.jsonl", []byte("{}\n"))
	s.expect(record, 1, []string{"-events", path}, "missing: events.jsonl.1: the log was rotated since; -expired allows for it")
	s.expect(record, 0, []string{"-events", path, "-expired"}, "note: events.jsonl.1", "intact")
	s.write("events.jsonl.1", newer[1:])
	s.expect(record, 1, []string{"-events", path, "-expired"}, ": events.jsonl: ")
}

// logFacts is what a log says, without its files.
func logFacts(l *logSummary) logSummary {
	facts := *l
	facts.logFile, facts.Older = logFile{}, nil
	return facts
}

// TestFlappingLog: of changes that the log only counts the record says how many there were,
// in an interval from the last event that told of the state.
func TestFlappingLog(t *testing.T) {
	s := newScene(t, 1)
	late := pipeline.ReasonDetectorLate.String()
	closed, open := pipeline.FailedClosed.String(), pipeline.Recovered.String()
	l := s.open(s.sign(clock, "-events", s.writeLog(
		event(0, closed, eventlog.Data{Reason: late}),
		event(time.Second, open, eventlog.Data{Reason: "none"}),
		event(time.Minute, open, eventlog.Data{Reason: "none", Changes: 240}),
		event(2*time.Minute, closed, eventlog.Data{Reason: late}),
		event(4*time.Minute, closed, eventlog.Data{Reason: late, Changes: 480}),
		event(5*time.Minute, open, eventlog.Data{Reason: "none", Changes: 1}),
	))).Log
	want := []interval{
		{From: begin, To: begin.Add(time.Second), Reason: late},
		{From: begin.Add(time.Second), To: begin.Add(time.Minute), Reason: late, Changes: 240},
		{From: begin.Add(2 * time.Minute), To: begin.Add(4 * time.Minute), Reason: late, Changes: 480},
		{From: begin.Add(4 * time.Minute), To: begin.Add(5 * time.Minute), Reason: late},
	}
	if !reflect.DeepEqual(l.Closed, want) {
		t.Errorf("closed %+v, want %+v", l.Closed, want)
	}
	page, err := filepath.Glob(s.path("proof/*-en.html"))
	if err != nil || len(page) != 1 {
		t.Fatal(page, err)
	}
	if text := s.read(filepath.Join("proof", filepath.Base(page[0]))); !strings.Contains(string(text), "the networks were late (on and off, changes: 480)") {
		t.Errorf("the page does not say so: %s", text)
	}
}

// TestReasons: each reason that there is has words in both languages.
func TestReasons(t *testing.T) {
	for r := range pipeline.NumReasons {
		if p, ok := reasons[r.String()]; !ok || p.en == "" || p.de == "" {
			t.Errorf("%v has no words", r)
		}
	}
	for name, p := range words {
		if p.en == "" || p.de == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// busy is a log of so many hours in which much happened.
func busy(hours int) []eventlog.Event {
	all := []eventlog.Event{event(0, eventlog.Started, eventlog.Data{Version: "v1.2.3-0.20261129103045-0123456789ab 0123456789ab changed", Sum: strings.Repeat("a", 64), Policy: strings.Repeat("0", 64),
		Models: map[string]string{"yunet_s": strings.Repeat("b", 64), "yolox_nano": strings.Repeat("c", 64), "lpd_yunet": strings.Repeat("d", 64)}})}
	for i := range hours {
		at := time.Duration(i) * time.Hour
		all = append(all, counted(at, at+time.Hour, eventlog.Counts{Frames: 108000, Whole: 1000, Closed: 2000, Faces: 30000, People: 54000, Plates: 700, Motion: 99999}))
		if i%12 == 0 {
			all = append(all, event(at, pipeline.FailedClosed.String(), eventlog.Data{Reason: pipeline.ReasonAspectChanged.String()}),
				event(at+time.Duration(i)*time.Second, pipeline.Recovered.String(), eventlog.Data{}),
				event(at+time.Minute, eventlog.PolicyInForce, eventlog.Data{Policy: strings.Repeat(fmt.Sprintf("%x", i%16), 64)}))
		}
	}
	return all
}

// TestOneSheet: however much happened, the page prints on one sheet of A4, in both
// languages, and is about that many hours.
func TestOneSheet(t *testing.T) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium: apt-get install chromium")
	}
	var records []string
	for _, hours := range []int{24, 24*24 - 10, 60 * 24} {
		s := newScene(t, 40)
		records = append(records, s.sign(clock, "-events", s.writeLog(busy(hours)...)))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	// Not t.Context, which ends before the browser could be closed.
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		cancel()
	})
	for lang, want := range map[string][]string{"en": {"Proof sheet", "whole picture", "aspect ratio"}, "de": {"Nachweis", "ganzes Bild", "Seitenverhältnis"}} {
		for i, record := range records {
			path := strings.TrimSuffix(record, ".json") + "-" + lang + ".html"
			if err := chromedp.Do(ctx, chromedp.Navigate("file://"+path)); err != nil {
				t.Fatal(err)
			}
			css := true
			printed, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: &css})
			if err != nil {
				t.Fatal(err)
			}
			data := printed.Data
			if dir := os.Getenv("HEDGE_SCREENSHOTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("proof-%s-%d.pdf", lang, i)), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if n := r.NumPage(); n != 1 {
				t.Errorf("%s: %d pages", path, n)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if !bytes.Contains(text, []byte(w)) {
					t.Errorf("%s: no %q", path, w)
				}
			}
			if rows := bytes.Count(text, []byte("<tr>")); rows < 5 || rows > maxRows+2 {
				t.Errorf("%s: %d rows", path, rows)
			}
		}
	}
}
