// Package deploy_test checks the files with which Hedge's programs are installed.
package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// checker has systemd check and rate a unit.
const checker = "systemd-analyze" //nolint:misspell // the program's own name

// maxExposure is the most that it may find exposed, in tenths of its scale from
// 0 (nothing) to 10.
const maxExposure = "20"

// TestUnits: systemd understands every line of every unit, and rates what it
// leaves open.
func TestUnits(t *testing.T) {
	path, err := exec.LookPath(checker)
	if err != nil {
		t.Skipf("%s is not installed (on Debian: apt install systemd)", checker)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	units, err := filepath.Glob("*.service")
	if err != nil || len(units) != 3 {
		t.Fatalf("units %q, %v", units, err)
	}
	command := regexp.MustCompile(`(?m)^(ExecStart=)(\S+)(.*)$`)
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"LimitCORE=0", "MemorySwapMax=0"} {
			if !bytes.Contains(text, []byte("\n"+line+"\n")) {
				t.Errorf("%s has no %s: raw pictures may reach the disk", unit, line)
			}
		}
		name := strings.TrimSuffix(strings.TrimPrefix(unit, "hedge-"), ".service")
		want := "ExecStart=/usr/local/bin/hedge-" + name + " -config /etc/hedge/" + name + ".yaml"
		if got := string(command.Find(text)); got != want {
			t.Errorf("%s: %s, want %s", unit, got, want)
		}
		// The program named need not be installed here; another stands in for it.
		copied := filepath.Join(t.TempDir(), unit)
		if err := os.WriteFile(copied, command.ReplaceAll(text, []byte("${1}"+program+"${3}")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), path, "verify", "--man=no", copied).CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, unit) {
				t.Errorf("verify: %s", line)
			}
		}
		if err != nil {
			t.Errorf("verify %s: %v\n%s", unit, err, out)
		}
		out, err = exec.CommandContext(t.Context(), path, "security", "--offline=true", "--no-pager", "--threshold="+maxExposure, copied).CombinedOutput()
		if err != nil {
			t.Errorf("security of %s: %v\n%s", unit, err, out)
		}
		if i := bytes.Index(out, []byte("Overall")); i >= 0 {
			t.Logf("%s", bytes.TrimSpace(out[i:]))
		}
	}
}

// TestCompose: every service runs without rights that it does not need.
func TestCompose(t *testing.T) {
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Services map[string]struct {
			User        string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			CapAdd      []string `yaml:"cap_add"`
			SecurityOpt []string `yaml:"security_opt"`
			Privileged  bool
			Devices     []string
			Volumes     []string
			Ports       []string
			Build       struct{ Context, Dockerfile string }
			Mem         string         `yaml:"mem_limit"`
			MemSwap     string         `yaml:"memswap_limit"`
			Limits      map[string]int `yaml:"ulimits"`
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 3 {
		t.Fatalf("%d services", len(c.Services))
	}
	// Without TZ a container is in UTC. What stands for a TZ that was not given is no time
	// zone, so that the doorbell refuses private times, see schedule.Zone.
	missing, found := strings.CutPrefix(strings.TrimSuffix(c.Services["doorbell"].Environment["TZ"], "}"), "${TZ:-")
	if _, err := time.LoadLocation(missing); !found || missing == "" || err == nil {
		t.Errorf("the doorbell's TZ: %q", c.Services["doorbell"].Environment["TZ"])
	}
	for name, s := range c.Services {
		if s.User != "10001:10001" || !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.CapAdd != nil ||
			!slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged || s.Ports != nil {
			t.Errorf("%s has too many rights: %+v", name, s)
		}
		if core, ok := s.Limits["core"]; !ok || core != 0 || s.Mem == "" || s.Mem != s.MemSwap {
			t.Errorf("%s: raw pictures may reach the disk: %+v", name, s)
		}
		for _, d := range s.Devices {
			if !strings.HasPrefix(d, "/dev/video") {
				t.Errorf("%s: device %s", name, d)
			}
		}
		for _, v := range s.Volumes {
			if strings.HasPrefix(v, ".") && !strings.HasSuffix(v, ":ro") || strings.HasPrefix(v, "/") {
				t.Errorf("%s: volume %s", name, v)
			}
		}
		if s.Build.Context != ".." || s.Build.Dockerfile != "deploy/Dockerfile" {
			t.Errorf("%s: built from %+v", name, s.Build)
		}
	}
}

// TestDockerfile: the image does not run as root, fetches nothing unchecked, and
// the folders that the build copies are all let through.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	users := regexp.MustCompile(`(?m)^USER (\S+)$`).FindAllSubmatch(text, -1)
	if len(users) != 1 || string(users[0][1]) != "10001:10001" {
		t.Errorf("users %q", users)
	}
	if bad := regexp.MustCompile(`(?m)^ADD |curl|wget|:latest|--privileged|chmod 777`).Find(text); bad != nil {
		t.Errorf("has %q", bad)
	}
	ignored, err := os.ReadFile("Dockerfile.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(regexp.MustCompile(`(?m)^#.*\n`).ReplaceAll(ignored, nil), "\n"), []byte("*\n")) {
		t.Error("does not begin by leaving everything out")
	}
	for _, m := range regexp.MustCompile(`(?m)^!(\S+)$`).FindAllSubmatch(ignored, -1) {
		if _, err := os.Stat(filepath.Join("..", string(m[1]))); err != nil {
			t.Errorf("lets through what is not there: %v", err)
		}
	}
}

// TestSamples: each program takes its sample settings.
func TestSamples(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	samples, err := filepath.Glob("[^c]*.yaml") // all but compose.yaml
	if err != nil || len(samples) != 3 {
		t.Fatalf("samples %q, %v", samples, err)
	}
	for _, s := range samples {
		out, err := exec.CommandContext(t.Context(), "go", "run", "../examples/"+strings.TrimSuffix(s, ".yaml"),
			"-config", s, "-policy", policy, "-check").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", s, err, out)
		}
	}
}

// TestNoDump: every program that is handed to others and has raw pictures in its memory
// forbids to dump it before it does anything else. The short examples are to be read.
func TestNoDump(t *testing.T) {
	script, err := os.ReadFile("../scripts/programs.sh")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`programs=\(([a-z -]+)\)`).FindSubmatch(script)
	if len(list) != 2 {
		t.Fatal("scripts/programs.sh names no programs")
	}
	pictures := regexp.MustCompile(`\b(worker\.New|pipeline\.New\w*|live\.Open|camera\.Open|ffmpeg\.Open)\(`)
	// confine.Enable has no pictures: it becomes another program, or notes that it may.
	begins := regexp.MustCompile(`(?m)^func main\(\) \{\n(?:\tconfine\.Enable\(\)\n)?\tif err := nodump\.Process\(\); err != nil \{$`)
	var checked []string
	for _, program := range strings.Fields(string(list[1])) {
		files, err := filepath.Glob(filepath.Join("..", "examples", program, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var has, forbids bool
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			has, forbids = has || pictures.Match(text), forbids || begins.Match(text)
		}
		if has && !forbids {
			t.Errorf("%s does not begin with nodump.Process", program)
		}
		if has {
			checked = append(checked, program)
		}
	}
	for _, program := range []string{"archive", "dashcam", "doorbell", "redact-file", "virtualcam"} {
		if !slices.Contains(checked, program) {
			t.Errorf("%s is not among the programs with pictures, %q", program, checked)
		}
	}
}
