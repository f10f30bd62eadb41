package accelerometer

import (
	"math"
	"path/filepath"
	"testing"
)

// FuzzAccelerometer: whatever the files of the sensor hold, a reading is a finite
// number of m/s² that is not negative, or an error.
func FuzzAccelerometer(f *testing.F) {
	for _, text := range []string{"0\n", "16384\n", "-7.25", "", "1e400", "NaN", "-Inf", "0x1p-2", "1_000", "9e307", "\x00\n"} {
		f.Add(text, "16384\n", "0.000598550\n")
		f.Add("0", text, text)
	}
	f.Fuzz(func(t *testing.T, x, z, scale string) {
		dir := device(t)
		put(t, filepath.Join(dir, "in_accel_x_raw"), x)
		put(t, filepath.Join(dir, "in_accel_z_raw"), z)
		put(t, filepath.Join(dir, "in_accel_scale"), scale)
		a, err := Open(dir)
		if err != nil {
			return
		}
		v, err := a.read()
		if err == nil && (math.IsNaN(v) || math.IsInf(v, 0) || v < 0) {
			t.Errorf("x %q, z %q, scale %q: %v m/s²", x, z, scale, v)
		}
	})
}
