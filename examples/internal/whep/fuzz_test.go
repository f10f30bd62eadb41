package whep

import (
	"strings"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/streamtest"
)

// FuzzOffer: whatever a browser offers, an answer or an error; who was answered
// and never comes is not kept for ever.
func FuzzOffer(f *testing.F) {
	live := newServer(f, streamtest.Broadcaster(f), 2)
	w := newWatcher(f)
	good := w.offer(f)
	f.Add(good)
	f.Add("")
	f.Add("v=0")
	f.Add(good[:len(good)/2])
	f.Add(strings.ReplaceAll(good, "H264", "VP8"))
	f.Add(strings.ReplaceAll(good, "m=video", "m=audio"))
	f.Fuzz(func(t *testing.T, offer string) {
		id, answer, err := live.Offer(t.Context(), offer)
		if err != nil {
			return
		}
		live.HangUp(id)
		if !strings.HasPrefix(answer, "v=0") {
			t.Errorf("answer %.60q", answer)
		}
	})
}
