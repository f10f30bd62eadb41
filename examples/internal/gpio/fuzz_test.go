package gpio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadLine: whatever the button's file holds, its first line of at most 64
// bytes, without spaces around it.
func FuzzReadLine(f *testing.F) {
	for _, text := range []string{"1\n", "0", "", "\n1", " 1 \r\n0", strings.Repeat("1", 100), "\x00\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "value")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readLine(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > 64 || strings.Contains(got, "\n") || got != strings.TrimSpace(got) || !strings.Contains(string(data), got) {
			t.Errorf("%q gives %q", data, got)
		}
	})
}
