package stream

import (
	"bytes"
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

var _ pipeline.Sink = (*Broadcaster)(nil)

// TestDecodes: what comes out is the redacted picture, whatever the strides and
// also where a side is odd; the first unit is a key unit with its parameter
// sets, and nothing but them and slices is in the stream.
func TestDecodes(t *testing.T) {
	for _, size := range []image.Point{{320, 192}, {190, 122}, {161, 97}} {
		h := newBroadcaster(t, Options{BitRate: 4e6, Fast: size.X == 161})
		s := newScene(t, size.X, size.Y)
		sub := h.Subscribe(100)
		var want []*image.YCbCr
		for range 60 {
			want = append(want, s.write(h))
		}
		units := take(sub)
		if len(units) != 60 || sub.Lost() != 0 {
			t.Fatalf("%v: %d units, %d lost", size, len(units), sub.Lost())
		}
		for i, u := range units {
			// Every 2 s at most.
			if u.Key != (i == 0 || i == 50) || u.Time != time.Duration(i)*40*time.Millisecond || u.Size != want[0].Rect.Size() {
				t.Errorf("%v: unit %d: key %t at %v, %v", size, i, u.Key, u.Time, u.Size)
			}
			var types []h264.NALUType
			for _, nal := range u.Data {
				types = append(types, nalType(nal))
			}
			slice := h264.NALUTypeNonIDR
			if u.Key {
				if len(types) < 3 || types[0] != h264.NALUTypeSPS || types[1] != h264.NALUTypePPS {
					t.Fatalf("%v: unit %d has NAL units %v", size, i, types)
				}
				types, slice = types[2:], h264.NALUTypeIDR
			}
			if slices.ContainsFunc(types, func(typ h264.NALUType) bool { return typ != slice }) {
				t.Errorf("%v: unit %d has NAL units %v", size, i, types)
			}
		}
		// profile_idc (ITU-T H.264, 7.4.2.1.1): high, or baseline.
		baseline := size.X == 161 || encoder.Default().Name == "openh264"
		if sps, _ := units[0].ParameterSets(); len(sps) < 4 || sps[1] != map[bool]byte{false: 100, true: 66}[baseline] {
			t.Errorf("%v: parameter set % x", size, sps)
		}
		data := annexB(units)
		if bytes.Contains(data, []byte("x264")) {
			t.Error("the encoder's settings are in the stream")
		}
		got := decode(t, data, want[0].Rect.Size())
		if len(got) != len(want) {
			t.Fatalf("%v: %d pictures of %d", size, len(got), len(want))
		}
		for i := range got {
			if db := psnr(got[i], want[i]); db < 35 {
				t.Errorf("%v: picture %d: %.1f dB", size, i, db)
			}
		}
	}
}

// TestOneEncoder: however many have subscribed, each frame is encoded once, and
// all get the same unit.
func TestOneEncoder(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	s.write(h)
	if n := h.Stats().Frames; n != 0 {
		t.Errorf("%d frames encoded for nobody", n)
	}
	var subs []*Subscription
	for range 50 {
		subs = append(subs, h.Subscribe(20))
	}
	for range 20 {
		s.write(h)
	}
	first := take(subs[0])
	if len(first) != 20 || !first[0].Key {
		t.Fatalf("%d units", len(first))
	}
	for _, sub := range subs[1:] {
		if !slices.Equal(take(sub), first) {
			t.Error("another subscription has other units")
		}
	}
	if st := h.Stats(); st.Frames != 20 || st.Subscribers != 50 || st.Keys != 1 || st.Bytes == 0 || st.EncodeTime == 0 || st.Size != image.Pt(64, 48) {
		t.Errorf("%+v", st)
	}
	// A late one begins with a key unit, which is made for it.
	s.n += 10
	late := h.Subscribe(20)
	s.write(h)
	if got := take(late); len(got) != 1 || !got[0].Key {
		t.Errorf("late: %v", got)
	}
	late.Close()
	late.Close()
	s.write(h)
	if _, ok := <-late.C; ok {
		t.Error("a closed subscription got a unit")
	}
}

// TestSlow: who does not take loses units up to the next key unit; another gets
// everything.
func TestSlow(t *testing.T) {
	h := newBroadcaster(t, Options{KeyInterval: time.Second})
	s := newScene(t, 64, 48)
	quick, slow := h.Subscribe(200), h.Subscribe(5)
	for range 60 {
		s.write(h)
	}
	before := take(slow)
	if len(before) != 5 || slow.Lost() != 55 {
		t.Fatalf("%d units, %d lost", len(before), slow.Lost())
	}
	for range 30 {
		s.write(h)
		before = append(before, take(slow)...)
	}
	all := take(quick)
	if len(all) != 90 || quick.Lost() != 0 {
		t.Fatalf("the other: %d units, %d lost", len(all), quick.Lost())
	}
	// Key units are the 25th, 50th and 75th.
	if want := append(slices.Clone(all[:5]), all[75:]...); !slices.Equal(before, want) {
		t.Errorf("%d units, want %d; first after the loss: key %t at %v", len(before), len(want), before[5].Key, before[5].Time)
	}
	if slow.Lost() != 70 {
		t.Errorf("%d lost", slow.Lost())
	}
	if got := decode(t, annexB(before), image.Pt(64, 48)); len(got) != len(before) {
		t.Errorf("%d of %d decode", len(got), len(before))
	}
}

// TestSize: a change of size gives a key unit with new parameter sets, once.
func TestSize(t *testing.T) {
	h := newBroadcaster(t, Options{})
	sub := h.Subscribe(100)
	small, large := newScene(t, 64, 48), newScene(t, 128, 80)
	for range 5 {
		small.write(h)
	}
	large.n = small.n
	var want []*image.YCbCr
	for range 5 {
		want = append(want, large.write(h))
	}
	units := take(sub)
	if len(units) != 10 {
		t.Fatalf("%d units", len(units))
	}
	sps1, _ := units[0].ParameterSets()
	sps2, pps2 := units[5].ParameterSets()
	if sps1 == nil || sps2 == nil || pps2 == nil || bytes.Equal(sps1, sps2) {
		t.Errorf("parameter sets %x, then %x %x", sps1, sps2, pps2)
	}
	for i, u := range units {
		if u.Key != (i == 0 || i == 5) {
			t.Errorf("unit %d: key %t", i, u.Key)
		}
	}
	for i, pic := range decode(t, annexB(units[5:]), image.Pt(128, 80)) {
		if db := psnr(pic, want[i]); db < 30 {
			t.Errorf("picture %d: %.1f dB", i, db)
		}
	}
}

// TestKeyFrame: one can be asked for, but not more than one in 200 ms.
func TestKeyFrame(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(200)
	for range 10 {
		s.write(h)
	}
	h.KeyFrame()
	s.write(h)
	for range 20 {
		h.KeyFrame()
		s.write(h)
	}
	var keys []int
	for i, u := range take(sub) {
		if u.Key {
			keys = append(keys, i)
		}
	}
	if !slices.Equal(keys, []int{0, 10, 15, 20, 25, 30}) {
		t.Errorf("key units %v", keys)
	}
}

// TestTimes: times that begin anew go on from where they were.
func TestTimes(t *testing.T) {
	h := newBroadcaster(t, Options{Rate: 20})
	sub := h.Subscribe(100)
	for range 2 {
		s := newScene(t, 64, 48)
		for range 3 {
			s.write(h)
		}
	}
	var got []time.Duration
	for _, u := range take(sub) {
		got = append(got, u.Time/time.Millisecond)
	}
	if !slices.Equal(got, []time.Duration{0, 40, 80, 130, 170, 210}) {
		t.Errorf("times %v ms", got)
	}
}

// TestPause: nothing is encoded, shown or kept while paused, and what comes
// after begins with a key unit.
func TestPause(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	h.Pause(true)
	sub := h.Subscribe(100)
	s.write(h)
	if err := noSnapshot(h); !errors.Is(err, ErrPaused) {
		t.Errorf("snapshot: %v", err)
	}
	h.Pause(false)
	if err := noSnapshot(h); !errors.Is(err, ErrNoPicture) {
		t.Errorf("snapshot: %v", err)
	}
	for range 10 {
		s.write(h)
	}
	h.Pause(true)
	if st := h.Stats(); !st.Paused || st.Frames != 10 {
		t.Errorf("%+v", st)
	}
	for range 10 {
		s.write(h)
	}
	if got := take(sub); len(got) != 10 || !got[0].Key || got[0].Time != 40*time.Millisecond {
		t.Fatalf("%d units", len(got))
	}
	h.Pause(false)
	if err := noSnapshot(h); !errors.Is(err, ErrNoPicture) {
		t.Errorf("a picture was kept: %v", err)
	}
	s.write(h)
	if got := take(sub); len(got) != 1 || !got[0].Key || got[0].Time != 21*40*time.Millisecond {
		t.Errorf("%d units", len(got))
	}
	if sub.Lost() != 0 {
		t.Errorf("%d lost", sub.Lost())
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{BitRate: 1000}, {BitRate: 1e9}, {Rate: -1}, {Rate: 1e6}, {KeyInterval: time.Millisecond}} {
		if _, err := New(o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestBadFrames: a released frame is refused, and does no harm.
func TestBadFrames(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(10)
	f, _ := s.frame(0, 0)
	f.Release()
	for _, f := range []redact.Frame{f, {}} {
		if err := h.Write(context.Background(), f); !errors.Is(err, ErrFrame) {
			t.Errorf("%v", err)
		}
	}
	s.write(h)
	if got := take(sub); len(got) != 1 {
		t.Errorf("%d units", len(got))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f, _ = s.frame(1, time.Second)
	if err := h.Write(ctx, f); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	sub := h.Subscribe(10)
	s.write(h)
	for range 2 {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := take(sub); len(got) != 1 {
		t.Errorf("%d units", len(got))
	}
	if _, ok := <-sub.C; ok {
		t.Error("the channel is open")
	}
	if _, ok := <-h.Subscribe(1).C; ok {
		t.Error("a closed broadcaster has subscriptions")
	}
	f, _ := s.frame(1, time.Second)
	if err := h.Write(context.Background(), f); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := noSnapshot(h); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	h.KeyFrame()
	h.Pause(true)
}

// TestTogether: everything at once, for the race detector.
func TestTogether(t *testing.T) {
	h := newBroadcaster(t, Options{})
	s := newScene(t, 64, 48)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for {
				sub := h.Subscribe(i + 1)
				h.KeyFrame()
				select {
				case <-sub.C:
				case <-done:
					return
				}
				// Or a picture has come by then.
				if err := noSnapshot(h); err != nil && !errors.Is(err, ErrPaused) && !errors.Is(err, ErrNoPicture) {
					t.Error(err)
				}
				h.Stats()
				sub.Close()
				h.Pause(i == 0)
				h.Pause(false)
			}
		})
	}
	for range 100 {
		s.write(h)
	}
	close(done)
	wg.Wait()
}
