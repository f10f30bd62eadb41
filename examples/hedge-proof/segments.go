package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/recorder"
)

// settled is how long a recording must not have been written to, to count as complete:
// one that grows gets a fragment a second, and two seconds without a picture end it.
const settled = 2 * time.Minute

// segment is one recorded file.
type segment struct {
	Name   string    `json:"name"`
	Number int64     `json:"number"`
	Time   time.Time `json:"time"`
	// Bytes is how many of the file's first bytes Sum, a SHA-256, is of.
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sha256"`
	// Open: the file may have grown since, or its unfinished end may be cut off.
	Open bool `json:"open,omitempty"`
	// ClockBack: by its name it is older than the segment before it. The camera's clock
	// was set back; the number says in which order they were made.
	ClockBack bool `json:"clockBack,omitempty"`
	// Link is the SHA-256 over the link of the segment before and all of the above.
	Link string `json:"link"`
}

// link returns the segment's link in the chain.
func (s *segment) link(before string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s\n%d\n%s\n%t\n%t\n", before, s.Name, s.Number, s.Time.UTC().Format(time.RFC3339), s.Bytes, s.Sum, s.Open, s.ClockBack))
	return hex.EncodeToString(sum[:])
}

// scan returns the chain over the recordings in a folder, and how many other files there
// are. One that is removed meanwhile is left out.
func scan(ctx context.Context, dir string, now time.Time) (all []segment, others int, err error) {
	files, others, err := recorder.List(dir)
	if err != nil {
		return nil, 0, err
	}
	before := ""
	for i, f := range files {
		s := segment{Name: f.Name, Number: f.Number, Time: f.Time, Bytes: f.Size,
			Open: f.Whole < f.Size || i == len(files)-1 && now.Sub(f.Changed) < settled}
		if s.Open {
			s.Bytes = f.Whole
		}
		if s.Bytes == 0 {
			continue // nothing of it is complete: the recorder removes such a file
		}
		if s.Sum, _, err = sumFile(ctx, filepath.Join(dir, f.Name), s.Bytes); errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, 0, err
		}
		s.ClockBack = len(all) > 0 && s.Time.Before(all[len(all)-1].Time)
		s.Link = s.link(before)
		before = s.Link
		all = append(all, s)
	}
	return all, others, nil
}

// errShort says that a file has fewer bytes than were asked for.
var errShort = errors.New("the file is shorter than it was")

// sumFile returns the SHA-256 of a file's first n bytes, of all of it if n is negative,
// and how many those are. The error is errShort where there are fewer.
func sumFile(ctx context.Context, path string, n int64) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	var r io.Reader = &reader{ctx, f}
	if n >= 0 {
		r = io.LimitReader(r, n)
	}
	got, err := io.Copy(h, r)
	if err == nil && n >= 0 && got < n {
		err = errShort
	}
	return hex.EncodeToString(h.Sum(nil)), got, err
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
