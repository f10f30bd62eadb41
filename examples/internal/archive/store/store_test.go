package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/examples/internal/archive/archivetest"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(archivetest.LeftByNATS))
}

// stores returns one of each kind, and a bucket of a real server at the address HEDGE_S3 if
// that is set: see `make s3`.
func stores(t *testing.T) map[string]store.Store {
	t.Helper()
	all := map[string]store.Store{"folder": store.Folder(filepath.Join(t.TempDir(), "files")), "objects": archivetest.New(t, queue.Config{}).Files}
	if address := os.Getenv("HEDGE_S3"); address != "" {
		s3, err := store.OpenS3(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		all["a server of S3"] = s3
	}
	all["s3"], _ = newS3(t)
	return all
}

func read(t *testing.T, s store.Store, name string) ([]byte, error) {
	t.Helper()
	f, err := s.Open(t.Context(), name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// broken ends before it should.
type broken struct{ n int }

var errBroken = errors.New("the wire was cut")

func (b *broken) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, errBroken
	}
	n := min(b.n, len(p))
	b.n -= n
	return n, nil
}

// TestStores: a file is there when it is whole, is never changed, and is gone when it was
// removed; what broke off in the middle is not there.
func TestStores(t *testing.T) {
	for kind, s := range stores(t) {
		if _, err := read(t, s, "a/b.mp4"); !errors.Is(err, store.ErrMissing) {
			t.Errorf("%s: nothing there: %v", kind, err)
		}
		if err := s.Put(t.Context(), "a/b.mp4", &broken{300 << 10}); !errors.Is(err, errBroken) {
			t.Errorf("%s: broken: %v", kind, err)
		}
		if _, err := read(t, s, "a/b.mp4"); !errors.Is(err, store.ErrMissing) {
			t.Errorf("%s: half a file is there: %v", kind, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Put(ended, "a/b.mp4", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended: %v", kind, err)
		}
		large := bytes.Repeat([]byte("0123456789abcdef"), 40<<10)
		for _, data := range [][]byte{large, []byte("another")} {
			if err := s.Put(t.Context(), "a/b.mp4", bytes.NewReader(data)); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
		}
		if got, err := read(t, s, "a/b.mp4"); err != nil || !bytes.Equal(got, large) {
			t.Errorf("%s: %d bytes, %v", kind, len(got), err)
		}
		for range 2 {
			if err := s.Remove(t.Context(), "a/b.mp4"); err != nil {
				t.Errorf("%s: remove: %v", kind, err)
			}
		}
		if _, err := read(t, s, "a/b.mp4"); !errors.Is(err, store.ErrMissing) {
			t.Errorf("%s: removed: %v", kind, err)
		}
		for _, name := range []string{"", "/a", "../a", "a/../b", "a//b", "A", "a b", ".hidden", "a/.b"} {
			if err := s.Put(t.Context(), name, strings.NewReader("x")); err == nil {
				t.Errorf("%s: the name %q is taken", kind, name)
			}
		}
	}
}

// TestPiecesLost: a file of the object store whose pieces are not all there is no file, and
// can be stored again.
func TestPiecesLost(t *testing.T) {
	a := archivetest.New(t, queue.Config{})
	data := bytes.Repeat([]byte("0123456789abcdef"), 40<<10)
	if err := a.Files.Put(t.Context(), "a", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	pieces, err := a.Queue.JetStream().Stream(t.Context(), "OBJ_archive_files")
	if err != nil {
		t.Fatal(err)
	}
	if err := pieces.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Files.Open(t.Context(), "a"); !errors.Is(err, store.ErrMissing) || !strings.Contains(err.Error(), "pieces") {
		t.Errorf("a piece is lost: %v", err)
	}
	if err := a.Files.Put(t.Context(), "a", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if got, err := read(t, a.Files, "a"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestFull: an object store without room says that it is full, and nothing half is there.
func TestFull(t *testing.T) {
	s, err := queue.Serve(queue.ServerConfig{Dir: t.TempDir(), MaxBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	nc, err := s.Connect("test")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	q, err := queue.Open(t.Context(), nc, queue.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{0, 1 << 20} {
		files, err := store.OpenObjects(t.Context(), q.JetStream(), limit)
		if err != nil {
			t.Fatal(err)
		}
		if err := files.Put(t.Context(), "large", &zeros{8 << 20}); !errors.Is(err, store.ErrFull) {
			t.Errorf("limit %d: %v", limit, err)
		}
		if _, err := read(t, files, "large"); !errors.Is(err, store.ErrMissing) {
			t.Errorf("limit %d: half a file is there: %v", limit, err)
		}
	}
}

// zeros is so many bytes.
type zeros struct{ n int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(z.n, len(p))
	z.n -= n
	clear(p[:n])
	return n, nil
}

// TestVault: an original is encrypted in the store, cannot be read with another key, and
// what was changed in the store is not taken for it.
func TestVault(t *testing.T) {
	dir := t.TempDir()
	key, err := store.Key(filepath.Join(dir, "archive.key"), true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := store.Key(filepath.Join(dir, "archive.key"), false)
	if err != nil || again.String() != key.String() {
		t.Errorf("the key is another: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "archive.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := store.Key(filepath.Join(dir, "none.key"), false); err == nil || !strings.Contains(err.Error(), "copy archive.key") {
		t.Errorf("no key: %v", err)
	}
	folder := store.Folder(filepath.Join(dir, "files"))
	v := store.NewVault(folder, key)
	for range 2 {
		if err := v.Check(t.Context()); err != nil {
			t.Errorf("the archive's own key: %v", err)
		}
	}
	other, err := store.Key(filepath.Join(dir, "other.key"), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NewVault(folder, other).Check(t.Context()); !errors.Is(err, store.ErrKey) {
		t.Errorf("another archive's key: %v", err)
	}
	plain := bytes.Repeat([]byte("somebody walks by. "), 10000)
	if err := v.Put(t.Context(), "o.age", bytes.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	f, err := v.Open(t.Context(), "o.age")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	path := filepath.Join(dir, "files", "o.age")
	sealed, err := os.ReadFile(path)
	if err != nil || bytes.Contains(sealed, []byte("somebody")) {
		t.Errorf("it is not encrypted: %v", err)
	}
	other, err = store.Key(filepath.Join(dir, "other.key"), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.NewVault(folder, other).Open(t.Context(), "o.age"); err == nil || !strings.Contains(err.Error(), "is this the key") {
		t.Errorf("another key: %v", err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-100] },
		"changed": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	} {
		if err := os.WriteFile(path, change(bytes.Clone(sealed)), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := v.Open(t.Context(), "o.age")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(f); err == nil {
			t.Errorf("%s: it is taken for the original", name)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenEnded: whoever gives up while a file is being opened leaves nothing behind (TestMain
// would see it).
func TestOpenEnded(t *testing.T) {
	for kind, s := range stores(t) {
		if err := s.Put(t.Context(), "a.json", strings.NewReader(strings.Repeat("x", 168))); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := read(t, s, "a.json"); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		for n := range 400 {
			ctx, cancel := context.WithTimeout(t.Context(), took*time.Duration(n)/200)
			if f, err := s.Open(ctx, "a.json"); err == nil {
				if n%2 == 0 {
					_, _ = io.ReadAll(f)
				}
				if err := f.Close(); err != nil {
					t.Errorf("%s: close: %v", kind, err)
				}
			}
			cancel()
		}
	}
}
