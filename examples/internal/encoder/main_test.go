package encoder

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

func TestMain(m *testing.M) {
	ffmpegtest.Main()
	probeTime = time.Minute // this machine may be busy; what is to stand still has a patience of its own
	goleak.VerifyTestMain(m)
}
