// Package camera opens what an owner names as the camera, and keeps it open:
//
//	camera:0              a V4L2 camera, such as one on USB
//	libcamera:0           a camera of a Raspberry Pi, through the program rpicam-vid
//	rtsp://user:pw@host/  a network camera, through the ffmpeg program, over TCP
//	                      or, if the camera refuses that, UDP
//	http://user:pw@host/  one that sends JPEGs (MJPEG) or another stream over HTTP
//	file:clip.mp4         a recording, looped and as fast as it was recorded
//
// A camera that goes away, goes silent or sends garbage is opened again and
// again until it is back; meanwhile Read waits. Its pictures carry one clock
// from the first to the last, with a gap where the camera was away. Time stamps
// that jump, stand still or run too fast or too slow are not believed: such
// pictures have the time at which they come, and State says so.
//
// No message of this package contains a password, nor what stands behind the
// question mark of an address, where some cameras want it.
package camera
