package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline/evidence"
)

// part is one file of a hand-over. Its data is in memory, or in the store.
type part struct {
	name, sha256 string
	data         []byte
	stored       string
}

// HandoverName returns what a hand-over is called: the recording's name, of plain letters,
// and the first digits of its ID.
func HandoverName(r *queue.Recording) string {
	base := strings.TrimSuffix(r.Name, filepath.Ext(r.Name))
	base = strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, base), "_")
	if base == "" {
		base = "recording"
	}
	return atomicfile.Cut(base, 80) + "-" + r.ID[:8]
}

// parts collects what is handed over.
func (a *Archive) parts(ctx context.Context, r *queue.Recording, with ...string) ([]part, error) {
	if r.Output == nil {
		return nil, fmt.Errorf("%s: its output: %w (%s, %s)", r.Name, ErrNotYet, r.Stage, r.Status)
	}
	if n := len(r.Changes) - r.Output.Changes; n > 0 {
		return nil, fmt.Errorf("%s has %d %w: render it again before it is handed over", r.Name, n, ErrPending)
	}
	get := func(name string) ([]byte, error) {
		f, err := a.Files.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		return data, errors.Join(err, f.Close())
	}
	list := []part{{name: "video.mp4", sha256: r.Output.VideoSHA256, stored: r.Output.Video}}
	for _, f := range [][2]string{{"sheet.png", r.Output.Sheet}, {"evidence.jsonl", r.Output.Evidence}, {"report.json", r.Output.Report}} {
		data, err := get(f[1])
		if err != nil {
			return nil, err
		}
		list = append(list, part{name: f[0], data: data})
	}
	var rep recording.Report
	if err := json.Unmarshal(list[3].data, &rep); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var policy bytes.Buffer
	if err := json.Indent(&policy, []byte(r.Policy), "", "  "); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	list = append(list, part{name: "policy.json", data: append(policy.Bytes(), '\n')}, part{name: "what-was-hidden.txt", data: []byte(describe(r, &rep))})
	for _, path := range with {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(path)
		if slices.ContainsFunc(list, func(p part) bool { return strings.EqualFold(p.name, name) }) || name == "SHA256SUMS" {
			return nil, fmt.Errorf("%s: a hand-over has a %s already: give the file another name", path, name)
		}
		list = append(list, part{name: name, data: data})
	}
	var sums strings.Builder
	for i := range list {
		if list[i].sha256 == "" {
			h := sha256.Sum256(list[i].data)
			list[i].sha256 = hex.EncodeToString(h[:])
		}
		fmt.Fprintf(&sums, "%s  %s\n", list[i].sha256, list[i].name)
	}
	return append(list, part{name: "SHA256SUMS", data: []byte(sums.String())}), nil
}

// copy writes a part, and returns an error if its sum is not the one that is told.
func (a *Archive) copy(ctx context.Context, w io.Writer, p *part) error {
	if p.stored == "" {
		_, err := w.Write(p.data)
		return err
	}
	f, err := a.Files.Open(ctx, p.stored)
	if err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), f)
	if err = errors.Join(err, f.Close()); err == nil && hex.EncodeToString(h.Sum(nil)) != p.sha256 {
		err = fmt.Errorf("%s in the store is not what was stored: its SHA-256 is another", p.stored)
	}
	return err
}

// WriteZip writes a hand-over as a zip file. Before all of it can be had it writes nothing;
// the error is then ErrNotYet, ErrPending, or one of the store.
func (a *Archive) WriteZip(ctx context.Context, w io.Writer, r *queue.Recording, with ...string) error {
	list, err := a.parts(ctx, r, with...)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for i := range list {
		f, err := z.CreateHeader(&zip.FileHeader{Name: HandoverName(r) + "/" + list[i].name, Method: zip.Store})
		if err == nil {
			err = a.copy(ctx, f, &list[i])
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// Handover writes a hand-over into the folder dir: a folder of its own, and a zip file
// beside it. Neither may be there. with are further files that are handed over, such as a
// proof sheet.
func (a *Archive) Handover(ctx context.Context, r *queue.Recording, dir string, with ...string) (folder, zipped string, err error) {
	list, err := a.parts(ctx, r, with...)
	if err != nil {
		return "", "", err
	}
	folder = filepath.Join(dir, HandoverName(r))
	zipped = folder + ".zip"
	if _, err := os.Lstat(zipped); err == nil {
		return "", "", fmt.Errorf("%s: %w: name another folder", zipped, os.ErrExist)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", "", fmt.Errorf("%w: name another folder", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder)) // which was made here
		}
	}()
	for i := range list {
		err := atomicfile.Write(filepath.Join(folder, list[i].name), false, func(f *os.File) error { return a.copy(ctx, f, &list[i]) })
		if err != nil {
			return "", "", err
		}
	}
	return folder, zipped, atomicfile.Write(zipped, false, func(f *os.File) error { return a.WriteZip(ctx, f, r, with...) })
}

// describe says in words what was hidden, and by whom.
func describe(r *queue.Recording, rep *recording.Report) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	put("What was hidden in %s", line(r.Name))
	put("")
	put("The recording was redacted by Hedge, %s, with the networks %s, under the policy", r.Version, r.Networks)
	put("in policy.json (SHA-256 %s).", r.PolicySHA256)
	put("The original has %d bytes and the SHA-256 %s.", r.Bytes, r.SHA256)
	if r.Original == "" {
		put("The archive has removed it after the redacted recording was accepted.")
	}
	put("The worker %s made video.mp4 (SHA-256 %s).", r.Output.Worker, r.Output.VideoSHA256)
	put("")
	put("%d pictures, %.1f seconds; %.1f %% of what they show is hidden; %d pictures are hidden as a whole.", rep.Frames, rep.Seconds, 100*rep.HiddenShare, rep.HiddenWhole)
	for _, w := range rep.Warnings {
		put("Note: %s", w)
	}
	put("")
	put("Tracks that were found (evidence.jsonl has them in full; it has no pictures):")
	edits := evidence.Apply(r.Changes)
	for _, t := range rep.Tracks {
		is := "hidden"
		switch k := slices.IndexFunc(edits.Times, func(x evidence.Times) bool { return x.Track == t.ID }); {
		case t.Struck && edits.HideOutside:
			is = "hidden where it is not on the property, see below"
		case t.Struck:
			is = "shown, see below"
		case k >= 0:
			is = fmt.Sprintf("hidden from %.1f s to %.1f s, see below", edits.Times[k].From.Seconds(), edits.Times[k].To.Seconds())
		}
		put("  %d: %s, %.1f s to %.1f s, confidence %.2f, %s", t.ID, t.Class, t.From, t.To, t.Score, is)
	}
	if len(rep.Tracks) == 0 {
		put("  none")
	}
	put("")
	put("What people have changed:")
	for _, c := range r.Changes {
		put("  %s", Sentence(c))
	}
	if len(r.Changes) == 0 {
		put("  nothing")
	}
	for _, x := range r.Acts {
		put("  %s, %s: %s", x.At.UTC().Format(time.RFC3339), line(x.By), x.What)
	}
	if r.Accepted != nil {
		put("Accepted by %s at %s.", line(r.Accepted.By), r.Accepted.At.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// Sentence says in words what a change is.
func Sentence(c evidence.Change) string {
	var what string
	switch {
	case c.Strike != nil:
		what = fmt.Sprintf("shows the tracks %v", c.Strike)
	case c.Restore != nil:
		what = fmt.Sprintf("hides the tracks %v as they were found", c.Restore)
	case c.Times != nil:
		what = fmt.Sprintf("hides the track %d from %.1f s to %.1f s", c.Times.Track, c.Times.From, c.Times.To)
	case c.Outside == evidence.OutsideAll:
		what = "hides all that is not on the property"
	default:
		what = "hides of the outside what the policy says"
	}
	if c.Why != "" {
		what += " (" + line(c.Why) + ")"
	}
	return fmt.Sprintf("%s, %s: %s", c.At.UTC().Format(time.RFC3339), line(c.By), what)
}

// line makes a text one line: what people write must not look like an entry of its own.
func line(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
}
