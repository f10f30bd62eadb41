package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// counted is what a watcher has seen.
type counted struct {
	frames, shown int // that came, and of which the zone was there
	raw, leaking  int // blocks shown outside, and frames with such a block
	back          int // access units whose time does not rise
	lost          int // times the connection was made anew
}

// watcher is a recorder on RTSP that decodes everything and looks for raw pixels.
type watcher struct {
	scene   scene
	program *program.Doorbell
	decoder *exec.Cmd
	units   io.WriteCloser

	mu       sync.Mutex
	seen     counted
	newest   time.Time // when a picture with the zone shown was seen last
	previous int64     // time stamp of the connection
	begun    bool

	ended atomic.Bool // the decoder has, though nobody has asked it to
	group sync.WaitGroup
}

// watch begins to watch; it ends with ctx, and close waits for it.
func watch(ctx context.Context, s scene, p *program.Doorbell) (*watcher, error) {
	w := &watcher{scene: s, program: p}
	w.decoder = exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "quiet", "-probesize", "32768", "-fflags", "nobuffer", "-flags", "low_delay",
		"-threads", "1", "-f", "h264", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "-fps_mode", "passthrough", "pipe:1")
	var err error
	if w.units, err = w.decoder.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.decoder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.decoder.Start(); err != nil {
		return nil, err
	}
	w.group.Go(func() {
		w.scene.each(out, w.add)
		w.ended.Store(ctx.Err() == nil)
	})
	w.group.Go(func() { w.connect(ctx) })
	return w, nil
}

// add counts a picture.
func (w *watcher) add(v seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen.add(v)
	if v.shown {
		w.newest = time.Now()
	}
}

func (c *counted) add(v seen) {
	c.frames++
	c.raw += v.raw
	if v.raw > 0 {
		c.leaking++
	}
	if v.shown {
		c.shown++
	}
}

// connect takes the stream, again and again.
func (w *watcher) connect(ctx context.Context) {
	for ctx.Err() == nil {
		// Whatever ends it, there is nothing to say: it is what the faults are for.
		_ = w.play(ctx)
		w.mu.Lock()
		w.seen.lost++
		w.begun = false
		w.mu.Unlock()
		_ = wait(ctx, 200*time.Millisecond)
	}
}

// play takes the stream until it ends.
func (w *watcher) play(ctx context.Context) error {
	u, err := base.ParseURL(w.program.RTSP)
	if err != nil {
		return err
	}
	tcp := gortsplib.ProtocolTCP
	c := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Protocol: &tcp, ReadTimeout: time.Minute}
	if err := c.Start(); err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Close)()
	d, _, err := c.Describe(u)
	if err != nil {
		return err
	}
	var f *format.H264
	m := d.FindFormat(&f)
	if m == nil {
		return errors.New("no H.264")
	}
	units, err := f.CreateDecoder()
	if err != nil {
		return err
	}
	if _, err := c.Setup(d.BaseURL, m, 0, 0); err != nil {
		return err
	}
	started := false
	c.OnPacketRTP(m, f, func(p *rtp.Packet) {
		au, err := units.Decode(p)
		if err != nil {
			return // more packets belong to it
		}
		if started = started || h264.IsRandomAccess(au); !started {
			return
		}
		at, ok := c.PacketPTS(m, p)
		w.take(au, at, ok)
	})
	if _, err := c.Play(nil); err != nil {
		return err
	}
	return c.Wait()
}

// take hands an access unit to the decoder, and looks at its time.
func (w *watcher) take(au [][]byte, at int64, timed bool) {
	w.mu.Lock()
	if timed {
		if w.begun && at <= w.previous {
			w.seen.back++
		}
		w.previous, w.begun = at, true
	}
	w.mu.Unlock()
	data, err := h264.AnnexB(au).Marshal()
	if err == nil {
		_, _ = w.units.Write(data) // a decoder that has ended ends the run below
	}
}

// count returns what was seen so far, and when the zone was shown last.
func (w *watcher) count() (counted, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen, w.newest
}

// close waits for the end of everything; ctx must have ended.
func (w *watcher) close() error {
	w.group.Wait()
	_ = w.units.Close() // the decoder was ended by ctx
	if w.ended.Load() {
		return errors.New("the decoder of the watcher has ended by itself, so nobody has looked since")
	}
	var exit *exec.ExitError
	if err := w.decoder.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("decoder of the watcher: %w", err)
	}
	return nil
}
