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
	ctx := browser(t, 1280, 800)

	begin := time.Now()
	do(t, ctx, chromedp.Navigate(a.address()))
	until(t, ctx, `document.getElementById("video")?.getVideoPlaybackQuality().totalVideoFrames > 0`)
	t.Logf("first picture %v after the address was opened", time.Since(begin).Round(time.Millisecond))
	before := eval[int](t, ctx, `document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames`)
	until(t, ctx, `document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames > `+num(float64(before+15)))
	if size := eval[[]int](t, ctx, `[document.getElementById("video").videoWidth, document.getElementById("video").videoHeight]`); size[0] != 640 || size[1] != 360 {
		t.Errorf("the video is %v, the camera 640x360", size)
	}
	until(t, ctx, `/^\d+ ms$/.test(document.getElementById("latency").textContent)`)
	t.Logf("latency %s, rate %s", eval[string](t, ctx, `document.getElementById("latency").textContent`), eval[string](t, ctx, `document.getElementById("rate").textContent`))

	// Without a policy all is hidden, and the page says so.
	if d := detail(t, ctx, 0, 0, 1, 1); d > flat {
		t.Errorf("without a policy the picture has detail %.2f", d)
	}
	until(t, ctx, `!document.getElementById("invite").hidden`)
	shoot(t, ctx, "start")

	do(t, ctx, chromedp.Click("#invite"))
	until(t, ctx, `!document.getElementById("still").hidden`)
	for _, p := range [][2]float64{{0.3, 0.3}, {0.75, 0.3}, {0.75, 0.9}, {0.3, 0.9}, {0.3, 0.3}} {
		click(t, ctx, p[0], p[1])
	}
	begin = time.Now()
	waitDetail := func(what string, x0, y0, x1, y1 float64, shown bool) {
		t.Helper()
		eventually(t, what, func() bool {
			d := detail(t, ctx, x0, y0, x1, y1)
			return shown && d > rich || !shown && d < flat
		})
	}
	waitDetail("the drawn zone shows", 0.35, 0.4, 0.7, 0.85, true)
	t.Logf("a zone took effect %v after it was drawn", time.Since(begin).Round(time.Millisecond))
	waitDetail("outside stays hidden", 0, 0.3, 0.27, 0.9, false)
	shoot(t, ctx, "drawn")

	do(t, ctx, chromedp.Click("#save"))
	until(t, ctx, `document.getElementById("saved").textContent.startsWith("Saved")`)
	saved := a.zones.State()
	if saved.Policy == nil || len(saved.Policy.Property) != 1 || len(saved.Policy.Property[0]) != 4 {
		t.Fatalf("saved policy: %+v", saved.Policy)
	}

	// A point moved by keys, and undone.
	do(t, ctx, chromedp.Focus(`.point[data-kind=property][data-point="0"]`))
	do(t, ctx, chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.Enter))
	until(t, ctx, `document.querySelectorAll(".point").length === 5`)
	do(t, ctx, chromedp.KeyEvent(kb.Delete))
	until(t, ctx, `document.querySelectorAll(".point").length === 4`)
	do(t, ctx, chromedp.Click("#undo"), chromedp.Click("#undo"), chromedp.Click("#undo"))
	until(t, ctx, `document.getElementById("save").disabled`)

	// A zone that crosses itself is refused at its point, and what was in force
	// stays.
	drag(t, ctx, 0.3, 0.3, 0.9, 0.6)
	until(t, ctx, `!document.getElementById("bubble").hidden`)
	text := eval[string](t, ctx, `document.getElementById("bubble").textContent`)
	t.Logf("the message at the point: %s", text)
	if n := eval[int](t, ctx, `document.querySelectorAll(".point.wrong").length`); n == 0 {
		t.Error("no point is marked as wrong")
	}
	shoot(t, ctx, "wrong")
	do(t, ctx, chromedp.Click("#save"))
	until(t, ctx, `document.getElementById("saved").classList.contains("bad")`)
	if s := a.zones.State(); s.Revision != saved.Revision {
		t.Error("an invalid policy was saved")
	}
	waitDetail("the zone from before stays in force", 0.35, 0.4, 0.7, 0.85, true)
	do(t, ctx, chromedp.Click("#undo"))
	until(t, ctx, `document.getElementById("bubble").hidden`)

	// A mask inside the property takes precedence.
	do(t, ctx, chromedp.Click(`input[value=mask]`), chromedp.Click("#add"))
	for _, p := range [][2]float64{{0.4, 0.4}, {0.65, 0.4}, {0.65, 0.8}, {0.4, 0.8}} {
		click(t, ctx, p[0], p[1])
	}
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	waitDetail("the mask hides", 0.45, 0.5, 0.6, 0.7, false)
	do(t, ctx, chromedp.Click("#save"))
	until(t, ctx, `document.getElementById("saved").textContent.startsWith("Saved")`)

	do(t, ctx, chromedp.Reload())
	until(t, ctx, `document.getElementById("video")?.getVideoPlaybackQuality().totalVideoFrames > 5`)
	waitDetail("after a reload the zone shows", 0.31, 0.42, 0.37, 0.85, true)
	waitDetail("after a reload the mask hides", 0.45, 0.5, 0.6, 0.7, false)
	do(t, ctx, chromedp.Click("#edit"))
	until(t, ctx, `document.querySelectorAll(".point").length === 8`)
}
