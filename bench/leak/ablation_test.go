package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect/track"
	"github.com/hedgecam/hedge/redact"
)

// adjusted returns what a plan makes of the defaults and of nothing: a setting may be the
// same as one of them.
func adjusted(p *plan) any {
	tracks := []track.Config{track.DefaultConfig(), {}}
	options := []redact.Options{redact.DefaultOptions(), {}}
	for i := range tracks {
		p.config.Track(&tracks[i])
		if p.config.Redact != nil {
			p.config.Redact(&options[i])
		}
	}
	return []any{tracks, options}
}

// TestAblation: every variant but the first differs from what is, and a run has
// a line and an entry for each.
func TestAblation(t *testing.T) {
	base := []string{"-networks", "none", "-every", "2", "-compressed=false"}
	seen := map[string]bool{}
	for i, v := range variants {
		is, err := parse(append(append([]string{}, base...), "set"), &bytes.Buffer{})
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(append(append(append([]string{}, base...), v.args...), "set"), &bytes.Buffer{})
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		was, _, err := is.plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now, _, err := o.plan(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if same := reflect.DeepEqual(adjusted(was), adjusted(now)) && was.Moving == now.Moving &&
			was.config.LookAhead == now.config.LookAhead && was.config.Every == now.config.Every &&
			was.config.Compressed == now.config.Compressed; same != (i == 0) {
			t.Errorf("%s: the same as what is: %t", v.name, same)
		}
		if seen[v.name] {
			t.Errorf("%s: twice", v.name)
		}
		seen[v.name] = true
	}

	dir := writeSet(t, `{"image":"images/a.jpg","width":64,"height":48,"boxes":[{"class":"person","x":1,"y":2,"w":30,"h":40}]}`, "")
	picture, err := os.Create(filepath.Join(dir, "images", "a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(jpeg.Encode(picture, image.NewGray(image.Rect(0, 0, 64, 48)), nil), picture.Close())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.json")
	var out bytes.Buffer
	if err := run(t.Context(), append(base, "-ablation", "-json", file, dir), &out); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var a leakreport.Ablation
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != len(variants)+1 || len(a.Variants) != len(variants) {
		t.Errorf("%d lines and %d entries for %d variants:\n%s", got, len(a.Variants), len(variants), out.String())
	}
	for _, v := range a.Variants {
		// Without networks nothing vouches for the picture: all is hidden.
		if len(v.Sets) != 1 || v.Sets[0].Boxes != 1 || v.Sets[0].Leaked != 0 {
			t.Errorf("%s: %+v", v.Name, v.Sets)
		}
	}
	if err := run(t.Context(), []string{"-ablation", "-mode", "live", dir}, &out); err == nil || !strings.Contains(err.Error(), "-ablation") {
		t.Errorf("live: %v", err)
	}
}
