package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	ita "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hedgecam/hedge/examples/internal/recorder"
)

// maxRecord is the longest record that is read, in bytes.
const maxRecord = 256 << 20

// kind is what is wrong with a file.
type kind string

// What may be wrong.
const (
	changed   kind = "changed"
	cut       kind = "cut"
	missing   kind = "missing"
	added     kind = "added"
	reordered kind = "reordered"
)

// finding is something that is not as it was signed.
type finding struct {
	Kind   kind
	Name   string
	Detail string
}

// verdict is what a check found.
type verdict struct {
	record   *record
	findings []finding
	notes    []string
}

// tell says the verdict, and returns the exit code.
func (v *verdict) tell(w io.Writer) int {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // nowhere else to say it
	for _, f := range v.findings {
		say("%s: %s: %s", f.Kind, f.Name, f.Detail)
	}
	for _, n := range v.notes {
		say("note: %s", n)
	}
	is, not := fmt.Sprintf("%d recordings", len(v.record.Segments)), fmt.Sprintf("%d of %d recordings or more", len(v.findings), len(v.record.Segments))
	if v.record.LogAlone {
		is, not = "the event log, without recordings", "the event log"
	}
	if len(v.findings) > 0 {
		say("NOT as signed: %s", not)
		return exitFailed
	}
	say("intact: %s, as signed on %s by the key %s", is, v.record.Made.Format("2006-01-02 15:04:05 MST"), v.record.Fingerprint)
	return 0
}

// verify checks a record's signature, its chain, and the recordings against it. An
// error is one because of which nothing can be said about them.
func verify(ctx context.Context, c *verifyConfig) (*verdict, error) {
	r, err := openRecord(ctx, c)
	if err != nil {
		return nil, err
	}
	v := &verdict{record: r}
	if err := v.compareFolder(ctx, c); err != nil {
		return nil, err
	}
	if c.Events != "" {
		if err := v.compareLog(ctx, c); err != nil {
			return nil, err
		}
	}
	for _, s := range r.Segments {
		if s.ClockBack {
			v.notes = append(v.notes, s.Name+": by its name it is older than the one before: the camera's clock was set back")
		}
	}
	return v, nil
}

// compareFolder checks the folder, if the record is of one.
func (v *verdict) compareFolder(ctx context.Context, c *verifyConfig) error {
	switch {
	case v.record.LogAlone && c.Dir != "":
		return fmt.Errorf("dir: the record is of an event log alone, so there is nothing to check %s against: leave -dir away, and name the log with -events", c.Dir)
	case v.record.LogAlone:
		return nil
	case c.Dir == "":
		return fmt.Errorf("dir: is missing: the record is of %d recordings: name their folder, such as -dir recordings", len(v.record.Segments))
	}
	files, _, err := recorder.List(c.Dir)
	if err != nil {
		return err
	}
	return v.compare(ctx, c, files)
}

// openRecord returns a record whose signature and chain are right.
func openRecord(ctx context.Context, c *verifyConfig) (*record, error) {
	info, err := os.Stat(c.Record)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if info.Size() > maxRecord {
		return nil, fmt.Errorf("record: %s is longer than %d bytes, the most that is read", c.Record, maxRecord)
	}
	data, err := os.ReadFile(c.Record)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, fmt.Errorf("record: %s is no signed record: %w", c.Record, err)
	}
	payload, err := envelope.DecodeB64Payload()
	if err != nil {
		return nil, fmt.Errorf("record: %s is no signed record: %w", c.Record, err)
	}
	r, parseErr := parsePayload(payload)
	k, err := trusted(c, r)
	if err != nil {
		return nil, err
	}
	verifier, err := dsse.NewEnvelopeVerifier(k)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if envelope.PayloadType != payloadType {
		return nil, fmt.Errorf("record: %s is signed as %q, not as %q: it was changed, or is something else", c.Record, envelope.PayloadType, payloadType)
	}
	if _, err := verifier.Verify(ctx, &envelope); err != nil {
		return nil, fmt.Errorf("record: %s was changed since it was signed, or was signed by another key than %s: it proves nothing (%w)", c.Record, k.fingerprint(), err)
	}
	if parseErr != nil {
		return nil, fmt.Errorf("record: %w", parseErr)
	}
	if err := r.checkChain(); err != nil {
		return nil, err
	}
	return r, nil
}

// trusted returns the key whose signature counts.
func trusted(c *verifyConfig, r *record) (*key, error) {
	if c.Public != "" {
		return readPublic(c.Public)
	}
	want := strings.ToLower(strings.NewReplacer(" ", "", ":", "").Replace(c.Fingerprint))
	if r == nil || len(r.Key) != 32 {
		return nil, fmt.Errorf("record: %s names no key: it was changed, or is something else", c.Record)
	}
	k := &key{public: r.Key}
	if k.fingerprint() != want {
		return nil, fmt.Errorf("record: %s was signed by the key %s, not by %s", c.Record, k.fingerprint(), want)
	}
	return k, nil
}

// parsePayload returns the predicate of an in-toto statement of this program's type.
func parsePayload(payload []byte) (*record, error) {
	var statement ita.Statement
	if err := protojson.Unmarshal(payload, &statement); err != nil {
		return nil, fmt.Errorf("no in-toto statement: %w", err)
	}
	if statement.PredicateType != predicateType || statement.Predicate == nil {
		return nil, fmt.Errorf("a statement of type %q, not %q: another version's, or something else", statement.PredicateType, predicateType)
	}
	data, err := protojson.Marshal(statement.Predicate)
	if err != nil {
		return nil, err
	}
	r := &record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("no record: %w", err)
	}
	return r, nil
}

// checkChain reports whether each link is that of its segment.
func (r *record) checkChain() error {
	before := ""
	for i := range r.Segments {
		s := &r.Segments[i]
		if s.Link != s.link(before) {
			return fmt.Errorf("record: the chain breaks at %s", s.Name)
		}
		before = s.Link
	}
	if r.Head != before {
		return errors.New("record: the head is not that of the chain")
	}
	return nil
}

// compare checks the files in a folder against the record. A camera may delete the oldest
// meanwhile.
func (v *verdict) compare(ctx context.Context, c *verifyConfig, files []recorder.File) error {
	there := map[string]recorder.File{}
	for _, f := range files {
		there[f.Name] = f
	}
	found := &contents{dir: c.Dir, files: files}
	places := make([]place, len(v.record.Segments))
	for i := range v.record.Segments {
		s := &v.record.Segments[i]
		f, ok := there[s.Name]
		var err error
		if places[i], err = v.check(ctx, c.Dir, s, f, ok, found); err != nil {
			return err
		}
	}
	if err := v.missed(c, places); err != nil {
		return err
	}
	v.unknown(c, files)
	return nil
}

// place is where what was recorded under a name was.
type place uint8

const (
	here place = iota
	elsewhere
	nowhere
)

// missed tells of the segments that were nowhere: the camera deleted them if it deletes the
// oldest, and if none before them is there by now.
func (v *verdict) missed(c *verifyConfig, places []place) error {
	first := "" // that is there
	for i, p := range places {
		name := v.record.Segments[i].Name
		switch {
		case p == nowhere && !c.Expired:
			v.findings = append(v.findings, finding{missing, name, "it was there when the record was made"})
		case p == nowhere && first == "":
			v.notes = append(v.notes, name+": is not there any more; the oldest may be gone")
		case p == nowhere:
			v.findings = append(v.findings, finding{missing, name, "it was there when the record was made, and the older " + first +
				" still is; if that is one that the camera could not delete, move it away and check again"})
		case first != "":
		case p == elsewhere:
			first = name
		default:
			if _, err := os.Lstat(filepath.Join(c.Dir, name)); err == nil {
				first = name
			} else if !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// contents finds what was renamed. Files are read for that once something is wrong.
type contents struct {
	dir   string
	files []recorder.File
	names map[string][]string // of the files with a sum
}

// under returns another name under which a segment's content lies, or "".
func (c *contents) under(ctx context.Context, s *segment) (string, error) {
	if c.names == nil {
		names := map[string][]string{}
		for _, f := range c.files {
			sum, _, err := sumFile(ctx, filepath.Join(c.dir, f.Name), -1)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return "", err
			}
			names[sum] = append(names[sum], f.Name)
		}
		c.names = names
	}
	for _, name := range c.names[s.Sum] {
		if name != s.Name {
			return name, nil
		}
	}
	return "", nil
}

// check compares one segment with its file; ok says that there is one. It tells of what is
// wrong, unless it is nowhere.
func (v *verdict) check(ctx context.Context, dir string, s *segment, f recorder.File, ok bool, found *contents) (place, error) {
	find := func(k kind, format string, args ...any) {
		v.findings = append(v.findings, finding{k, s.Name, fmt.Sprintf(format, args...)})
	}
	sum, _, err := sumFile(ctx, filepath.Join(dir, s.Name), s.Bytes)
	switch {
	case !ok || errors.Is(err, os.ErrNotExist):
		ok, err = false, nil
	case err != nil && !errors.Is(err, errShort):
		return nowhere, err
	}
	if ok && err == nil && sum == s.Sum {
		if !s.Open && f.Size != s.Bytes {
			find(changed, "it is %d bytes longer than it was", f.Size-s.Bytes)
		}
		return here, nil
	}
	other, otherErr := found.under(ctx, s)
	switch {
	case otherErr != nil:
		return nowhere, otherErr
	case other != "":
		find(reordered, "what was recorded under this name lies under %s", other)
		return elsewhere, nil
	case !ok:
		return nowhere, nil
	case err != nil:
		find(cut, "%d of %d bytes are left", f.Size, s.Bytes)
	default:
		find(changed, "what is in it is not what was signed")
	}
	return here, nil
}

// unknown names the files that the record does not.
func (v *verdict) unknown(c *verifyConfig, files []recorder.File) {
	named, last, head := map[string]bool{}, int64(0), ""
	for _, s := range v.record.Segments {
		named[s.Name], last, head = true, max(last, s.Number), s.Name
	}
	for _, f := range files {
		switch {
		case named[f.Name]:
		case f.Number > last && c.Growing:
			v.notes = append(v.notes, f.Name+": is newer than the record")
		case f.Number > last:
			v.findings = append(v.findings, finding{added, f.Name, "it is newer than the record, which ends with " + head + "; if the camera went on, -growing allows for it"})
		default:
			v.findings = append(v.findings, finding{added, f.Name, "it was not there when the record was made"})
		}
	}
}
