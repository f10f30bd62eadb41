package live

import (
	"slices"
	"testing"
)

// TestNeeds: a camera by RTSP has its port open, one over TLS or by HTTP all of them, and one
// on this machine none.
func TestNeeds(t *testing.T) {
	for _, tt := range []struct {
		source             string
		connects           []string
		anywhere, resolves bool
	}{
		{"camera:0", nil, false, false},
		{"file:clip.mp4", nil, false, false},
		{"rtsp://10.0.0.9/stream", []string{"rtsp://10.0.0.9/stream"}, false, false},
		{"http://camera/video", []string{"http://camera/video"}, true, true},
		{"rtsps://camera/stream", []string{"rtsps://camera/stream"}, true, true},
		{"https://10.0.0.9/video", []string{"https://10.0.0.9/video"}, true, false},
	} {
		if n := (&Settings{Source: tt.source}).Needs(); !slices.Equal(n.Connects, tt.connects) || n.Anywhere != tt.anywhere || n.Resolves != tt.resolves {
			t.Errorf("%s: %+v", tt.source, n)
		}
	}
}
