package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hedgecam/hedge/examples/internal/recorder"
)

// meanwhile is a context that has something happen while the first file is read.
type meanwhile struct {
	context.Context
	once sync.Once
	do   func()
}

func (m *meanwhile) Err() error {
	m.once.Do(m.do)
	return m.Context.Err()
}

// TestExpiredMeanwhile: what the camera deletes while its folder is checked is no fault, as
// long as it is the oldest; what is gone from between is.
func TestExpiredMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		before, listed, read []int // removed before files are listed, after that, and while the first is read
		notes                int
		missing              []int
		expired              bool
	}{
		"after they were listed":     {listed: []int{0}, notes: 1, expired: true},
		"more, after some are gone":  {before: []int{0}, listed: []int{1, 2}, notes: 3, expired: true},
		"while the first is read":    {read: []int{0, 1}, notes: 1, expired: true},
		"as far as it is read":       {before: []int{0}, read: []int{1, 2}, notes: 3, expired: true},
		"from between":               {before: []int{0}, listed: []int{2}, notes: 1, missing: []int{2}, expired: true},
		"from between, while read":   {read: []int{2}, missing: []int{2}, expired: true},
		"the oldest cannot be":       {before: []int{1}, listed: []int{2}, missing: []int{1, 2}, expired: true},
		"nothing may be, while read": {read: []int{0, 1}, missing: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 5)
			r := s.open(s.sign(clock))
			remove := func(which []int) {
				for _, i := range which {
					if err := os.Remove(filepath.Join(s.dir, s.names[i])); err != nil {
						t.Error(err)
					}
				}
			}
			remove(c.before)
			files, _, err := recorder.List(s.dir)
			if err != nil {
				t.Fatal(err)
			}
			remove(c.listed)
			v := &verdict{record: r}
			ctx := &meanwhile{Context: t.Context(), do: func() { remove(c.read) }}
			if err := v.compare(ctx, &verifyConfig{Dir: s.dir, Expired: c.expired}, files); err != nil {
				t.Fatal(err)
			}
			if len(v.notes) != c.notes || len(v.findings) != len(c.missing) {
				t.Fatalf("notes %q, findings %+v", v.notes, v.findings)
			}
			for i, f := range v.findings {
				if f.Kind != missing || f.Name != s.names[c.missing[i]] || c.expired && !strings.Contains(f.Detail, "move it away") {
					t.Errorf("finding %+v", f)
				}
			}
		})
	}
}
