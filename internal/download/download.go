// Package download brings files of known content onto the machine: bounded,
// checked against a pinned SHA-256, and never half-written under their name.
package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// SumError says that a file is not the one it should be.
type SumError struct {
	// File is the file's path or URL.
	File string
	// Got is the SHA-256 of what was found, in lower-case hexadecimal.
	Got string
	// Want holds the sums that are accepted, in the same form.
	Want []string
	// Bytes is the size of what was found.
	Bytes int64
}

func (e *SumError) Error() string {
	return fmt.Sprintf("%s is not the expected file: sha256 of its %d bytes is %s, want %s",
		e.File, e.Bytes, e.Got, strings.Join(e.Want, " or "))
}

// Progress is told how many bytes have come and how many there are, -1 if the
// server does not say.
type Progress func(done, total int64)

var client = &http.Client{
	Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		// Short, because there are other ways to get everything fetched here and
		// a machine without a way out should reach them soon.
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		DisableKeepAlives:     true,
	},
	// A server that stalls in the middle must not hold a program for ever.
	Timeout: 15 * time.Minute,
}

// Get returns what url holds, which may not be more than limit bytes. progress
// may be nil.
func Get(ctx context.Context, url string, limit int64, progress Progress) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: the server answers %s", url, resp.Status)
	}
	body := &meter{r: io.LimitReader(resp.Body, limit+1), total: resp.ContentLength, report: progress}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("get %s: after %d bytes: %w", url, len(data), err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("get %s: larger than the %d bytes expected", url, limit)
	}
	return data, nil
}

// meter reports what is read through it.
type meter struct {
	r           io.Reader
	done, total int64
	report      Progress
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.done += int64(n)
	if m.report != nil && n > 0 {
		m.report(m.done, m.total)
	}
	return n, err
}

// Place writes what src gives to path, making its folder. The bytes go to a
// hidden file beside it, which takes the name path only when it is complete, on
// disk, and its SHA-256 is one of sums; otherwise it is removed and path stays
// as it was. Of several calls at once for one path the last wins, each whole.
func Place(path string, src io.Reader, sums ...string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(f.Close()), os.Remove(f.Name()))
		}
	}()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, hash), src)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); !slices.Contains(sums, got) {
		return &SumError{File: path, Got: got, Want: sums, Bytes: n}
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return atomicfile.Publish(f.Name(), path, true)
}

func ignoreClosed(err error) error {
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// Check returns a *[SumError] unless the SHA-256 of data is one of sums; file
// names the data in the error.
func Check(file string, data []byte, sums ...string) error {
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); !slices.Contains(sums, got) {
		return &SumError{File: file, Got: got, Want: sums, Bytes: int64(len(data))}
	}
	return nil
}

// CheckFile does what [Check] does for a regular file, which may be large.
func CheckFile(path string, sums ...string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	hash := sha256.New()
	n, err := io.Copy(hash, f)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); !slices.Contains(sums, got) {
		return &SumError{File: path, Got: got, Want: sums, Bytes: n}
	}
	return nil
}
