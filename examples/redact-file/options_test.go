package main

import (
	"io"
	"strings"
	"testing"
)

// TestProviderOption: a provider that is not known, or that the program was built
// without, is refused before anything is opened.
func TestProviderOption(t *testing.T) {
	for provider, says := range map[string]string{"cpu": "", "openvino": "", "tpu": "must be one of cpu, openvino", "": "must be one of"} {
		_, err := parse([]string{"-in", "a.mp4", "-out", "b.mp4", "-policy", "p.json", "-provider", provider}, io.Discard)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("-provider %s: %v", provider, err)
		}
	}
}
