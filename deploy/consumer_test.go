package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// consumer is a program of somebody else's.
const consumer = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	ctx := context.Background()
	policy, err := redact.LoadPolicy("policy.json")
	fmt.Println(policy, err)
	set, err := networks.Open(ctx, networks.HedgeN, networks.Options{})
	fmt.Println(set, err)
	src, err := ffmpeg.Open(ctx, os.Args[1], ffmpeg.Options{})
	fmt.Println(src, err)
	p, err := pipeline.New(pipeline.DefaultConfig())
	fmt.Println(p, err)
}
`

// consumerModules are the modules that such a program comes to need.
var consumerModules = []string{
	"github.com/bep/imagemeta", // how a picture is to be turned
	"github.com/hedgecam/hedge",
	"github.com/yalue/onnxruntime_go",
	"golang.org/x/text",          // of imagemeta
	"google.golang.org/protobuf", // reads the networks' files
}

// TestConsumer: a program in a module of its own that imports the pipeline, its ffmpeg source
// and the networks is built by a plain go build, and comes to need few modules.
func TestConsumer(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.org/consumer\n\ngo 1.26.0\n\nrequire github.com/hedgecam/hedge v0.0.0\n\nreplace github.com/hedgecam/hedge => " + root + "\n",
		"go.sum":  string(sums),
		"main.go": consumer,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "go", args...)
		// All modules are here already, and no tag is set. The first build enters
		// what go.mod lacks.
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "PKG_CONFIG_PATH=")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	command("build", "-o", "consumer", ".")
	needed := map[string]bool{}
	for _, path := range strings.Fields(command("list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".")) {
		needed[path] = true
	}
	if got := slices.Sorted(maps.Keys(needed)); !slices.Equal(got, consumerModules) {
		t.Errorf("it needs the modules %q, want %q", got, consumerModules)
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > 14 { // the replace among them
		t.Errorf("go.mod has %d lines:\n%s", lines, text)
	}
}
