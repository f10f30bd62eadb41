package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/review"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/redact"
)

// demoDir is where the demo's archive and what is handed over are.
const demoDir = "out/archive"

// demoPolicy hides who and what is found. Without networks that is everything.
const demoPolicy = `{"version": 1, "outside": {"hide": "detected"}, "found": {"fill": "solid"}}`

// demoPans are the demo's recordings: a camera that looks along a picture of a public
// place as it was filmed.
var demoPans = []struct{ name, crop string }{
	{"from the left", "crop=640:360:20*t:10"},
	{"in the middle", "crop=640:360:400-30*t:20"},
	{"to the right", "crop=640:360:880-10*t:16"},
}

// demo redacts three recordings, corrects one of them through the page as a script would,
// and writes what is handed over.
type demo struct {
	a    *archive.Archive
	f    *flags
	page *desk
	out  io.Writer
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) } // nowhere else to say it

// forDemo sets the flags that the demo needs. Where the networks cannot be opened it goes on without.
func forDemo(ctx context.Context, f *flags, stderr io.Writer) error {
	if f.dir == "" {
		f.dir = demoDir
	}
	f.http = "127.0.0.1:0"
	f.workers = max(f.workers, 1)
	_, sets, err := look(ctx, f)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "the demo hides everything, because there are no networks: %v\n", err) // nowhere else to say it
		f.networks = networks.None
		return nil
	}
	var errs []error
	for _, s := range sets {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// run runs to the demo's end. The worker and the page run beside it.
func (d *demo) run(ctx context.Context) error {
	var ids []string
	for _, p := range demoPans {
		id, err := d.file(ctx, p.name, p.crop)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		r, err := d.wait(ctx, id, 0)
		if err != nil {
			return err
		}
		d.say("redacted: %s", r.Name)
	}
	r, err := d.correct(ctx, ids)
	if err != nil {
		return err
	}
	if r, err = d.wait(ctx, r.ID, len(r.Changes)); err != nil {
		return err
	}
	d.say("rendered again: %s", r.Name)
	return d.handover(ctx, &r)
}

// file makes a recording, files it, and removes it: the archive has it, encrypted.
func (d *demo) file(ctx context.Context, name, crop string) (id string, err error) {
	picture := filepath.Join("docs", "demo.jpg")
	if _, err := os.Stat(picture); err != nil {
		return "", fmt.Errorf("%w: run the demo in the folder of the repository", err)
	}
	dir, err := os.MkdirTemp("", "hedge-archive-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, name+".mp4")
	made, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-loop", "1", "-framerate", "5", "-t", "2", "-i", picture,
		"-vf", crop, "-pix_fmt", "yuv420p", path).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ffmpeg: %w: %s", err, bytes.TrimSpace(made))
	}
	policy := &redact.Policy{}
	if err := policy.UnmarshalJSON([]byte(demoPolicy)); err != nil {
		return "", err
	}
	r, err := d.a.Add(ctx, archive.Filing{Path: path, Policy: policy, Networks: d.f.networks, Version: version(), Priority: queue.Normal})
	if errors.Is(err, queue.ErrExists) && r.Version != version() {
		// Nobody here would take its work.
		return "", fmt.Errorf("%s is of another version of this program: remove the folder, or name another with -dir", d.f.dir)
	}
	if err == nil || errors.Is(err, queue.ErrExists) {
		d.say("added: %s", r.Name)
		return r.ID, nil
	}
	return "", err
}

// wait waits until a recording is done, with so many changes in it.
func (d *demo) wait(ctx context.Context, id string, changes int) (last queue.Recording, err error) {
	done := errors.New("done")
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	err = d.a.Queue.Watch(ctx, func(r *queue.Recording) {
		switch {
		case r == nil || r.ID != id || context.Cause(ctx) != nil:
		case r.Status == queue.Failed:
			end(fmt.Errorf("%s: %s", r.Name, r.Error))
		case r.Status == queue.Done && r.Output != nil && r.Output.Changes >= changes:
			last = *r
			end(done)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, done) {
		err = nil
	}
	return last, err
}

// correct shows the person who is the surest of the recording that has the most tracks, and
// hides the others; where none was found, it hides all that is not on the property.
func (d *demo) correct(ctx context.Context, ids []string) (queue.Recording, error) {
	var best review.Detail
	for i, id := range ids {
		var now review.Detail
		if err := d.ask(ctx, http.MethodGet, "/recordings/"+id, nil, &now); err != nil {
			return now.Recording, err
		}
		if i == 0 || len(now.Tracks) > len(best.Tracks) {
			best = now
		}
	}
	change := map[string]any{"revision": best.Revision, "by": "a script", "why": "the demo", "render": true}
	if id := surest(best.Tracks); id != 0 {
		change["only"] = id
	} else {
		change["changes"] = []map[string]string{{"outside": "all"}}
	}
	if err := d.ask(ctx, http.MethodPost, "/recordings/"+best.ID+"/changes", change, &best); err != nil {
		return best.Recording, err
	}
	d.say("corrected through the page: %s", best.Name)
	for _, line := range best.History {
		d.say("  %s", line)
	}
	return best.Recording, nil
}

// surest returns the track of the person with the highest confidence, 0 if there is none.
func surest(tracks []review.Track) (id uint64) {
	most := float32(0)
	for _, t := range tracks {
		if t.Class == detect.Person.String() && t.Score > most {
			id, most = t.ID, t.Score
		}
	}
	return id
}

// ask asks the page with the token that may edit. v is what the answer is read into: JSON,
// or an io.Writer that gets it as it is.
func (d *demo) ask(ctx context.Context, method, path string, body, v any) (err error) {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+d.page.at.String()+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+d.page.token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1000)) // the status says enough
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(why)))
	}
	if w, ok := v.(io.Writer); ok {
		_, err = io.Copy(w, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// handover writes the zip file.
func (d *demo) handover(ctx context.Context, r *queue.Recording) error {
	path := filepath.Join(d.f.dir, archive.HandoverName(r)+".zip")
	err := atomicfile.Write(path, true, func(f *os.File) error {
		return d.ask(ctx, http.MethodGet, "/recordings/"+r.ID+"/handover.zip", nil, f)
	})
	if err == nil {
		d.say("handed over: %s", path)
	}
	return err
}
