package mediadev_test

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/mediadevices/pkg/io/video"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
)

// TestEveryPicture: in File mode each picture comes out once, in order and
// redacted, then the end, and again the end; all were released.
func TestEveryPicture(t *testing.T) {
	for _, cut := range []bool{false, true} {
		for _, lookAhead := range []int{0, 8} {
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: time.Duration(lookAhead) * interval})
			cam := &camera{frames: 40, ratio: image.YCbCrSubsampleRatio420, cut: cut}
			r := mediadev.Transform(p)(cam)
			shots, err := drain(t, r)
			if !errors.Is(err, io.EOF) || len(shots) != 40 {
				t.Fatalf("%d pictures, then %v", len(shots), err)
			}
			for i, s := range shots {
				if s != (shot{i, false, true}) {
					t.Errorf("picture %d: %+v", i, s)
				}
			}
			if _, _, err := r.Read(); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v", err)
			}
			if n := cam.lent.Load(); n != 0 {
				t.Errorf("%d pictures not released", n)
			}
		}
	}
}

// TestSubsamplings: whatever the camera's subsampling, luma inside is the
// camera's and nothing outside is shown.
func TestSubsamplings(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
		cam := &camera{frames: 5, ratio: ratio}
		r := mediadev.Transform(p)(cam)
		for i := range 5 {
			img, _, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			pic := img.(*image.YCbCr)
			if s, err := look(pic); s.n != i || s.outside {
				t.Errorf("%v: picture %d is %+v, %v", ratio, i, s, err)
			}
			want := image.NewYCbCr(pic.Rect, ratio)
			raw(want, i)
			for y := height / 2; y < height; y++ {
				for x := range width {
					if got, want := pic.YCbCrAt(x, y).Y, want.YCbCrAt(x, y).Y; got != want {
						t.Fatalf("%v: luma at %d,%d is %d, want %d", ratio, x, y, got, want)
					}
				}
			}
		}
		if _, _, err := r.Read(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// TestDetectorFails: a detector that fails in the middle hides what is outside,
// and everything if something is hidden inside; and until it has answered for
// the first time nothing outside is shown either.
func TestDetectorFails(t *testing.T) {
	good := detecttest.Find()
	faults := map[string]detecttest.Func{
		"error": detecttest.Fail(errFake), "panic": detecttest.Panic("fake"), "hang": detecttest.Hang(),
		"nonsense": detecttest.NaN(detect.Person),
	}
	for name, fault := range faults {
		t.Run("middle/"+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				steps := []detecttest.Func{good, good, good, fault, fault, good}
				d := detecttest.New(everything, detecttest.Steps(steps...))
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: 1, LookAhead: 4 * interval,
					Detectors: []detect.Detector{d}})
				shots, err := drain(t, mediadev.Transform(p)(&camera{frames: 10, ratio: image.YCbCrSubsampleRatio420}))
				if !errors.Is(err, io.EOF) || len(shots) != 10 {
					t.Fatalf("%d pictures, then %v", len(shots), err)
				}
				for i, s := range shots {
					if s.outside == (i == 3 || i == 4) || !s.inside {
						t.Errorf("picture %d: %+v", i, s)
					}
				}
			})
		})
		for _, hide := range []string{hideFound, hideInside} {
			t.Run(fmt.Sprintf("live/%s/inside=%t", name, hide == hideInside), func(t *testing.T) {
				d := detecttest.New(everything, fault)
				p := newPipeline(t, pipeline.Config{Policy: policy(t, hide), Mode: pipeline.Live,
					Detectors: []detect.Detector{d}, Timeout: 10 * time.Millisecond, LookAhead: 2 * interval, MaxFailures: 100}) // more than there are pictures
				shots, err := drain(t, mediadev.Transform(p)(&camera{frames: 40, pace: 2 * time.Millisecond, ratio: image.YCbCrSubsampleRatio420}))
				if !errors.Is(err, io.EOF) || len(shots) == 0 {
					t.Fatalf("%d pictures, then %v", len(shots), err)
				}
				for i, s := range shots {
					if s.outside || s.inside == (hide == hideInside) {
						t.Errorf("picture %d: %+v", i, s)
					}
				}
			})
		}
	}
	t.Run("live/late", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// Answers, but each time later than an answer counts.
			d := detecttest.New(everything, detecttest.Slow(60*time.Millisecond, good))
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Mode: pipeline.Live, LookAhead: interval,
				Detectors: []detect.Detector{d}, TimeToLive: 10 * time.Millisecond})
			shots, err := drain(t, mediadev.Transform(p)(&camera{frames: 100, pace: 3 * time.Millisecond, ratio: image.YCbCrSubsampleRatio420}))
			if !errors.Is(err, io.EOF) || len(shots) == 0 || d.Calls() < 2 {
				t.Fatalf("%d pictures and %d looks, then %v", len(shots), d.Calls(), err)
			}
			for i, s := range shots {
				if s.outside {
					t.Errorf("picture %d: %+v", i, s)
				}
			}
		})
	})
}

// TestCameraFails: what came before the error goes out redacted; the error comes
// from Read, again and again.
func TestCameraFails(t *testing.T) {
	at5 := func(err error) func(int) (bool, error) { return func(n int) (bool, error) { return n == 5, err } }
	from5 := func(err error) func(int) (bool, error) { return func(n int) (bool, error) { return n >= 5, err } }
	gone := func(n int) (bool, error) {
		if n == 5 {
			panic("fake")
		}
		return false, nil
	}
	for name, tt := range map[string]struct {
		fault    func(int) (bool, error)
		pictures int
		is       error
	}{
		"error":        {at5(errFake), 5, errFake},
		"panic":        {gone, 5, nil},
		"one damaged":  {at5(fmt.Errorf("%w: fake", pipeline.ErrPicture)), 19, io.EOF},
		"one bad JPEG": {at5(jpeg.FormatError("fake")), 19, io.EOF},
		"one cut JPEG": {at5(io.ErrUnexpectedEOF), 19, io.EOF},
		"all damaged":  {from5(jpeg.FormatError("fake")), 5, io.EOF}, // a recording is read to its end
	} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), MaxFailures: 10, LookAhead: 3 * interval})
			cam := &camera{frames: 20, ratio: image.YCbCrSubsampleRatio420, fault: tt.fault}
			r := mediadev.Transform(p)(cam)
			shots, err := drain(t, r)
			var stage *pipeline.StageError
			if len(shots) != tt.pictures || errors.Is(err, io.EOF) == (errors.As(err, &stage) && stage.Stage == "source") {
				t.Errorf("%d pictures, then %v", len(shots), err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want %v in it", err, tt.is)
			}
			for _, s := range shots {
				if s.outside || !s.inside {
					t.Errorf("picture %+v", s)
				}
			}
			if _, _, again := r.Read(); again.Error() != err.Error() {
				t.Errorf("then %v", again)
			}
		})
	}
}

// TestFormats: pictures of a kind that is not known are an error, odd sizes are
// none.
func TestFormats(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	cam := &camera{frames: 5, change: func(p *image.YCbCr) image.Image { return image.NewRGBA(p.Rect) }}
	shots, err := drain(t, mediadev.Transform(p)(cam))
	var format *mediadev.FormatError
	if len(shots) != 0 || !errors.As(err, &format) || format.Format != "*image.RGBA" || cam.lent.Load() != 0 {
		t.Errorf("%d pictures, %d not released, %v", len(shots), cam.lent.Load(), err)
	}
	for _, size := range []image.Point{{1, 1}, {127, 65}, {33, 99}} {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideWhole)})
		cam := &camera{frames: 3, ratio: image.YCbCrSubsampleRatio422, size: func(int) image.Point { return size }}
		r := mediadev.Transform(p)(cam)
		for range 3 {
			img, _, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			if got := img.Bounds(); got != (image.Rectangle{Max: size}) {
				t.Errorf("picture %v, want %v", got, size)
			}
			if s, err := look(img); s.outside || s.inside || err != nil {
				t.Errorf("%v: %+v %v", size, s, err)
			}
		}
		if _, _, err := r.Read(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// TestSizeChanges: by default the stream ends, because encoders read past the
// end of smaller pictures. With FollowSize the picture is hidden until every
// detector has looked at the new format, and for ever at another aspect ratio.
func TestSizeChanges(t *testing.T) {
	change := func(to image.Point) *camera {
		return &camera{frames: 20, ratio: image.YCbCrSubsampleRatio420, size: func(n int) image.Point {
			if n < 10 {
				return image.Pt(width, height)
			}
			return to
		}}
	}
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	shots, err := drain(t, mediadev.Transform(p)(change(image.Pt(width/2, height/2))))
	var format *mediadev.FormatError
	if len(shots) != 10 || !errors.As(err, &format) || format.Was != image.Pt(width, height) || format.Format != "64x48" {
		t.Errorf("%d pictures, then %v", len(shots), err)
	}

	for _, to := range []image.Point{{2 * width, 2 * height}, {width, 2 * height}} {
		good, bad := detecttest.Find(), detecttest.Fail(errFake)
		// The first look at the new size fails.
		steps := append(slices.Repeat([]detecttest.Func{good}, 10), bad, good)
		d := detecttest.New(everything, detecttest.Steps(steps...))
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideFound), Every: 1, LookAhead: 2 * interval, Detectors: []detect.Detector{d}})
		o := mediadev.DefaultOptions()
		o.FollowSize = true
		r := mediadev.TransformWith(p, o)(change(to))
		shots := make([]shot, 0, 20)
		for {
			img, _, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := look(img)
			if err != nil {
				t.Fatal(err)
			}
			want := image.Pt(width, height)
			if len(shots) >= 10 {
				want = to
			}
			if got := img.Bounds().Size(); got != want {
				t.Fatalf("picture %d has %v, want %v", len(shots), got, want)
			}
			shots = append(shots, s)
		}
		if len(shots) != 20 {
			t.Fatalf("%d pictures", len(shots))
		}
		for i, s := range shots[:11] {
			if s.outside != (i < 10) || s.inside != (i < 10) {
				t.Errorf("to %v: picture %d: %+v", to, i, s)
			}
		}
		if last := shots[19]; last.inside != (to == image.Pt(2*width, 2*height)) {
			t.Errorf("to %v: at the end %+v", to, last)
		}
	}
}

// TestSlowEncoder: a file waits for it; a camera loses the oldest pictures, and
// what comes out stays in order.
func TestSlowEncoder(t *testing.T) {
	for _, mode := range modes {
		p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), Mode: mode, LookAhead: 2 * interval})
		r := mediadev.Transform(p)(&camera{frames: 100, pace: time.Millisecond, ratio: image.YCbCrSubsampleRatio420})
		slow := video.ReaderFunc(func() (image.Image, func(), error) {
			<-time.After(8 * time.Millisecond)
			return r.Read()
		})
		shots, err := drain(t, slow)
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		for i, s := range shots {
			if s.outside || !s.inside || i > 0 && s.n <= shots[i-1].n {
				t.Errorf("%v: picture %d: %+v", mode, i, s)
			}
		}
		dropped := p.Stats().FramesDropped
		if len(shots)+int(dropped) != 100 || (dropped == 0) != (mode == pipeline.File) || shots[len(shots)-1].n != 99 {
			t.Errorf("%v: %d pictures and %d dropped, the last one %d", mode, len(shots), dropped, shots[len(shots)-1].n)
		}
	}
}

// TestKeptPictures: a picture that is used long after its time shows a later
// redacted picture, never a raw one.
func TestKeptPictures(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	r := mediadev.Transform(p)(&camera{frames: 60, ratio: image.YCbCrSubsampleRatio420})
	var kept []image.Image
	for {
		img, release, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		release()
		kept = append(kept, img)
		for i, k := range kept {
			if s, err := look(k); err != nil || s.outside {
				t.Fatalf("picture %d after picture %d: %+v, %v", i, len(kept)-1, s, err)
			}
		}
		if n := len(kept); n > 1 {
			// The one before the last is still what it was.
			if s, _ := look(kept[n-2]); s.n != n-2 {
				t.Fatalf("picture %d is number %d after one more Read", n-2, s.n)
			}
		}
	}
	if len(kept) != 60 {
		t.Errorf("%d pictures", len(kept))
	}
}

// TestReload: a new policy, good or bad, opens no gap. One that may hide more drops
// the pictures that wait.
func TestReload(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll), LookAhead: 2 * interval})
	r := mediadev.Transform(p)(&camera{frames: 60, ratio: image.YCbCrSubsampleRatio420})
	bad := policy(t, hideAll)
	bad.Version = 99
	// Beside Read: a tighter policy waits for the picture that is being handed over.
	whole, part := policy(t, hideWhole), policy(t, hideAll)
	read, set := make(chan int, 60), make(chan error, 1)
	t.Cleanup(func() {
		close(read)
		if err := <-set; err != nil {
			t.Error(err)
		}
	})
	go func() {
		var err error
		for i := range read {
			switch i % 6 {
			case 1:
				err = errors.Join(err, p.SetPolicy(whole))
			case 3:
				if p.SetPolicy(bad) == nil {
					err = errors.Join(err, errors.New("a bad policy was taken"))
				}
			case 5:
				err = errors.Join(err, p.SetPolicy(part))
			}
		}
		set <- err
	}()
	for i := range 60 {
		read <- i
		img, _, err := r.Read()
		if errors.Is(err, io.EOF) && i >= 20 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pic := img.(*image.YCbCr)
		for x, v := range pic.Y[:width*height/2] {
			if v != pic.Y[0] {
				t.Fatalf("picture %d: luma %d at %d,%d", i, v, x%width, x/width)
			}
		}
	}
}

// TestAllocations: none a picture in the steady state.
func TestAllocations(t *testing.T) {
	p := newPipeline(t, pipeline.Config{Policy: policy(t, hideAll)})
	pic := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio422)
	release := func() {}
	r := mediadev.NewReader(p, video.ReaderFunc(func() (image.Image, func(), error) { return pic, release, nil }), mediadev.DefaultOptions())
	read := func() {
		if _, _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		read()
	}
	if n := testing.AllocsPerRun(300, read); n >= 1 {
		t.Errorf("%v allocations a picture", n)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
