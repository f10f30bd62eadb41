package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/pion/mediadevices/pkg/driver/videotest" // a camera for machines that have none
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/internal/ort"
)

// TestCall: the other side of a call gets H.264 from the camera, and the call ends.
func TestCall(t *testing.T) {
	if _, err := ort.Library(); err != nil {
		t.Skip(err)
	}
	if devices, err := filepath.Glob("/dev/video*"); err != nil || len(devices) > 0 {
		t.Skip("this machine has a camera, which a test must not open")
	}
	policy := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(policy, []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	peer, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	arrived := make(chan string, 1)
	peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if _, _, err := track.ReadRTP(); err == nil {
			arrived <- track.Codec().MimeType
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	offers, offer := io.Pipe()
	answer, answers := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := call(ctx, policy, offer, answer)
		_ = offer.CloseWithError(err) // which never fails
		ended <- err
	}()
	sdp := make([]byte, 64<<10)
	n, err := offers.Read(sdp) // it is written at once
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(sdp[:n])}); err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	description, err := peer.CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := peer.SetLocalDescription(description); err != nil {
		t.Fatal(err)
	}
	<-gathered
	if _, err := io.WriteString(answers, peer.LocalDescription().SDP); err != nil {
		t.Fatal(err)
	}
	if err := answers.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case kind := <-arrived:
		if kind != webrtc.MimeTypeH264 {
			t.Errorf("%s arrives", kind)
		}
	case err := <-ended:
		t.Fatalf("the call ended: %v", err)
	case <-time.After(time.Minute):
		t.Error("nothing arrives")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the call ended with %v", err)
	}
}
