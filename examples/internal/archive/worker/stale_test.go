package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// done is a log that says when a worker is done with a job, and with what comes after it.
type done chan bool

func (d done) Enabled(context.Context, slog.Level) bool { return true }
func (d done) WithAttrs([]slog.Attr) slog.Handler       { return d }
func (d done) WithGroup(string) slog.Handler            { return d }
func (d done) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "done" {
		d <- true
	}
	return nil
}

// staleScene is an archive with one recording that was rendered.
type staleScene struct {
	*archivetest.Archive
	t    *testing.T
	done done
	stop func()
	r    queue.Recording
}

func newStaleScene(t *testing.T) *staleScene {
	t.Helper()
	s := &staleScene{Archive: archivetest.New(t, fast), t: t, done: make(done, 100)}
	s.start(archivetest.Version)
	s.r = s.Add(t, "a.mp4", "x")
	s.jobs(2)
	return s
}

// start starts the worker.
func (s *staleScene) start(version string) {
	s.t.Helper()
	s.stop = start(s.t, s.Archive, "w", &archivetest.Passes{}, func(c *worker.Config) { c.Log, c.Self.Version = slog.New(s.done), version })
}

// jobs waits for so many jobs, and reads the recording.
func (s *staleScene) jobs(n int) {
	s.t.Helper()
	for range n {
		<-s.done
	}
	s.read()
}

func (s *staleScene) read() {
	s.t.Helper()
	var err error
	if s.r, err = s.Queue.Get(s.t.Context(), s.r.ID); err != nil {
		s.t.Fatal(err)
	}
}

// change has a reviewer change the recording and render it.
func (s *staleScene) change() {
	s.t.Helper()
	c := evidence.Change{Outside: evidence.OutsideAll, By: "anna"}
	var err error
	if s.r, err = s.Change(s.t.Context(), s.r.ID, s.r.Revision, true, c); err != nil {
		s.t.Fatal(err)
	}
}

// holds fails the test unless the store has these outputs, whole, and so much evidence.
func (s *staleScene) holds(evidence int, ids ...string) {
	s.t.Helper()
	o, err := s.Queue.JetStream().ObjectStore(s.t.Context(), "archive_files")
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := o.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var got, want []string
	for _, f := range list {
		switch {
		case strings.HasPrefix(f.Name, "outputs/"):
			got = append(got, f.Name)
		case strings.HasPrefix(f.Name, "evidence/"):
			evidence--
		}
	}
	for _, id := range ids {
		for _, name := range []string{"evidence.jsonl", "output.json", "report.json", "sheet.png", "video.mp4"} {
			want = append(want, "outputs/"+id+"/"+name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || evidence != 0 {
		s.t.Errorf("the store has %q, want %q, evidence missing: %d", got, want, evidence)
	}
}

// TestTenRenderings: of ten renderings the last output is left, and the list of what was
// removed does not grow.
func TestTenRenderings(t *testing.T) {
	s := newStaleScene(t)
	for range 9 {
		s.change()
		s.jobs(1)
	}
	s.holds(1, s.r.Output.ID)
	if len(s.r.Changes) != 9 || len(s.r.Stale) > 5 {
		t.Errorf("%d changes, stale %q", len(s.r.Changes), s.r.Stale)
	}
}

// TestAcceptedStays: what a person has accepted stays when more is changed, and what comes
// between does not.
func TestAcceptedStays(t *testing.T) {
	s := newStaleScene(t)
	r, err := s.Accept(t.Context(), s.r.ID, s.r.Revision, evidence.Change{By: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	s.r = r
	accepted := s.r.Output.ID
	s.change()
	s.jobs(1)
	s.holds(1, accepted, s.r.Output.ID)
	s.change()
	s.jobs(1)
	s.holds(1, accepted, s.r.Output.ID)
}

// TestAcceptedStaysOverVersions: what a person has accepted stays when the recording comes back
// to the version that it was made with.
func TestAcceptedStaysOverVersions(t *testing.T) {
	s := newStaleScene(t)
	if _, err := s.Accept(t.Context(), s.r.ID, s.r.Revision, evidence.Change{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	accepted := s.r.Output.ID
	for _, version := range []string{"test 2", archivetest.Version} {
		s.stop()
		if _, err := s.Retry(t.Context(), s.r.ID, version, evidence.Change{By: "anna"}); err != nil {
			t.Fatal(err)
		}
		s.start(version)
		s.jobs(2)
	}
	if s.r.Output.ID != accepted {
		t.Fatalf("the same work came to %s, before to %s", s.r.Output.ID, accepted)
	}
	s.change()
	s.jobs(1)
	s.holds(1, accepted, s.r.Output.ID)
}

// TestStaleAfterKill: what a worker would have removed that was killed after its output was
// entered goes with the next one, or when the server begins again.
func TestStaleAfterKill(t *testing.T) {
	for name, then := range map[string]func(*staleScene){
		"the next": func(s *staleScene) {
			s.start(archivetest.Version)
			s.change()
			s.jobs(1)
		},
		"the server": func(s *staleScene) {
			if err := s.Tidy(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
			if s.read(); len(s.r.Stale) > 0 {
				s.t.Errorf("stale %q", s.r.Stale)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStaleScene(t)
			s.stop()
			was := s.r.Output.ID
			s.change()
			j := s.lost("video.mp4", "sheet.png", "report.json", "evidence.jsonl", "output.json")
			id, err := archive.OutputID(&j.Recording)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := j.Done(t.Context(), func(r *queue.Recording) { archive.Enter(r, archive.NewOutput(id), nil) }); err != nil {
				t.Fatal(err)
			}
			s.read()
			s.holds(1, was, id)
			then(s)
			s.holds(1, s.r.Output.ID)
		})
	}
}

// lost takes the next job as a worker that stores some of its output and is never heard of
// again.
func (s *staleScene) lost(names ...string) *queue.Job {
	s.t.Helper()
	p, err := s.Queue.Pull(s.t.Context(), queue.Offer{Worker: "lost", Version: archivetest.Version})
	if err != nil {
		s.t.Fatal(err)
	}
	defer p.Close()
	j, err := p.Next(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	id, err := archive.OutputID(&j.Recording)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		if err := s.Files.Put(s.t.Context(), "outputs/"+id+"/"+name, strings.NewReader("{}")); err != nil {
			s.t.Fatal(err)
		}
	}
	return j
}

// TestUnfinished: what is there of an output that was never entered goes when another is
// made, or nobody goes on with it; and is used when somebody does.
func TestUnfinished(t *testing.T) {
	s := newStaleScene(t)
	s.stop()
	s.change()
	s.lost("video.mp4")
	s.read()
	s.change()
	s.start(archivetest.Version)
	s.jobs(1)
	s.holds(1, s.r.Output.ID)

	s.stop()
	was := s.r.Output.ID
	s.change()
	s.lost("video.mp4")
	if _, err := s.Cancel(t.Context(), s.r.ID, evidence.Change{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.holds(1, was)

	if _, err := s.Retry(t.Context(), s.r.ID, archivetest.Version, evidence.Change{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	j := s.lost("video.mp4")
	if r, err := s.Change(t.Context(), s.r.ID, j.Recording.Revision, false, evidence.Change{Outside: evidence.OutsidePolicy, By: "anna"}); err != nil || len(r.Stale) == 0 {
		t.Fatal(r.Stale, err)
	}
	id, err := archive.OutputID(&j.Recording)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Done(t.Context(), func(r *queue.Recording) { archive.Enter(r, archive.NewOutput(id), nil) })
	if err != nil || slices.Contains(r.Stale, "outputs/"+id+"/video.mp4") || r.Output.ID != id {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestStaleVersion: of the version before nothing is left once the new one is rendered.
func TestStaleVersion(t *testing.T) {
	s := newStaleScene(t)
	s.stop()
	if _, err := s.Retry(t.Context(), s.r.ID, "test 2", evidence.Change{By: "anna"}); err != nil {
		t.Fatal(err)
	}
	s.start("test 2")
	s.jobs(2)
	s.holds(1, s.r.Output.ID)
}
