// Command mjpeg-over-http shows a redacted camera to every browser on this machine, without an
// encoder: as JPEGs, one after the other (multipart/x-mixed-replace).
//
//	go run ./examples/mjpeg-over-http -camera /dev/video0 -policy policy.json
//	xdg-open http://127.0.0.1:8090/
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	camera := flag.String("camera", "/dev/video0", "V4L2 device, address or file")
	policy := flag.String("policy", "policy.json", "policy file (JSON)")
	nets := flag.String("networks", networks.HedgeN, "which networks look: "+networks.Names())
	port := flag.Int("port", 8090, "port of 127.0.0.1: there is no password, so it is for this machine alone")
	flag.Parse()
	if err := serve(context.Background(), *camera, *policy, *nets, *port); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, camera, policyFile, nets string, port int) error {
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
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // taken at once
	if err != nil {
		return err
	}
	broadcaster, err := stream.New(stream.Options{SnapshotAge: 50 * time.Millisecond}) // nobody subscribes, so it encodes no video
	if err != nil {
		return err
	}
	defer broadcaster.Close()
	go func() { log.Print(http.Serve(l, viewers{broadcaster})) }() //nolint:gosec // for this machine alone
	log.Printf("serving http://%s/", l.Addr())
	c := pipeline.DefaultConfig()
	c.Policy, c.Detectors, c.Mode, c.Compressed = policy, set.Detectors, pipeline.Live, true
	p, err := pipeline.New(c)
	if err != nil {
		return err
	}
	defer p.Close()
	return p.Run(ctx, src, broadcaster)
}

// viewers shows the newest redacted picture.
type viewers struct{ broadcaster *stream.Broadcaster }

// ServeHTTP sends pictures, at most ten a second, until the viewer leaves.
func (v viewers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if host, _, err := net.SplitHostPort(r.Host); err != nil || host != "127.0.0.1" {
		http.Error(w, "ask for http://127.0.0.1", http.StatusMisdirectedRequest) // another site's name may lead here
		return
	}
	w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
	t := time.NewTicker(time.Second / 10)
	defer t.Stop()
	for r.Context().Err() == nil {
		if data, _, err := v.broadcaster.Snapshot(r.Context()); err == nil {
			_, _ = fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n", data) // or the viewer is gone
			_ = http.NewResponseController(w).Flush()                                        // likewise
		}
		<-t.C
	}
}
