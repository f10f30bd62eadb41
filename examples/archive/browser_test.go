package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// browser starts Chromium without a window.
func browser(t *testing.T) context.Context {
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
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1500, 1100))
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
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return limited
}

// TestPageInBrowser: somebody opens the page, takes the first person out of a recording of a
// public place, renders it again and accepts it.
func TestPageInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Chromium, and networks look at a recording")
	}
	set, err := networks.Open(t.Context(), networks.HedgeN, networks.Options{})
	if err != nil {
		t.Skipf("no networks: %v", err)
	}
	if err := set.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "<i>place.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-loop", "1", "-framerate", "5", "-t", "1", "-i", "../../docs/demo.jpg",
		"-vf", "crop=640:360:400-30*t:20", "-pix_fmt", "yuv420p", in).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	store := filepath.Join(dir, "store")
	said, _ := serving(t, store, "-http", "127.0.0.1:0", "-networks", "hedge-n")
	said.wait(t, "only to watch: .*\n", 1)
	address := regexp.MustCompile(`the page: (\S+)`).FindStringSubmatch(said.String())[1]
	if code, says := call(t, "add", "-dir", store, "-policy", write(t, filepath.Join(dir, "p.json"), demoPolicy), in); code != exitDone {
		t.Fatalf("add: %s", says)
	}
	said.wait(t, "stage=render", 1)
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	b := &tab{t, ctx, said}
	b.until(`list.querySelector("button").textContent === "<i>place.mp4"`)
	b.do(chromedp.SendKeys("#by", "Anna"), chromedp.Click("#list button"))
	b.until(`rows.querySelectorAll("tr").length > 3 && sheet.naturalWidth > 300 && video.videoWidth === 640`)
	b.do(chromedp.SendKeys("#why", "she asks"))
	b.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("#rows tr")].find(r => r.cells[2].textContent === "person").querySelector("input[type=checkbox]").click()`))
	b.until(`document.getElementById("history").textContent.includes("Anna (127.0.0.1): shows the tracks") && what.textContent.includes("1 changes are not rendered yet")`)
	b.do(chromedp.Click("#render"))
	b.until(`what.textContent === "render: done" && !accept.hidden && rows.querySelectorAll("input:checked").length === 1`)
	b.shoot()
	b.do(chromedp.Click("#accept"))
	b.until(`what.textContent.includes("accepted by Anna")`)
}

// tab is a tab of a browser.
type tab struct {
	t    *testing.T
	ctx  context.Context
	said *lines
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for a JavaScript expression to become true. Elements go by their IDs. A page
// that is being replaced by the next one cannot answer, so an error only means not yet.
func (b *tab) until(expression string) {
	b.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if done && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			b.t.Fatalf("never: %s (%v)\n%s", expression, err, b.said)
		}
	}
}

// shoot keeps a picture of the page for a human to look at, if HEDGE_SCREENSHOTS names a
// folder.
func (b *tab) shoot() {
	b.t.Helper()
	dir := os.Getenv("HEDGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	write(b.t, filepath.Join(dir, "archive.png"), string(png))
}
