package main

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
	// accelEvery is how often the accelerometer is read. The blow of a crash
	// lasts about 100 ms.
	accelEvery = 20 * time.Millisecond
	// accelCalm is so many readings in a row below the threshold before the next
	// one above it is another event.
	accelCalm = int(2 * time.Second / accelEvery)
	// accelFailures is so many failures in a row that one is told of.
	accelFailures = int(time.Second / accelEvery)
)

// accelerometer reads how hard the car is pushed.
type accelerometer struct {
	// axes are files with a number each; scale turns it into m/s².
	axes  []string
	scale float64
	// atRest is the reading, in m/s², of a car that stands.
	atRest float64
}

// openAccelerometer takes the folder of a Linux IIO device, such as
// /sys/bus/iio/devices/iio:device0 (its files in_accel_*_raw and in_accel_scale
// are described in the kernel's Documentation/ABI/testing/sysfs-bus-iio), or a
// file with one number in m/s² without gravity, that some other program keeps up
// to date.
func openAccelerometer(path string) (*accelerometer, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("accelerometer: %w", err)
	}
	a := &accelerometer{axes: []string{path}, scale: 1}
	if st.IsDir() {
		a.atRest = standardGravity
		a.axes = nil
		for _, axis := range []string{"x", "y", "z"} {
			a.axes = append(a.axes, filepath.Join(path, "in_accel_"+axis+"_raw"))
		}
		if a.scale, err = readNumber(filepath.Join(path, "in_accel_scale")); err != nil {
			return nil, fmt.Errorf("accelerometer: %s is not the folder of an IIO accelerometer: %w", path, err)
		}
	}
	if _, err := a.read(); err != nil {
		return nil, err
	}
	return a, nil
}

// read returns by how many m/s² the car is accelerated, in whatever direction.
func (a *accelerometer) read() (float64, error) {
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

// bump makes events of readings.
type bump struct {
	threshold float64
	calm      int // readings that are still to be below the threshold
	failures  int // in a row
}

// take takes one reading. hit says that it is an event, and told is an error
// worth telling: the first after readings that were good for long.
func (b *bump) take(v float64, err error) (hit bool, told error) {
	if err != nil {
		if b.failures++; b.failures == accelFailures {
			return false, err
		}
		return false, nil
	}
	b.failures = 0
	if v < b.threshold {
		b.calm = max(b.calm-1, 0)
		return false, nil
	}
	hit = b.calm == 0
	b.calm = accelCalm
	return hit, nil
}

// watchAccelerometer calls hit for each event until ctx ends.
func watchAccelerometer(ctx context.Context, a *accelerometer, threshold float64, hit func(text string), failed func(error)) {
	t := time.NewTicker(accelEvery)
	defer t.Stop()
	b := bump{threshold: threshold}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		v, err := a.read()
		is, told := b.take(v, err)
		if told != nil {
			failed(told)
		}
		if is {
			hit(fmt.Sprintf("%.1f m/s²", v))
		}
	}
}
