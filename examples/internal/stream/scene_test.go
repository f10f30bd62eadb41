package stream

import (
	"bytes"
	"context"
	"image"
	"math"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/internal/i420"
	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
	"github.com/hedgecam/hedge/redact"
)

func TestMain(m *testing.M) {
	ffmpegtest.Main()
	goleak.VerifyTestMain(m)
}

// inside is the part of the picture that the scene's policy shows: the lower
// half.
const inside = `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"hide":"all","fill":"solid"}}`

// scene makes redacted frames of a moving picture whose upper half is hidden.
type scene struct {
	t    testing.TB
	size image.Point
	r    *redact.Redactor
	n    int
}

func newScene(t testing.TB, w, h int) *scene {
	t.Helper()
	p, err := redact.ParsePolicy([]byte(inside))
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(p, image.Pt(w, h), redact.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return &scene{t: t, size: image.Pt(w, h), r: r}
}

// frame returns the n-th frame, and a copy of its redacted pixels. Its rows are
// wider than the picture, and the picture begins inside of a larger one.
func (s *scene) frame(n int, at time.Duration) (redact.Frame, *image.YCbCr) {
	s.t.Helper()
	large := image.NewYCbCr(image.Rect(0, 0, s.size.X+34, s.size.Y+6), image.YCbCrSubsampleRatio420)
	for y := range large.Rect.Dy() {
		for x := range large.Rect.Dx() {
			v := 128 + 80*math.Sin(float64(x+3*n)/17)*math.Cos(float64(y)/13)
			large.Y[large.YOffset(x, y)] = byte(v)
			large.Cb[large.COffset(x, y)] = byte(90 + (x+n)/4%60)
			large.Cr[large.COffset(x, y)] = byte(100 + y/4%60)
		}
	}
	pic := large.SubImage(image.Rectangle{image.Pt(2, 4), image.Pt(2, 4).Add(s.size)}).(*image.YCbCr)
	f, err := s.r.Redact(pic, redact.Scene{Time: at})
	if err != nil {
		s.t.Fatal(err)
	}
	var p image.YCbCr
	i420.Even(&p, f.Picture())
	return f, &p
}

// write hands the next frame to the broadcaster, 40 ms after the one before it, and
// returns its pixels.
func (s *scene) write(h *Broadcaster) *image.YCbCr {
	s.t.Helper()
	f, pic := s.frame(s.n, time.Duration(s.n)*40*time.Millisecond)
	s.n++
	defer f.Release()
	if err := h.Write(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
	return pic
}

func newBroadcaster(t testing.TB, o Options) *Broadcaster {
	t.Helper()
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// snapshot has the next frame written while somebody asks for a snapshot, and returns that
// and the frame's pixels.
func (s *scene) snapshot(h *Broadcaster) (data []byte, at time.Time, pic *image.YCbCr) {
	s.t.Helper()
	type answer struct {
		data []byte
		at   time.Time
		err  error
	}
	answers := make(chan answer, 1)
	want, err := h.ask()
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		var a answer
		a.data, a.at, a.err = h.Snapshot(context.Background())
		answers <- a
	}()
	pic = s.write(h)
	<-want.done
	// The goroutine may have come late: then it gets the next frame.
	for {
		select {
		case a := <-answers:
			if a.err != nil {
				s.t.Fatal(a.err)
			}
			return a.data, a.at, pic
		default:
			pic = s.write(h)
		}
	}
}

// noSnapshot returns why there is no snapshot when no frame comes.
func noSnapshot(h *Broadcaster) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := h.Snapshot(ctx)
	return err
}

// take returns the units that wait in a subscription.
func take(s *Subscription) (units []*Unit) {
	for {
		select {
		case u, ok := <-s.C:
			if !ok {
				return units
			}
			units = append(units, u)
		default:
			return units
		}
	}
}

// annexB returns the units as a byte stream.
func annexB(units []*Unit) []byte {
	var b bytes.Buffer
	for _, u := range units {
		for _, nal := range u.Data {
			b.Write([]byte{0, 0, 0, 1})
			b.Write(nal)
		}
	}
	return b.Bytes()
}

// decode returns the pictures of a byte stream, all of one size, as ffmpeg
// decodes them; what ffmpeg complains about fails the test.
func decode(t testing.TB, data []byte, size image.Point) (pics []*image.YCbCr) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("needs the program ffmpeg (package ffmpeg)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "h264", "-i", "pipe:0",
		"-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1")
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, &complaints)
	}
	for raw := out.Bytes(); len(raw) > 0; {
		pic := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
		for _, plane := range [...][]byte{pic.Y, pic.Cb, pic.Cr} {
			if len(raw) < len(plane) {
				t.Fatalf("ffmpeg: a picture in part, %d bytes for a plane of %d", len(raw), len(plane))
			}
			raw = raw[copy(plane, raw):]
		}
		pics = append(pics, pic)
	}
	return pics
}

// psnr returns the peak signal-to-noise ratio of all samples, in dB.
func psnr(a, b *image.YCbCr) float64 {
	var sum, n float64
	for i, pa := range [...][]byte{a.Y, a.Cb, a.Cr} {
		pb := [...][]byte{b.Y, b.Cb, b.Cr}[i]
		for j := range pa {
			d := float64(pa[j]) - float64(pb[j])
			sum += d * d
		}
		n += float64(len(pa))
	}
	return 10 * math.Log10(255*255*n/max(sum, 1e-9))
}
