// Package stream encodes redacted frames once and hands the result to any
// number of takers: viewers, recorders, an RTSP server.
//
//	frames -> Hub (one H.264 encoder) -> Subscription (viewer)
//	                                  -> Subscription (recorder)
//	                                  -> Snapshot     (JPEG, on demand)
//
// The encoder is libx264 through mediadevices, without delay: each frame that
// goes in comes out before the next one. While nobody has subscribed nothing is
// encoded. The stream carries no information beyond the pictures: x264's note
// of its version and settings is taken out.
package stream
