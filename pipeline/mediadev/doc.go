// Package mediadev puts a pipeline between the cameras and the encoders of
// github.com/pion/mediadevices.
//
//	track.Transform(mediadev.Transform(p))
//
// From then on the track's encoders see redacted pictures only. Do it before
// anything reads from the track: mediadevices keeps what was read.
//
// # What comes in
//
// mediadevices hands out *image.YCbCr. Every subsampling of package image is
// taken: 4:2:0 as it is; otherwise each chroma sample becomes the mean of those
// of the four pixels that it stands for (4:2:2: of two rows). A [*Packed],
// a picture as a camera delivers it, is taken too. Anything else (RGBA of a screen,
// Gray16 of a depth camera) is a [*FormatError].
//
// mediadevices does not say whether samples are of limited range (luma 16 to
// 235, as YUYV, NV12 and I420 cameras deliver them) or of full range (0 to 255,
// as in MJPEG). They are taken for limited and pass unchanged;
// Options.FullRange converts them. The matrix is never changed: MJPEG stays
// BT.601.
//
// The camera's picture is copied and released before the next one is asked
// for. mediadevices carries no time stamps: a picture's time is when its Read
// returned.
//
// # What goes out
//
// 4:2:0 of limited range with tight strides (mediadevices' x264 ignores
// strides). The pictures handed out are copies in memory that never holds
// anything but redacted pictures: mediadevices drops release functions and
// keeps up to 32 pictures in a ring, so that a late encoder reads a picture long
// after it was given back. It may then see a later picture, and never a raw one.
//
// All pictures of one reader have the same size, because mediadevices' x264
// reads past the end of a smaller one. When the camera changes its size, Read
// returns a [*FormatError]; Options.FollowSize is for encoders that follow, as
// vpx does.
//
// # How it ends
//
// At the camera's end the pictures held back are handed out; then Read returns
// io.EOF. An error of the camera or of the pipeline comes from Read, after
// which nothing more goes out. A picture that the camera's driver could not
// decode is dropped and counted; Config.MaxFailures of them in a row are an
// error.
//
// mediadevices does not close transforms. In Live mode nothing stays behind
// once the camera was closed, whether the encoder goes on reading or not. In
// File mode the pipeline waits for the encoder and so does not see the camera's
// end. If you stop reading before io.EOF, close the pipeline or the reader, which
// is an io.Closer.
package mediadev
