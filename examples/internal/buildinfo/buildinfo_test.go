package buildinfo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStamped: the version that scripts/programs.sh hands to the linker is the one that a
// program says.
func TestStamped(t *testing.T) {
	defer func(was string) { stamped = was }(stamped)
	stamped = "1.2.3"
	if got := Version(); got != "1.2.3" {
		t.Errorf("version %q", got)
	}
	stamped = ""
	if got := Version(); got == "" {
		t.Error("no version")
	}
	script, err := os.ReadFile(filepath.Join("..", "..", "..", "scripts", "programs.sh"))
	if err != nil || !strings.Contains(string(script), "-X github.com/hedgecam/hedge/examples/internal/buildinfo.stamped=$HEDGE_VERSION}") {
		t.Errorf("scripts/programs.sh stamps something else, %v", err)
	}
}
