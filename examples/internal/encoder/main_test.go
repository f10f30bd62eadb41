package encoder

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/hedgecam/hedge/pipeline/ffmpeg/ffmpegtest"
)

func TestMain(m *testing.M) {
	ffmpegtest.Main()
	goleak.VerifyTestMain(m)
}
