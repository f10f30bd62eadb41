package review_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/review"
	"github.com/hedgecam/hedge/examples/internal/archive/worker"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(archivetest.LeftByNATS))
}

const (
	editToken  = "edit-token-edit-token"
	watchToken = "watch-token-watch-token"
)

// page is an archive with a worker and its page.
type page struct {
	*archivetest.Archive
	t   *testing.T
	url string
}

func newPage(t *testing.T) *page {
	t.Helper()
	p := &page{Archive: archivetest.New(t, queue.Config{Poll: 50 * time.Millisecond}), t: t}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	w := worker.New(worker.Config{Archive: p.Archive.Archive, Passes: &archivetest.Passes{}, Dir: filepath.Join(t.TempDir(), "w"), Memory: memfile.NewBudget(1 << 20),
		Self: queue.Worker{ID: "w", Host: "here", Version: archivetest.Version}})
	go func() { ended <- w.Run(ctx) }()
	d := review.NewDesk(p.Archive.Archive, archivetest.Version)
	go func() { d.Run(ctx); ended <- nil }()
	access, err := webaccess.New(webaccess.Options{Token: editToken, WatchToken: watchToken})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = review.NewServer(d, access)
	s.Start()
	p.url = s.URL
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return p
}

// ask makes a request and returns the answer.
func (p *page) ask(token, method, path string, body any) (int, []byte, http.Header) {
	p.t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, got, resp.Header
}

type is map[string]any

// change makes a change with the edit token and returns the recording as it is then.
func (p *page) change(id string, code int, body is) (d review.Detail) {
	p.t.Helper()
	got, data, _ := p.ask(editToken, "POST", "/recordings/"+id+"/changes", body)
	if got != code {
		p.t.Fatalf("%v: %d %s", body, got, data)
	}
	if got == http.StatusOK {
		if err := json.Unmarshal(data, &d); err != nil {
			p.t.Fatal(err)
		}
	}
	return d
}

// shown returns which tracks are shown.
func shown(d *review.Detail) string {
	var list []uint64
	for _, t := range d.Tracks {
		if t.Struck {
			list = append(list, t.ID)
		}
	}
	return fmt.Sprint(list)
}

// TestPage: a reviewer takes tracks out, edits times, shows only one, hides all outside and
// renders again; each change says who made it, in words and in the evidence.
func TestPage(t *testing.T) {
	p := newPage(t)
	r := p.Wait(t, p.Add(t, "<b>a</b>.mp4", "1").ID, archivetest.Status(queue.Done))
	d := p.change(r.ID, 200, is{"revision": r.Revision, "by": "Anna", "why": "a poster", "changes": []is{{"strike": []int{2}}}})
	if shown(&d) != "[2]" || d.Pending != 1 || !strings.Contains(d.History[0], "Anna (127.0.0.1): shows the tracks [2] (a poster)") {
		t.Errorf("%+v", d)
	}
	d = p.change(r.ID, 200, is{"revision": d.Revision, "by": "Anna", "changes": []is{{"times": is{"track": 1, "from": 0.2, "to": 0.7}}}})
	if d.Tracks[0].Edited == nil || *d.Tracks[0].Edited != [2]float64{0.2, 0.7} {
		t.Errorf("%+v", d.Tracks)
	}
	d = p.change(r.ID, 200, is{"revision": d.Revision, "by": "Ben", "only": 1})
	if shown(&d) != "[1]" || d.Tracks[0].Edited != nil || !strings.Contains(d.History[len(d.History)-1], "show only this track") {
		t.Errorf("%+v", d)
	}
	d = p.change(r.ID, 200, is{"revision": d.Revision, "by": "Ben", "changes": []is{{"outside": "all"}}, "render": true})
	if !d.OutsideAll || d.Stage != queue.Render {
		t.Errorf("%+v", d)
	}
	now := p.Wait(t, r.ID, func(r queue.Recording) bool { return r.Status == queue.Done && r.Output.Changes == 5 })
	f, err := p.Files.Open(t.Context(), now.Output.Evidence)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil || strings.Count(string(text), `"by":"Anna (127.0.0.1)"`) != 2 || strings.Count(string(text), `"by":"Ben (127.0.0.1)"`) != 3 {
		t.Errorf("%v: %s", err, text)
	}
	code, zip, head := p.ask(watchToken, "GET", "/recordings/"+r.ID+"/handover.zip", nil)
	if code != 200 || !bytes.Contains(zip, []byte("what-was-hidden.txt")) || !strings.Contains(head.Get("Content-Disposition"), now.ID[:8]) {
		t.Errorf("zip: %d", code)
	}
	if code, data, _ := p.ask(editToken, "POST", "/recordings/"+r.ID+"/accept", is{"revision": now.Revision, "by": "Ben"}); code != 200 {
		t.Errorf("accept: %d %s", code, data)
	}
}

// TestHandoverRefused: what cannot be handed over is refused with the reason, and no zip file
// begins: a change is not in the video, or a file cannot be had.
func TestHandoverRefused(t *testing.T) {
	p := newPage(t)
	r := p.Wait(t, p.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	at := "/recordings/" + r.ID + "/handover.zip"
	refused := func(want int, says string) {
		t.Helper()
		code, data, head := p.ask(watchToken, "GET", at, nil)
		if code != want || !strings.Contains(string(data), says) || head.Get("Content-Type") != "application/json" || head.Get("Content-Disposition") != "" {
			t.Errorf("%d %v %s", code, head, data)
		}
	}
	p.change(r.ID, 200, is{"revision": r.Revision, "by": "Anna", "changes": []is{{"strike": []int{2}}}})
	refused(422, "a.mp4 has 1 changes that are not in its video: render it again before it is handed over")
	other := p.Wait(t, p.Add(t, "b.mp4", "2").ID, archivetest.Status(queue.Done))
	at = "/recordings/" + other.ID + "/handover.zip"
	for _, name := range []string{other.Output.Video, other.Output.Sheet} {
		if err := p.Files.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		refused(503, "it cannot be read from the store: ")
	}
}

// TestRefused: the token for watching changes nothing; who has seen an older state, gives no
// name, names a track that is not there or something that makes no sense is told so, and
// nothing is changed.
func TestRefused(t *testing.T) {
	p := newPage(t)
	r := p.Wait(t, p.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	at := "/recordings/" + r.ID
	good := is{"revision": r.Revision, "by": "Anna", "changes": []is{{"strike": []int{1}}}}
	with := func(name string, v any) is {
		c := is{}
		for k, v := range good {
			c[k] = v
		}
		c[name] = v
		return c
	}
	for name, c := range map[string]struct {
		token, path string
		body        any
		code        int
		says        string
	}{
		"watch token":      {watchToken, at + "/changes", good, 403, ""},
		"no token":         {"", at + "/changes", good, 401, ""},
		"watch accepts":    {watchToken, at + "/accept", good, 403, ""},
		"watch retries":    {watchToken, at + "/retry", is{}, 403, ""},
		"older state":      {editToken, at + "/changes", with("revision", r.Revision-1), 409, "somebody else"},
		"no name":          {editToken, at + "/changes", with("by", " "), 422, "who makes the change"},
		"no such track":    {editToken, at + "/changes", with("changes", []is{{"strike": []int{9}}}), 422, "no track 9"},
		"only no such":     {editToken, at + "/changes", with("only", 9), 422, "no track 9"},
		"nonsense":         {editToken, at + "/changes", with("changes", []is{{"outside": "nothing"}}), 422, "outside"},
		"two at once":      {editToken, at + "/changes", with("changes", []is{{"strike": []int{1}, "outside": "all"}}), 422, "has 2"},
		"unknown field":    {editToken, at + "/changes", with("policy", "{}"), 400, "policy"},
		"no recording":     {editToken, "/recordings/none/changes", good, 404, "no such recording"},
		"cancel done":      {editToken, at + "/cancel", is{"by": "b"}, 422, "nothing to cancel"},
		"retries, no name": {editToken, at + "/retry", is{}, 422, "who makes the change"},
		"retry done":       {editToken, at + "/retry", is{"by": "b"}, 422, "done"},
	} {
		if code, data, _ := p.ask(c.token, "POST", c.path, c.body); code != c.code || !strings.Contains(string(data), c.says) {
			t.Errorf("%s: %d %s", name, code, data)
		}
	}
	if now, err := p.Queue.Get(t.Context(), r.ID); err != nil || now.Revision != r.Revision {
		t.Errorf("it was changed: %+v, %v", now, err)
	}
}

// TestFiles: the page's files name nothing elsewhere and forbid it; originals and evidence
// of first passes cannot be had; lists and figures count.
func TestFiles(t *testing.T) {
	p := newPage(t)
	r := p.Wait(t, p.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	for path, kind := range map[string]string{"/": "text/html", "/page/main.js": "text/javascript", "/page/style.css": "text/css",
		"/recordings/" + r.ID + "/video.mp4": "video/mp4", "/recordings/" + r.ID + "/sheet.png": "image/png"} {
		code, data, head := p.ask(watchToken, "GET", path, nil)
		if code != 200 || !strings.HasPrefix(head.Get("Content-Type"), kind) || len(data) == 0 {
			t.Errorf("%s: %d %s", path, code, head.Get("Content-Type"))
		}
		if csp := head.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
		for _, never := range []string{"http:", "https:", "style=", "onclick", "innerHTML"} {
			if strings.HasPrefix(kind, "text/") && strings.Contains(string(data), never) {
				t.Errorf("%s has %s in it", path, never)
			}
		}
	}
	for _, path := range []string{"/recordings/" + r.ID + "/original", "/" + r.Original, "/page/..%2f..%2fserver.go", "/recordings/none/video.mp4"} {
		if code, _, _ := p.ask(editToken, "GET", path, nil); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	// The desk follows a little later.
	p.until("/recordings?status=done", `"total":1`)
	p.until("/metrics", `hedge_archive_recordings{stage="render",status="done"} 1`)
	p.until("/status", `"host":"here"`)
	if code, data, _ := p.ask(watchToken, "GET", "/recordings?status=failed", nil); code != 200 || !strings.Contains(string(data), `"recordings":[]`) {
		t.Errorf("%d %s", code, data)
	}
}

// until asks until the answer has a text in it.
func (p *page) until(path, text string) {
	p.t.Helper()
	var last []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if _, last, _ = p.ask(watchToken, "GET", path, nil); strings.Contains(string(last), text) {
			return
		}
	}
	p.t.Fatalf("%s: %s", path, last)
}

// TestConflict: of reviewers at once one is let through, and the others are told.
func TestConflict(t *testing.T) {
	p := newPage(t)
	r := p.Wait(t, p.Add(t, "a.mp4", "1").ID, archivetest.Status(queue.Done))
	codes := make(chan int, 4)
	for range cap(codes) {
		go func() {
			code, _, _ := p.ask(editToken, "POST", "/recordings/"+r.ID+"/changes", is{"revision": r.Revision, "by": "Anna", "changes": []is{{"strike": []int{1}}}})
			codes <- code
		}()
	}
	var got []int
	for range cap(codes) {
		got = append(got, <-codes)
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{200, 409, 409, 409}) {
		t.Errorf("%v", got)
	}
}
