package ffmpeg

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"
)

// replies passes on what a camera sends over RTSP, unchanged, up to an answer that sends
// the caller elsewhere: ffmpeg would go there without TLS, and take the password along. It
// tells messages apart as ffmpeg does.
type replies struct {
	to     io.Writer
	line   []byte // the one that comes, up to replyLine bytes
	frame  []byte // of interleaved data, its header as far as it has come
	inside bool   // a message, behind its first line
	body   int    // bytes behind the message
	skip   int    // bytes that are not looked at
}

// replyLine is how much of a line ffmpeg looks at.
const replyLine = 4095

// Write implements io.Writer. Its error is errRedirect, or that of the writer.
func (r *replies) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if n := min(r.skip, len(rest)); n > 0 {
			r.skip -= n
			rest = rest[n:]
			continue
		}
		if r.take(rest[0]) {
			return 0, errRedirect
		}
		rest = rest[1:]
	}
	return r.to.Write(p)
}

// take reports whether a byte ends a line that sends elsewhere, or hides what might.
func (r *replies) take(b byte) bool {
	switch {
	case len(r.frame) > 0 || b == '$' && len(r.line) == 0: // RFC 2326, 10.12
		if r.frame = append(r.frame, b); len(r.frame) == 4 {
			r.skip = int(binary.BigEndian.Uint16(r.frame[2:]))
			r.frame = r.frame[:0]
		}
	case b == '\n':
		line := string(r.line)
		r.line = r.line[:0]
		return r.ended(line)
	case b != '\r' && len(r.line) < replyLine:
		r.line = append(r.line, b)
	}
	return false
}

// ended takes a line. It reports whether that sends elsewhere, or hides what might.
func (r *replies) ended(line string) bool {
	name, value, _ := strings.Cut(line, ":")
	switch {
	case line == "":
		r.skip, r.body, r.inside = r.body, 0, false
	case !r.inside:
		r.inside = true
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[0], "RTSP/") {
			status, err := strconv.Atoi(f[1])
			return err != nil || status/100 == 3
		}
	case strings.EqualFold(name, "Content-Length"):
		// A length that does not fit ffmpeg's int would be another one for it.
		r.body = decimal(value)
		return r.body > math.MaxInt32
	}
	return false
}

// decimal returns the number that a text begins with, read as C's strtol does; 0 if there is
// none, or it is negative, and more than math.MaxInt32 if it is too large.
func decimal(text string) (n int) {
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t\v\f\r\n"), "+")
	for i := 0; i < len(text) && text[i] >= '0' && text[i] <= '9' && n <= math.MaxInt32; i++ {
		n = 10*n + int(text[i]-'0')
	}
	return n
}
