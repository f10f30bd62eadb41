package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hedgecam/hedge/detect/onnx/networks"
)

// TestScreenshots makes the pictures of the page for the documentation, and for
// looking at them, in the folder HEDGE_SCREENSHOTS from the recording HEDGE_CLIP.
func TestScreenshots(t *testing.T) {
	clip := os.Getenv("HEDGE_CLIP")
	if clip == "" || os.Getenv("HEDGE_SCREENSHOTS") == "" {
		t.Skip("HEDGE_SCREENSHOTS and HEDGE_CLIP say where to and what of")
	}
	set, err := networks.Open(t.Context(), networks.HedgeN, networks.Options{})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "policy.json")
	writeFile(t, path, `{"version":1,"property":[[[0,0.6],[0.28,0.5],[0.6,0.66],[1,0.95],[1,1],[0,1]]],
		"mask":[[[0.42,0.72],[0.6,0.72],[0.6,0.9],[0.42,0.9]]],"visitors":"feet"}`)
	a, _ := startWith(t, set.Detectors, "-source", "file:"+clip, "-policy", path)
	// Frost begins as grey, and takes on the place's colours slowly.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for a.gate.last().Frames < 1500 {
		<-tick.C
	}
	for _, shot := range []struct {
		name          string
		width, height int
		dark          bool
	}{{"doorbell", 1280, 780, false}, {"dark", 1280, 780, true}, {"phone", 400, 860, false}, {"phone-dark", 400, 860, true}} {
		t.Run(shot.name, func(t *testing.T) {
			var more []chromedp.ExecAllocatorOption
			if shot.dark {
				more = append(more, chromedp.Flag("force-dark-mode", true), chromedp.Flag("blink-settings", "preferredColorScheme=0"))
			}
			b := browser(t, shot.width, shot.height, more...)
			b.do(chromedp.Navigate(a.address()), chromedp.EmulateViewport(int64(shot.width), int64(shot.height)))
			b.until(`document.getElementById("video")?.getVideoPlaybackQuality().totalVideoFrames > 40`)
			b.shoot(shot.name)
			b.do(chromedp.Click("#edit"))
			b.until(`!document.getElementById("still").hidden`)
			// What moved at the start is hidden for ten seconds.
			b.do(chromedp.Sleep(12*time.Second), chromedp.Focus(`.point[data-kind=property][data-point="2"]`))
			b.shoot(shot.name + "-zones")
		})
	}
}
