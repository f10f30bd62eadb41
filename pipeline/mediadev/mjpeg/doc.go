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
// binding, an HTTP camera, or a file (see [Frames]).
//
// OpenCV's decoder (gocv's IMDecode), which goes through BGR, takes about twice
// the time; BenchmarkDecode has both, and mediadevices'.
package mjpeg
