package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSBOM: `make sbom` writes a list in CycloneDX's form that names this module and, with
// version and licence, each one that the programs link.
func TestSBOM(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the licence of every module")
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	tool := regexp.MustCompile(`(?m)^\tgo run (\S+/cyclonedx-gomod@v\S+) mod `).FindSubmatch(makefile)
	if tool == nil {
		t.Fatal("the Makefile does not say which program writes the list")
	}
	path := filepath.Join(t.TempDir(), "sbom", "sbom.json")
	if out, err := exec.CommandContext(t.Context(), "make", "-C", "..", "sbom", "SBOM="+path).CombinedOutput(); err != nil {
		if missing, err := exec.CommandContext(t.Context(), "go", "run", string(tool[1]), "version").CombinedOutput(); err != nil {
			t.Skipf("%s cannot be had here, in the way that `make sbom` gets it: %v: %s", tool[1], err, missing)
		}
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	type component struct {
		Name, Version, Purl string
		Evidence            struct {
			Licenses []struct{ License struct{ ID string } }
		}
	}
	var list struct {
		BOMFormat, SpecVersion, SerialNumber string
		Metadata                             struct{ Component component }
		Components                           []component
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if list.BOMFormat != "CycloneDX" || list.SpecVersion == "" || !strings.HasPrefix(list.SerialNumber, "urn:uuid:") || list.Metadata.Component.Name != "github.com/hedgecam/hedge" {
		t.Errorf("%s %s %s of %+v", list.BOMFormat, list.SpecVersion, list.SerialNumber, list.Metadata.Component)
	}
	listed := map[string]component{}
	for _, c := range list.Components {
		listed[c.Name] = c
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./examples/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(linked) < 20 {
		t.Fatalf("the programs link %q", linked)
	}
	for _, m := range linked {
		name, version, _ := strings.Cut(m, " ")
		if c := listed[name]; c.Version != version || !strings.HasPrefix(c.Purl, "pkg:golang/") || len(c.Evidence.Licenses) == 0 || c.Evidence.Licenses[0].License.ID == "" {
			t.Errorf("of %s %s, which the programs link, the list has %+v", name, version, c)
		}
	}
}
