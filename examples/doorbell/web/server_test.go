package web

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ask sends a request as a program with the token does; headers are given as
// name, value, name, value.
func (s *site) ask(t testing.TB, method, path string, body io.Reader, headers ...string) (code int, h http.Header, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

func TestPageFiles(t *testing.T) {
	s := newSite(t)
	for path, kind := range map[string]string{"/": "text/html", "/page/main.js": "text/javascript", "/page/style.css": "text/css", "/page/icon.svg": "image/svg+xml"} {
		code, h, text := s.ask(t, "GET", path, nil)
		if code != 200 || !strings.HasPrefix(h.Get("Content-Type"), kind) || len(text) < 100 {
			t.Errorf("%s: %d, %s, %d bytes", path, code, h.Get("Content-Type"), len(text))
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// TestPagePreloads: a browser asks for all modules at once, not for each when it has read the
// one that imports it.
func TestPagePreloads(t *testing.T) {
	index, err := page.ReadFile("page/index.html")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := fs.Glob(page, "page/*.js")
	if err != nil || len(scripts) < 2 {
		t.Fatal(scripts, err)
	}
	for _, name := range scripts {
		preload, script := `<link rel="modulepreload" href="/`+name+`">`, `<script type="module" src="/`+name+`">`
		if !strings.Contains(string(index), preload) && !strings.Contains(string(index), script) {
			t.Errorf("index.html lacks %s", preload)
		}
	}
}

// TestPageAsksNobody: no file of the page names another machine, nor runs code
// from a string.
func TestPageAsksNobody(t *testing.T) {
	outside := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9-]+\.[a-z]|stun:|turn:|innerHTML|\beval\(|new Function|document\.write|<script>|style="|\son[a-z]+="`)
	err := fs.WalkDir(page, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := page.ReadFile(name)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(data), "http://www.w3.org/2000/svg", "")
		for _, m := range outside.FindAllString(text, -1) {
			t.Errorf("%s: %q", name, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTraversal(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{
		"/page/../server.go", "/page/..%2fserver.go", "/page/%2e%2e/server.go", "/page/..%5cserver.go", "/../../etc/passwd",
		"/page//etc/passwd", "/page/%2fetc%2fpasswd", "/page/index.html%00.js", "/page/", "/page", "//etc/passwd", "/page/nothing.js", "/page/.",
	} {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		// By hand, because clients clean paths.
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", path, testToken)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK || bytes.Contains(body, []byte("package web")) || bytes.Contains(body, []byte("root:")) {
			t.Errorf("%s: %s, %.60q", path, resp.Status, body)
		}
		resp.Body.Close()
		conn.Close()
	}
}

func TestZonesOverHTTP(t *testing.T) {
	s := newSite(t)
	code, h, _ := s.ask(t, "GET", "/zones", nil)
	etag := h.Get("ETag")
	if code != 200 || etag != `"none"` {
		t.Fatalf("GET /zones: %d, ETag %s", code, etag)
	}
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
		says                     string
	}{
		{"save without a revision", "PUT", "/zones", leftHalf, nil, 428, "If-Match"},
		{"save anything", "PUT", "/zones", leftHalf, []string{"If-Match", "*"}, 428, "If-Match"},
		{"save", "PUT", "/zones", leftHalf, []string{"If-Match", etag}, 200, `"revision"`},
		{"save after somebody else", "PUT", "/zones", rightHalf, []string{"If-Match", etag}, 409, "another window"},
		{"crossed", "PUT", "/zones", crossed, []string{"If-Match", etag}, 422, `"path":"property[0]"`},
		{"far away", "PUT", "/zones", `{"version":1,"property":[[[0,0],[1,0],[1,7]]]}`, []string{"If-Match", etag}, 422, `"path":"property[0][2][1]"`},
		{"not JSON", "PUT", "/zones", "hello", []string{"If-Match", etag}, 422, `"error"`},
		{"empty", "PUT", "/zones", "", []string{"If-Match", etag}, 422, "empty"},
		{"10 MB", "PUT", "/zones", strings.Repeat(" ", 10<<20), []string{"If-Match", etag}, 413, "longer"},
		{"preview", "PUT", "/zones/preview", rightHalf, []string{"X-Editor", "a"}, 204, ""},
		{"preview of another", "PUT", "/zones/preview", rightHalf, []string{"X-Editor", "b"}, 423, "another window"},
		{"10 MB preview", "PUT", "/zones/preview", strings.Repeat(" ", 10<<20), []string{"X-Editor", "a"}, 413, "longer"},
		{"picture of the preview", "GET", "/zones/preview.jpg", "", []string{"X-Editor", "a"}, 200, "preview"},
		{"picture of another's", "GET", "/zones/preview.jpg", "", []string{"X-Editor", "b"}, 403, "only"},
		{"picture of a preview for nobody", "GET", "/zones/preview.jpg", "", nil, 403, "only"},
		{"take back", "DELETE", "/zones/preview", "", []string{"X-Editor", "a"}, 204, ""},
		{"confirm", "POST", "/confirm", "", nil, 204, ""},
		{"ring", "POST", "/ring", "", nil, 204, ""},
		{"ring by reading", "GET", "/ring", "", nil, 405, ""},
		{"other method", "POST", "/zones", leftHalf, nil, 405, ""},
		{"status", "GET", "/status", "", nil, 200, `"rings":1`},
		{"picture after it", "GET", "/zones/preview.jpg", "", []string{"X-Editor", "a"}, 403, "only"},
		{"still for anybody", "GET", "/still.jpg", "", nil, 403, "draws zones"},
		{"still before drawing", "GET", "/still.jpg", "", []string{"X-Editor", "a"}, 403, "draws zones"},
		{"draw", "PUT", "/zones/drawing", "", []string{"X-Editor", "a"}, 204, ""},
		{"draw without a name", "PUT", "/zones/drawing", "", nil, 500, "name"},
		{"still", "GET", "/still.jpg", "", []string{"X-Editor", "a"}, 200, "still"},
		{"still for others", "GET", "/still.jpg", "", []string{"X-Editor", "b"}, 403, "draws zones"},
		{"draw no more", "DELETE", "/zones/drawing", "", []string{"X-Editor", "a"}, 204, ""},
		{"still after drawing", "GET", "/still.jpg", "", []string{"X-Editor", "a"}, 403, "draws zones"},
		{"long offer", "POST", "/live", strings.Repeat("v", 1<<20), []string{"Content-Type", "application/sdp"}, 413, "too long"},
		{"offer of another kind", "POST", "/live", "{}", []string{"Content-Type", "application/json"}, 415, "sdp"},
		{"bad offer", "POST", "/live", "v=0\r\nnonsense", []string{"Content-Type", "application/sdp"}, 400, "cannot be answered"},
		{"hang up nobody", "DELETE", "/live/none", "", nil, 204, ""},
		{"nothing there", "GET", "/nothing", "", nil, 404, ""},
	} {
		code, _, text := s.ask(t, c.method, c.path, strings.NewReader(c.body), c.headers...)
		if code != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d, want %d with %q: %.200s", c.name, code, c.want, c.says, text)
		}
	}
	if !s.zones.inForce(t, leftHalf) {
		t.Error("the first save is not what is in force")
	}
}

// TestNoBell: who rings where there is no bell is told what to do.
func TestNoBell(t *testing.T) {
	w := httptest.NewRecorder()
	(&server{}).routes().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ring", nil))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "-preset doorbell") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

func TestSnapshot(t *testing.T) {
	s := newSite(t)
	wait(t, func() bool {
		code, h, text := s.ask(t, "GET", "/snapshot.jpg", nil)
		return code == 200 && h.Get("Content-Type") == "image/jpeg" && strings.HasPrefix(text, "\xff\xd8")
	})
	s.broadcaster.Pause(true)
	if code, _, text := s.ask(t, "GET", "/snapshot.jpg", nil); code != 503 || strings.HasPrefix(text, "\xff\xd8") {
		t.Errorf("while paused: %d", code)
	}
}

// TestThousandIdle: a thousand connections on which nothing is said do not keep
// the owner out, and are closed.
func TestThousandIdle(t *testing.T) {
	s := newSite(t)
	conns := make([]net.Conn, 0, 1000)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range cap(conns) {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatalf("after %d: %v", len(conns), err)
		}
		conns = append(conns, c)
	}
	begin := time.Now()
	if code, _, _ := s.ask(t, "GET", "/", nil); code != 200 {
		t.Errorf("the owner gets %d", code)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the owner waited %v", took)
	}
	// The oldest went at once, when they were too many.
	if err := conns[0].SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err := conns[0].Read(make([]byte, 1))
	var late net.Error
	if err == nil || errors.As(err, &late) && late.Timeout() {
		t.Errorf("the oldest idle connection is still open: %v", err)
	}
}
