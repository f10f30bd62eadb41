package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	// flat is the most detail of a hidden area, seen the least of a shown one
	// (of the clip: 3 to 12; of frosted glass: below 1).
	flat = 1.0
	rich = 2.0
)

// TestPage goes through what an owner does first: open the page, draw a zone,
// see what it changes, save it, come back.
func TestPage(t *testing.T) {
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 1280, 800)

	begin := time.Now()
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("video")?.getVideoPlaybackQuality().totalVideoFrames > 0`)
	t.Logf("first picture %v after the address was opened", time.Since(begin).Round(time.Millisecond))
	before := eval[int](b, `document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames`)
	b.until(`document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames > ` + num(float64(before+15)))
	if size := eval[[]int](b, `[document.getElementById("video").videoWidth, document.getElementById("video").videoHeight]`); size[0] != 640 || size[1] != 360 {
		t.Errorf("the video is %v, the camera 640x360", size)
	}
	b.until(`/^\d+ ms$/.test(document.getElementById("latency").textContent)`)
	t.Logf("latency %s, rate %s", eval[string](b, `document.getElementById("latency").textContent`), eval[string](b, `document.getElementById("rate").textContent`))

	// Without a policy all is hidden, and the page says so.
	if d := b.detail(0, 0, 1, 1); d > flat {
		t.Errorf("without a policy the picture has detail %.2f", d)
	}
	b.until(`!document.getElementById("invite").hidden`)
	b.shoot("start")

	b.do(chromedp.Click("#invite"))
	b.until(`!document.getElementById("still").hidden`)
	for _, p := range [][2]float64{{0.3, 0.3}, {0.75, 0.3}, {0.75, 0.9}, {0.3, 0.9}, {0.3, 0.3}} {
		b.click(p[0], p[1])
	}
	begin = time.Now()
	waitDetail := func(what string, x0, y0, x1, y1 float64, shown bool) {
		t.Helper()
		eventually(t, what, func() bool {
			d := b.detail(x0, y0, x1, y1)
			return shown && d > rich || !shown && d < flat
		})
	}
	waitDetail("the drawn zone shows", 0.35, 0.4, 0.7, 0.85, true)
	t.Logf("a zone took effect %v after it was drawn", time.Since(begin).Round(time.Millisecond))
	waitDetail("outside stays hidden", 0, 0.3, 0.27, 0.9, false)
	b.shoot("drawn")

	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("saved").textContent.startsWith("Saved")`)
	saved := a.zones.State()
	if saved.Policy == nil || len(saved.Policy.Property) != 1 || len(saved.Policy.Property[0]) != 4 {
		t.Fatalf("saved policy: %+v", saved.Policy)
	}

	// A point moved by keys, and undone.
	b.do(chromedp.Focus(`.point[data-kind=property][data-point="0"]`))
	b.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelectorAll(".point").length === 5`)
	b.do(chromedp.KeyEvent(kb.Delete))
	b.until(`document.querySelectorAll(".point").length === 4`)
	for range 3 {
		b.do(chromedp.Click("#undo"))
	}
	b.until(`document.getElementById("save").disabled`)

	// A zone that crosses itself is refused at its point, and what was in force
	// stays.
	b.drag(0.3, 0.3, 0.9, 0.6)
	b.until(`!document.getElementById("bubble").hidden`)
	text := eval[string](b, `document.getElementById("bubble").textContent`)
	t.Logf("the message at the point: %s", text)
	if n := eval[int](b, `document.querySelectorAll(".point.wrong").length`); n == 0 {
		t.Error("no point is marked as wrong")
	}
	b.shoot("wrong")
	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("saved").classList.contains("bad")`)
	if s := a.zones.State(); s.Revision != saved.Revision {
		t.Error("an invalid policy was saved")
	}
	waitDetail("the zone from before stays in force", 0.35, 0.4, 0.7, 0.85, true)
	b.do(chromedp.Click("#undo"))
	b.until(`document.getElementById("bubble").hidden`)

	// A mask inside the property takes precedence.
	b.do(chromedp.Click(`input[value=mask]`), chromedp.Click("#add"))
	for _, p := range [][2]float64{{0.4, 0.4}, {0.65, 0.4}, {0.65, 0.8}, {0.4, 0.8}} {
		b.click(p[0], p[1])
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	waitDetail("the mask hides", 0.45, 0.5, 0.6, 0.7, false)
	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("saved").textContent.startsWith("Saved")`)

	b.do(chromedp.Reload())
	b.until(`document.getElementById("video")?.getVideoPlaybackQuality().totalVideoFrames > 5`)
	waitDetail("after a reload the zone shows", 0.31, 0.42, 0.37, 0.85, true)
	waitDetail("after a reload the mask hides", 0.45, 0.5, 0.6, 0.7, false)
	b.do(chromedp.Click("#edit"))
	b.until(`document.querySelectorAll(".point").length === 8`)
}
