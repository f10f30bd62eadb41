// Package stream encodes redacted frames once and hands the result to any
// number of subscribers: viewers, recorders, an RTSP server.
//
//	frames -> Broadcaster (one encoder.Encoder) -> Subscription (viewer)
//	                                    -> Subscription (recorder)
//	                                    -> Snapshot     (JPEG, on demand)
//
// While nobody has subscribed nothing is encoded, and while nobody asks for a
// snapshot no frame is copied. The stream carries no information beyond the
// pictures: an encoder's note of its version and settings is taken out.
package stream
