package detecttest

import (
	"errors"
	"image"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/detect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var box = detect.Detection{Box: detect.Box{X0: 2, Y0: 3, X1: 40, Y1: 30}, Class: detect.Face, Score: 0.5}

func TestFakesConform(t *testing.T) {
	// Slow fakes hold a timer of their own.
	for name, c := range map[string]struct {
		f    Func
		opts Options
	}{
		"nothing":  {Find(), Options{}},
		"find":     {Find(box, box), Options{Finds: 2}},
		"script":   {Script([]detect.Detection{box}, nil, []detect.Detection{box, box}), Options{}},
		"steps":    {Steps(Find(), Find(box)), Options{}},
		"slow":     {Slow(2*time.Millisecond, Find(box)), Options{Finds: 1, Allocs: 4}},
		"hang":     {Hang(), Options{BlocksUntilCancelled: true}},
		"released": {Stuck(closed(), time.Minute), Options{Allocs: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			Run(t, func() detect.Detector { return New(detect.Classes(detect.Face), c.f) }, c.opts)
		})
	}
}

func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// The kit must find what it is there to find.
func TestKitFindsBreaches(t *testing.T) {
	fail := errors.New("broken")
	for name, c := range map[string]struct {
		f     Func
		check string
	}{
		"nan":         {NaN(detect.Face), "Finds"},
		"infinite":    {Infinite(detect.Face), "Finds"},
		"score":       {BadScore(detect.Face), "Finds"},
		"empty":       {Empty(detect.Face), "Sizes"},
		"outside":     {Outside(detect.Face), "Sizes"},
		"wrong class": {WrongClass(), "Finds"},
		"other class": {Find(detect.Detection{Box: box.Box, Class: detect.Plate, Score: 1}), "Finds"},
		"truncates":   {Truncates(), "AppendsToDst"},
		"scribbles":   {Scribbles(), "BorrowsThePicture"},
		"scribbles 2": {Scribbles(), "Sizes"},
		"fails":       {Fail(fail), "Finds"},
		"fails later": {Steps(Find(), Fail(fail)), "AppendsToDst"},
		"allocates":   {Slow(0, Find(box)), "DoesNotAllocate"},
		"ignores":     {Stuck(nil, 40*time.Millisecond), "CancelDuring"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{Within: 30 * time.Millisecond}.withDefaults()
			for _, k := range checks {
				if k.name == c.check {
					d := New(detect.Classes(detect.Face), c.f)
					if err := k.run(d, opts); err == nil {
						t.Errorf("%s is content", k.name)
					}
					return
				}
			}
			t.Fatalf("no check %q", c.check)
		})
	}
}

// locked answers InputSize under the lock that Detect holds.
type locked struct{ *Fake }

func (l locked) InputSize(size image.Point) image.Point {
	l.mu.Lock()
	defer l.mu.Unlock()
	return size
}

func TestKitFindsALock(t *testing.T) {
	opts := Options{Within: 30 * time.Millisecond}.withDefaults()
	if err := answersDuringDetect(locked{New(detect.Classes(detect.Face), Find(box))}, opts); err == nil {
		t.Error("AnswersDuringDetect is content")
	}
}

func TestFakeCounts(t *testing.T) {
	k := New(detect.Classes(detect.Face), Steps(Fail(errors.New("a")), Panic("b"), Find(box)))
	pic := Options{}.withDefaults().Picture
	if _, err := k.Detect(t.Context(), pic, nil); err == nil || err.Error() != "a" {
		t.Errorf("first call: %v", err)
	}
	func() {
		defer func() {
			if v := recover(); v != "b" {
				t.Errorf("second call: panic %v", v)
			}
		}()
		_, _ = k.Detect(t.Context(), pic, nil) // panics
	}()
	for range 2 {
		if got, err := k.Detect(t.Context(), pic, nil); err != nil || len(got) != 1 || got[0] != box {
			t.Errorf("later call: %v, %v", got, err)
		}
	}
	if err := k.Close(); err != nil || k.Closes() != 1 || k.Calls() != 4 {
		t.Errorf("%v, %d closes, %d calls", err, k.Closes(), k.Calls())
	}
}
