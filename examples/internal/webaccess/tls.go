package webaccess

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/statefile"
)

// selfSignedFor is how long a certificate of our own is valid, and renewBefore
// how long before its end it is replaced.
const (
	selfSignedFor = 397 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// SelfSigned returns a certificate that this machine has signed itself, for its
// names and addresses and the hosts given. It is kept in dir, so that a browser
// told to trust it does so after a restart too; with an empty dir it lives in
// memory only. Files that hold no whole certificate with its key, as after a power
// cut, are replaced, and note is told.
func SelfSigned(dir string, hosts []string, note func(text string)) (tls.Certificate, error) {
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if dir != "" {
		c, err := KeyPair(certFile, keyFile)
		switch {
		case err == nil && time.Until(c.Leaf.NotAfter) > renewBefore:
			return c, nil
		case errors.Is(err, ErrCertificate):
			note(fmt.Sprintf("%v; a new one was made, so browsers will ask again", err))
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return c, fmt.Errorf("the certificate kept in %s: %w", dir, err)
		}
	}
	certPEM, keyPEM, err := sign(hosts)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	if dir != "" {
		err := errors.Join(statefile.State(certFile, certPEM, 0o644), statefile.State(keyFile, keyPEM, 0o600))
		if err != nil {
			return tls.Certificate{}, fmt.Errorf("keep the certificate: %w", err)
		}
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}

// ErrCertificate says that files hold no whole certificate with its key.
var ErrCertificate = errors.New("no whole certificate with its key")

// KeyPair reads a certificate and its key (PEM). The key may be written by nobody
// but its owner. Errors: ErrCertificate, statefile.ErrShared, or that of reading the
// files.
func KeyPair(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := statefile.Owned(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return c, fmt.Errorf("%w in %s and %s: %w", ErrCertificate, certFile, keyFile, err)
	}
	return c, nil
}

func sign(hosts []string) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Hedge"},
		NotBefore:    time.Now().Add(-time.Hour), // clocks of small boards start late
		NotAfter:     time.Now().Add(selfSignedFor),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},

		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
			continue
		}
		t.DNSNames = append(t.DNSNames, h)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// Fingerprint returns the SHA-256 of a certificate, as browsers show it.
func Fingerprint(c tls.Certificate) string {
	if len(c.Certificate) == 0 {
		return ""
	}
	sum := sha256.Sum256(c.Certificate[0])
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// Names returns this machine's names and addresses, under which others may ask
// for the page.
func Names() []string {
	var names []string
	if h, err := os.Hostname(); err == nil && h != "" {
		names = append(names, h)
		if !strings.Contains(h, ".") {
			names = append(names, h+".local")
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}
