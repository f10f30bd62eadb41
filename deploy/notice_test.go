package deploy_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// section returns the first words of the lines under a heading of NOTICE.
func section(t *testing.T, notice, heading string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(notice, heading+"\n")
	if !ok {
		t.Fatalf("NOTICE has no section %q", heading)
	}
	var names []string
	for line := range strings.Lines(rest) {
		if strings.TrimSpace(line) == "" {
			break
		}
		if !strings.HasPrefix(line, "   ") { // what follows an entry is set further in
			names = append(names, strings.Fields(line)[0])
		}
	}
	slices.Sort(names)
	return names
}

func readNotice(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNoticeNamesModules: NOTICE names each Go module that the programs link, and
// none that they do not.
func TestNoticeNamesModules(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./examples/...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	slices.Sort(linked)
	linked = slices.Compact(linked)
	named := section(t, readNotice(t), "Go modules that the programs of examples link")
	for _, m := range linked {
		if !slices.Contains(named, m) {
			t.Errorf("NOTICE does not name %s, which the programs link", m)
		}
	}
	for _, m := range named {
		if !slices.Contains(linked, m) {
			t.Errorf("NOTICE names %s, which no program links", m)
		}
	}
}

// TestPrograms builds the programs as they are handed to others: NOTICE names
// each C library that they link, and they are position-independent with
// relocations that are read-only once they run.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds all programs anew")
	}
	programs := build(t, "")
	if len(programs) != 7 {
		t.Fatalf("programs %q", programs)
	}
	version := regexp.MustCompile(`\.so(\.\d+)*$`)
	named := section(t, readNotice(t), "C libraries that the programs of examples link")
	for i := range named {
		named[i] = strings.Trim(named[i], ",")
	}
	for _, path := range programs {
		name := filepath.Base(path)
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		libraries, err := f.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range libraries {
			if l := version.ReplaceAllString(l, ""); !slices.Contains(named, l) && l != "libm" {
				t.Errorf("%s links %s, which NOTICE does not name", name, l)
			}
		}
		if f.Type != elf.ET_DYN {
			t.Errorf("%s is %v, not position-independent", name, f.Type)
		}
		if !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_GNU_RELRO }) {
			t.Errorf("%s has no read-only relocations", name)
		}
		now, err := f.DynValue(elf.DT_FLAGS)
		if err != nil || len(now) == 0 || now[0]&uint64(elf.DF_BIND_NOW) == 0 {
			t.Errorf("%s binds symbols when they are first used: flags %v, %v", name, now, err)
		}
	}
}

// build builds programs, all if none are named, with a further build tag, and
// returns their paths.
func build(t *testing.T, tag string, names ...string) []string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "../scripts/programs.sh", append([]string{dir}, names...)...)
	cmd.Env = append(os.Environ(), "HEDGE_TAGS="+tag)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	programs, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

// TestWithoutX264: with the tag nox264 no program links a library under the GPL
// alone.
func TestWithoutX264(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs anew")
	}
	for _, path := range build(t, "nox264", "doorbell", "dashcam") {
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		libraries, err := f.ImportedLibraries()
		if err != nil || len(libraries) == 0 {
			t.Fatalf("%v, %v", libraries, err)
		}
		for _, l := range libraries {
			if strings.HasPrefix(l, "libx264") {
				t.Errorf("%s links %s", filepath.Base(path), l)
			}
		}
	}
}
