package whep

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/examples/internal/streamtest"
)

// watcher is a viewer as a browser is one.
type watcher struct {
	pc      *webrtc.PeerConnection
	packets chan *rtp.Packet
}

func newWatcher(t testing.TB) *watcher {
	t.Helper()
	return newWatcherOf(t, webrtc.NewAPI())
}

func newWatcherOf(t testing.TB, api *webrtc.API) *watcher {
	t.Helper()
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{pc: pc, packets: make(chan *rtp.Packet, 1000)}
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			select {
			case w.packets <- p:
			default:
			}
		}
	})
	t.Cleanup(func() {
		if err := pc.Close(); err != nil {
			t.Errorf("close the watcher: %v", err)
		}
	})
	return w
}

func (w *watcher) offer(t testing.TB) string {
	t.Helper()
	if _, err := w.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := w.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	return offer.SDP
}

// watch connects, and returns the id and the answer.
func (w *watcher) watch(t *testing.T, l *Server) (id, sdp string) {
	t.Helper()
	id, sdp, err := l.Offer(t.Context(), w.offer(t))
	if err != nil {
		t.Fatal(err)
	}
	w.connect(t, sdp)
	return id, sdp
}

// connect takes the answer.
func (w *watcher) connect(t *testing.T, sdp string) {
	t.Helper()
	if err := w.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		t.Fatal(err)
	}
}

func (w *watcher) next(t *testing.T) *rtp.Packet {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	select {
	case p := <-w.packets:
		return p
	case <-late.C:
		t.Fatal("no packet")
		return nil
	}
}

func TestOffer(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 0)
	w := newWatcher(t)
	id, sdp := w.watch(t, l)
	candidates := 0
	for line := range strings.Lines(sdp) {
		if !strings.HasPrefix(line, "a=candidate:") {
			continue
		}
		candidates++
		if !strings.Contains(line, " 127.0.0.1 ") || !strings.Contains(line, " typ host") {
			t.Errorf("a candidate that leads out: %s", line)
		}
	}
	if candidates == 0 {
		t.Errorf("no candidate in\n%s", sdp)
	}
	// It begins with the parameter sets, and time stamps are those of the units.
	var h codecs.H264Packet
	p := w.next(t)
	data, err := h.Unmarshal(p.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 5 || data[4]&0x1f != 7 {
		t.Errorf("the first packet holds NAL unit %x", data[:min(len(data), 8)])
	}
	stamps := map[uint32]bool{}
	for len(stamps) < 10 {
		if stamps[p.Timestamp] = true; p.Timestamp%900 != 0 {
			t.Fatalf("time stamp %d is no multiple of 10 ms", p.Timestamp)
		}
		p = w.next(t)
	}
	if n := l.Stats().Viewers; n != 1 {
		t.Errorf("%d viewers", n)
	}
	l.HangUp(id)
	wait(t, func() bool { return l.Stats().Viewers == 0 })
}

// TestFirstPicture: the picture that a viewer begins with is encoded while it connects, but it
// is none from long ago, nor from before a pause.
func TestFirstPicture(t *testing.T) {
	for name, happens := range map[string]func(*testing.T, *stream.Broadcaster){
		"long ago": func(t *testing.T, b *stream.Broadcaster) {
			begin := b.Stats().Frames
			wait(t, func() bool { return b.Stats().Frames > begin+2*queued })
		},
		"a pause": func(_ *testing.T, b *stream.Broadcaster) { b.Pause(true); b.Pause(false) },
	} {
		t.Run(name, func(t *testing.T) {
			broadcaster := streamtest.Broadcaster(t)
			l := newServer(t, broadcaster, 0)
			w := newWatcher(t)
			_, sdp, err := l.Offer(t.Context(), w.offer(t))
			if err != nil {
				t.Fatal(err)
			}
			wait(t, func() bool { return broadcaster.Stats().Keys > 0 }) // for this viewer: there is no other
			happens(t, broadcaster)
			sub := broadcaster.Subscribe(1)
			now := uint32(stream.Ticks((<-sub.C).Time))
			sub.Close()
			w.connect(t, sdp)
			if first := w.next(t).Timestamp; first < now {
				t.Errorf("it begins with the picture of %d, and connected at that of %d", first, now)
			}
		})
	}
}

// TestPlayoutDelay: a browser that can be told shows each picture when it comes.
func TestPlayoutDelay(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 0)
	var media webrtc.MediaEngine
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}, webrtc.RTPCodecTypeVideo)
	if err != nil {
		t.Fatal(err)
	}
	told, not := newWatcherOf(t, webrtc.NewAPI(webrtc.WithMediaEngine(&media))), newWatcher(t)
	told.watch(t, l)
	not.watch(t, l)
	p := told.next(t)
	var id uint8
	for _, e := range told.pc.GetReceivers()[0].GetParameters().HeaderExtensions {
		if e.URI == playoutDelay {
			id = uint8(e.ID)
		}
	}
	delay := rtp.PlayoutDelayExtension{MinDelay: 1, MaxDelay: 1}
	if err := delay.Unmarshal(p.GetExtension(id)); err != nil || delay != (rtp.PlayoutDelayExtension{}) {
		t.Errorf("extension %d of %v: the delay is %+v: %v", id, p.Header, delay, err)
	}
	for _, e := range not.next(t).GetExtensionIDs() {
		t.Errorf("who does not know the extension got one, %d", e)
	}
}

// TestPlayoutDelayOfLargeID: a viewer whose id for it takes two bytes gets pictures without.
func TestPlayoutDelayOfLargeID(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 0)
	w := newWatcher(t)
	offer := strings.Replace(w.offer(t), "a=recvonly", "a=extmap:20 "+playoutDelay+"\r\na=recvonly", 1)
	_, sdp, err := l.Offer(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	w.connect(t, sdp)
	if ids := w.next(t).GetExtensionIDs(); len(ids) > 0 {
		t.Errorf("it got extensions %d, of %s", ids, sdp)
	}
}

// TestFlushed: a viewer who asks again for packets from before the broadcaster was flushed, or
// from before it was shown another one, gets none of them, and goes on watching.
func TestFlushed(t *testing.T) {
	for name, happens := range map[string]func(*Server, *stream.Broadcaster, string){
		"flushed":    func(_ *Server, b *stream.Broadcaster, _ string) { b.Flush() },
		"turned":     func(l *Server, _ *stream.Broadcaster, id string) { l.ShowPreview(id) },
		"not at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			broadcaster := streamtest.Broadcaster(t)
			l := newServer(t, broadcaster, 0)
			var engine webrtc.SettingEngine
			engine.DisableSRTPReplayProtection(true) // it would drop what comes twice
			w := newWatcherOf(t, webrtc.NewAPI(webrtc.WithSettingEngine(engine)))
			id, _ := w.watch(t, l)
			old := w.next(t)
			for range 20 {
				w.next(t)
			}
			if happens != nil {
				l.mu.Lock()
				v := l.viewers[id]
				l.mu.Unlock()
				happens(l, broadcaster, id)
				wait(t, func() bool { v.cut.mu.Lock(); defer v.cut.mu.Unlock(); return v.cut.from > 0 })
			}
			asked := []rtcp.NackPair{{PacketID: old.SequenceNumber, LostPackets: 0xff}}
			if err := w.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: old.SSRC, Nacks: asked}}); err != nil {
				t.Fatal(err)
			}
			again := 0
			for range 100 {
				if p := w.next(t); p.SequenceNumber-old.SequenceNumber <= 8 {
					again++
				}
			}
			if (again > 0) != (happens == nil) {
				t.Errorf("%d packets came again", again)
			}
		})
	}
}

// TestCut: packets go out for as long as they are new, wherever their numbers begin.
func TestCut(t *testing.T) {
	for _, first := range []uint16{0, 1, 40000, 65535} {
		c := &cut{}
		for i := range 200000 {
			n := first + uint16(i)
			if !c.passes(n) {
				t.Fatalf("from %d: packet %d is held back", first, i)
			}
			if i%1000 != 500 {
				continue
			}
			if !c.passes(n - 400) {
				t.Fatalf("from %d: packet %d does not go out again", first, i-400)
			}
			c.now()
			if c.passes(n) || c.passes(n-400) {
				t.Fatalf("from %d: packet %d goes out again", first, i)
			}
		}
	}
}

func TestTooManyViewers(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 1)
	first, second := newWatcher(t), newWatcher(t)
	id, _ := first.watch(t, l)
	first.next(t)
	offer := second.offer(t)
	if _, _, err := l.Offer(t.Context(), offer); !errors.Is(err, ErrViewers) {
		t.Errorf("a second viewer: %v", err)
	}
	l.HangUp(id)
	wait(t, func() bool { return l.Stats().Viewers == 0 })
	if _, _, err := l.Offer(t.Context(), offer); err != nil {
		t.Errorf("after the first has gone: %v", err)
	}
}

// TestViewerGone: a viewer that vanishes without a word disturbs nobody, and is
// forgotten.
func TestViewerGone(t *testing.T) {
	broadcaster := streamtest.Broadcaster(t)
	l := newServer(t, broadcaster, 0)
	gone, stays := newWatcher(t), newWatcher(t)
	gone.watch(t, l)
	stays.watch(t, l)
	gone.next(t)
	stays.next(t)
	if err := gone.pc.Close(); err != nil {
		t.Fatal(err)
	}
	begin := broadcaster.Stats().Frames
	for broadcaster.Stats().Frames < begin+30 {
		stays.next(t)
	}
	wait(t, func() bool { return l.Stats().Viewers == 1 })
}

func TestBadOffers(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 0)
	good := newWatcher(t).offer(t)
	for name, offer := range map[string]string{
		"empty": "", "nonsense": "nonsense", "half": good[:len(good)/2],
		"no codec of ours": strings.ReplaceAll(good, "H264", "NONE"),
		"audio":            strings.ReplaceAll(good, "m=video", "m=audio"),
		"no fingerprint":   strings.ReplaceAll(good, "a=fingerprint", "a=nothing"),
	} {
		if _, _, err := l.Offer(t.Context(), offer); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := l.Stats().Viewers; n != 0 {
		t.Errorf("%d viewers", n)
	}
}

func TestOfferAfterClose(t *testing.T) {
	l := newServer(t, streamtest.Broadcaster(t), 0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Offer(t.Context(), ""); !errors.Is(err, ErrViewers) {
		t.Errorf("offer to a closed one: %v", err)
	}
}
