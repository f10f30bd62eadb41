package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/redact"
)

// TestOpenNetworksForSilhouettes: the network for silhouettes is opened where the policy
// wants it and networks are used, with evidence of an earlier run too, and nowhere else.
func TestOpenNetworksForSilhouettes(t *testing.T) {
	if _, err := ort.Library(); err != nil {
		t.Skip("needs ONNX Runtime (HEDGE_ORT_LIB): ", err)
	}
	evidence := []file{{evidence: "networks_test.go"}} // a file that is there
	for _, c := range []struct {
		visitors redact.Visitors
		networks string
		opens    bool
	}{
		{redact.VisitorsBox, networks.HedgeN, false}, {redact.VisitorsFeet, networks.HedgeN, false},
		{redact.VisitorsSilhouette, networks.None, false}, {redact.VisitorsSilhouette, networks.HedgeN, true},
	} {
		p := &redact.Policy{Version: 1, Visitors: c.visitors, Outside: redact.Outside{Hide: redact.HideDetected}}
		sets, err := openNetworks(t.Context(), &options{networks: c.networks}, p, evidence, &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		if (sets[0].Segmenter != nil) != c.opens || len(sets[0].Detectors) > 0 {
			t.Errorf("%+v: opened %t, and %d detectors", c, sets[0].Segmenter != nil, len(sets[0].Detectors))
		}
		for _, s := range sets {
			err = errors.Join(err, s.Close())
		}
		if err != nil {
			t.Error(err)
		}
	}
}
