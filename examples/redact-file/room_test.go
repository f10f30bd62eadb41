package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/confine"
)

// mainEnv makes the test program be redact-file.
const mainEnv = "HEDGE_TEST_REDACT_FILE"

// TestInRoom: the ffprobe and the ffmpeg that read the input, and the one that writes the
// output, can write nowhere else, and what they do is done all the same; with
// -confine=false they could.
func TestInRoom(t *testing.T) {
	needFFmpeg(t)
	if confine.Version() == 0 {
		t.Skip("this kernel has no Landlock")
	}
	dir, tools := t.TempDir(), t.TempDir()
	in, policy := filepath.Join(dir, "in put.mp4"), filepath.Join(dir, "policy.json")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25", "-frames:v", "5", "-pix_fmt", "yuv420p", in).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(policy, []byte(closedPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	// They have been taken over: they leave a file behind.
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *'in put.mp4'*) echo x > %[1]s/taken-%[2]s ;; *pipe:0*) echo x > %[1]s/taken-encoder ;; esac\nexec %[3]s \"$@\"\n", dir, name, path)
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, confined := range []bool{true, false} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-in", in, "-out", filepath.Join(dir, "out.mp4"), "-policy", policy, "-force", "-networks", "none", fmt.Sprintf("-confine=%t", confined))
		cmd.Env = append(os.Environ(), mainEnv+"=1", "PATH="+tools+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("confined %t: %v: %s", confined, err, out)
		}
		for _, name := range []string{"taken-ffmpeg", "taken-ffprobe", "taken-encoder"} {
			if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) != confined {
				t.Errorf("confined %t: %s: %v", confined, name, err)
			}
		}
	}
}
