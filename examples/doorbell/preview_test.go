package main

import (
	"bytes"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"
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

// remote is a recorder that plays the stream over RTSP.
type remote struct{ bytes, units atomic.Int64 }

func play(t *testing.T, a *app) *remote {
	t.Helper()
	u, err := base.ParseURL("rtsp://" + a.c.RTSPUser + ":" + a.password + "@" + a.rtsp.Addr().String() + "/hedge")
	if err != nil {
		t.Fatal(err)
	}
	tcp := gortsplib.ProtocolTCP
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	stream, _, err := c.Describe(u)
	if err == nil {
		err = c.SetupAll(stream.BaseURL, stream.Medias)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &remote{}
	c.OnPacketRTPAny(func(_ *description.Media, _ format.Format, p *rtp.Packet) {
		r.bytes.Add(int64(len(p.Payload)))
		if p.Marker {
			r.units.Add(1)
		}
	})
	if _, err := c.Play(nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// recorded is how many bytes a folder's recordings have.
func recorded(t *testing.T, dir string) (sum int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.mp4*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil { // it may have got its name just now
			sum += info.Size()
		}
	}
	return sum
}

// TestPreviewStaysWithItsPage: the saved policy hides everything; a preview of "all
// mine" shows the picture to the page that draws, and to no viewer, recording, recorder or
// snapshot.
func TestPreviewStaysWithItsPage(t *testing.T) {
	t.Parallel()
	const mine = `{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]],"outside":{"fill":"solid"}}`
	dir := t.TempDir()
	a, _ := start(t, "-source", "file:"+clip(t), "-rtsp", "127.0.0.1:0", "-record", dir)
	if _, err := a.zones.Save([]byte(`{"version":1,"outside":{"fill":"solid"}}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the policy is in force", func() bool { return a.gate.last().Frames > 5 })
	others := a.broadcaster.Subscribe(100000)
	defer others.Close()
	far := play(t, a)
	eventually(t, "a recorder gets pictures", func() bool { return far.units.Load() > 0 })
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
	before, units, size := far.bytes.Load(), far.units.Load(), recorded(t, dir)
	frames := a.gate.last().Frames
	for range 20 {
		last := a.gate.last()
		eventually(t, "more pictures", func() bool { return a.gate.last().Frames > last.Frames })
		if !a.gate.last().Whole {
			t.Fatal("others get a picture that the saved policy hides")
		}
	}
	var snapshot []byte
	eventually(t, "a snapshot", func() bool {
		code, data := as(t, a, "me", "GET", "/snapshot.jpg", "")
		snapshot = data
		return code == http.StatusOK
	})
	if detail(t, snapshot) > 1 {
		t.Error("the snapshot shows what the saved policy hides")
	}
	if code, _ := as(t, a, "somebody", "GET", "/zones/preview.jpg", ""); code != 403 {
		t.Errorf("the preview is served to others: %d", code)
	}
	// One colour takes next to no bytes; the clip's pictures take thousands each.
	sum, n := 0, 0
	for len(others.C) > 0 {
		u := <-others.C
		sum, n = sum+u.Len(), n+1
	}
	if n == 0 || sum/n > 1000 {
		t.Errorf("%d units of %d bytes for others", n, sum)
	}
	eventually(t, "a recorder gets as many", func() bool { return far.units.Load() >= units+20 })
	if n, sum := far.units.Load()-units, far.bytes.Load()-before; sum/n > 1000 {
		t.Errorf("%d units of %d bytes over RTSP", n, sum)
	}
	// What is written next is of the preview's time alone.
	now := recorded(t, dir)
	eventually(t, "the recording grows again", func() bool { return recorded(t, dir) > now })
	if n, sum := int64(a.gate.last().Frames-frames), recorded(t, dir)-size; sum/n > 1000 {
		t.Errorf("%d bytes of recordings in %d pictures", sum, n)
	}
	if code, _ := as(t, a, "me", "DELETE", "/zones/preview", ""); code != 204 {
		t.Errorf("take back: %d", code)
	}
	if code, _ := as(t, a, "me", "GET", "/zones/preview.jpg", ""); code != 403 {
		t.Errorf("the preview is served after its end: %d", code)
	}
}
