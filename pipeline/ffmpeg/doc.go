// Package ffmpeg reads video and pictures through the ffmpeg program, writes MP4 files and
// pictures through it, and encodes frames to H.264 as they come.
//
// Decoder and encoder are separate processes; pictures pass through pipes as
// planar 4:2:0 of 8 bits. [Open] starts a [Source] on a file, an RTSP or HTTP
// camera or a V4L2 device; [Create] starts a [Sink] and [NewEncoder] an [Encoder]: both
// take redacted frames and nothing else. Sound, subtitles, data tracks and metadata are never mapped.
// No raw picture is written to disk: a Source writes no file at all, and a Sink
// writes what is redacted only.
//
// The programs ffmpeg and ffprobe must be in PATH. Versions 4.4 and later are
// expected to work; the tests run with the one that is installed.
package ffmpeg
