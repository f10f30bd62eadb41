package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/confine"
)

// mainEnv makes the test program be archive, and names the folder in which it then tries
// what it may not, when a line comes from its standard input.
const mainEnv = "HEDGE_TEST_ARCHIVE"

// breakOut tries it, and says what went.
func breakOut(dir string) {
	if !bufio.NewScanner(os.Stdin).Scan() {
		return // the role is one that ends
	}
	_, rerr := os.ReadFile(filepath.Join(dir, "secret"))
	werr := os.WriteFile(filepath.Join(dir, "taken by archive"), nil, 0o600)
	fmt.Printf("read %t, wrote %t\n", rerr == nil, werr == nil)
}

// TestConfined: serve, and the ffmpeg that reads a recording or writes its output, can neither read
// nor write what is not theirs, and redact all the same; with -confine=false they could. So it
// is with the ffmpeg of add.
func TestConfined(t *testing.T) {
	if v := confine.Version(); v < 3 {
		t.Skipf("this kernel has Landlock %d, and not 3", v)
	}
	for name, confined := range map[string]bool{"confined": true, "confined, with the recording in a file": true, "not": false} {
		t.Run(name, func(t *testing.T) {
			dir, tools := t.TempDir(), t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			in, policy := clip(t, at("in.mp4")), write(t, at("p.json"), closedPolicy)
			write(t, at("secret"), "x")
			for _, tool := range []string{"ffmpeg", "ffprobe"} {
				path, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				// It was taken over, where it reads a recording and where it encodes.
				write(t, filepath.Join(tools, tool), fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *in.mp4*) who=added ;; */proc/self/fd/*) who=decoding ;; *pipe:0*) who=encoding ;; *) who= ;; esac\n"+
					"if [ -n \"$who\" ]; then cat %[1]s/secret >%[1]s/taken-%[2]s-$who 2>&1; fi\nexec %[3]s \"$@\"\n", dir, tool, path))
				if err := os.Chmod(filepath.Join(tools, tool), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			command := func(role string, args ...string) *exec.Cmd {
				cmd := exec.CommandContext(t.Context(), "/proc/self/exe", append([]string{role, "-dir", at("store"), "-networks", "none", fmt.Sprintf("-confine=%t", confined)}, args...)...)
				cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+at("cache"), mainEnv+"="+dir, "PATH="+tools+":"+os.Getenv("PATH"))
				return cmd
			}
			said := newLines()
			serve := command("serve", "-http", "none")
			if strings.Contains(name, "file") {
				serve.Args = append(serve.Args, "-scratch", t.TempDir())
			}
			serve.Stdout, serve.Stderr = said, said
			stdin, err := serve.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := serve.Start(); err != nil {
				t.Fatal(err)
			}
			said.wait(t, "the queue: ", 1)
			if out, err := command("add", "-policy", policy, in).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			said.wait(t, "msg=done .*stage=render", 1)
			if _, err := fmt.Fprintln(stdin); err != nil {
				t.Fatal(err)
			}
			said.wait(t, fmt.Sprintf("read %[1]t, wrote %[1]t\n", !confined), 1)
			if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = serve.Wait() // by its signal
			if _, err := os.Stat(at("cache/hedge")); confined && err != nil {
				t.Errorf("large evidence has no folder: %v", err)
			}
			taken, err := filepath.Glob(at("taken*"))
			if err != nil {
				t.Fatal(err)
			}
			for i, path := range taken {
				taken[i] = filepath.Base(path)
			}
			want := "taken by archive taken-ffmpeg-added taken-ffmpeg-decoding taken-ffmpeg-encoding taken-ffprobe-added taken-ffprobe-decoding"
			if confined {
				want = ""
			}
			if got := strings.Join(taken, " "); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
