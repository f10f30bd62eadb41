package live

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/detectors"
)

// TestProviderSetting: the setting says of every provider what the flag of redact-file
// says, and which has not been run on hardware.
func TestProviderSetting(t *testing.T) {
	f, ok := reflect.TypeFor[Settings]().FieldByName("Provider")
	if !ok {
		t.Fatal("no setting provider")
	}
	if got, want := f.Tag.Get("enum"), strings.Join(networks.Providers(), ","); got != want {
		t.Errorf("it takes %q, want %q", got, want)
	}
	help := f.Tag.Get("help")
	if help != detectors.ProviderHelp || !strings.Contains(help, "openvino-gpu, openvino-npu and rknn are not run on hardware yet") {
		t.Errorf("help %q", help)
	}
}
