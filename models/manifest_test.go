package models

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect"
)

// edit returns the manifest with the first old replaced by with.
func edit(t testing.TB, old, with string) []byte {
	t.Helper()
	if !bytes.Contains(manifestJSON, []byte(old)) {
		t.Fatalf("the manifest does not hold %q", old)
	}
	return bytes.Replace(manifestJSON, []byte(old), []byte(with), 1)
}

func TestManifestFindsAllClasses(t *testing.T) {
	var all detect.ClassSet
	for _, m := range Manifest() {
		for _, c := range m.Classes {
			if !m.ClassSet().Has(c.Class) {
				t.Errorf("%s: ClassSet lacks %v", m.Name, c.Class)
			}
		}
		all |= m.ClassSet()
	}
	if want := detect.Classes(detect.Face, detect.Person, detect.Plate, detect.Vehicle); all != want {
		t.Errorf("the models find %b, want %b", all, want)
	}
}

// Each model's folder says what it is and under which licence, and each such
// folder belongs to a model.
func TestManifestFolders(t *testing.T) {
	for _, m := range Manifest() {
		for _, f := range []string{"README.md", "LICENSE"} {
			text, err := os.ReadFile(filepath.Join(m.Name, f))
			if err != nil {
				t.Error(err)
			} else if len(text) < 500 {
				t.Errorf("%s/%s has only %d bytes", m.Name, f, len(text))
			}
		}
		if m.Licence == "Apache-2.0" {
			text, err := os.ReadFile(filepath.Join(m.Name, "LICENSE"))
			if err == nil && !strings.Contains(string(text), "Apache License") {
				t.Errorf("%s/LICENSE is not the Apache License", m.Name)
			}
		}
	}
	notice, err := os.ReadFile(filepath.Join("..", "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Manifest() {
		if !m.Embedded && !strings.Contains(string(notice), m.Name) {
			t.Errorf("NOTICE does not name %s", m.Name)
		}
	}
}

func TestEmbeddedAgreesWithManifest(t *testing.T) {
	for _, m := range Manifest() {
		data, ok := embedded[m.Name]
		if ok != m.Embedded {
			t.Errorf("%s: embedded in the package: %v, in the manifest: %v", m.Name, ok, m.Embedded)
		}
		if ok && int64(len(data)) != m.Bytes {
			t.Errorf("%s: %d bytes are embedded, the manifest says %d", m.Name, len(data), m.Bytes)
		}
		if ok {
			if _, err := m.Load(t.Context(), Options{}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestManifestIsStrict(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown field", `"task"`, `"taks"`, `unknown field "taks"`},
		{"unknown class", `"class": "face"`, `"class": "nose"`, `unknown class "nose"`},
		{"version", `"version": 1`, `"version": 2`, "version is 2"},
		{"name", `"yunet_s"`, `"../yunet"`, "name must match"},
		{"same name", `"name": "yolox_nano"`, `"name": "yunet_s"`, "twice"},
		{"no task", `"task": "faces"`, `"task": ""`, "task"},
		{"no columns", `"columns": 35`, `"columns": 0`, "npu: want columns"},
		{"family", `"family": "yunet"`, `"family": "yunot"`, `family "yunot"`},
		{"folder in file", `"yunet_s_dynamic.onnx"`, `"../yunet.onnx"`, "without a folder"},
		{"short sum", `"daede2`, `"daede`, "hexadecimal"},
		{"upper-case sum", `"daede2`, `"DAEDE2`, "hexadecimal"},
		{"no bytes", `"bytes": 237823`, `"bytes": 0`, "bytes is 0"},
		{"huge", `"bytes": 237823`, `"bytes": 99999999999`, "bytes is 99999999999"},
		{"no classes", `[{"class": "face", "threshold": 0.535}]`, `[]`, "classes is empty"},
		{"threshold 0", `0.535`, `0`, "classes[0]: threshold is 0"},
		{"threshold 1", `0.535`, `1`, "classes[0]: threshold is 1"},
		{"layout", `"NCHW"`, `"HCNW"`, "layout NCHW"},
		{"range", `"high": 255`, `"high": 0`, "is not above low"},
		{"multiple 0", `"multiple": 32`, `"multiple": 0`, "multiple"},
		{"default size", `"width": 640`, `"width": 641`, "641x384"},
		{"repository", `"ShiqiYu/libfacedetection.train"`, `"libfacedetection.train"`, "owner/name"},
		{"short commit", `"0047ac24afb1a50a0c6105001c89d1b5b805dbf1"`, `"0047ac24"`, "40 hexadecimal"},
		{"plain http", `"https://raw`, `"http://raw`, "https://"},
		{"other sum, same file", `b805dbf1/onnx/yunet_s_dynamic.onnx"],
        "sha256": "daede2`, `b805dbf1/onnx/yunet_s_dynamic.onnx"],
        "sha256": "00ede2`, "nothing is made symbolic"},
		{"no urls", `"urls": ["https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1/onnx/yunet_s_dynamic.onnx"]`, `"urls": []`, "urls is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parseManifest(edit(t, tc.old, tc.new))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
	if _, err := parseManifest(append(bytes.Clone(manifestJSON), "{}"...)); err == nil {
		t.Error("a second object after the manifest is accepted")
	}
	if _, err := parseManifest(nil); err == nil {
		t.Error("an empty manifest is accepted")
	}
}

func TestInputAllows(t *testing.T) {
	in := Input{Multiple: 32, Min: 64, Max: 1920}
	for _, tc := range []struct {
		w, h int
		want bool
	}{
		{640, 384, true},
		{64, 64, true},
		{1920, 1920, true},
		{32, 64, false},
		{1952, 64, false},
		{640, 360, false},
		{0, 0, false},
		{-64, 64, false},
	} {
		if got := in.Allows(tc.w, tc.h); got != tc.want {
			t.Errorf("Allows(%d, %d) = %v, want %v", tc.w, tc.h, got, tc.want)
		}
	}
}

func TestFindListsNames(t *testing.T) {
	_, err := Find("yolo")
	if err == nil || !strings.Contains(err.Error(), "yunet_s, yolox_nano, lpd_yunet") {
		t.Errorf("got %v, want an error that lists the names", err)
	}
}

func TestManifestReturnsACopy(t *testing.T) {
	Manifest()[0].Name = "changed"
	if _, err := Find("yunet_s"); err != nil {
		t.Error(err)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(manifestJSON)
	f.Add([]byte(`{"version":1,"models":[]}`))
	f.Add([]byte(`{"version":1,"models":[{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ms, err := parseManifest(data)
		if err != nil {
			return
		}
		for _, m := range ms {
			if !m.Input.Allows(m.Input.Width, m.Input.Height) || filepath.Base(m.File) != m.File {
				t.Errorf("accepted %+v", m)
			}
		}
	})
}
