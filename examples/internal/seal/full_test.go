package seal

import (
	"strings"
	"testing"
	"time"
)

// TestFullDisk: while the file cannot be written there is an attempt a minute, and one
// line, until it can be written again.
func TestFullDisk(t *testing.T) {
	all := strips(t, 3)
	c := newScene(t, all[0])
	if err := c.s.Ask(all[2], "somebody"); err != nil {
		t.Fatal(err)
	}
	code := c.s.State().Waiting.Code
	// each runs for an hour, in seconds, with the code in root's file, and counts.
	each := func() (tries, handed int, told string) {
		c.told, c.disk.tries = nil, 0
		said := ""
		for range 3600 {
			c.ran += time.Second
			c.wall = c.wall.Add(time.Second)
			c.s.look(func() (string, error) { return code, nil }, &said)
			if p := c.s.Tick(); p != nil {
				handed++
				if _, err := c.s.Grant(p); err != nil && !c.disk.full {
					t.Error(err)
				}
			}
		}
		return c.disk.tries, handed, strings.Join(c.told, "\n")
	}
	expect := func(what string, tries, handed int, parts ...string) {
		t.Helper()
		gotTries, gotHanded, told := each()
		if gotTries < tries-1 || gotTries > tries+1 || gotHanded != handed {
			t.Errorf("%s: %d attempts, due %d times; want about %d, %d", what, gotTries, gotHanded, tries, handed)
		}
		lines := 0
		if told != "" {
			lines = 1 + strings.Count(told, "\n")
		}
		if lines != len(parts) {
			t.Errorf("%s: told %d lines, want %d:\n%.300s", what, lines, len(parts), told)
		}
		for _, part := range parts {
			if strings.Count(told, part) != 1 {
				t.Errorf("%s: %q is not told once:\n%.300s", what, part, told)
			}
		}
	}
	c.disk.full = true
	expect("full", 60, 0, "nobody has agreed yet")
	c.disk.full = false
	expect("agreed", 60, 0, "can be written down again", "somebody at the device agreed")
	c.disk.full = true
	expect("full while it waits", 60, 0, "the seal cannot be written down")
	c.disk.full = false
	expect("room again", 60, 0, "can be written down again")
	c.disk.full = true
	c.ran += c.delay
	c.wall = c.wall.Add(c.delay)
	expect("due, full", 60, 60) // who is handed it tells why it cannot be granted
	c.disk.full = false
	expect("due", 1, 1, "in force and sealed")
}
