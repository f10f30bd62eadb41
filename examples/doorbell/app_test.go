package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"image"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/examples/internal/eventlog"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/internal/closedport"
	"github.com/hedgecam/hedge/pipeline"
)

// client asks as a program with the token does.
type client struct {
	a *app
	http.Client
}

func newClient(t *testing.T, a *app) *client {
	t.Helper()
	c := &client{a: a}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its own certificate
	c.Transport = transport
	t.Cleanup(transport.CloseIdleConnections)
	return c
}

// snapshot asks for one until a picture comes: this machine may stand still for longer than one
// is waited for.
func (c *client) snapshot(t *testing.T) (text string) {
	t.Helper()
	eventually(t, "a snapshot", func() bool {
		code, got := c.ask(t, "GET", "/snapshot.jpg", c.a.token)
		text = got
		return code == http.StatusOK
	})
	return text
}

func (c *client) ask(t *testing.T, method, path, token string) (code int, text string) {
	t.Helper()
	scheme := "http://"
	if c.a.cert != nil {
		scheme = "https://"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, scheme+c.a.listen.Addr().String()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// runOut ends the time that the bell gives.
func runOut(b *bell) {
	b.mu.Lock()
	b.until = time.Now()
	b.mu.Unlock()
	b.expire()
}

// TestDoorbell: with the preset for doorbells there is no picture before the
// bell was rung, and none after the time is over.
func TestDoorbell(t *testing.T) {
	t.Parallel()
	a, out := start(t, "-source", "file:"+clip(t), "-preset", "doorbell", "-ring-for", "10m")
	c := newClient(t, a)
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 20 })
	if last := a.gate.last(); last.Passed != 0 {
		t.Fatalf("%d pictures passed before the bell was rung", last.Passed)
	}
	if code, _ := c.ask(t, "GET", "/snapshot.jpg", a.token); code != 503 {
		t.Errorf("a snapshot before the bell was rung: %d", code)
	}
	if code, _ := c.ask(t, "POST", "/ring", "wrong"); code != 401 || a.gate.last().Passed != 0 {
		t.Errorf("a ring without the token: %d", code)
	}
	if code, _ := c.ask(t, "POST", "/ring", a.token); code != 204 {
		t.Fatalf("ring: %d", code)
	}
	eventually(t, "pictures pass", func() bool { return a.gate.last().Passed > 5 })
	if text := c.snapshot(t); !strings.HasPrefix(text, "\xff\xd8") {
		t.Errorf("a snapshot after the ring: %q", text)
	}
	_, text := c.ask(t, "GET", "/status", a.token)
	var s status
	if err := json.Unmarshal([]byte(text), &s); err != nil || s.Bell == nil || !s.Bell.Open || s.Defaults["visitors"] != "feet" {
		t.Errorf("status %s: %v", text, err)
	}
	runOut(a.bell)
	eventually(t, "the time runs out", func() bool { _, open := a.bell.left(); return !open })
	passed, frames := a.gate.last().Passed, a.gate.last().Frames
	eventually(t, "pictures still come", func() bool { return a.gate.last().Frames > frames+10 })
	if got := a.gate.last().Passed; got > passed+1 {
		t.Errorf("%d pictures passed after the time was over", got-passed)
	}
	if code, _ := c.ask(t, "GET", "/snapshot.jpg", a.token); code != 503 {
		t.Errorf("a snapshot after the time was over: %d", code)
	}
	eventually(t, "events are written", func() bool { return strings.Contains(out.String(), `"kind":"ring over"`) })
}

// TestPolicyByHand: a change of the file takes effect; an invalid one does not,
// and is told of.
func TestPolicyByHand(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	eventually(t, "all is hidden", func() bool { return a.gate.last().Whole })
	writeFile(t, a.c.Policy, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`)
	eventually(t, "the policy is in force", func() bool { return a.gate.last().Hidden == 0 })
	writeFile(t, a.c.Policy, `{"version":1,"property":`)
	eventually(t, "the page tells of the mistake", func() bool { return strings.Contains(a.status().Alert, "policy file") })
	if a.gate.last().Hidden != 0 {
		t.Error("an invalid policy changed the picture")
	}
	if err := os.Remove(a.c.Policy); err != nil {
		t.Fatal(err)
	}
	writeFile(t, a.c.Policy, `{"version":1}`)
	eventually(t, "all is hidden again", func() bool { return a.gate.last().Whole && a.status().Alert == "" })
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	c := newClient(t, a)
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 3 })
	if code, text := c.ask(t, "GET", "/healthz", ""); code != 200 || text != "ok\n" {
		t.Errorf("health: %d %q", code, text)
	}
	if code, text := c.ask(t, "GET", "/metrics", ""); code != 401 || strings.Contains(text, "hedge_frames") {
		t.Errorf("metrics without the token: %d", code)
	}
	_, text := c.ask(t, "GET", "/metrics", a.token)
	for _, want := range []string{`hedge_frames_total{kind="in"}`, `hedge_hidden_ratio 1`, `hedge_place_known_ratio 0`, `hedge_camera_connected 1`, `hedge_stage_seconds{stage="redact",quantile="0.99"}`, "go_memstats"} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, a.token) {
		t.Error("metrics carry the token")
	}
}

// TestTLS: on any address but this machine's own the page is over TLS.
func TestTLS(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:1": false, "127.9.9.9:1": false, "[::1]:1": false, "localhost:1": false,
		"0.0.0.0:1": true, ":1": true, "[::]:1": true, "192.168.1.5:1": true, "[fe80::1]:1": true, "[::ffff:192.0.2.1]:1": true,
	} {
		c := config{Listen: listen}
		addr, err := c.addr()
		if err != nil || c.overTLS(addr.Addr()) != want {
			t.Errorf("%s over TLS: %v (%v)", listen, !want, err)
		}
	}

	state := t.TempDir()
	if _, err := webaccess.SelfSigned(state, []string{"door.lan"}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(state, "cert.pem"), filepath.Join(state, "key.pem")
	a, _ := start(t, "-source", "file:"+clip(t), "-tls-cert", cert, "-tls-key", key, "-state", state)
	c := newClient(t, a)
	if !strings.HasPrefix(a.address(), "https://") {
		t.Fatalf("no TLS: %s", a.address())
	}
	if code, text := c.ask(t, "GET", "/healthz", ""); code != 200 || text == "" {
		t.Errorf("health over TLS: %d", code)
	}
	if code, _ := c.ask(t, "GET", "/", ""); code != 401 {
		t.Errorf("without the token: %d", code)
	}
	resp, err := http.Get("http://" + a.listen.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %s", resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
	for _, name := range []string{"token", "key.pem"} {
		info, err := os.Stat(filepath.Join(state, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	again, err := webaccess.SelfSigned(state, nil, func(string) {})
	if err != nil || webaccess.Fingerprint(again) != webaccess.Fingerprint(*a.cert) {
		t.Errorf("the certificate is another after a restart (%v)", err)
	}
}

func TestCheck(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	writeFile(t, bad, `{"version":1,"property":[[[0,0],[2,0],[1,1]]]}`)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-policy", bad}, "property[0][1][0]"},
		{[]string{"-source", "nonsense"}, "source"},
		{[]string{"-source", "file:nope.mp4"}, "nope.mp4: no such file or directory: name a recording"},
		{[]string{"-source", "file:" + t.TempDir()}, "is a folder: name a recording"},
		{[]string{"-listen", "nowhere"}, "-listen"},
		{[]string{"-tls-cert", "a.pem"}, "tls-key"},
		{[]string{"-token", "short"}, "16 characters"},
		{[]string{"-ring-gpio", "/sys/class/gpio/gpio17/value"}, "doorbell"},
		{[]string{"-mqtt", "http://host"}, "tcp"},
		{[]string{"-mqtt", "tcp://user:secret@host"}, "mqtt-user"},
		{[]string{"-preset", "none"}, "house"},
		{[]string{"-rtsp", "0.0.0.0"}, "rtsp: rtsp: bad option: address \"0.0.0.0\" is not host:port"},
		{[]string{"-rtsp", "0.0.0.0:99999"}, "a port from 0 to 65535"},
		{[]string{"-rtsp", "0.0.0.0:8554", "-rtsp-password", "secret"}, "at least 8 characters"},
		{[]string{"-rtsp-password", "a:secret"}, "cannot contain colons"},
		{[]string{"-record-limit", "1kB"}, "record-limit: 1kB is less than 1MB"},
	} {
		var out safeBuffer
		code := run(t.Context(), append([]string{"-check"}, c.args...), nil, &out, &out)
		if code != 2 || !strings.Contains(out.String(), strings.TrimPrefix(c.says, "-")) {
			t.Errorf("%q: exit code %d: %s", c.args, code, out.String())
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("%q: the password is in the message: %s", c.args, out.String())
		}
	}
	var out safeBuffer
	if code := run(t.Context(), []string{"-check", "-source", "camera:0"}, nil, &out, &out); code != 0 {
		t.Errorf("the defaults: exit code %d: %s", code, out.String())
	}
}

// TestExitCode: what the next start would meet again ends with 2, after which a supervisor
// does not start the program any more, and what may pass with 1.
func TestExitCode(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs the program ffmpeg")
	}
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refuses.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	short := t.TempDir()
	if err := os.WriteFile(filepath.Join(short, "rtsp-password"), []byte("a:colon-in-a-password"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-source", strings.Replace(refuses.URL, "//", "//user:wrong-one@", 1), "-rtsp", "off"}, 2, "refuses the user name or the password"},
		{[]string{"-source", "camera:0", "-rtsp", "off", "-listen", taken.Addr().String()}, 1, "-listen names another port"},
		{[]string{"-source", "camera:0", "-rtsp", taken.Addr().String()}, 1, "-rtsp names another address"},
		{[]string{"-source", "camera:0", "-state", short}, 2, "cannot contain colons"},
	} {
		var out safeBuffer
		args := append([]string{"-networks", "none", "-events", "", "-listen", "127.0.0.1:0", "-policy", filepath.Join(t.TempDir(), "p.json")}, c.args...)
		if code := run(t.Context(), args, nil, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "wrong-one") {
			t.Errorf("%q: exit code %d: %s", c.args, code, out.String())
		}
	}
}

// TestSamples: the committed schema is that of this version, and the sample
// settings are valid.
func TestSamples(t *testing.T) {
	got, err := os.ReadFile("schema.json")
	if err != nil || !bytes.Equal(got, settings.Schema(&config{}, program)) {
		t.Errorf("schema.json is not what `go run ./examples/doorbell -schema` prints: %v", err)
	}
	var out safeBuffer
	if code := run(t.Context(), []string{"-check", "-config", filepath.Join("..", "..", "deploy", "doorbell.yaml")}, nil, &out, &out); code != 0 {
		t.Errorf("deploy/doorbell.yaml: exit code %d: %s", code, out.String())
	}
}

// TestCameraMoved: when the camera was moved nothing is shown until the owner
// says that the zones still fit.
func TestCameraMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, moving := filepath.Join(dir, "policy.json"), filepath.Join(dir, "moved.mp4")
	writeFile(t, path, `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"strip":[[[0,0],[1,0],[1,0.2],[0,0.2]]]}`)
	// A still picture, which is another one after some seconds.
	runFFmpeg(t, "-f", "lavfi", "-i", "cellauto=size=40x23:rate=1:rule=110:random_seed=7,scale=640:368:flags=bicubic", "-t", "1", "-frames:v", "1", filepath.Join(dir, "a.png"))
	runFFmpeg(t, "-loop", "1", "-framerate", "15", "-i", filepath.Join(dir, "a.png"), "-vf", "crop=560:320:if(lt(t\\,6)\\,0\\,64):if(lt(t\\,6)\\,0\\,40),format=yuv420p",
		"-t", "60", "-c:v", "libx264", "-preset", "ultrafast", moving)
	a, out := start(t, "-source", "file:"+moving, "-policy", path)
	c := newClient(t, a)
	eventually(t, "the picture shows", func() bool { return a.gate.last().Frames > 0 && !a.gate.last().Whole })
	eventually(t, "the move is seen", func() bool { return a.status().Confirm && a.gate.last().Whole })
	s := a.status()
	if s.Kind != "bad" || s.Alert == "" || !strings.Contains(out.String(), "camera moved") {
		t.Errorf("the page says %+v", s)
	}
	if kept, err := view.Load(path); err != nil || !kept.Unconfirmed.AwaitsOwner() {
		t.Errorf("a restart would not remember: %+v, %v", kept, err)
	}
	// Neither zones saved again nor a touched file say that they fit.
	if err := errors.Join(a.zones.Changed(a.zones.State().Policy, nil), a.pipe.SetPolicy(a.zones.State().Policy)); err != nil {
		t.Error(err)
	}
	n := a.gate.last().Frames
	eventually(t, "ten more pictures", func() bool { return a.gate.last().Frames > n+10 })
	if !a.status().Confirm || !a.gate.last().Whole {
		t.Error("a policy put in force confirmed the view")
	}
	if code, _ := c.ask(t, "POST", "/confirm", a.token); code != 204 {
		t.Errorf("confirm: %d", code)
	}
	eventually(t, "the picture shows again", func() bool { return !a.status().Confirm && !a.gate.last().Whole })
}

// TestConfirmWithoutCamera: while the camera is away nobody can say what it will see.
func TestConfirmWithoutCamera(t *testing.T) {
	t.Parallel()
	a, out := start(t, "-source", "rtsp://"+closedport.Hold(t)+"/")
	c := newClient(t, a)
	a.setReason(pipeline.ReasonCameraMoved)
	if s := a.status(); s.Confirm || !strings.Contains(s.Alert, "the camera is away") {
		t.Errorf("the page asks: %t, %q", s.Confirm, s.Alert)
	}
	if code, text := c.ask(t, "POST", "/confirm", a.token); code != http.StatusServiceUnavailable || !strings.Contains(text, "once the camera is back") {
		t.Errorf("confirm: %d %s", code, text)
	}
	if strings.Contains(out.String(), eventlog.Confirmed) {
		t.Errorf("the log says that it was confirmed: %s", out)
	}
}

// TestNetworkFails: while a network fails all outside is hidden; when it goes on
// failing nothing goes out any more and the page says so; and when it works
// again the program has recovered by itself.
func TestNetworkFails(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policy.json")
	writeFile(t, path, `{"version":1,"property":[[[0,0],[1,0],[1,0.5],[0,0.5]]],"outside":{"hide":"detected"}}`)
	var works atomic.Bool
	broken := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle),
		func(_ context.Context, _ int, _ *image.YCbCr, dst []detect.Detection) ([]detect.Detection, error) {
			if works.Load() {
				return dst, nil
			}
			return dst, errors.New("no luck today")
		})
	t.Cleanup(func() {
		if err := broken.Close(); err != nil {
			t.Error(err)
		}
	})
	a, out := startWith(t, []detect.Detector{broken}, "-source", "file:"+clip(t), "-policy", path)
	c := newClient(t, a)
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 0 })
	if last := a.gate.last(); last.Hidden < 0.4 {
		t.Errorf("with a network that fails %.0f %% of the picture is hidden", 100*last.Hidden)
	}
	// It tries again after a while, and again.
	eventually(t, "it stops, and the page says so", func() bool {
		s := a.status()
		return s.State == "stopped" && s.Kind == "bad" && strings.Contains(s.Alert, "no luck today")
	})
	eventually(t, "its health is told", func() bool {
		code, text := c.ask(t, "GET", "/healthz", "")
		return code == 503 && text == "failing\n"
	})
	works.Store(true)
	eventually(t, "it recovers", func() bool { return a.halted() == "" && a.gate.last().Hidden < 0.1 && a.status().Kind == "live" })
	if code, _ := c.ask(t, "GET", "/healthz", ""); code != 200 {
		t.Errorf("health after it recovered: %d", code)
	}
	for _, kind := range []string{"detector failed", "failed closed", "stopped", "started"} {
		if !strings.Contains(out.String(), `"kind":"`+kind+`"`) {
			t.Errorf("no event of kind %q", kind)
		}
	}
}
