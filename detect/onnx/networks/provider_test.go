package networks

import (
	"errors"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx"
	"github.com/hedgecam/hedge/detect/rknn"
	"github.com/hedgecam/hedge/models"
)

// TestProviders: what cannot compute a set is an error that names the way out.
func TestProviders(t *testing.T) {
	t.Setenv(models.Env, t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, c := range []struct {
		set, provider string
		says          []string
	}{
		{HedgeN, "tpu", []string{`"tpu"`, "cpu, openvino, openvino-gpu, openvino-npu, rknn"}},
		{Trio, RKNN, []string{"yunet_s", HedgeN, HedgeP}},
		{HedgeP, RKNN, []string{"hedge-p.rknn", "models/README.md", models.Env}},
	} {
		_, err := Open(t.Context(), c.set, Options{Provider: c.provider, Offline: true})
		if c.provider == RKNN && !rknn.Built {
			if !errors.Is(err, rknn.ErrNotBuilt) || !strings.Contains(err.Error(), "-tags rknn") {
				t.Errorf("%s with %s: %v", c.set, c.provider, err)
			}
			continue
		}
		for _, says := range c.says {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s with %s: %v does not say %q", c.set, c.provider, err, says)
			}
		}
	}
	for _, p := range []string{"", "cpu", "openvino"} {
		if s, err := Open(t.Context(), None, Options{Provider: p}); err != nil || len(s.Detectors) != 0 {
			t.Errorf("no network with %q: %v, %v", p, s, err)
		}
	}
}

// TestProvidersAgree: OpenVINO finds the boxes that ONNX Runtime's own kernels find.
func TestProvidersAgree(t *testing.T) {
	for _, name := range []string{HedgeN, HedgeP} {
		t.Run(name, func(t *testing.T) {
			m, err := models.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			o := fullRange
			o.InputSize = image.Pt(m.Input.Width, m.Input.Height)
			own := open(t, name, o)
			o.Provider = string(onnx.OpenVINO)
			weights, err := m.Load(t.Context(), models.Options{Offline: true})
			if err != nil {
				t.Fatal(err)
			}
			var pe *onnx.ProviderError
			other, err := OpenModel(m, weights, o)
			if errors.As(err, &pe) {
				t.Skip("needs an ONNX Runtime with OpenVINO as HEDGE_ORT_LIB: ", pe.Reason)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			for _, s := range []string{"people_coco", "faces_dlib_voc", "plates_openalpr_eu"} {
				for _, l := range set(t, s, 2) {
					want, err := own.Detect(t.Context(), l.pic, nil)
					if err != nil {
						t.Fatal(err)
					}
					got, err := other.Detect(t.Context(), l.pic, nil)
					if err != nil || len(got) != len(want) {
						t.Fatalf("%s: %d boxes, %d by ONNX Runtime, %v", l.Image, len(got), len(want), err)
					}
					least, score := float32(1), 0.0
					for i, w := range want {
						least = min(least, w.Box.IoU(got[i].Box))
						score = max(score, math.Abs(float64(w.Score-got[i].Score)))
						if got[i].Class != w.Class {
							t.Errorf("%s: %v, want %v", l.Image, got[i], w)
						}
					}
					t.Logf("%s: %d boxes, least overlap %v, scores at most %.1g apart", l.Image, len(got), least, score)
					if least < 0.999 || score > 1e-3 {
						t.Errorf("%s: least overlap %v, scores at most %v apart", l.Image, least, score)
					}
				}
			}
		})
	}
}
