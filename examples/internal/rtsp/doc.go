// Package rtsp serves a stream.Broadcaster to recorders and players: Frigate, Home
// Assistant, go2rtc, VLC, ffmpeg. They take it in place of the camera's own:
//
//	rtsp://user:password@127.0.0.1:8554/hedge
//
// A user name and a password are always asked for, also on the loopback
// interface: a web page that is open in the owner's browser could otherwise read
// the stream through RTSP's tunnel over WebSocket. The stream itself is not
// encrypted: over a network that others use, put a tunnel around it.
//
// Each viewer has a queue of its own and begins with a key frame. One that takes
// too slowly loses pictures up to the next key frame; nobody else notices.
package rtsp
