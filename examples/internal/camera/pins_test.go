package camera

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/statefile"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

func certificate(t *testing.T, serial int64) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPins: the certificate that a camera shows first is kept and told of once, it
// alone is taken from then on, after a restart too, and every camera has its own.
func TestPins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.json.cameras")
	one, other := certificate(t, 1), certificate(t, 2)
	var told []string
	restart := func() *pins {
		return &pins{path: path, pinned: func(host, fingerprint string) { told = append(told, host+" "+fingerprint) }}
	}
	for _, step := range []struct {
		host string
		cert *x509.Certificate
		ok   bool
	}{
		{"cam:322", one, true}, {"cam:322", one, true}, {"cam:322", other, false}, {"cam:322", one, true},
		{"cam:443", other, true}, {"cam:443", one, false}, {"door:322", one, true},
	} {
		err := restart().trust(step.host, step.cert)
		if step.ok && err != nil || !step.ok && (!errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), ffmpeg.Fingerprint(step.cert))) {
			t.Errorf("%s: %v", step.host, err)
		}
	}
	if want := []string{"cam:322 " + ffmpeg.Fingerprint(one), "cam:443 " + ffmpeg.Fingerprint(other), "door:322 " + ffmpeg.Fingerprint(one)}; !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	// Damage, and a file that others may write, let nobody in.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(data)-20)); err != nil {
		t.Fatal(err)
	}
	if err := restart().trust("door:322", one); !errors.Is(err, ErrChanged) {
		t.Errorf("a fingerprint that was cut off: %v", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := restart().trust("cam:322", one); !errors.Is(err, statefile.ErrShared) {
		t.Errorf("a file that others may write: %v", err)
	}
	lost := &pins{path: filepath.Join(t.TempDir(), "missing", "pins")}
	if err := lost.trust("cam:322", one); err == nil {
		t.Error("taken although it cannot be kept")
	}
}
