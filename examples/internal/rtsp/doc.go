// Package rtsp serves a stream.Broadcaster to recorders and players: Frigate, Home
// Assistant, go2rtc, VLC, ffmpeg. They take it in place of the camera's own:
//
//	rtsp://user:password@127.0.0.1:8554/hedge
//
// A user name and a password are always asked for, also on the loopback
// interface, which every program and user of the machine can reach. RTSP's tunnels over
// HTTP and WebSocket, through which a web page that is open in the owner's browser could
// get there too, are not served. The stream itself is not encrypted: over a network that
// others use, put a tunnel around it.
//
// Each viewer has a queue of its own and begins with a key frame. One that takes
// too slowly loses pictures up to the next key frame; nobody else notices.
package rtsp
