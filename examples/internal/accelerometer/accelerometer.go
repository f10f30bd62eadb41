// Package accelerometer tells of blows: it reads a Linux IIO accelerometer, or a file
// with one number, and calls back when the acceleration passes a threshold.
package accelerometer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// standardGravity is in m/s² (CGPM 1901).
const standardGravity = 9.80665

const (
	// readEvery is how often the accelerometer is read. The blow of a crash
	// lasts about 100 ms.
	readEvery = 20 * time.Millisecond
	// calmReadings is how many readings in a row must be below the threshold before
	// the next one above it is another blow.
	calmReadings = int(2 * time.Second / readEvery)
	// failuresInRow is how many failures in a row are reported as one.
	failuresInRow = int(time.Second / readEvery)
)

// Sensor reads how hard the car is pushed.
type Sensor struct {
	// axes are files with a number each; scale turns it into m/s².
	axes  []string
	scale float64
	// atRest is the reading, in m/s², of a car that stands.
	atRest float64
}

// ErrFolder says that a folder is that of another device.
var ErrFolder = errors.New("is not the folder of an IIO accelerometer")

// Open takes the folder of a Linux IIO device, such as
// /sys/bus/iio/devices/iio:device0 (its files in_accel_*_raw and in_accel_scale
// are described in the kernel's Documentation/ABI/testing/sysfs-bus-iio), or a
// file with one number in m/s² without gravity, that some other program keeps up
// to date.
//
// Errors: ErrFolder, or that of the file system, which may pass: drivers are loaded, and
// such files written, while the machine starts.
func Open(path string) (*Sensor, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("accelerometer: %w", err)
	}
	a := &Sensor{axes: []string{path}, scale: 1}
	if st.IsDir() {
		a.atRest = standardGravity
		a.axes = nil
		for _, axis := range []string{"x", "y", "z"} {
			a.axes = append(a.axes, filepath.Join(path, "in_accel_"+axis+"_raw"))
		}
		if a.scale, err = readNumber(filepath.Join(path, "in_accel_scale")); err != nil {
			return nil, fmt.Errorf("accelerometer: %s %w: %w", path, ErrFolder, err)
		}
	}
	if _, err := a.read(); err != nil {
		return nil, err
	}
	return a, nil
}

// read returns by how many m/s² the car is accelerated, in whatever direction.
func (a *Sensor) read() (float64, error) {
	sum := 0.0
	for _, axis := range a.axes {
		v, err := readNumber(axis)
		if err != nil {
			return 0, fmt.Errorf("accelerometer: %w", err)
		}
		sum += v * a.scale * v * a.scale
	}
	if math.IsInf(sum, 0) {
		return 0, errors.New("accelerometer: its readings are too large to be a car's")
	}
	return math.Abs(math.Sqrt(sum) - a.atRest), nil
}

// readNumber reads a file that holds one number.
func readNumber(path string) (float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s: %.20q is no number", path, text)
	}
	return v, nil
}

// blows finds the blows among the readings.
type blows struct {
	threshold float64
	calm      int // how many readings must still be below the threshold
	failures  int // in a row
}

// add takes one reading. hit says that it is a blow, and changed that the sensor has begun to
// fail, after readings that were good for long, or to work again.
func (b *blows) add(v float64, err error) (hit, changed bool) {
	if err != nil {
		b.failures++
		return false, b.failures == failuresInRow
	}
	changed = b.failures >= failuresInRow
	b.failures = 0
	if v < b.threshold {
		b.calm = max(b.calm-1, 0)
		return false, changed
	}
	hit = b.calm == 0
	b.calm = calmReadings
	return hit, changed
}

// Watch reads the sensor until ctx ends. It calls hit for each blow above threshold, in
// m/s², with the reading in words, and state when the sensor can no longer be read, with why,
// and when it can again, with nil.
func (a *Sensor) Watch(ctx context.Context, threshold float64, hit func(text string), state func(error)) {
	t := time.NewTicker(readEvery)
	defer t.Stop()
	b := blows{threshold: threshold}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		v, err := a.read()
		is, changed := b.add(v, err)
		if changed {
			state(err)
		}
		if is {
			hit(fmt.Sprintf("%.1f m/s²", v))
		}
	}
}
