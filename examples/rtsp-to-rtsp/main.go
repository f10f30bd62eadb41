// Command rtsp-to-rtsp stands between a network camera and a recorder: it takes the
// camera's RTSP stream and serves a redacted one.
//
//	go run ./examples/rtsp-to-rtsp -camera rtsp://user:password@camera/path -policy policy.json -password SECRET
//	ffplay rtsp://hedge:SECRET@127.0.0.1:8554/hedge
//
// The encoder and the RTSP server are examples/internal/stream and examples/internal/rtsp:
// copy them, or hand the frames to a server of your own.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	camera := flag.String("camera", "", "address of the camera, or a file")
	policy := flag.String("policy", "policy.json", "policy file (JSON)")
	nets := flag.String("networks", networks.HedgeN, "which networks look: "+networks.Names())
	listen := flag.String("listen", "127.0.0.1:8554", "where to serve")
	password := flag.String("password", "", "what a recorder must know, with the user name hedge")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, *camera, *policy, *nets, rtsp.Options{Address: *listen, User: "hedge", Password: *password, Auth: rtsp.MD5})
	cancel()
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Print(err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, camera, policyFile, nets string, o rtsp.Options) error {
	if camera == "" || o.Password == "" {
		return errors.New("-camera and -password are needed: the camera's address, and what a recorder must know")
	}
	policy, err := redact.LoadPolicy(policyFile)
	if err != nil {
		return err
	}
	set, err := networks.Open(ctx, nets, networks.Options{})
	if err != nil {
		return err
	}
	defer set.Close()
	_, notFile := os.Stat(camera) // a file plays as a camera does
	src, err := ffmpeg.Open(ctx, camera, ffmpeg.Options{RealTime: notFile == nil, Loop: notFile == nil})
	if err != nil {
		return err
	}
	defer src.Close()
	broadcaster, err := stream.New(stream.Options{})
	if err != nil {
		return err
	}
	broadcaster.Describe(src.Info().Format())
	server, err := rtsp.New(broadcaster, o)
	if err != nil {
		return errors.Join(err, broadcaster.Close())
	}
	defer broadcaster.Close()
	defer server.Close()
	log.Printf("serving rtsp://%s@%s/hedge", o.User, server.Addr())

	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors, c.Mode, c.Compressed = policy, set.Detectors, pipeline.Live, true
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx, src, broadcaster)
}
