package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestPackage: the package's description ends with the list to which scripts/release.sh
// adds, its scripts are there and name every unit, and settings are conffiles.
func TestPackage(t *testing.T) {
	text, err := os.ReadFile("package/nfpm.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Contents []struct{ Src, Dst, Type string }
		Scripts  map[string]string
		Depends  []string
	}
	if err := yaml.Unmarshal(append(text, "  - libc6 (>= 2.34)\n"...), &p); err != nil {
		t.Fatal(err)
	}
	if strings.Join(p.Depends, ", ") != "ffmpeg, libc6 (>= 2.34)" {
		t.Errorf("depends on %q", p.Depends)
	}
	for _, c := range p.Contents {
		if want := map[bool]string{true: "config", false: "tree"}[strings.HasPrefix(c.Dst, "/etc/")]; c.Type != want || !strings.HasPrefix(c.Src, "@") {
			t.Errorf("%s to %s is %s, want %s", c.Src, c.Dst, c.Type, want)
		}
	}
	units, err := filepath.Glob("*.service")
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	for _, name := range []string{"postinstall", "preremove", "postremove"} {
		path := filepath.Join("..", p.Scripts[name])
		info, err := os.Stat(path)
		if err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %v, %v", name, info, err)
			continue
		}
		script, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range units {
			if name != "postremove" && !strings.Contains(string(script), u) {
				t.Errorf("%s does not name %s", path, u)
			}
		}
	}
}
