package main

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPageClickedTwice: a double click, a key that is held and a click before the camera has
// answered are no second wish: what hides everything does not show it again.
func TestPageClickedTwice(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 1000, 700)
	b.do(chromedp.Navigate(a.address()))
	says := func(text string) {
		t.Helper()
		b.until(`!document.getElementById("private").hidden && !document.getElementById("private").hasAttribute("aria-disabled") &&
			document.getElementById("private").textContent === "` + text + `"`)
	}
	says("Hide all")
	// Counts what is sent, and holds the third back for good.
	eval[bool](b, `(() => {
		const real = window.fetch;
		window.sent = [];
		window.fetch = (url, o) => {
			if (o?.method !== "POST" || !url.startsWith("/privacy/")) return real(url, o);
			window.sent.push(url);
			return window.sent.length < 3 ? real(url, o) : new Promise(() => {});
		};
		return true;
	})()`)
	press := func(count int) {
		t.Helper()
		at := eval[[]float64](b, `(() => { const b = document.getElementById("private").getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()`)
		b.do(chromedp.MouseClickXY(at[0], at[1], chromedp.ClickCount(count)))
	}
	sent := func(after string, want int) {
		t.Helper()
		if n := eval[int](b, `window.sent.length`); n != want {
			t.Errorf("%d requests after %s, want %d: %v", n, after, want, eval[[]string](b, `window.sent`))
		}
	}
	press(1)
	says("Show again")
	press(2)
	sent("a double click", 1)
	if !a.privacy.isOn() {
		t.Error("a double click shows again")
	}

	b.do(chromedp.Focus("#private"), chromedp.KeyEvent(kb.Enter))
	says("Hide all")
	held := true
	if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: '\r', AutoRepeat: &held,
	}); err != nil {
		t.Fatal(err)
	}
	sent("a key that is held", 2)
	if focused := eval[string](b, `document.activeElement.id`); focused != "private" {
		t.Errorf("the focus went to %q", focused)
	}

	press(1)
	press(1)
	sent("a click before the camera has answered", 3)
}
