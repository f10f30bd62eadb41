package camera

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/frame"

	"github.com/hedgecam/hedge/pipeline"
)

// halved checks that the next picture is one of the given size whose upper half is bright and
// whose lower half is dark, turned clockwise by the source's angle.
func halved(t *testing.T, s *Source, size image.Point) {
	t.Helper()
	defer closeIt(t, s)
	if s.o.Rotate != 180 {
		size.X, size.Y = size.Y, size.X
	}
	var b pipeline.Buffer
	if err := s.Read(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	pic := b.Resize(size.X, size.Y) // of another size there is nothing in it
	up, down := image.Pt(size.X/2, size.Y/4), image.Pt(size.X/2, size.Y*3/4)
	left, right := image.Pt(size.X/4, size.Y/2), image.Pt(size.X*3/4, size.Y/2)
	at := map[int][2]image.Point{90: {right, left}, 180: {down, up}, 270: {left, right}}[s.o.Rotate]
	if bright, dark := pic.YCbCrAt(at[0].X, at[0].Y).Y, pic.YCbCrAt(at[1].X, at[1].Y).Y; bright < 180 || dark > 60 || dark < 20 {
		t.Errorf("by %d: luma %d at %v and %d at %v", s.o.Rotate, bright, at[0], dark, at[1])
	}
}

// TestRotated: Options.Rotate turns the pictures of every kind of camera.
func TestRotated(t *testing.T) {
	needFFmpeg(t)
	size := image.Pt(96, 64)
	open := func(name string, angle int) *Source {
		s, err := Open(name, Options{Rotate: angle, Size: image.Pt(256, 48)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("recording", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "clip.mkv")
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
			"-i", "color=0x202020:s=96x64:r=20:d=0.5,drawbox=w=96:h=32:c=white:t=fill", "-c:v", "ffv1", "-pix_fmt", "yuv420p", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		halved(t, open("file:"+path, 90), size)
	})
	t.Run("address", func(t *testing.T) {
		pic := image.NewGray(image.Rectangle{Max: size})
		for i := range pic.Pix {
			pic.Pix[i] = byte(240 - 200*(i/(len(pic.Pix)/2)))
		}
		var data bytes.Buffer
		if err := jpeg.Encode(&data, pic, nil); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				_, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", data.Len(), data.Bytes())
				if err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-tick.C:
				case <-r.Context().Done():
					return
				}
			}
		}))
		t.Cleanup(server.Close)
		halved(t, open(server.URL+"/video", 270), size)
	})
	for _, angle := range []int{90, 180, 270} {
		f := newFakeDevice(frame.FormatYUYV)
		f.halves = true
		s := open("camera:0", angle)
		s.open = func(context.Context) (connection, error) { return openCapture(f, s.o) }
		halved(t, s, f.size)
	}
	t.Run("libcamera", func(t *testing.T) {
		fakeRpicam(t, `plane() { /usr/bin/head -c $1 /dev/zero | /usr/bin/tr '\0' "$2"; }
while :; do plane 6144 '\310'; plane 6144 '\050'; plane 6144 '\200'; done`)
		halved(t, open("libcamera:0", 180), image.Pt(256, 48))
	})
}
