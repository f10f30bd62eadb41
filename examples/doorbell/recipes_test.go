package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hedgecam/hedge/examples/internal/settings"
)

// TestRecipes: what docs/recipes has somebody write is understood by the program, by
// systemd's rules for a second camera, and as YAML, and the address is the one served.
func TestRecipes(t *testing.T) {
	text, err := os.ReadFile("../../docs/recipes/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret := write("secret", "sixteen characters and more\n")
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 5 {
		t.Fatalf("%d blocks of settings", len(blocks))
	}
	for _, b := range blocks {
		file := write("doorbell.yaml", regexp.MustCompile(`file:\S+`).ReplaceAllString(b[1], "file:"+secret))
		var c config
		none := func(string) (string, bool) { return "", false }
		if err := settings.Load(&c, settings.Options{Program: program, Args: []string{"-config", file, "-policy", dir + "/none.json"}, LookupEnv: none}); err != nil {
			t.Errorf("%v in\n%s", err, b[1])
		}
	}

	for _, name := range []string{"go2rtc.yaml", "frigate.yaml"} {
		config, err := os.ReadFile(filepath.Join("..", "..", "docs", "recipes", name))
		if err != nil {
			t.Fatal(err)
		}
		var parsed map[string]any
		if err := yaml.Unmarshal(config, &parsed); err != nil || !strings.Contains(string(config), "rtsp://hedge:PASSWORD@192.168.1.20:8554/hedge\n") {
			t.Errorf("%s: %v", name, err)
		}
	}

	sed := regexp.MustCompile(`(?m)^    sed '([^']+)' \S+/hedge-doorbell\.service`).FindStringSubmatch(string(text))
	if sed == nil {
		t.Fatal("no sed makes the second unit")
	}
	unit, err := exec.CommandContext(t.Context(), "sed", sed[1], "../../deploy/hedge-doorbell.service").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ExecStart=/usr/local/bin/hedge-doorbell -config /etc/hedge/garage.yaml", "StateDirectory=hedge-garage", "WorkingDirectory=%S/hedge-garage"} {
		if !strings.Contains(string(unit), "\n"+line+"\n") {
			t.Errorf("the second unit has no %s:\n%s", line, unit)
		}
	}
}
