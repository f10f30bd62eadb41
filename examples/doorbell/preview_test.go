package main

import (
	"bytes"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
)

// as sends a request as the editor of that name does.
func as(t *testing.T, a *app, editor, method, path, body string) (int, []byte) {
	t.Helper()
	address, _, _ := strings.Cut(a.address(), "/enter")
	r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("X-Editor", editor)
	resp, err := newClient(t, a).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, data
}

// detail is how far luma lies from its mean in a JPEG.
func detail(t *testing.T, data []byte) float64 {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares, n float64
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			_, g, _, _ := img.At(x, y).RGBA()
			v := float64(g >> 8)
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	return squares/n - sum/n*sum/n
}

// TestPreviewStaysWithItsPage: the saved policy hides everything; a preview of "all
// mine" shows the picture to the page that draws, and to no viewer, recorder or
// snapshot.
func TestPreviewStaysWithItsPage(t *testing.T) {
	t.Parallel()
	const mine = `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"outside":{"fill":"solid"}}`
	a, _ := start(t, "-source", "file:"+clip(t))
	if _, err := a.zones.Save([]byte(`{"version":1,"outside":{"fill":"solid"}}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the policy is in force", func() bool { return a.gate.last().Frames > 5 })
	// A recorder is a subscription as any other.
	others := a.broadcaster.Subscribe(100000)
	defer others.Close()
	if code, text := as(t, a, "me", "PUT", "/zones/preview", mine); code != 204 {
		t.Fatalf("preview: %d %s", code, text)
	}
	var code int
	var preview []byte
	eventually(t, "the preview comes", func() bool {
		code, preview = as(t, a, "me", "GET", "/zones/preview.jpg", "")
		return code == 200
	})
	if d := detail(t, preview); d < 100 {
		t.Errorf("the preview shows nothing: detail %.1f", d)
	}
	for range 20 {
		last := a.gate.last()
		eventually(t, "more pictures", func() bool { return a.gate.last().Frames > last.Frames })
		if !a.gate.last().Whole {
			t.Fatal("others get a picture that the saved policy hides")
		}
	}
	if code, data := as(t, a, "me", "GET", "/snapshot.jpg", ""); code != 200 || detail(t, data) > 1 {
		t.Errorf("the snapshot shows what the saved policy hides: %d", code)
	}
	if code, _ := as(t, a, "somebody", "GET", "/zones/preview.jpg", ""); code != 403 {
		t.Errorf("the preview is served to others: %d", code)
	}
	// One colour takes next to no bytes; the clip's pictures take thousands each.
	bytes, units := 0, 0
	for len(others.C) > 0 {
		u := <-others.C
		bytes, units = bytes+u.Len(), units+1
	}
	if units == 0 || bytes/units > 1000 {
		t.Errorf("%d units of %d bytes for others", units, bytes)
	}
	if code, _ := as(t, a, "me", "DELETE", "/zones/preview", ""); code != 204 {
		t.Errorf("take back: %d", code)
	}
	if code, _ := as(t, a, "me", "GET", "/zones/preview.jpg", ""); code != 403 {
		t.Errorf("the preview is served after its end: %d", code)
	}
}
