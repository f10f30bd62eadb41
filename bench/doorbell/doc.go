// Package doorbell measures examples/doorbell as a home would use it, by a
// benchmark: a camera of 1080p30, the page open in a browser, a recorder on RTSP,
// and recordings, all at once and with networks on.
//
//	go test ./bench/doorbell -run '^$' -bench . -v [-seconds N] [-clip F] [-networks S] [-busy 0.33] [-publish]
//
// It builds the real program, plays it a clip into which a counter is painted,
// pulls the picture with ffmpeg, and takes the page's picture twice: for N seconds
// by a client that decodes nothing, which is what a browser on another machine
// costs this one, and then for 20 s at most by Chromium on the same cores, which
// shows the page and reads the counter. The receivers count what came out: ffmpeg and the
// client packets, Chromium frames and the counter, ffprobe recordings. Frames dropped,
// lost and failed closed are the program's own figures.
//
// It needs ffmpeg and ffprobe, and ONNX Runtime for the networks; without Chromium
// the rows of the page say so. A row that misses its target does not make the run fail.
// With -publish the result replaces last.json and last.md. With -busy
// another process takes that share of each core all the while, and they are busy.json
// and busy.md.
package doorbell
