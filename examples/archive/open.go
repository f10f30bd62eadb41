package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/nats-io/nats.go"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/archive/store"
	"github.com/hedgecam/hedge/examples/internal/statefile"
)

// Files of an archive's folder.
const (
	keyFile      = "archive.key"  // decrypts originals
	tokenFile    = "nats.token"   // of the queue
	settingsFile = "serving.json" // while serve runs: where
)

// opened is an archive with its connection.
type opened struct {
	*archive.Archive
	nc *nats.Conn
}

// Close ends the connection.
func (o *opened) Close() { o.nc.Close() }

// open opens the archive that serve runs, here or elsewhere.
func open(ctx context.Context, f *flags) (*opened, error) {
	if _, err := os.Stat(f.dir); err != nil {
		return nil, usage("-dir: %w: name the archive's folder", err)
	}
	if f.nats == "" {
		data, err := os.ReadFile(f.in(settingsFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("nobody serves the archive %s: run `archive serve -dir %s`, or name a server with -nats", f.dir, f.dir)
		}
		var s settings
		if err == nil {
			err = json.Unmarshal(data, &s)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.in(settingsFile), err)
		}
		f.nats, f.store, f.files, f.s3 = s.NATS, s.Store, s.Files, s.S3
	}
	key, err := store.Key(f.in(keyFile), false)
	if err != nil {
		return nil, err
	}
	token, err := statefile.Secret(f.in(tokenFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the token of the queue: %w", err)
	}
	nc, err := queue.Connect(ctx, f.nats, strings.TrimSpace(string(token)), "archive")
	if err != nil {
		return nil, err
	}
	return connected(ctx, f, nc, key)
}

// connected opens the archive over a connection, which is closed on an error.
func connected(ctx context.Context, f *flags, nc *nats.Conn, key *age.X25519Identity) (*opened, error) {
	q, err := queue.Open(ctx, nc, queue.Config{})
	if err != nil {
		nc.Close()
		return nil, err
	}
	var files store.Store = store.Folder(f.folder())
	switch f.store {
	case storeNATS:
		files, err = store.OpenObjects(ctx, q.JetStream(), 0)
	case storeS3:
		files, err = store.OpenS3(ctx, f.s3, nil)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	vault := store.NewVault(files, key)
	if err := vault.Check(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("%s: %w", f.in(keyFile), err)
	}
	return &opened{&archive.Archive{Queue: q, Files: files, Originals: vault}, nc}, nil
}
