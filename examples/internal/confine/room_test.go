package confine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// roomEnv names, for a child of the test that stands for ffmpeg, the folder in which it
// tries to get out of its room; roomAddr an address to connect to.
const roomEnv, roomAddr = "HEDGE_TEST_ROOM", "HEDGE_TEST_ROOM_ADDR"

// tryRoom is what an ffmpeg does that was taken over, and says what went.
func tryRoom() {
	dir := os.Getenv(roomEnv)
	say := func(what string, err error) { fmt.Printf("%s: %t\n", what, err == nil) }
	read := func(path string) error {
		_, err := os.ReadFile(path)
		return err
	}
	say("read the input", read(filepath.Join(dir, "input")))
	say("write the output", os.WriteFile(filepath.Join(dir, "output"), []byte("x"), 0))
	say("write to null", os.WriteFile("/dev/null", []byte("x"), 0))
	say("OUT read accounts", read("/etc/passwd"))
	say("OUT read beside the input", read(filepath.Join(dir, "secret")))
	say("OUT read the network's settings", read("/etc/host.conf"))
	say("OUT read memory of the kernel's", read("/dev/kmsg"))
	say("OUT write", os.WriteFile(filepath.Join(dir, "new"), nil, 0o600))
	say("OUT change the input", os.WriteFile(filepath.Join(dir, "input"), nil, 0o600))
	say("OUT remove the input", os.Remove(filepath.Join(dir, "input")))
	say("OUT start a child that reads", exec.CommandContext(context.Background(), "/bin/sh", "-c", `cat "$0"`, filepath.Join(dir, "secret")).Run())
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err == nil {
		err = l.Close()
	}
	say("OUT listen", err)
	_, err = (&net.Dialer{}).DialContext(context.Background(), "tcp", os.Getenv(roomAddr))
	say("NET connect", err)
	_, err = (&net.Dialer{}).DialContext(context.Background(), "udp", os.Getenv(roomAddr))
	say("NET send", err)
	multipath := &net.Dialer{}
	multipath.SetMultipathTCP(true) // falls back to TCP
	c, err := multipath.DialContext(context.Background(), "tcp", os.Getenv(roomAddr))
	if err == nil {
		is, _ := c.(*net.TCPConn).MultipathTCP()
		say("OUT connect over many paths", map[bool]error{false: net.ErrClosed}[is])
	} else {
		say("OUT connect over many paths", err)
	}
}

// TestRoom: what stands for ffmpeg reads its input and nothing else, writes its output and
// nothing else, and connects only to a camera on the network.
func TestRoom(t *testing.T) {
	if v := Version(); v < 4 {
		t.Skipf("this kernel has Landlock %d; 4 (Linux 6.7) is needed to keep a program from connecting", v)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, network := range map[string]bool{"file": false, "camera": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range []string{"input", "output", "secret"} {
				if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			command := append(room(ffmpeg.Room{Reads: filepath.Join(dir, "input"), Writes: filepath.Join(dir, "output"), Network: network}), me)
			cmd := exec.CommandContext(t.Context(), me, command[1:]...)
			cmd.Env = []string{roomEnv + "=" + dir, roomAddr + "=" + l.Addr().String()}
			out, err := cmd.CombinedOutput()
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if err != nil || len(lines) != 15 {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, line := range lines {
				may := !strings.HasPrefix(line, "OUT") && (network || !strings.HasPrefix(line, "NET"))
				if strings.Contains(line, "network's settings") {
					may = network // names are looked up
				}
				if may != strings.HasSuffix(line, "true") {
					t.Errorf("%s", line)
				}
			}
		})
	}
}

// TestRoomRefuses: what is not understood starts nothing, and says so as ffmpeg would.
func TestRoomRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"reads=/x"}, {"anything", roomEnd, "/bin/true"}} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", append([]string{roomArg}, args...)...)
		var exit *exec.ExitError
		if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.HasPrefix(out, []byte("[error] ")) {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
}

// TestRoomOff: without Enable there is none.
func TestRoomOff(t *testing.T) {
	if r, err := (Confinement{Confine: true, ConfineRead: true}).Room(); r != nil || err != nil {
		t.Errorf("a room without Enable: %v", err)
	}
}

// TestDecodeInRoom: ffmpeg has all that it needs there, for a file and for a camera.
func TestDecodeInRoom(t *testing.T) {
	if Version() == 0 {
		t.Skip("this kernel has no Landlock")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	dir := t.TempDir()
	clip, shot := filepath.Join(dir, "clip.mp4"), filepath.Join(dir, "shot.jpg")
	for path, args := range map[string][]string{clip: {"-pix_fmt", "yuv420p", "-frames:v", "5"}, shot: {"-frames:v", "1"}} {
		args = append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25"}, append(args, path)...)
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	picture, err := os.ReadFile(shot)
	if err != nil {
		t.Fatal(err)
	}
	camera := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture); err != nil {
				return
			}
		}
	}))
	defer camera.Close()
	for _, name := range []string{clip, camera.URL} {
		var rooms []ffmpeg.Room
		src, err := ffmpeg.Open(t.Context(), name, ffmpeg.Options{Room: func(r ffmpeg.Room) []string { rooms = append(rooms, r); return room(r) }})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var b pipeline.Buffer
		for range 3 {
			if err := src.Read(t.Context(), &b); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		if len(rooms) != 1 || rooms[0].Network != (name != clip) || (rooms[0].Reads == clip) != (name == clip) {
			t.Errorf("%s: %+v", name, rooms)
		}
	}
}

// TestEncodeInRoom: ffmpeg has all that it needs there, for a file and for pictures as
// they come.
func TestEncodeInRoom(t *testing.T) {
	if Version() == 0 {
		t.Skip("this kernel has no Landlock")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg: apt-get install ffmpeg")
	}
	var rooms []ffmpeg.Room
	note := func(r ffmpeg.Room) []string { rooms = append(rooms, r); return room(r) }
	size, to := image.Pt(160, 96), filepath.Join(t.TempDir(), "out put.mp4")
	p, err := redact.ParsePolicy([]byte(`{"version": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(p, size, redact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sink, err := ffmpeg.Create(t.Context(), to, ffmpeg.OutOptions{Size: size, Room: note})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	enc, err := ffmpeg.NewEncoder(t.Context(), ffmpeg.EncoderOptions{Codec: "libx264", Size: size, BitRate: 1e5, Rate: 25, Group: 25, Patience: time.Minute, Room: note})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	pic, packets := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), 0
	for at := time.Duration(0); packets == 0 && t.Context().Err() == nil; at += 40 * time.Millisecond {
		f, err := r.Redact(pic, redact.Scene{Time: at})
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		list, err := enc.Encode(f, at, false)
		if err != nil {
			t.Fatal(err)
		}
		packets += len(list)
		f.Release()
	}
	if err := sink.Finish(t.Context()); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(to); err != nil || info.Size() == 0 {
		t.Errorf("no file was written: %v", err)
	}
	if len(rooms) != 2 || !strings.HasSuffix(rooms[0].Writes, ".part") || rooms[1] != (ffmpeg.Room{}) {
		t.Errorf("%+v", rooms)
	}
}
