package main

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/seal"
)

const (
	lowerHalf = `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"fill":"solid"}}`
	lowerPart = `{"version":1,"property":[[[0,0.75],[1,0.75],[1,1],[0,1]]],"outside":{"fill":"solid"}}`
	allMine   = `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"outside":{"fill":"solid"}}`
)

// put saves zones over the page, and returns the answer's code.
func put(t *testing.T, a *app, text string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.base()+"/zones", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("If-Match", `"`+a.zones.State().Revision+`"`)
	resp, err := newClient(t, a).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// upperDetail is how far luma lies from its mean in the upper two fifths of a JPEG.
func upperDetail(t *testing.T, data []byte) float64 {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares, n float64
	for y := range img.Bounds().Dy() * 2 / 5 {
		for x := range img.Bounds().Dx() {
			_, g, _, _ := img.At(x, y).RGBA()
			v := float64(g >> 8)
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	return squares/n - sum/n*sum/n
}

// hiddenQuarters is the share of the picture that is hidden in the newest one, in quarters.
func hiddenQuarters(a *app) int { return int(4*a.gate.last().Hidden + 0.5) }

// TestSealed: zones that show more are asked for and not in force, a preview of them
// shows what the sealed ones show, who may only watch stops nothing, and a file that is
// changed by hand is taken where it hides more.
func TestSealed(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.json")
	writeFile(t, policy, lowerHalf)
	a, _ := start(t, "-source", "file:"+clip(t), "-policy", policy, "-seal")
	eventually(t, "the zones are in force", func() bool { return a.gate.last().Frames > 5 && hiddenQuarters(a) == 2 })

	if code := put(t, a, allMine); code != http.StatusAccepted {
		t.Fatalf("looser zones: %d", code)
	}
	if w := a.seal.State().Waiting; w == nil || w.Agreed || !strings.Contains(a.status().Alert, w.Code) || a.mqttState().Seal != "loosening asked for" {
		t.Errorf("waiting %+v, alert %q", w, a.status().Alert)
	}
	if code, text := as(t, a, "me", "PUT", "/zones/preview", allMine); code != 204 {
		t.Fatalf("preview: %d %s", code, text)
	}
	var preview []byte
	eventually(t, "the preview comes", func() bool {
		var code int
		code, preview = as(t, a, "me", "GET", "/zones/preview.jpg", "")
		return code == 200
	})
	if upper, all := upperDetail(t, preview), detail(t, preview); upper > 1 || all < 100 {
		t.Errorf("the preview shows what is sealed: detail %.1f above, %.1f in all", upper, all)
	}
	if code, _ := as(t, a, "me", "DELETE", "/zones/preview", ""); code != 204 {
		t.Errorf("take back: %d", code)
	}

	a.keys(strings.NewReader("loosen\n"))
	if s := a.status(); s.Seal.Waiting == nil || !s.Seal.Waiting.Agreed || !strings.Contains(s.Alert, "take effect in") {
		t.Errorf("after the act at the device: %+v, %q", s.Seal.Waiting, s.Alert)
	}
	if code := post(t, a, "/seal/stop", a.watchToken); code != http.StatusForbidden {
		t.Errorf("who may only watch stopped it: %d", code)
	}
	if code := post(t, a, "/seal/stop", a.token); code != http.StatusNoContent || a.seal.State().Waiting != nil {
		t.Errorf("stop: %d", code)
	}
	if code := post(t, a, "/seal/stop", a.token); code != http.StatusNotFound {
		t.Errorf("stop again: %d", code)
	}

	writeFile(t, policy, allMine)
	eventually(t, "a file that shows more is refused", func() bool { return strings.Contains(a.zones.State().Problem, "sealed") })
	if hiddenQuarters(a) != 2 || a.seal.State().Waiting != nil {
		t.Errorf("a file that shows more: %d quarters hidden, waiting %+v", hiddenQuarters(a), a.seal.State().Waiting)
	}
	writeFile(t, policy, lowerPart)
	eventually(t, "a file that hides more is taken", func() bool { return hiddenQuarters(a) == 3 && a.zones.State().Problem == "" })
	if code := put(t, a, lowerHalf); code != http.StatusAccepted {
		t.Errorf("what was shown before is looser now: %d", code)
	}
	for _, e := range a.log.Newest() {
		if e.Kind == "policy" && strings.Contains(e.Text, "stays in force") {
			return
		}
	}
	t.Error("no event tells of the file that shows more")
}

// TestSealedFromTheStart: a policy that was loosened while the program did not run is
// not in force, also without the setting, and one that is due comes into force by itself.
func TestSealedFromTheStart(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.json")
	sealed := func(waiting string) {
		writeFile(t, policy, allMine)
		writeFile(t, policy+seal.Suffix, `{"version":1,"delay":60000000000,"floor":[`+lowerHalf+`]`+waiting+`}`)
	}
	sealed("")
	video := "file:" + clip(t)
	a, out := start(t, "-source", video, "-policy", policy)
	eventually(t, "the sealed zones are in force", func() bool { return a.gate.last().Frames > 5 && hiddenQuarters(a) == 2 })
	eventually(t, "an event says so", func() bool { return strings.Contains(out.String(), "sealed policy stays in force") })

	policy = filepath.Join(t.TempDir(), "policy.json")
	sealed(`,"waiting":{"policy":` + allMine + `,"code":"X","who":"somebody","what":"more","asked":"2026-01-01T00:00:00Z","agreed":"2026-01-01T00:00:00Z","elapsed":60000000000,"delay":60000000000}`)
	writeFile(t, policy, lowerHalf)
	b, _ := start(t, "-source", video, "-policy", policy)
	eventually(t, "the loosening is in force", func() bool { return b.gate.last().Frames > 5 && hiddenQuarters(b) == 0 })
	var inFile any
	if data, err := os.ReadFile(policy); err != nil || json.Unmarshal(data, &inFile) != nil || b.zones.State().Policy == nil || len(b.seal.Floor()) != 1 || b.seal.State().Waiting != nil {
		t.Errorf("%v, %+v", err, b.seal.State())
	}

	policy = filepath.Join(t.TempDir(), "policy.json")
	writeFile(t, policy, allMine)
	writeFile(t, policy+seal.Suffix, `{"version":1,`)
	c, _ := start(t, "-source", video, "-policy", policy, "-seal")
	eventually(t, "everything is hidden", func() bool { return c.gate.last().Frames > 5 })
	if !c.gate.last().Whole || !strings.Contains(c.status().Alert, "seal's file") || put(t, c, allMine) != http.StatusLocked {
		t.Errorf("a damaged seal: whole %t, alert %q", c.gate.last().Whole, c.status().Alert)
	}
}
