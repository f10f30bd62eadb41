package main

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/detecttest"
	"github.com/hedgecam/hedge/examples/internal/encoder"
)

// The camera's pictures, in samples of luma. The upper half is hidden.
const rareWidth, rareHeight, tileSide = 320, 192, 16

// tile is a pattern that nothing else has: fields of 4x4 samples that are bright or dark as
// chance has it, so that it is known again after encoding, and noise on them, so that eight of
// its bytes are found nowhere else.
type tile [tileSide * tileSide]byte

func newTile(series uint64) (p tile) {
	r := rand.New(rand.NewPCG(2026, series))
	fields := r.Perm(16)
	for i := range p {
		field := fields[i/(4*tileSide)*4+i%tileSide/4]
		p[i] = byte(128 + 50*(2*(field%2)-1) + r.IntN(17) - 8)
	}
	return p
}

// raw reports whether data has half a row of the tile, byte by byte.
func (p *tile) raw(data []byte) bool {
	for row := range slices.Chunk(p[:], tileSide/2) {
		if bytes.Contains(data, row) {
			return true
		}
	}
	return false
}

// blocks returns how many blocks of a grey picture show the tile, at half its contrast or more.
func (p *tile) blocks(grey []byte) (n int) {
	mean := 0
	for _, v := range p {
		mean += int(v)
	}
	mean /= len(p)
	for top := 0; top < rareHeight; top += tileSide {
		for left := 0; left < rareWidth; left += tileSide {
			alike, whole := 0, 0
			for i, v := range p {
				v := int(v) - mean
				alike += v * (int(grey[(top+i/tileSide)*rareWidth+left+i%tileSide]) - 128)
				whole += v * v
			}
			if 2*alike >= whole {
				n++
			}
		}
	}
	return n
}

// rareClip makes a recording without loss: hidden is in its upper half, shown in its lower one.
func rareClip(t *testing.T, hidden, shown *tile) string {
	t.Helper()
	var pic []byte
	plane := func(w, h int) {
		for y := range h {
			p := hidden
			if y >= h/2 {
				p = shown
			}
			for x := range w {
				pic = append(pic, p[y%tileSide*tileSide+x%tileSide])
			}
		}
	}
	plane(rareWidth, rareHeight)
	plane(rareWidth/2, rareHeight/2)
	plane(rareWidth/2, rareHeight/2)
	dir := t.TempDir()
	raw, path := filepath.Join(dir, "raw.yuv"), filepath.Join(dir, "clip.mkv")
	if err := os.WriteFile(raw, bytes.Repeat(pic, 60), 0o600); err != nil {
		t.Fatal(err)
	}
	runFFmpeg(t, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "320x192", "-framerate", "15", "-i", raw, "-c:v", "ffv1", path)
	return path
}

// keptFFmpeg has all that goes into an encoder's standard input written into a file too.
func keptFFmpeg(t *testing.T, file string) {
	t.Helper()
	program, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	tools := t.TempDir()
	// What copies it has none of the program's other pipes, and so keeps none of them open.
	script := fmt.Sprintf("#!%s\ncase \"$*\" in *libx264*) exec 9<&0; exec %q \"$@\" < <(exec tee -a %q <&9 2>/dev/null 3>&- 4>&-) 9<&-;; *) exec %q \"$@\";; esac\n", bash, program, file, program)
	if err := os.WriteFile(filepath.Join(tools, "ffmpeg"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// decoded returns the luma of the pictures that ffmpeg makes of what it is given.
func decoded(t *testing.T, in io.Reader, args ...string) (pictures [][]byte) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", slices.Concat([]string{"-v", "error"}, args, []string{"-vf", "extractplanes=y", "-frames:v", "20", "-f", "rawvideo", "pipe:1"})...)
	cmd.Stdin = in
	data, err := cmd.Output()
	if err != nil {
		t.Errorf("ffmpeg %s: %v", args, err)
	}
	for p := range slices.Chunk(data, rareWidth*rareHeight) {
		if len(p) == rareWidth*rareHeight {
			pictures = append(pictures, p)
		}
	}
	return pictures
}

// tap passes connections on to an address, and keeps what comes back.
func tap(t *testing.T, to string) (addr string, kept *safeBuffer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	kept = &safeBuffer{}
	var group sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				t.Error(err)
				_ = here.Close()
				return
			}
			group.Go(func() {
				_, _ = io.Copy(there, here) // either may hang up
				_ = there.Close()
			})
			group.Go(func() {
				_, _ = io.Copy(io.MultiWriter(here, kept), there) // likewise
				_ = here.Close()
			})
		}
	})
	return l.Addr().String(), kept
}

// pageStream returns, as a byte stream, what the page's viewer gets until there is enough.
func pageStream(t *testing.T, a *app) []byte {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	units, ended := make(chan []byte, 1000), make(chan struct{})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		defer close(ended)
		var h codecs.H264Packet
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if data, err := h.Unmarshal(p.Payload); err == nil && len(data) > 0 {
				units <- data
			}
		}
	})
	_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	if err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err == nil {
		err = pc.SetLocalDescription(offer)
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base()+"/live", strings.NewReader(offer.SDP))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	r.Header.Set("Content-Type", "application/sdp")
	resp, err := newClient(t, a).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil {
		err = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for n := 0; n < 60; n++ {
		select {
		case u := <-units:
			all = append(all, u...)
		case <-late.C:
			t.Fatal("nothing comes over WebRTC")
		}
	}
	if err := pc.Close(); err != nil {
		t.Error(err)
	}
	<-ended
	return all
}

// rawFiles returns the files below a folder in which the tile stands byte by byte.
func rawFiles(t *testing.T, dir string, p *tile) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if p.raw(data) {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

// TestRarePattern: a pattern that the camera sees where all is hidden is in no file of the
// run, whatever its folder, in nothing that goes into the pipe to an encoder, nor in what goes
// out: the recordings, RTSP, the page's picture and snapshots. The one of the zone is where it
// belongs, so that it was looked for in the right way.
func TestRarePattern(t *testing.T) {
	hidden, shown := newTile(1), newTile(2)
	source, dir := rareClip(t, &hidden, &shown), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(in("tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range decoded(t, nil, "-i", source) {
		if hidden.blocks(p) != 120 || shown.blocks(p) != 120 || !hidden.raw(p) || !shown.raw(p) {
			t.Fatalf("of the camera's picture %d and %d blocks are seen", hidden.blocks(p), shown.blocks(p))
		}
	}
	t.Setenv("TMPDIR", in("tmp"))
	keptFFmpeg(t, in("piped"))
	writeFile(t, in("policy.json"), `{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]],"outside":{"hide":"all"}}`)
	nobody := detecttest.New(detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle), detecttest.Find())
	defer nobody.Close()
	a, _ := open(t, []detect.Detector{nobody}, "-source", "file:"+source, "-policy", in("policy.json"), "-state", in("state"), "-record", in("recordings"),
		"-events", in("events"), "-rtsp", "127.0.0.1:0", "-rtsp-password", "hush-hush", "-rtsp-auth", "md5")
	a.broadcaster.UseEncoder(encoder.Process("x264", "libx264", time.Minute))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	ended := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	defer ended()
	eventually(t, "pictures come", func() bool { return a.gate.last().Frames > 10 })

	out := map[string][][]byte{}
	addr, overRTSP := tap(t, a.rtsp.Addr().String())
	out["RTSP"] = decoded(t, nil, "-rtsp_transport", "tcp", "-i", "rtsp://hedge:hush-hush@"+addr+"/hedge")
	page := pageStream(t, a)
	out["the page"] = decoded(t, bytes.NewReader(page), "-f", "h264", "-i", "pipe:0")
	snapshot := newClient(t, a).snapshot(t)
	if _, err := jpeg.DecodeConfig(strings.NewReader(snapshot)); err != nil {
		t.Error(err)
	}
	out["the snapshot"] = decoded(t, strings.NewReader(snapshot), "-f", "mjpeg", "-i", "pipe:0")
	eventually(t, "a recording", func() bool { return recorded(t, in("recordings")) > 0 })
	ended()
	if err := a.recorder.Close(); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(in("recordings/*.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		out["recording "+strconv.Itoa(i)] = decoded(t, nil, "-i", f)
	}

	for name, pictures := range out {
		seen := 0
		for _, p := range pictures {
			if n := hidden.blocks(p); n > 0 {
				t.Errorf("%s: %d blocks show what is hidden", name, n)
			}
			if shown.blocks(p) > 100 {
				seen++
			}
		}
		if seen == 0 || 2*seen < len(pictures) {
			t.Errorf("%s: the zone is seen in %d of %d pictures", name, seen, len(pictures))
		}
	}
	if len(out) < 4 {
		t.Errorf("only %d of RTSP, the page, the snapshot and the recordings were looked at", len(out))
	}
	for name, data := range map[string][]byte{"RTSP": []byte(overRTSP.String()), "the page": page, "the snapshot": []byte(snapshot)} {
		if len(data) == 0 || hidden.raw(data) {
			t.Errorf("%s: raw pixels in %d bytes", name, len(data))
		}
	}
	if names := rawFiles(t, dir, &hidden); len(names) > 0 {
		t.Errorf("raw pixels of what is hidden are in %q", names)
	}
	if names := rawFiles(t, dir, &shown); !slices.Equal(names, []string{"piped"}) {
		t.Errorf("raw pixels of the zone are in %q, and not in the pipe to the encoder alone", names)
	}
	// Were it somewhere, it would be found.
	writeFile(t, in("state/core"), strings.Repeat("x", 5000)+string(hidden[40:56]))
	if names := rawFiles(t, dir, &hidden); !slices.Equal(names, []string{"core"}) {
		t.Errorf("what was put there is found in %q", names)
	}
}
