package doorbell

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// errNoBrowser says that there is no Chromium.
var errNoBrowser = errors.New("no Chromium: apt-get install chromium")

// watcher is a browser in which the page is open.
type watcher struct {
	ctx     context.Context
	end     func()
	version string
	pid     int
}

// sampled is what the page's own pictures said.
type sampled struct {
	// Pictures are the time in ms at which a picture was to be seen, and the
	// number in it, -1 if it could not be read.
	Pictures [][2]float64 `json:"pictures"`
	Latency  string       `json:"latency"` // as the page shows it
}

// received is what the browser counts of its connections.
type received struct {
	At       float64 `json:"at"` // ms
	Received float64 `json:"framesReceived"`
	Decoded  float64 `json:"framesDecoded"`
	Dropped  float64 `json:"framesDropped"`
	Freezes  float64 `json:"freezeCount"`
	Packets  float64 `json:"packetsLost"`
	Decoding float64 `json:"totalDecodeTime"`          // s
	Waiting  float64 `json:"jitterBufferDelay"`        // s
	Emitted  float64 `json:"jitterBufferEmittedCount"` // frames
}

// prelude runs before the page's own scripts: it notes the connections that they
// make, and when the video shows its first picture. Before there is one, browsers
// show two black pixels. sample reads the counter from every 13th picture, which
// is no burden for a machine that is to be measured.
const prelude = `(() => {
	const hedge = window.hedge = { connections: [], first: 0, pictures: [] };
	const Connection = window.RTCPeerConnection;
	window.RTCPeerConnection = class extends Connection {
		constructor(...a) { super(...a); hedge.connections.push(this); }
	};
	const look = () => {
		const v = hedge.video = document.getElementById("video");
		if (!v) return setTimeout(look, 5);
		v.requestVideoFrameCallback(function step(now, meta) {
			if (meta.width === WIDTH) hedge.first = performance.timeOrigin + meta.expectedDisplayTime;
			else v.requestVideoFrameCallback(step);
		});
	};
	if (window.top === window) look();
	hedge.sample = () => {
		const v = hedge.video, c = document.createElement("canvas");
		c.width = BITS * SIDE; c.height = 2 * SIDE;
		const g = c.getContext("2d", { willReadFrequently: true });
		let count = 0;
		v.requestVideoFrameCallback(function step(now, meta) {
			v.requestVideoFrameCallback(step);
			if (count++ % 13) return;
			g.drawImage(v, LEFT, TOP, c.width, c.height, 0, 0, c.width, c.height);
			const d = g.getImageData(0, 0, c.width, c.height).data;
			const luma = (i, row) => d[4 * ((row * SIDE + (SIDE >> 1)) * c.width + i * SIDE + (SIDE >> 1)) + 1];
			let n = 0;
			for (let i = 0; i < BITS && n >= 0; i++) {
				const up = luma(i, 0), down = luma(i, 1);
				if (Math.abs(up - down) < 96) n = -1;
				else if (up > down) n |= 1 << i;
			}
			hedge.pictures.push([performance.timeOrigin + meta.expectedDisplayTime, n]);
		});
	};
	hedge.stats = async () => {
		const sum = { at: performance.now() };
		for (const c of hedge.connections) {
			for (const s of (await c.getStats()).values()) {
				if (s.type !== "inbound-rtp") continue;
				for (const k of ["framesReceived", "framesDecoded", "framesDropped", "freezeCount", "packetsLost", "totalDecodeTime", "jitterBufferDelay", "jitterBufferEmittedCount"]) sum[k] = (sum[k] || 0) + (s[k] || 0);
			}
		}
		return sum;
	};
})()`

// browse starts Chromium without a window.
func browse(ctx context.Context, f *loop) (w *watcher, err error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		return nil, errNoBrowser
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 800))
	alloc, endAll := chromedp.NewExecAllocator(ctx, options...)
	tab, endTab := chromedp.NewContext(alloc)
	w = &watcher{ctx: tab, end: func() { endTab(); endAll() }}
	script := strings.NewReplacer("WIDTH", fmt.Sprint(f.size.X), "BITS", fmt.Sprint(bits), "SIDE", fmt.Sprint(f.cell()),
		"LEFT", fmt.Sprint(f.corner().X), "TOP", fmt.Sprint(f.corner().Y)).Replace(prelude)
	_, err = chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	if err == nil {
		var v browser.GetVersionResult
		v, err = chromedp.CallBrowser(tab, browser.GetVersion, struct{}{})
		_, w.version, _ = strings.Cut(v.Product, "/")
	}
	if err != nil {
		w.end()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	if p := chromedp.FromContext(tab).Browser.Process(); p != nil {
		w.pid = p.Pid
	}
	return w, nil
}

// close closes the browser and waits for it.
func (w *watcher) close() error {
	err := chromedp.Cancel(w.ctx)
	w.end()
	return err
}

// value returns the value of a JavaScript expression, which may be a promise.
func value[T any](w *watcher, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// open opens the page anew, and returns how long it took to its first picture, by
// the machine's clock.
func (w *watcher) open(address string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return 0, err
	}
	var first float64
	var last error
	err := program.Until(ctx, 25*time.Second, func() (bool, error) {
		// A page that is being replaced by the next one cannot answer: not yet.
		first, last = value[float64](w, "window.hedge.first")
		return last == nil && first > 0, nil
	})
	if err != nil {
		return 0, fmt.Errorf("the page shows no picture: %w", errors.Join(err, last))
	}
	return time.Duration((first - float64(start.UnixNano())/1e6) * 1e6), nil
}
