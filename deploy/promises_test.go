package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// promises are the sentences of the README that somebody may rely on, and the tests
// that hold each of them, as folder and name.
var promises = []struct {
	sentence string
	tests    []string
}{
	{"it fails closed", []string{"pipeline TestDetectorAlwaysFails", "pipeline TestLateNetworks", "pipeline TestInspectPanics", "redact TestPolicyDefaultsAreClosed"}},
	{"Every default is closed, unknown fields are refused", []string{"redact TestPolicyDefaultsAreClosed", "redact TestBadPolicies"}},
	{"on a policy that it cannot read a program hides everything or does not start", []string{"redact TestLoadPolicy", "examples/doorbell TestDamagedFiles"}},
	{"A sink gets a `redact.Frame` and nothing else: there is no way to hand it a raw picture", []string{"redact TestConsumersTakeFrames", "redact TestFrameIsSealed"}},
	{"need the standard library alone and build without cgo", []string{"deploy TestStandardLibraryAlone"}},
	{"If a detector errs, panics, hangs or returns nonsense, everything outside is hidden, and the whole picture if the policy hides anything inside",
		[]string{"pipeline TestDetectorAlwaysFails", "pipeline TestDetectorStuck", "pipeline TestFailsAfterGood", "pipeline TestRecordingFails"}},
	{"If the format changes or somebody knocks the camera, the whole picture is hidden", []string{"pipeline TestFormatChanges", "pipeline TestViewMoves", "pipeline TestRecordingCameraMoved"}},
	{"If a stage fails too often, nothing more goes out", []string{"pipeline TestDetectorFailsForGood", "pipeline TestSource"}},
	{"Frames may be dropped; their redaction is never skipped", []string{"pipeline TestSlowSink", "pipeline TestLiveDoesNotWait"}},
	{"Sound is never read, metadata is never copied", []string{"pipeline/ffmpeg TestSinkDropsWhatTheInputTells", "examples/redact-file TestPictureMetadata"}},
	{"nothing leaves the machine but what you set up", []string{"detect/onnx TestLoadLeavesNoTrace", "examples/doorbell/web TestPageAsksNobody"}},
	{"the guarantee is geometry and needs no network", []string{"redact TestZonesAgainstExactAreas", "redact TestHiddenIsGone"}},
	{"the doorbell's page alone shows the place with nobody in it", []string{"examples/doorbell/web TestDraw", "examples/doorbell TestPreviewStaysWithItsPage"}},
	{"coarse colours that move by one step of 32 in 20 seconds, and not at all under what was found", []string{"redact TestStayersMoveOneStep", "redact TestFoundLeavesNothing"}},
	{"Less than 10 seconds leave nothing", []string{"redact TestPassersLeaveNothing"}},
	{"`\"solid\"` keeps nothing", []string{"redact TestHiddenIsGone"}},
	{"the place as it was seen three times over 30 seconds, when nobody was found there and nothing moved", []string{"redact TestPlateStaysEmpty"}},
	{"With `-seal` a policy can be tightened freely, and loosened only by an act at the device and after a day in which it can be stopped",
		[]string{"examples/internal/seal TestNeverEarly", "examples/internal/seal TestDelay", "examples/internal/seal TestButton",
			"examples/internal/seal TestFileOfRoot", "examples/doorbell TestSealed", "examples/internal/live TestSeal"}},
	{"it continues what is shown around", []string{"redact TestBackgroundContinues", "redact TestHiddenIsGone"}},
}

// TestPromises: what the README promises is held by tests that are there.
func TestPromises(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := strings.Join(strings.Fields(string(text)), " ")
	for _, p := range promises {
		if !strings.Contains(readme, p.sentence) {
			t.Errorf("the README no longer says %q", p.sentence)
		}
		for _, test := range p.tests {
			dir, name, _ := strings.Cut(test, " ")
			if !holds(t, dir, name) {
				t.Errorf("%q is held by %s of %s, which is not there", p.sentence, name, dir)
			}
		}
	}
}

// holds reports whether a test of that name is in a folder.
func holds(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	is := regexp.MustCompile(`(?m)^func ` + name + `\(t \*testing\.T\)`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if is.Match(text) {
			return true
		}
	}
	return false
}

// TestStandardLibraryAlone: the packages that an importer needs first pull in nothing
// from outside of this module and the standard library, with cgo and without.
func TestStandardLibraryAlone(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}",
			"./detect", "./detect/network", "./detect/track", "./detect/motion", "./redact", "./pipeline")
		cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED="+cgo)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for _, path := range strings.Fields(string(out)) {
			if !strings.HasPrefix(path, "github.com/hedgecam/hedge/") {
				t.Errorf("CGO_ENABLED=%s: %s is needed", cgo, path)
			}
		}
	}
}
