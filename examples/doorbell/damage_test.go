package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/webaccess"
)

// TestDamagedFiles: after a power cut that left policy, token, password and
// certificate empty or cut off, the program starts: it hides everything, has new
// secrets, and says so.
func TestDamagedFiles(t *testing.T) {
	for _, keep := range []int{0, 20} {
		dir := t.TempDir()
		state, policy := filepath.Join(dir, "state"), filepath.Join(dir, "policy.json")
		if _, err := webaccess.SelfSigned(state, nil, func(string) {}); err != nil {
			t.Fatal(err)
		}
		writeFile(t, policy, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`)
		for _, name := range []string{"token", "rtsp-password"} {
			if err := os.WriteFile(filepath.Join(state, name), []byte("short"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cert, key := filepath.Join(dir, "given.pem"), filepath.Join(dir, "given.key")
		for to, from := range map[string]string{cert: "cert.pem", key: "key.pem"} {
			data, err := os.ReadFile(filepath.Join(state, from))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{policy, filepath.Join(state, "cert.pem"), filepath.Join(state, "key.pem"), cert} {
			if err := os.Truncate(path, int64(keep)); err != nil {
				t.Fatal(err)
			}
		}
		a, out := start(t, "-source", "file:"+clip(t), "-policy", policy, "-state", state, "-rtsp", "127.0.0.1:0", "-tls-cert", cert, "-tls-key", key)
		eventually(t, "a picture", func() bool { return a.gate.last().Frames > 3 })
		if s := a.gate.last(); s.Hidden != 1 {
			t.Errorf("%d bytes kept: %.2f of the picture is hidden", keep, s.Hidden)
		}
		if len(a.token) != 32 || len(a.password) != 32 || a.token == a.password || a.cert == nil || !a.ownCert {
			t.Errorf("%d bytes kept: %d characters of token, %d of password", keep, len(a.token), len(a.password))
		}
		eventually(t, "the page says what is wrong with the policy", func() bool { return a.zones.State().Problem != "" })
		for _, name := range []string{"token", "rtsp-password", "given.pem", "cert.pem", "policy.json"} {
			eventually(t, "it says what was damaged: "+name, func() bool { return strings.Contains(out.String(), name) })
		}
		// What the owner draws takes the damaged file's place.
		if _, err := a.zones.Save([]byte(`{"version":1}`), "none"); err != nil {
			t.Error(err)
		}
		if data, err := os.ReadFile(policy); err != nil || !bytes.Contains(data, []byte(`"version": 1`)) {
			t.Errorf("%s, %v", data, err)
		}
	}
}

// TestSharedKey: a key that others may write is refused, with the way out.
func TestSharedKey(t *testing.T) {
	dir := t.TempDir()
	if _, err := webaccess.SelfSigned(dir, nil, func(string) {}); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.Chmod(key, 0o620); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{{"-tls-cert", cert, "-tls-key", key}, {"-listen", "0.0.0.0:0", "-state", dir}, {"-token", "file:" + key}} {
		var out safeBuffer
		args := append([]string{"-source", "camera:250", "-policy", filepath.Join(dir, "p.json"), "-networks", "none", "-listen", "127.0.0.1:0", "-rtsp", "off"}, more...)
		if code := run(t.Context(), args, nil, &out, &out); code == 0 || !strings.Contains(out.String(), "chmod go-w "+key) {
			t.Errorf("%q: exit code %d: %s", more, code, out.String())
		}
	}
}

// TestWelcome: what opens the page and the stream is told to a terminal, and not
// to a log.
func TestWelcome(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	for _, args := range [][]string{nil, {"-state", state}, {"-token", "0123456789abcdef-x", "-rtsp-password", "another-secret"}} {
		a, _ := start(t, append([]string{"-source", "file:" + clip(t), "-rtsp", "127.0.0.1:0"}, args...)...)
		var terminal, logged bytes.Buffer
		a.welcome(&terminal, true)
		a.welcome(&logged, false)
		if !strings.Contains(terminal.String(), a.address()) {
			t.Errorf("%q: a terminal is told %s", args, terminal.String())
		}
		if text := logged.String(); strings.Contains(text, a.token) || strings.Contains(text, a.password) || !strings.Contains(text, a.base()) {
			t.Errorf("%q: a log is told %s", args, text)
		}
		want := map[int]string{0: "-state FOLDER", 2: filepath.Join(state, "token"), 4: "you have set"}[len(args)]
		if !strings.Contains(logged.String(), want) {
			t.Errorf("%q: a log is not told where the token is (%s): %s", args, want, logged.String())
		}
	}
}

// TestRTSPOffLoopback: where others than this machine can reach RTSP, terminal and log are told
// that it is not encrypted, and what to do; where they cannot, nobody is alarmed.
func TestRTSPOffLoopback(t *testing.T) {
	source := "file:" + clip(t)
	for address, warned := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true, ":0": true} {
		a, _ := start(t, "-source", source, "-rtsp", address)
		for _, terminal := range []bool{true, false} {
			var told bytes.Buffer
			a.welcome(&told, terminal)
			for _, part := range []string{"RTSP is not encrypted", "Put a tunnel around it", "leave -rtsp on 127.0.0.1"} {
				if strings.Contains(told.String(), part) != warned {
					t.Errorf("-rtsp %s, a terminal: %t: wants %t for %q: %s", address, terminal, warned, part, told.String())
				}
			}
		}
	}
}
