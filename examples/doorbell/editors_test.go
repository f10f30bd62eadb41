package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hedgecam/hedge/redact"
)

// TestTwoEditors: the second of two who save is told, and may choose.
func TestTwoEditors(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 1000, 700)
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("invite")?.hidden === false`)

	// By keys alone: open the editor, put a zone in the middle, move a point.
	b.do(chromedp.Focus("#edit"), chromedp.KeyEvent(kb.Enter))
	b.until(`!document.getElementById("editor").hidden && !document.getElementById("editor").inert`)
	b.do(chromedp.Focus("#add"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelectorAll(".point").length === 4`)
	if got := eval[string](b, `document.activeElement.getAttribute("aria-label") || ""`); !strings.HasPrefix(got, "Property 1, point 1 of 4") {
		t.Errorf("the focus is on %q", got)
	}
	for range 5 {
		b.do(chromedp.KeyEvent(kb.ArrowLeft))
	}
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.ArrowUp))
	if got := eval[string](b, `document.activeElement.getAttribute("aria-label") || ""`); !strings.HasPrefix(got, "Property 1, point 2 of 4") {
		t.Errorf("after Tab the focus is on %q", got)
	}

	// Meanwhile somebody else saves.
	if _, err := a.zones.Save([]byte(`{"version":1,"property":[[[0,0],[1,0],[1,1],[0,1]]]}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("conflict").open`)
	if got := eval[string](b, `document.getElementById("conflict-text").textContent`); !strings.Contains(got, "another window") {
		t.Errorf("the page says %q", got)
	}
	b.shoot("conflict")
	b.do(chromedp.Click("#conflict-load"))
	b.until(`document.querySelectorAll(".point").length === 4 && document.querySelector(".point").getAttribute("aria-label").includes("0 percent right")`)

	// The other way: save over.
	b.do(chromedp.Focus("#add"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.querySelectorAll("polygon.zone").length === 2`)
	if _, err := a.zones.Save([]byte(`{"version":1}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("conflict").open`)
	b.do(chromedp.Click("#conflict-over"))
	b.until(`document.getElementById("saved").textContent.startsWith("Saved")`)
	if p := a.zones.State().Policy; len(p.Property) != 2 {
		t.Errorf("saved %d zones", len(p.Property))
	}
}

// TestDrawnBeforeZonesCome: what is drawn before the saved zones have come is there beside
// them when they have.
func TestDrawnBeforeZonesCome(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	if _, err := a.zones.Save([]byte(`{"version":1,"property":[[[0,0.9],[1,0.9],[1,1],[0,1]]]}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	b := browser(t, 1000, 700)
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("video")?.videoWidth === 640`)
	// The answer with the saved zones waits for come().
	eval[bool](b, `(() => { const f = fetch; window.fetch = (u, o) =>
		String(u).endsWith("/zones") && o?.method === "GET" ? new Promise((r) => { window.come = () => r(f(u, o)); }) : f(u, o); return true; })()`)
	b.do(chromedp.Click("#edit"))
	b.until(`!!window.come`)
	for _, at := range [][2]float64{{0.2, 0.2}, {0.5, 0.2}, {0.5, 0.5}} {
		b.click(at[0], at[1])
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	if got := eval[int](b, `document.querySelectorAll("polygon.zone").length`); got != 0 {
		t.Errorf("%d zones before they have come", got)
	}
	eval[bool](b, `(come(), true)`)
	b.until(`document.querySelectorAll("polygon.zone").length === 2`)
	b.do(chromedp.Click("#save"))
	b.until(`document.getElementById("saved").textContent.startsWith("Saved")`)
	if p := a.zones.State().Policy; len(p.Property) != 2 {
		t.Errorf("saved %d zones", len(p.Property))
	}
}

// TestClosedWhileSaving: who closes the editor while the zones are being saved is not asked
// whether to lose them, and they are saved.
func TestClosedWhileSaving(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 1000, 700)
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("video")?.videoWidth === 640`)
	// The answer to the save waits for come(), and whoever is asked says no.
	eval[bool](b, `(() => { const f = fetch; window.asked = 0; window.confirm = () => { asked++; return false; }; window.fetch = (u, o) =>
		String(u).endsWith("/zones") && o?.method === "PUT" ? f(u, o).then((r) => new Promise((ok) => { window.come = () => ok(r); })) : f(u, o); return true; })()`)
	b.do(chromedp.Click("#edit"))
	b.until(`!document.getElementById("editor").inert`)
	for _, at := range [][2]float64{{0.2, 0.2}, {0.5, 0.2}, {0.5, 0.5}} {
		b.click(at[0], at[1])
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.do(chromedp.Click("#save"))
	b.until(`!!window.come`)
	b.do(chromedp.Click("#edit"))
	if eval[bool](b, `document.getElementById("editor").hidden`) {
		t.Error("the editor is closed before the zones are saved")
	}
	eval[bool](b, `(come(), true)`)
	b.until(`asked > 0 || document.getElementById("editor").hidden`)
	if n := eval[int](b, `asked`); n != 0 {
		t.Error("the page asks whether to lose what is being saved")
	}
	if p := a.zones.State().Policy; p == nil || len(p.Property) != 1 {
		t.Errorf("saved: %+v", p)
	}
}

// TestFirstClickDraws: after "Draw zones" a click draws, also within a zone that
// is there already and before "New zone" is pressed; a drag moves what is there.
func TestFirstClickDraws(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	if _, err := a.zones.Save([]byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]]}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	b := browser(t, 1000, 700)
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("video")?.videoWidth === 640`)
	b.do(chromedp.Click("#edit"))
	zones := func(kind string, n int) {
		t.Helper()
		b.until(fmt.Sprintf(`document.querySelectorAll("polygon.zone.%s").length === %d`, kind, n))
	}
	// saved presses Save and waits for what is saved then, whatever an earlier save
	// has left on the page.
	saved := func(what string, is func(p *redact.Policy) bool) {
		t.Helper()
		b.do(chromedp.Click("#save"))
		eventually(t, what, func() bool { return is(a.zones.State().Policy) })
	}
	// reopen closes the editor and opens it, with the zones that are saved: what it had
	// drawn of them is on the page all the while.
	reopen := func() {
		t.Helper()
		b.do(chromedp.Click("#edit"))
		b.until(`document.getElementById("editor").hidden`)
		b.do(chromedp.Click("#edit"))
		b.until(`!document.getElementById("editor").hidden && !document.getElementById("editor").inert`)
	}
	zones("property", 1)
	for _, p := range [][2]float64{{0.2, 0.1}, {0.6, 0.1}, {0.4, 0.7}, {0.2, 0.1}} {
		b.click(p[0], p[1])
	}
	zones("property", 2)

	// Again, inside of a zone, and of another kind. A second click draws too.
	saved("two properties saved", func(p *redact.Policy) bool { return len(p.Property) == 2 })
	reopen()
	zones("property", 2)
	b.do(chromedp.Click("input[name=kind][value=mask]"))
	for _, p := range [][2]float64{{0.6, 0.8}, {0.8, 0.8}, {0.8, 0.9}, {0.6, 0.8}} {
		b.click(p[0], p[1])
	}
	zones("mask", 1)
	for _, p := range [][2]float64{{0.8, 0.1}, {0.9, 0.1}, {0.9, 0.2}, {0.8, 0.1}} {
		b.click(p[0], p[1])
	}
	zones("mask", 2)
	saved("two masks saved", func(p *redact.Policy) bool { return len(p.Mask) == 2 })

	// A drag draws nothing: it moves a corner.
	reopen()
	zones("mask", 2)
	b.drag(0.6, 0.1, 0.7, 0.2)
	saved("the corner moved, and no zone more", func(p *redact.Policy) bool {
		if len(p.Property) != 2 || len(p.Mask) != 2 {
			return false
		}
		c := p.Property[1][1]
		return math.Abs(c.X-0.7) <= 0.01 && math.Abs(c.Y-0.2) <= 0.01
	})
}

// TestNoToken: a browser without the token sees nothing of the page.
func TestNoToken(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 800, 600)
	address, _, _ := strings.Cut(a.address(), "/enter")
	b.do(chromedp.Navigate(address + "/"))
	if n := eval[int](b, `document.querySelectorAll("video, img, svg, script").length`); n != 0 {
		t.Errorf("%d parts of the page without the token", n)
	}
	if text := eval[string](b, `document.body.innerText`); !strings.Contains(text, "token") {
		t.Errorf("the browser shows %q", text)
	}
	b.do(chromedp.Navigate(address + "/enter?token=wrong"))
	if text := eval[string](b, `document.cookie + document.body.innerText`); !strings.Contains(text, "not the right one") {
		t.Errorf("the browser shows %q", text)
	}
	if a.live.Stats().Viewers != 0 {
		t.Error("somebody watches")
	}
}

// TestBellPage: before the bell is rung the page shows nothing, and says so;
// then it shows the picture by itself.
func TestBellPage(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t), "-preset", "doorbell", "-ring-for", "10m")
	b := browser(t, 420, 800)
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("invite") && !document.getElementById("ring").hidden && document.getElementById("state").textContent !== "connecting"`)
	if n := eval[int](b, `document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames`); n != 0 {
		t.Errorf("%d pictures before the bell was rung", n)
	}
	b.shoot("bell")
	b.do(chromedp.Click("#ring"))
	b.until(`document.getElementById("video").getVideoPlaybackQuality().totalVideoFrames > 5`)
	runOut(a.bell)
	eventually(t, "the time runs out", func() bool { _, open := a.bell.left(); return !open })
	b.until(`document.getElementById("ring").textContent === "Ring"`)
	if eval[bool](b, `document.getElementById("curtain").hidden || getComputedStyle(document.getElementById("video")).visibility !== "hidden"`) {
		t.Error("the last picture is still seen after the time is over")
	}
}

// TestTouch: a zone is drawn with a finger, on a phone.
func TestTouch(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 400, 800)
	b.do(chromedp.EmulateViewport(400, 800, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(a.address()))
	b.until(`document.getElementById("invite")?.hidden === false`)
	if over := eval[int](b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("the page is %d pixels wider than the phone", over)
	}
	b.do(chromedp.Tap("#invite"))
	b.until(`document.getElementById("zones").classList.contains("adding")`)
	b.shoot("touch")
	at := b.box()
	for _, p := range [][2]float64{{0.1, 0.2}, {0.6, 0.2}, {0.6, 0.8}, {0.1, 0.8}, {0.1, 0.2}} {
		b.do(chromedp.TapXY(at[0]+p[0]*at[2], at[1]+p[1]*at[3]))
	}
	b.until(`document.querySelectorAll("polygon.zone").length === 1 && document.querySelectorAll(".point").length === 4`)
	b.do(chromedp.Tap("#save"))
	b.until(`document.getElementById("saved").textContent.startsWith("Saved")`)
	b.shoot("touched")
	if p := a.zones.State().Policy; p == nil || len(p.Property) != 1 || len(p.Property[0]) != 4 {
		t.Errorf("saved %+v", p)
	}
}

// TestNoUDP: where the live picture does not get through, single pictures do.
func TestNoUDP(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	b := browser(t, 800, 600)
	b.do(chromedp.Navigate("about:blank"))
	// The browser is told no address to send to.
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		const set = RTCPeerConnection.prototype.setRemoteDescription;
		RTCPeerConnection.prototype.setRemoteDescription = function (d) {
			return set.call(this, { type: d.type, sdp: d.sdp.replace(/a=candidate.*\r\n/g, "") });
		};`})
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(a.address()))
	b.until(`document.getElementById("snapshot")?.hidden === false && document.getElementById("snapshot").naturalWidth === 640`)
	if w := eval[int](b, `document.getElementById("video").videoWidth`); w == 640 {
		t.Error("the live picture got through")
	}
	b.until(`!document.getElementById("curtain-text").textContent.includes("Trying")`)
}

// TestFillsChosen: each of the two fills on the page changes its own field of the policy, and
// a page that is opened later shows what was saved.
func TestFillsChosen(t *testing.T) {
	t.Parallel()
	a, _ := start(t, "-source", "file:"+clip(t))
	if _, err := a.zones.Save([]byte(`{"version":1,"property":[[[0,0.5],[1,0.5],[1,1],[0,1]]]}`), a.zones.State().Revision); err != nil {
		t.Fatal(err)
	}
	b := browser(t, 1000, 700)
	opened := func(outside, found redact.Fill) {
		t.Helper()
		b.do(chromedp.Navigate(a.address()))
		b.until(`document.getElementById("video")?.videoWidth === 640`)
		b.do(chromedp.Click("#edit"))
		b.until(fmt.Sprintf(`!document.getElementById("editor").inert && document.querySelectorAll("polygon.zone").length === 1 &&
			document.getElementById("outside-fill").value === %q && document.getElementById("found-fill").value === %q`, outside.String(), found.String()))
	}
	choose := func(id string, fill, outside, found redact.Fill) {
		t.Helper()
		eval[bool](b, fmt.Sprintf(`(() => { const s = document.getElementById(%q); s.value = %q; return s.dispatchEvent(new Event("change")); })()`, id, fill.String()))
		b.do(chromedp.Click("#save"))
		eventually(t, "the fill is saved", func() bool {
			p := a.zones.State().Policy
			return p.Outside.Fill == outside && p.Found.Fill == found
		})
		b.until(`document.getElementById("saved").textContent.startsWith("Saved")`) // the page knows of it, too
	}
	opened(redact.Frost, redact.Background)
	choose("outside-fill", redact.Background, redact.Background, redact.Background)
	choose("found-fill", redact.Solid, redact.Background, redact.Solid)
	opened(redact.Background, redact.Solid)
}
