package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	ita "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/hedgecam/hedge/examples/internal/buildinfo"
	"github.com/hedgecam/hedge/redact"
)

const (
	payloadType   = "application/vnd.in-toto+json"
	predicateType = "https://github.com/hedgecam/hedge/proof/v1"
	nameTime      = "20060102T150405Z"
	namePattern   = "proof-????????T??????Z.json"
)

// record is the statement's predicate: everything but the names and sums of its
// subjects.
type record struct {
	Made time.Time `json:"made"`
	// Signer is the version and sum of the program that made the record.
	Signer programSum `json:"signer"`
	// Key is the public key (base64), Fingerprint its SHA-256.
	Key         []byte `json:"key"`
	Fingerprint string `json:"fingerprint"`
	// Previous is the SHA-256 of the record made before this one, in the same folder.
	Previous string `json:"previous,omitempty"`

	// Policy is the policy in its canonical form, PolicySum its SHA-256.
	Policy    json.RawMessage `json:"policy,omitempty"`
	PolicySum string          `json:"policySha256,omitempty"`

	Segments []segment `json:"segments"`
	// Head is the link of the last segment: it depends on all of them.
	Head string `json:"head"`
	// Others is how many files in the folder are no recordings.
	Others int `json:"others"`
	// LogAlone: no folder was named, and there are no segments.
	LogAlone bool `json:"logAlone,omitempty"`

	Log *logSummary `json:"log,omitempty"`
}

type programSum struct {
	Version string `json:"version"`
	Sum     string `json:"sha256,omitempty"`
}

// sign makes a record and its pages, and returns the record's path.
func sign(ctx context.Context, c *signConfig, now time.Time) (string, error) {
	k, err := openKey(c.Key)
	if err != nil {
		return "", err
	}
	r, err := makeRecord(ctx, c, k, now)
	if err != nil {
		return "", err
	}
	envelope, err := signed(ctx, r, k)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return "", fmt.Errorf("out: %w", err)
	}
	base := filepath.Join(c.Out, "proof-"+r.Made.Format(nameTime))
	if err := writeNew(base+".json", envelope, 0o644); err != nil {
		return "", fmt.Errorf("%s.json: %w", base, err)
	}
	for _, l := range []string{"en", "de"} {
		page, err := r.page(l, filepath.Base(base)+".json")
		if err != nil {
			return "", err
		}
		if err := writeNew(base+"-"+l+".html", page, 0o644); err != nil {
			return "", fmt.Errorf("%s-%s.html: %w", base, l, err)
		}
	}
	return base + ".json", nil
}

func makeRecord(ctx context.Context, c *signConfig, k *key, now time.Time) (*record, error) {
	r := &record{Made: now.UTC().Truncate(time.Second), Signer: programSum{buildinfo.Version(), buildinfo.SHA256()},
		Key: k.public, Fingerprint: k.fingerprint(), LogAlone: c.Dir == ""}
	var err error
	if !r.LogAlone {
		if r.Segments, r.Others, err = scan(ctx, c.Dir, now); err != nil {
			return nil, err
		}
	}
	if n := len(r.Segments); n > 0 {
		r.Head = r.Segments[n-1].Link
	}
	if c.Events != "" {
		var from time.Time
		if len(r.Segments) > 0 {
			from = r.Segments[0].Time.Truncate(time.Hour)
		}
		if r.Log, err = readLog(c.Events, from); err != nil {
			return nil, err
		}
	}
	if len(r.Segments) == 0 && r.Log == nil {
		return nil, fmt.Errorf("dir: there is no recording in %s (%d other files): name the folder that the camera records into, or its event log with -events", c.Dir, r.Others)
	}
	if c.Policy != "" {
		p, err := redact.LoadPolicy(c.Policy)
		if err != nil {
			return nil, err
		}
		r.Policy, r.PolicySum = p.Canonical(), p.SHA256()
	}
	r.Previous, err = previous(c.Out)
	return r, err
}

// previous returns the sum of the newest record in the folder, "" if there is none.
func previous(dir string) (string, error) {
	names, err := filepath.Glob(filepath.Join(dir, namePattern))
	if err != nil || len(names) == 0 {
		return "", err
	}
	sum, _, err := sumFile(context.Background(), names[len(names)-1], -1)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return sum, err
}

// signed returns the signed envelope around the in-toto statement of a record.
func signed(ctx context.Context, r *record, k *key) ([]byte, error) {
	statement := &ita.Statement{Type: ita.StatementTypeUri, PredicateType: predicateType}
	for _, s := range r.Segments {
		statement.Subject = append(statement.Subject, &ita.ResourceDescriptor{Name: s.Name, Digest: map[string]string{"sha256": s.Sum}})
	}
	if r.Log != nil {
		statement.Subject = append(statement.Subject, &ita.ResourceDescriptor{Name: r.Log.Name, Digest: map[string]string{"sha256": r.Log.Sum}})
		if o := r.Log.Older; o != nil {
			statement.Subject = append(statement.Subject, &ita.ResourceDescriptor{Name: o.Name, Digest: map[string]string{"sha256": o.Sum}})
		}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	statement.Predicate = &structpb.Struct{}
	if err := protojson.Unmarshal(data, statement.Predicate); err != nil {
		return nil, fmt.Errorf("make the statement: %w", err)
	}
	if err := statement.Validate(); err != nil {
		return nil, fmt.Errorf("make the statement: %w", err)
	}
	payload, err := protojson.Marshal(statement)
	if err != nil {
		return nil, fmt.Errorf("make the statement: %w", err)
	}
	signer, err := dsse.NewEnvelopeSigner(k)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	envelope, err := signer.SignPayload(ctx, payloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	text, err := json.MarshalIndent(envelope, "", "  ")
	return append(text, '\n'), err
}
