package pipeline

import (
	"image"
	"testing"
)

// TestDaylight: a picture is of the day if it is bright and has colours.
func TestDaylight(t *testing.T) {
	for _, tt := range []struct {
		name         string
		luma, cb, cr uint8
		want         bool
	}{
		{"day", 110, 120, 134, true},
		{"bright, grey", 180, 128, 128, false},
		{"bright, all but grey", 180, 128, 129, false},
		{"night, with colours", 60, 110, 140, false},
		{"pale", 110, 127, 129, true},
		{"black", 0, 128, 128, false},
	} {
		big := image.NewYCbCr(image.Rect(0, 0, 100, 60), image.YCbCrSubsampleRatio420)
		pic := big.SubImage(image.Rect(20, 10, 84, 42)).(*image.YCbCr) // night around it
		for y := 10; y < 42; y++ {
			for x := 20; x < 84; x++ {
				pic.Y[pic.YOffset(x, y)] = tt.luma
				pic.Cb[pic.COffset(x, y)], pic.Cr[pic.COffset(x, y)] = tt.cb, tt.cr
			}
		}
		if got := daylight(pic); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	if daylight(image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420)) {
		t.Error("an empty picture is of the day")
	}
}
