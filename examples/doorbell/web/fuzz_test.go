package web

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/redact"
)

// FuzzZonesBody: whatever somebody with the token sends as zones, the policy in
// force is one that was valid, the file holds a valid policy or none, and the
// answer is no fault of the server.
func FuzzZonesBody(f *testing.F) {
	for _, body := range []string{leftHalf, rightHalf, crossed, "", "{}", `{"version":1}`, `{"version":2,"property":[]}`, `[`, "null",
		`{"version":1,"property":[[[1e309,0],[1,0],[1,1]]]}`, strings.Repeat("[", 10000)} {
		f.Add("PUT", []byte(body))
		f.Add("POST", []byte(body))
	}
	s := newSite(f)
	f.Fuzz(func(t *testing.T, method string, body []byte) {
		path := "/zones"
		if method != "PUT" {
			method, path = "POST", "/zones/preview"
		}
		code, _, text := s.ask(t, method, path, bytes.NewReader(body), "Content-Type", "application/json", "If-Match", s.zones.State().Revision)
		if code >= 500 {
			t.Errorf("%s %s with %.60q: %d %s", method, path, body, code, text)
		}
		if p := s.zones.State().Policy; p != nil {
			if err := p.Validate(); err != nil {
				t.Errorf("with %.60q the policy in force is not valid: %v", body, err)
			}
		}
		if code < 300 {
			if _, err := redact.ParsePolicy(body); err != nil {
				t.Errorf("%.60q was taken: %d, and %v", body, code, err)
			}
		}
	})
}
