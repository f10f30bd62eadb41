package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"

	"github.com/hedgecam/hedge/examples/internal/statefile"
)

// Vault keeps originals in a store, encrypted with an archive's key.
type Vault struct {
	store Store
	key   *age.X25519Identity
}

// NewVault returns a vault. Who only adds recordings needs no secret key, but the programs
// here have one file for both.
func NewVault(s Store, key *age.X25519Identity) *Vault { return &Vault{s, key} }

// keyName is the file that says which key originals are encrypted for.
const keyName = "key.public"

// ErrKey says that the store belongs to an archive with another key.
var ErrKey = errors.New("it is not the key of this archive: copy archive.key from the machine that serves it")

// Check returns ErrKey if the store's originals are those of another key. The first key of a
// store is its own.
func (v *Vault) Check(ctx context.Context) error {
	own := v.key.Recipient().String()
	if err := v.store.Put(ctx, keyName, strings.NewReader(own)); err != nil {
		return err
	}
	f, err := v.store.Open(ctx, keyName)
	if err != nil {
		return err
	}
	known, err := io.ReadAll(io.LimitReader(f, 1024))
	if err = errors.Join(err, f.Close()); err == nil && string(known) != own {
		err = ErrKey
	}
	return err
}

// Put encrypts what r gives and stores it.
func (v *Vault) Put(ctx context.Context, name string, r io.Reader) error {
	sealed, err := age.EncryptReader(r, v.key.Recipient())
	if err != nil {
		return err
	}
	return v.store.Put(ctx, name, sealed)
}

// Open opens an original. The caller closes it.
func (v *Vault) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	f, err := v.store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	plain, err := age.Decrypt(f, v.key)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("original %s: %w: is this the key of this archive", name, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, f}, nil
}

// Key reads an archive's key. With create it is made if there is none.
func Key(path string, create bool) (*age.X25519Identity, error) {
	data, err := statefile.Secret(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return key, statefile.State(path, []byte("# The key of this archive's originals. Without it they are lost.\n"+key.String()+"\n"), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of the archive: %w: copy archive.key from the machine that serves it", err)
	}
	list, err := age.ParseIdentities(strings.NewReader(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := list[0].(*age.X25519Identity)
	if !ok {
		return nil, fmt.Errorf("%s: it is not a key that this program made", path)
	}
	return key, nil
}
