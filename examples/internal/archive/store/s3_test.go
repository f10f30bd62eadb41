package store_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/archive/store"
)

// fakeS3 keeps the rules of the protocol that the store relies on: an upload in parts is
// seen when it is completed, and not when it is given up; what is not there is NoSuchKey;
// who has not signed is refused.
type fakeS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	uploads map[string]map[int][]byte
	full    bool
	clock   time.Duration // by which the server's clock is ahead
}

func s3Error(w http.ResponseWriter, code int, name string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", name, name)
}

func etag(data []byte) string {
	sum := md5.Sum(data)
	return strconv.Quote(hex.EncodeToString(sum[:]))
}

func (s *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := r.URL.Query()
	key, inBucket := strings.CutPrefix(r.URL.Path, "/films/")
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil || time.Since(signed)+s.clock > 15*time.Minute:
		s3Error(w, 403, "RequestTimeTooSkewed")
	case !strings.Contains(r.Header.Get("Authorization"), "Credential=the-key/"):
		s3Error(w, 403, "AccessDenied")
	case q.Has("location"):
		_, _ = io.WriteString(w, "<LocationConstraint></LocationConstraint>")
	case !inBucket && r.URL.Path != "/films" || key == "" && r.URL.Path != "/films/":
		s3Error(w, 404, "NoSuchBucket")
	case key == "":
	case q.Has("uploads"):
		id := fmt.Sprint(len(s.uploads) + 1)
		s.uploads[id] = map[int][]byte{}
		_, _ = fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>films</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", key, id)
	case q.Has("uploadId"):
		s.part(w, r, key, q.Get("uploadId"), q.Get("partNumber"))
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		data, ok := s.objects[key]
		if !ok {
			s3Error(w, 404, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etag(data))
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(data))
	}
}

func (s *fakeS3) part(w http.ResponseWriter, r *http.Request, key, id, number string) {
	upload, ok := s.uploads[id]
	data, err := io.ReadAll(r.Body)
	n, _ := strconv.Atoi(number) // 0 is none
	switch {
	case !ok:
		s3Error(w, 404, "NoSuchUpload")
	case err != nil:
		s3Error(w, 400, "IncompleteBody")
	case r.Method == http.MethodPut && s.full:
		s3Error(w, 507, "XMinioStorageFull")
	case r.Method == http.MethodPut:
		upload[n] = data
		w.Header().Set("ETag", etag(data))
	case r.Method == http.MethodDelete:
		delete(s.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		var list struct {
			Part []struct{ PartNumber int }
		}
		if err := xml.Unmarshal(data, &list); err != nil || len(list.Part) != len(upload) {
			s3Error(w, 400, "InvalidPart")
			return
		}
		var whole []byte
		for _, p := range list.Part {
			whole = append(whole, upload[p.PartNumber]...)
		}
		s.objects[key] = whole
		delete(s.uploads, id)
		_, _ = fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>films</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", key, etag(whole))
	}
}

func newS3(t *testing.T) (*store.S3, *fakeS3) {
	t.Helper()
	fake := &fakeS3{objects: map[string][]byte{}, uploads: map[string]map[int][]byte{}}
	server := httptest.NewTLSServer(fake)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "the-key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the-secret")
	s, err := store.OpenS3(t.Context(), server.URL+"/films/archive", server.Client().Transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenS3(t.Context(), server.URL+"/none", server.Client().Transport); err == nil || !strings.Contains(err.Error(), "no such bucket") {
		t.Errorf("no bucket: %v", err)
	}
	return s, fake
}

// TestS3Address: an address that is none says how it is written, and repeats no password.
func TestS3Address(t *testing.T) {
	for _, address := range []string{"", "films", "ftp://host/films", "https://host", "https://user:word@host/films"} {
		if _, err := store.OpenS3(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), "https://HOST/BUCKET") || strings.Contains(err.Error(), "word@") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestS3Full: a server without room says so, and no upload is left half there.
func TestS3Full(t *testing.T) {
	s, fake := newS3(t)
	fake.full = true
	if err := s.Put(t.Context(), "a", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), store.ErrFull.Error()) {
		t.Errorf("%v", err)
	}
	if len(fake.objects) != 0 || len(fake.uploads) != 0 {
		t.Errorf("%d objects, %d uploads are left", len(fake.objects), len(fake.uploads))
	}
}

// TestS3Clock: a server whose clock differs by an hour refuses all; the error says what to do.
func TestS3Clock(t *testing.T) {
	s, fake := newS3(t)
	if err := s.Put(t.Context(), "a", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	fake.clock = time.Hour
	_, err := s.Open(t.Context(), "a")
	for _, err := range []error{err, s.Put(t.Context(), "b", strings.NewReader("x"))} {
		if err == nil || !strings.Contains(err.Error(), "clock") || errors.Is(err, store.ErrMissing) {
			t.Errorf("%v", err)
		}
	}
}
