package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

// key signs and verifies with Ed25519: a dsse.SignerVerifier.
type key struct {
	private ed25519.PrivateKey // nil where it only verifies
	public  ed25519.PublicKey
}

// errSignature says that a signature is not of this key.
var errSignature = errors.New("the signature is not of this key")

// Sign implements dsse.Signer.
func (k *key) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}

// Verify implements dsse.Verifier.
func (k *key) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return errSignature
	}
	return nil
}

// KeyID implements dsse.Signer and Verifier.
func (k *key) KeyID() (string, error) { return k.fingerprint(), nil }

// Public implements dsse.Verifier.
func (k *key) Public() crypto.PublicKey { return k.public }

// fingerprint is the SHA-256 of the public key, in hexadecimal.
func (k *key) fingerprint() string {
	sum := sha256.Sum256(k.public)
	return hex.EncodeToString(sum[:])
}

const publicSuffix = ".pub"

// openKey returns the key in a file, which it makes at the first start, with the
// public key beside it. The error says what to do where the key is gone, damaged or
// may be used by others.
func openKey(path string) (*key, error) {
	// Another program may be making the two just now, the private key first.
	_, noPublic := os.Stat(path + publicSuffix)
	data, err := statefile.Secret(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if noPublic == nil {
			return nil, fmt.Errorf("key: %s is gone, but %s%s is there: put the key back, or, to begin with a new one, move the public key away and keep it for the records that it belongs to", path, path, publicSuffix)
		}
		return makeKey(path)
	case err != nil:
		return nil, fmt.Errorf("key: %w", err)
	}
	return parseKey(path, data)
}

func parseKey(path string, data []byte) (*key, error) {
	damaged := fmt.Errorf("key: %s is no private key as this program writes it: put a copy back, or move it and its public key away to begin with a new one", path)
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, damaged
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, damaged
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, damaged
	}
	return withPublic(path, private)
}

// withPublic writes the public key where it is missing, as after a power cut between
// the two files.
func withPublic(path string, private ed25519.PrivateKey) (*key, error) {
	k := &key{private, private.Public().(ed25519.PublicKey)}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	err = writeNew(path+publicSuffix, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
	if err != nil && !errors.Is(err, atomicfile.ErrExists) {
		return nil, fmt.Errorf("key: %w", err)
	}
	there, err := readPublic(path + publicSuffix)
	if err != nil {
		return nil, err
	}
	if !there.public.Equal(k.public) {
		return nil, fmt.Errorf("key: %s%s is not the public key of %s: move the one away that does not belong here", path, publicSuffix, path)
	}
	return k, nil
}

// makeKey makes a key. Of two programs that do so at once, both use the one that was
// first.
func makeKey(path string) (*key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	err = writeNew(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	if errors.Is(err, atomicfile.ErrExists) {
		return openKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return withPublic(path, private)
}

// readPublic reads a public key.
func readPublic(path string) (*key, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("public key: %s is none: it begins with -----BEGIN PUBLIC KEY-----", path)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("public key: %s is no Ed25519 public key", path)
	}
	return &key{public: public}, nil
}

// writeNew writes a file of a mode, unless there is one.
func writeNew(path string, data []byte, mode fs.FileMode) error {
	return atomicfile.Write(path, false, func(f *os.File) error {
		if err := f.Chmod(mode); err != nil { // before anything is in it
			return err
		}
		_, err := f.Write(data)
		return err
	})
}
