// Command webrtc-call joins a WebRTC call with a camera track that mediadevices opened and
// Hedge redacts: the encoder of the call never sees a raw picture.
//
//	go run ./examples/webrtc-call -policy policy.json
//
// It writes its offer (SDP) to the standard output and reads the other side's answer from the
// standard input. How the two travel is up to you. It offers, and does not answer, because a
// mediadevices track has a payload type of its own, which an answer would have to follow.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/pion/mediadevices"
	"github.com/pion/mediadevices/pkg/codec/x264"
	_ "github.com/pion/mediadevices/pkg/driver/camera" // decodes JPEGs with image/jpeg; pipeline/mediadev/mjpeg costs less
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/mediadev"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	policy := flag.String("policy", "policy.json", "policy file (JSON)")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := call(ctx, *policy, os.Stdout, os.Stdin)
	cancel()
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

// call makes an offer, takes the answer and sends the redacted camera until ctx ends.
func call(ctx context.Context, policyFile string, offer io.Writer, answer io.Reader) error {
	policy, err := redact.LoadPolicy(policyFile)
	if err != nil {
		return err
	}
	set, err := networks.Open(ctx, networks.HedgeN, networks.Options{})
	if err != nil {
		return err
	}
	defer set.Close()
	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors, c.Mode, c.Compressed = policy, set.Detectors, pipeline.Live, true
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	encoder, err := x264.NewParams()
	if err != nil {
		return err
	}
	encoder.BitRate = 2_000_000
	codecs := mediadevices.NewCodecSelector(mediadevices.WithVideoEncoders(&encoder))
	camera, err := mediadevices.GetUserMedia(mediadevices.MediaStreamConstraints{Video: func(*mediadevices.MediaTrackConstraints) {}, Codec: codecs})
	if err != nil {
		return err
	}
	track := camera.GetVideoTracks()[0].(*mediadevices.VideoTrack)
	defer track.Close()
	track.Transform(mediadev.Transform(p)) // before anything reads from the track
	media := &webrtc.MediaEngine{}
	codecs.Populate(media)
	peer, err := webrtc.NewAPI(webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	defer peer.Close()
	if _, err := peer.AddTrack(track); err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(peer)
	description, err := peer.CreateOffer(nil)
	if err := errors.Join(err, peer.SetLocalDescription(description)); err != nil {
		return err
	}
	<-gathered
	if _, err := io.WriteString(offer, peer.LocalDescription().SDP); err != nil {
		return err
	}
	sdp, err := io.ReadAll(answer)
	if err := errors.Join(err, peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(sdp)})); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
