package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a tab of a browser that a test drives.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browser starts Chromium without a window, at the given width and height.
func browser(t *testing.T, width, height int, more ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height),
		chromedp.Flag("force-prefers-reduced-motion", true))
	options = append(options, more...)
	// Not t.Context, which ends before the browser could be closed.
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the browser: %v", err)
		}
		cancel()
	})
	err := chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw: %+v", ev.ExceptionDetails.Exception)
		case *runtime.EventConsoleAPICalled:
			for _, a := range ev.Args {
				t.Logf("console.%s: %s", ev.Type, a.Value)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &tab{t, ctx}
	t.Cleanup(func() {
		if t.Failed() {
			b.shoot("failed")
		}
	})
	return b
}

// do runs actions in the browser.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// value returns the value of a JavaScript expression, which may be a promise.
func value[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// eval is value where nothing may go wrong.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := value[T](b, expression)
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for a JavaScript expression to become true. A page that is being replaced by the next one
// cannot answer, so an error only means not yet.
func (b *tab) until(expression string) {
	b.t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := value[bool](b, "!!("+expression+")")
		if done && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			b.t.Fatalf("never: %s (%v)\nthe page says:\n%s", expression, err, eval[string](b, "document.body.innerText"))
		}
	}
}

// box returns where the picture is: left, top, width, height.
func (b *tab) box() []float64 {
	b.t.Helper()
	return eval[[]float64](b, `(() => { const b = document.getElementById("picture").getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()`)
}

// click clicks with a real mouse event at a place of the picture, 0..1.
func (b *tab) click(x, y float64) {
	b.t.Helper()
	at := b.box()
	b.do(chromedp.MouseClickXY(at[0]+x*at[2], at[1]+y*at[3]))
}

// drag moves the mouse with the button held.
func (b *tab) drag(x0, y0, x1, y1 float64) {
	b.t.Helper()
	at := b.box()
	x0, y0, x1, y1 = at[0]+x0*at[2], at[1]+y0*at[3], at[0]+x1*at[2], at[1]+y1*at[3]
	b.do(chromedp.MouseEvent(chromedp.MousePressed, x0, y0, chromedp.ButtonLeft, chromedp.ClickCount(1)),
		chromedp.MouseEvent(chromedp.MouseMoved, (x0+x1)/2, (y0+y1)/2, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseMoved, x1, y1, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseReleased, x1, y1, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// shoot keeps a picture of the page for a human to look at, if
// HEDGE_SCREENSHOTS names a folder.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("HEDGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// detail returns how much luma differs on average from one pixel to its
// neighbour in a part of the picture that the browser has decoded, 0..1 across
// and down. A flat area has next to none.
func (b *tab) detail(x0, y0, x1, y1 float64) float64 {
	b.t.Helper()
	script := strings.NewReplacer("X0", num(x0), "Y0", num(y0), "X1", num(x1), "Y1", num(y1)).Replace(`(() => {
		const v = document.getElementById("video"), c = document.createElement("canvas");
		c.width = v.videoWidth; c.height = v.videoHeight;
		const g = c.getContext("2d");
		g.drawImage(v, 0, 0);
		const x = Math.round(X0 * c.width), y = Math.round(Y0 * c.height);
		const w = Math.round((X1 - X0) * c.width), h = Math.round((Y1 - Y0) * c.height);
		const d = g.getImageData(x, y, w, h).data;
		let sum = 0, n = 0;
		for (let j = 0; j < h; j++) for (let i = 1; i < w; i++) {
			const p = 4 * (j * w + i);
			sum += Math.abs(d[p] + d[p + 1] + d[p + 2] - d[p - 4] - d[p - 3] - d[p - 2]) / 3;
			n++;
		}
		return sum / n;
	})()`)
	return eval[float64](b, script)
}
