package confine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// breakOutEnv names, for a child of the test, the folder it is confined to.
const breakOutEnv = "HEDGE_TEST_BREAK_OUT"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == roomArg {
		os.Exit(become(os.Args[2:]))
	}
	if os.Getenv(roomEnv) != "" {
		tryRoom()
		return
	}
	if dir := os.Getenv(breakOutEnv); dir != "" {
		breakOut(dir)
		return
	}
	if os.Getenv(connectEnv) != "" {
		tryConnect()
		return
	}
	os.Exit(m.Run())
}

// breakOut confines itself, tries what it may and what it may not, with a child as well,
// and says what went.
func breakOut(dir string) {
	outside := filepath.Dir(dir)
	say := func(what string, err error) { fmt.Printf("%s: %t\n", what, err == nil) }
	write := func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }
	replaced := filepath.Join(outside, "watched", "value")
	other := exec.CommandContext(context.Background(), "/bin/sh", "-c", `read now; mv "$0.new" "$0"`, replaced) // another program
	now, err := other.StdinPipe()
	if err := errors.Join(err, other.Start()); err != nil {
		fmt.Println(err)
		return
	}
	Enable()
	needs := Needs{Reads: []string{filepath.Join(outside, "given"), filepath.Join(outside, "given folder"), ""},
		Watched: []string{filepath.Join(outside, "links", "value"), filepath.Join(outside, "watched", "none yet"), "/sys/none/value", ""}, Folders: []string{dir, filepath.Join(outside, "none"), ""}, Files: []string{filepath.Join(outside, "links", "policy"), ""}}
	if err := (Confinement{Confine: true, ConfineRead: true}).Process(needs); err != nil {
		fmt.Println(err)
		return
	}
	say("inside", write(filepath.Join(dir, "a")))
	say("rename inside", os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	say("behind the link", write(filepath.Join(outside, "target", "policy")))
	say("device", write("/dev/null"))
	read := func(path string) error {
		_, err := os.ReadFile(path)
		return err
	}
	say("read what is given", read(filepath.Join(outside, "given")))
	say("read in a folder that is given", read(filepath.Join(outside, "given folder", "a")))
	say("read what is watched", read(filepath.Join(outside, "links", "value")))
	say("another program replaces it", errors.Join(now.Close(), other.Wait()))
	say("read what was replaced", read(filepath.Join(outside, "links", "value")))
	say("read what the kernel tells", read("/proc/self/stat"))
	say("read the system's settings", read("/etc/ld.so.cache"))
	say("start a program", exec.CommandContext(context.Background(), "/bin/sh", "-c", "cat /etc/host.conf").Run())
	say("OUT read", read(filepath.Join(outside, "secret")))
	say("OUT read accounts", read("/etc/passwd"))
	say("OUT read passwords", read("/etc/shadow"))
	_, err = os.ReadDir("/root")
	say("OUT list a home", err)
	say("OUT read by a child", exec.CommandContext(context.Background(), "/bin/sh", "-c", `cat "$0"`, filepath.Join(outside, "secret")).Run())
	say("listen", func() error {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err == nil {
			err = l.Close()
		}
		return err
	}())
	say("OUT write", write(filepath.Join(outside, "elsewhere", "a")))
	say("OUT change", write(filepath.Join(outside, "elsewhere", "there")))
	say("OUT remove", os.Remove(filepath.Join(outside, "elsewhere", "there")))
	say("OUT move", os.Rename(filepath.Join(dir, "b"), filepath.Join(outside, "elsewhere", "b")))
	say("OUT child", exec.CommandContext(context.Background(), "/bin/sh", "-c", `echo x > "$0"`, filepath.Join(outside, "elsewhere", "c")).Run())
	_, err = (&net.Dialer{}).DialContext(context.Background(), "tcp", os.Getenv(breakOutEnv+"_ADDR"))
	say("OUT connect", err)
	multipath := &net.Dialer{}
	multipath.SetMultipathTCP(true)
	_, err = multipath.DialContext(context.Background(), "tcp", os.Getenv(breakOutEnv+"_ADDR"))
	say("OUT connect over many paths", err)
}

// TestBreakOut: a program that has given up what it does not need, and its children,
// write nowhere else and connect to nobody; what they need goes on.
func TestBreakOut(t *testing.T) {
	if v := Version(); v < 4 {
		t.Skipf("this kernel has Landlock %d; 4 (Linux 6.7) is needed to keep a program from connecting", v)
	}
	outside := t.TempDir()
	dir := filepath.Join(outside, "own")
	for _, d := range []string{"own", "elsewhere", "target", "given folder", "watched"} {
		if err := os.Mkdir(filepath.Join(outside, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"given", "given folder/a", "watched/value", "watched/value.new", "secret", "elsewhere/there", "target/policy"} {
		if err := os.WriteFile(filepath.Join(outside, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A link in a folder that is not its own: only the target's folder is to be written.
	links := filepath.Join(outside, "links")
	if err := os.Mkdir(links, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, to := range map[string]string{"policy": "target", "value": "watched"} {
		if err := os.Symlink(filepath.Join(outside, to, name), filepath.Join(links, name)); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), breakOutEnv+"="+dir, breakOutEnv+"_ADDR="+l.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 25 {
		t.Fatalf("%s", out)
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "OUT") == strings.HasSuffix(line, "true") {
			t.Errorf("%s", line)
		}
	}
}

// TestOff: without Enable, or switched off, nothing is given up.
func TestOff(t *testing.T) {
	for _, c := range []Confinement{{Confine: true}, {}} {
		if err := c.Process(Needs{}); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "a"), nil, 0o600); err != nil {
		t.Errorf("the test was confined: %v", err)
	}
}
