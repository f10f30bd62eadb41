package accelerometer

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// device makes the folder of an IIO accelerometer that lies still: 16384 a g.
func device(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"in_accel_x_raw": "0\n", "in_accel_y_raw": "0\n", "in_accel_z_raw": "16384\n", "in_accel_scale": "0.000598550\n"} {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

// put writes a file in one step, as sysfs does.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := device(t)
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	// Scale times 16384 is 9.80665 to four digits.
	for _, c := range []struct {
		x, z string
		want float64
	}{
		{"0", "16384", 0},
		{"0", "-16384", 0}, // mounted upside down
		{"-16384", "16384", (math.Sqrt2 - 1) * standardGravity},
		{"0", "0", standardGravity}, // in the air
		{"32767", "16384", (math.Sqrt(5) - 1) * standardGravity},
	} {
		put(t, filepath.Join(dir, "in_accel_x_raw"), c.x)
		put(t, filepath.Join(dir, "in_accel_z_raw"), c.z)
		if got, err := a.read(); err != nil || math.Abs(got-c.want) > 0.01 {
			t.Errorf("x %s, z %s: %.3f m/s², %v; want %.3f", c.x, c.z, got, err, c.want)
		}
	}
	plain, err := Open(put(t, filepath.Join(dir, "value"), "-7.25\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := plain.read(); err != nil || got != 7.25 {
		t.Errorf("plain file: %v, %v", got, err)
	}
	for _, text := range []string{"", "x", "NaN", "inf", "1 2"} {
		put(t, filepath.Join(dir, "value"), text)
		if got, err := plain.read(); err == nil || !strings.Contains(err.Error(), "is no number") {
			t.Errorf("%q reads as %v, %v", text, got, err)
		}
	}
	for _, path := range []string{t.TempDir(), filepath.Join(dir, "none")} {
		if _, err := Open(path); err == nil {
			t.Errorf("%s is an accelerometer", path)
		}
	}
}

// TestBlows: one event a blow, however long it rings; another one after two calm
// seconds; a sensor that fails is told of once, as is one that works again, and is no event.
func TestBlows(t *testing.T) {
	b := blows{threshold: 6}
	events, told := 0, 0
	feed := func(n int, v float64, err error) {
		for range n {
			hit, e := b.add(v, err)
			if hit {
				events++
			}
			if e {
				told++
			}
		}
	}
	feed(100, 5.9, nil)
	if events != 0 {
		t.Fatal("an event below the threshold")
	}
	for range 20 {
		feed(1, 6, nil)
		feed(calmReadings-1, 1, nil)
	}
	if events != 1 {
		t.Fatalf("%d events for one long blow", events)
	}
	feed(1, 1, nil)
	feed(10, 40, nil)
	if events != 2 {
		t.Fatalf("%d events for two blows", events)
	}
	feed(failuresInRow-1, 0, errors.New("x"))
	feed(1, 1, nil)
	feed(10*failuresInRow, 0, errors.New("x"))
	if events != 2 || told != 1 {
		t.Errorf("a sensor that fails: %d events, told of %d times", events, told)
	}
	feed(3, 1, nil)
	if events != 2 || told != 2 {
		t.Errorf("a sensor that works again: %d events, told of %d times", events, told)
	}
}

func TestWatch(t *testing.T) {
	dir := device(t)
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	hits, failures, done := make(chan string, 10), make(chan error, 10), make(chan struct{})
	go func() {
		defer close(done)
		a.Watch(ctx, 6, func(text string) { hits <- text }, func(err error) { failures <- err })
	}()
	put(t, filepath.Join(dir, "in_accel_x_raw"), "-30000")
	if got := <-hits; got != "10.7 m/s²" {
		t.Errorf("hit with %q", got)
	}
	if err := os.Remove(filepath.Join(dir, "in_accel_y_raw")); err != nil {
		t.Fatal(err)
	}
	if err := <-failures; !errors.Is(err, os.ErrNotExist) {
		t.Errorf("sensor gone: %v", err)
	}
	put(t, filepath.Join(dir, "in_accel_y_raw"), "0\n")
	if err := <-failures; err != nil {
		t.Errorf("sensor back: %v", err)
	}
	cancel()
	<-done
	if len(hits) > 0 {
		t.Error("a second event")
	}
}
