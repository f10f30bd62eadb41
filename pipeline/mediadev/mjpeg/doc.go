// Package mjpeg decodes the pictures of MJPEG cameras with libjpeg-turbo. It is
// a cgo leaf: it needs libjpeg's header and library (Debian: libjpeg-dev).
//
// mediadevices decodes MJPEG with Go's image/jpeg, into new memory for every
// picture. This package takes the planes as they are in the JPEG, without a way
// through RGB, into memory that is used again:
//
//	frames := mjpeg.NewReader(camera.ReadFrame)
//	source := mediadev.NewSource(frames, mediadev.SourceOptions{FullRange: true})
//
// mediadevices' own camera driver has its decoder built in and cannot be given
// another one; this package is for what delivers the JPEGs themselves: a V4L2
// binding, as the programs in examples use it for camera:0, an HTTP camera, or a file (see [Frames]).
//
// For a 1080p picture of 0.5 MB image/jpeg takes 3.7 times as long, and OpenCV (gocv's
// IMDecode, which goes through BGR) 1.8 times: see BenchmarkRatio.
package mjpeg
