package doorbell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// viewer takes the page's live picture over WebRTC as a browser does, and counts
// it without decoding: it costs this machine what a browser on another one does.
type viewer struct {
	pc     *webrtc.PeerConnection
	socket io.Closer

	mu     sync.Mutex
	seen   counted
	last   uint32    // time stamp of the newest frame
	next   uint16    // sequence number that is due
	begun  bool      // last and next are known
	whole  []arrival // of frames
	reader sync.WaitGroup
}

// arrival is when the end of a frame came, and its time stamp, in ms.
type arrival struct{ at, stamp float64 }

// counted is what a viewer has got.
type counted struct {
	frames int
	lost   int // packets that have not come, or not yet
	late   int // packets that came after later ones
	whole  int // frames of which the end came
}

// view asks the page's server for its live picture.
func view(ctx context.Context, p *program.Doorbell) (v *viewer, err error) {
	// A key picture of 1080p comes as a burst that the usual buffer does not hold.
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadBuffer(4 << 20); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var engine webrtc.SettingEngine
	engine.SetICEUDPMux(webrtc.NewICEUDPMux(nil, conn))
	engine.SetIncludeLoopbackCandidate(true)
	v = &viewer{socket: conn}
	if v.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(engine)).NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("watch the live picture: %w", errors.Join(err, v.close()))
			v = nil
		}
	}()
	v.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { v.reader.Go(func() { v.read(track) }) })
	if _, err := v.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		return v, err
	}
	offer, err := v.pc.CreateOffer(nil)
	if err != nil {
		return v, err
	}
	if err := v.pc.SetLocalDescription(offer); err != nil {
		return v, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Base+"/live", strings.NewReader(offer.SDP))
	if err != nil {
		return v, err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	r.Header.Set("Content-Type", "application/sdp")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	if err != nil {
		return v, err
	}
	return v, v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
}

// read counts packets until the connection is closed.
func (v *viewer) read(track *webrtc.TrackRemote) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		v.take(p.SequenceNumber, p.Timestamp, p.Marker, time.Now())
	}
}

// take counts a packet that came.
func (v *viewer) take(sequence uint16, stamp uint32, marker bool, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if gap := int16(sequence - v.next); v.begun && gap > 0 {
		v.seen.lost += int(gap)
	} else if v.begun && gap < 0 {
		v.seen.late++
		v.seen.lost = max(0, v.seen.lost-1)
		return
	}
	if !v.begun || stamp != v.last {
		v.seen.frames++
	}
	v.begun, v.last, v.next = true, stamp, sequence+1
	if marker {
		v.seen.whole++
		v.whole = append(v.whole, arrival{float64(at.UnixNano()) / 1e6, float64(stamp) / 90})
	}
}

func (v *viewer) count() counted {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen
}

// close hangs up and waits.
func (v *viewer) close() error {
	err := v.pc.Close()
	v.reader.Wait()
	if e := v.socket.Close(); !errors.Is(e, net.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}
