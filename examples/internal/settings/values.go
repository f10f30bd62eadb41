package settings

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/statefile"
)

// Bytes is a size in bytes, given like 500MB, 1.5GiB or 4096.
type Bytes int64

// units are in the order in which String tries them; the empty unit is last.
var units = []struct {
	name string
	size float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1}, {"", 1},
}

// ParseBytes parses a size. Units are B, kB, MB, GB, TB (powers of 1000) and
// KiB, MiB, GiB, TiB (powers of 1024). It is at least 0 and below 2^53.
func ParseBytes(text string) (Bytes, error) {
	digits := strings.TrimRight(text, "BKMGTik")
	for _, u := range units {
		if u.name != strings.TrimSpace(text[len(digits):]) {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimRight(digits, " "), 64)
		if err != nil || !(n >= 0) || n*u.size >= 1<<53 {
			break
		}
		return Bytes(math.Round(n * u.size)), nil
	}
	return 0, fmt.Errorf("%q is no size: write it like 500MB, 2GiB or 4096", text)
}

// String returns the size in the largest unit that gives a whole number.
func (b Bytes) String() string {
	for _, u := range units {
		if n := float64(b) / u.size; b != 0 && n == math.Trunc(n) && n != 0 {
			return strconv.FormatFloat(n, 'f', -1, 64) + u.name
		}
	}
	return "0"
}

// Secret is a password or a token. It does not print itself. Given as
// file:PATH it is the first line of that file, for systemd's LoadCredential and
// for container secrets.
type Secret string

// String returns whether there is one.
func (s Secret) String() string {
	if s == "" {
		return "(none)"
	}
	return "(secret)"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for logs and JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

const maxSecret = 4096

func readSecret(text string) (string, error) {
	path, ok := strings.CutPrefix(text, "file:")
	if !ok {
		return text, nil
	}
	data, err := statefile.Owned(path)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("secret: %s is longer than %d bytes, the most that is read", path, maxSecret)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("secret: the first line of the file is empty")
	}
	return line, nil
}
