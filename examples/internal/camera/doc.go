// Package camera opens what an owner names as the camera, and keeps it open:
//
//	camera:0              a V4L2 camera, through mediadevices
//	rtsp://user:pw@host/  a network camera, through the ffmpeg program
//	file:clip.mp4         a recording, looped and as fast as it was recorded
//
// A camera that goes away, goes silent or sends garbage is opened again and
// again until it is back; meanwhile Read waits. Its pictures carry one clock
// from the first to the last, with a gap where the camera was away.
//
// No message of this package contains a password, nor what stands behind the
// question mark of an address, where some cameras want it.
package camera
