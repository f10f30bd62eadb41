package whep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/examples/internal/stream"
)

const (
	// maxPayload is the most bytes of a packet's payload, so that with all its
	// headers it stays below 1280 bytes, which every network carries whole.
	maxPayload = 1160
	// queued is how many pictures a viewer may lag behind.
	queued = 16
)

// viewer is one browser that watches.
type viewer struct {
	pc      *webrtc.PeerConnection
	cut     *cut
	track   *webrtc.TrackLocalStaticRTP
	playout uint8 // id of the header extension playoutDelay, 0 if the viewer does not know it

	connected chan struct{} // closed when pictures can be sent
	done      chan struct{} // closed when it is over
	onceUp    sync.Once
	onceDown  sync.Once
	lost      atomic.Uint64
	wantKey   chan struct{}
	drawing   atomic.Bool
	turned    chan struct{} // full when drawing has changed
	listening sync.WaitGroup
}

func newViewer(pc *webrtc.PeerConnection, c *cut) *viewer {
	return &viewer{pc: pc, cut: c, connected: make(chan struct{}), done: make(chan struct{}), wantKey: make(chan struct{}, 1), turned: make(chan struct{}, 1)}
}

// answer takes the offer and returns the answer.
func (v *viewer) answer(ctx context.Context, offer string) (string, error) {
	v.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateConnected:
			v.onceUp.Do(func() { close(v.connected) })
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			v.end()
		}
	})
	err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer})
	if err != nil {
		return "", err
	}
	v.track, err = webrtc.NewTrackLocalStaticRTP(h264.RTPCodecCapability, "video", "hedge")
	if err != nil {
		return "", err
	}
	sender, err := v.pc.AddTrack(v.track)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	answer, err := v.pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	// A browser that does not know H.264 gets an answer without a codec, and
	// would wait for a picture that never comes.
	if !strings.Contains(answer.SDP, "H264/90000") {
		return "", errors.New("this browser does not show H.264 video")
	}
	if err := v.pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	for _, e := range sender.GetParameters().HeaderExtensions {
		// Others do not fit into a header of one byte, and the viewer's buffer then stays as it is.
		if e.URI == playoutDelay && e.ID >= 1 && e.ID <= 14 {
			v.playout = uint8(e.ID)
		}
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	v.listening.Go(func() { v.listen(sender) })
	return v.pc.LocalDescription().SDP, nil
}

// listen takes the viewer's wishes for a key frame.
func (v *viewer) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				select {
				case v.wantKey <- struct{}{}:
				default:
				}
			}
		}
	}
}

// close closes the connection and waits.
func (v *viewer) close() error {
	err := v.pc.Close()
	v.listening.Wait()
	return err
}

// end ends the viewer's picture. It does not wait.
func (v *viewer) end() { v.onceDown.Do(func() { close(v.done) }) }

// draw says whether the viewer is to see the preview instead of the picture.
func (v *viewer) draw(on bool) {
	if v.drawing.Swap(on) == on {
		return
	}
	select {
	case v.turned <- struct{}{}:
	default:
	}
}

// feed sends pictures of the broadcaster, or of preview while the viewer draws, until it has
// gone or the broadcaster is closed.
func (v *viewer) feed(all, preview *stream.Broadcaster) {
	defer func() { _ = v.close() }() // nothing is lost by an error
	up := time.NewTimer(offerTimeout)
	defer up.Stop()
	// The key picture to begin with is encoded while the viewer connects.
	broadcaster := all
	sub := broadcaster.Subscribe(queued)
	defer func() { sub.Close() }()
	select {
	case <-v.connected:
	case <-up.C:
		return
	case <-v.done:
		return
	}
	if sub.Lost() > 0 || sub.Broken() { // what is queued is from too long ago
		sub.Close()
		sub = broadcaster.Subscribe(queued)
	}
	p, err := stream.NewPacketizer(stream.PacketizerOptions{MaxPayload: maxPayload})
	if err != nil {
		return
	}
	lastKey := time.Now()
	for {
		select {
		case u, ok := <-sub.C:
			if !ok {
				return
			}
			v.lost.Store(sub.Lost())
			if sub.Stale(u) {
				continue
			}
			if err := v.send(p, u); err != nil {
				return
			}
		case <-v.turned:
			if broadcaster = all; v.drawing.Load() {
				broadcaster = preview
			}
			sub.Close()
			sub = broadcaster.Subscribe(queued)
			v.cut.now()
		case <-sub.Flushed:
			v.cut.now()
		case <-v.wantKey:
			if time.Since(lastKey) >= keyGap {
				lastKey = time.Now()
				broadcaster.KeyFrame()
			}
		case <-v.done:
			return
		}
	}
}

// send sends one unit. Number and time stamp of the packets are the packetizer's.
func (v *viewer) send(packetizer *stream.Packetizer, u *stream.Unit) error {
	packets, err := packetizer.Packets(u)
	if err != nil {
		return err
	}
	for _, p := range packets {
		if v.playout != 0 {
			if err := p.SetExtension(v.playout, atOnce); err != nil {
				return fmt.Errorf("mark a packet: %w", err)
			}
		}
		if err := v.track.WriteRTP(p); err != nil {
			return fmt.Errorf("send a packet: %w", err)
		}
	}
	return nil
}
