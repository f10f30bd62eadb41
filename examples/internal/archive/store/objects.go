package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hedgecam/hedge/examples/internal/archive/queue"
)

// Names in JetStream: the object store, its stream, and the subject of an object's pieces.
const (
	bucket = "archive_files"
	stream = "OBJ_" + bucket
	pieces = "$O." + bucket + ".C."
)

// Objects keeps files in JetStream's object store.
type Objects struct {
	nc     *nats.Conn
	o      jetstream.ObjectStore
	stream jetstream.Stream
}

// OpenObjects opens the object store, and makes it if there is none. limit is how many
// bytes it may have, 0 for what the server allows.
func OpenObjects(ctx context.Context, js jetstream.JetStream, limit int64) (*Objects, error) {
	c := jetstream.ObjectStoreConfig{Bucket: bucket, Storage: jetstream.FileStorage, MaxBytes: -1}
	if limit > 0 {
		c.MaxBytes = limit
	}
	s := &Objects{nc: js.Conn()}
	var err error
	s.o, err = js.ObjectStore(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) || err == nil && limit > 0 {
		s.o, err = js.CreateOrUpdateObjectStore(ctx, c)
	}
	if err == nil {
		s.stream, err = js.Stream(ctx, stream)
	}
	if err != nil {
		return nil, fmt.Errorf("the server's object store: %w", err)
	}
	return s, nil
}

// look returns an object's entry. One without all of its pieces is ErrMissing: when a
// connection breaks off and comes back, the client may send the entry, which it has kept,
// after pieces that were lost.
func (s *Objects) look(ctx context.Context, name string) error {
	if err := check(name); err != nil {
		return err
	}
	info, err := s.o.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("%s: %w", name, ErrMissing)
	}
	if err != nil {
		return err
	}
	subject := pieces + info.NUID
	is, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return err
	}
	if n := is.State.Subjects[subject]; n != uint64(info.Chunks) {
		return fmt.Errorf("%s: %w: of its %d pieces %d are there", name, ErrMissing, info.Chunks, n)
	}
	return nil
}

// Put implements Store. The file's entry is written after all of its pieces.
func (s *Objects) Put(ctx context.Context, name string, r io.Reader) error {
	err := s.look(ctx, name)
	if err == nil || !errors.Is(err, ErrMissing) {
		return err
	}
	_, err = s.o.Put(ctx, jetstream.ObjectMeta{Name: name}, reader{ctx, r})
	return queue.Explain(ctx, s.nc, err)
}

// Open implements Store.
func (s *Objects) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := s.look(ctx, name); err != nil {
		return nil, err
	}
	reads, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &patient{Context: reads}
	opened := make(chan opening, 1)
	go func() {
		r, err := s.o.Get(p, name)
		opened <- opening{r, err}
	}()
	select {
	case is := <-opened:
		if is.err != nil {
			cancel()
			return nil, is.err
		}
		p.reading.Store(true)
		stop := context.AfterFunc(ctx, cancel)
		return &object{is.r, func() { stop(); cancel() }}, nil
	case <-ctx.Done():
		go abandon(opened, cancel)
		return nil, ctx.Err()
	}
}

// opening is an object that is being opened.
type opening struct {
	r   jetstream.ObjectResult
	err error
}

// abandon lets the server answer, and closes what it sends. nats.go 1.55 keeps a goroutine and a
// piece of the object for ever where the context ends after the first piece has come, and
// before the answer has.
func abandon(opened <-chan opening, cancel context.CancelFunc) {
	defer cancel()
	defer time.AfterFunc(patience, cancel).Stop()
	if is := <-opened; is.err == nil {
		_ = is.r.Close()
	}
}

const (
	// patience is how long a file may have nothing new to read: then its server is away, and
	// does not know any more who reads it.
	patience = 20 * time.Second
	// glance is how long a reader waits until it looks whether it is still to read: nats.go
	// does not look while it waits.
	glance = 100 * time.Millisecond
)

// patient is a context with a deadline that moves on. Without a deadline the client sets a
// short one, for all of the file; with one, it waits for that long for each piece.
type patient struct {
	context.Context
	reading atomic.Bool // the file is open
}

// Deadline implements context.Context.
func (p *patient) Deadline() (time.Time, bool) {
	wait := patience
	if p.reading.Load() {
		wait = glance
	}
	return time.Now().Add(wait), true
}

// object is a file that is being read.
type object struct {
	jetstream.ObjectResult
	cancel context.CancelFunc
}

// Read returns nats.ErrTimeout if nothing came for too long.
func (o *object) Read(p []byte) (int, error) {
	for begun := time.Now(); ; {
		n, err := o.ObjectResult.Read(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		if time.Since(begun) >= patience {
			return 0, fmt.Errorf("read from the store: %w", nats.ErrTimeout)
		}
	}
}

// Close ends reading.
func (o *object) Close() error {
	defer o.cancel()
	return o.ObjectResult.Close()
}

// Remove implements Store.
func (s *Objects) Remove(ctx context.Context, name string) error {
	if err := check(name); err != nil {
		return err
	}
	if err := s.o.Delete(ctx, name); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	return nil
}
