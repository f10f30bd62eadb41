package speed

import (
	"context"
	"errors"
	"image"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// remembered is a camera whose pictures lie in this process's memory, as those of a device
// do that is mapped into it. It plays them to and fro, so that there is no cut, and each
// at its time.
type remembered struct {
	pics  []*image.YCbCr
	began time.Time
	n     int
}

// remember reads the first pictures of a recording.
func remember(ctx context.Context, in string, n int) (r *remembered, err error) {
	src, err := ffmpeg.Open(ctx, in, ffmpeg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	r = &remembered{}
	for range n {
		var b pipeline.Buffer
		if err := src.Read(ctx, &b); err != nil {
			return nil, err
		}
		r.pics = append(r.pics, b.Resize(src.Info().Size.X, src.Info().Size.Y))
	}
	return r, nil
}

// Read implements pipeline.Source. Its copy is what a device's picture costs that needs no
// conversion.
func (r *remembered) Read(ctx context.Context, b *pipeline.Buffer) error {
	if r.n == 0 {
		r.began = time.Now()
	}
	b.Time = time.Duration(r.n) * frameStep
	due := time.NewTimer(time.Until(r.began.Add(b.Time)))
	defer due.Stop()
	select {
	case <-due.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	i := r.n % (2*len(r.pics) - 2)
	pic := r.pics[min(i, 2*len(r.pics)-2-i)]
	copyPicture(b.Resize(pic.Rect.Dx(), pic.Rect.Dy()), pic)
	r.n++
	return nil
}

// BenchmarkInProcess is BenchmarkLive with a camera in memory and without an encoder: what
// is left where no pipe is involved.
func BenchmarkInProcess(b *testing.B) {
	needsRuntime(b)
	in := recording(b)
	meters, detectors, set := openMeters(b)
	defer closes(b, set.Close)
	l := newLiveRun(meters)
	src, err := remember(b.Context(), in, 2*rate)
	if err != nil {
		b.Fatal(err)
	}
	nowhere := pipeline.SinkFunc(func(context.Context, redact.Frame) error { return nil })
	if err := l.run(b.Context(), src, nowhere, detectors); err != nil {
		b.Fatal(err)
	}
	l.check(b)
	all, told := l.metrics(map[string]float64{}), map[string]float64{}
	for _, unit := range []string{"s", "rest-ms", "process-ms", "detector-ms", "frames/s", "drops", "failed-closed", "hidden-%"} {
		told[unit] = all[unit]
	}
	says(b, "of=run", told)
}

// TestRemembered: the pictures come in turn, to and fro, and each at its time.
func TestRemembered(t *testing.T) {
	r := &remembered{}
	for i := range 3 {
		pic := image.NewYCbCr(image.Rect(0, 0, 2, 2), image.YCbCrSubsampleRatio420)
		pic.Y[0] = byte(i)
		r.pics = append(r.pics, pic)
	}
	for n, want := range []byte{0, 1, 2, 1, 0, 1, 2, 1} {
		var b pipeline.Buffer
		if err := r.Read(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if got := b.Resize(2, 2).Y[0]; got != want || b.Time != time.Duration(n)*frameStep {
			t.Errorf("number %d is picture %d at %v, want %d at %v", n, got, b.Time, want, time.Duration(n)*frameStep)
		}
		if early := b.Time - time.Since(r.began); early > 0 {
			t.Errorf("number %d is %v early", n, early)
		}
	}
}
