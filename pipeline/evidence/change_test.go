package evidence

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestChanges: what reviewers changed is read as it was written, the later line wins, and
// who changed it, when and why is kept.
func TestChanges(t *testing.T) {
	at := time.Date(2026, 11, 29, 13, 30, 0, 0, time.UTC)
	list := []Change{
		{Strike: []uint64{3, 17}, By: "anna", At: at, Why: "request 14"},
		{Times: &ChangedTimes{Track: 5, From: 1.5, To: 4}, By: "anna", At: at},
		{Outside: OutsideAll, By: "ben", At: at.Add(time.Minute)},
		{Restore: []uint64{17}, By: "ben"},
		{Times: &ChangedTimes{Track: 5, From: 2, To: 2}},
	}
	var b strings.Builder
	b.WriteString(written(t, frames()))
	for _, c := range list {
		if err := Append(&b, c); err != nil {
			t.Fatal(err)
		}
	}
	_, e, _, err := readAll(b.String())
	want := Edits{Strike: []uint64{3}, HideOutside: true, Times: []Times{{5, 2 * time.Second, 2 * time.Second}}, Changes: list}
	if err != nil || !reflect.DeepEqual(e, want) {
		t.Errorf("%+v, %v", e, err)
	}
	if got := Apply(list); !reflect.DeepEqual(got, want) {
		t.Errorf("Apply: %+v", got)
	}
	e = Apply(append(list, Change{Restore: []uint64{3, 5}}, Change{Outside: OutsidePolicy}))
	if len(e.Strike) != 0 || len(e.Times) != 0 || e.HideOutside {
		t.Errorf("taken back: %+v", e)
	}
	if e = Apply([]Change{{Strike: []uint64{17}}, {Strike: []uint64{}, Restore: []uint64{17}}}); len(e.Strike) != 0 {
		t.Errorf("taken back beside an empty list: %+v", e)
	}
}

// TestChangesRefused: a change that makes no sense is neither written nor read.
func TestChangesRefused(t *testing.T) {
	good := written(t, frames())
	lines := strings.Count(good, "\n")
	for _, c := range []string{`{"by":"anna"}`, `{"strike":[1],"restore":[1]}`, `{"outside":"none"}`, `{"times":{"track":1,"from":4,"to":1}}`,
		`{"times":{"track":1,"from":-1,"to":1}}`, `{"add":{"class":"plate","boxes":[[0.5,1,2,3,4]]},"outside":"all"}`,
		`{"strike":[1],"by":"` + strings.Repeat("a", 401) + `"}`} {
		_, _, _, err := readAll(good + c + "\n")
		var e *Error
		if !errors.As(err, &e) || e.Line != lines+1 {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, _, _, err := readAll(strings.Replace(good, `{"frame":1,`, `{"by":"anna","frame":1,`, 1)); err == nil {
		t.Error("a change in the line of a picture is read")
	}
	for _, c := range []Change{{}, {Strike: []uint64{}}, {Restore: []uint64{}}} {
		// A list of nothing is left out when it is written, and would not be read again.
		if c.Check() == nil || Append(&strings.Builder{}, c) == nil {
			t.Errorf("an empty change is written: %#v", c)
		}
	}
}
