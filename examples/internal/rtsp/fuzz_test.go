package rtsp

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// FuzzRequest: whatever a client sends, the server answers the next one.
func FuzzRequest(f *testing.F) {
	url := "rtsp://127.0.0.1/live"
	for _, text := range []string{
		"OPTIONS " + url + " RTSP/1.0\r\nCSeq: 1\r\n\r\n",
		"DESCRIBE " + url + " RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic dmlld2VyOng=\r\n\r\n",
		"DESCRIBE " + url + " RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Digest username=\"viewer\", realm=\"\", nonce=\"\", uri=\"\", response=\"\"\r\n\r\n",
		"SETUP " + url + "/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
		"SETUP " + url + " RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=8000-8001\r\n\r\n",
		"PLAY " + url + " RTSP/1.0\r\nCSeq: 4\r\nSession: 1\r\nRange: npt=-\r\n\r\n",
		"ANNOUNCE " + url + " RTSP/1.0\r\nCSeq: 5\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\r",
		"GET / HTTP/1.1\r\n\r\n", tunnel, "$\x00\x00\x04abcd", "\x16\x03\x01", strings.Repeat("A", 5000),
	} {
		f.Add([]byte(text))
	}
	s := serve(f, camera(f), Options{}).Addr().String()
	f.Fuzz(func(t *testing.T, data []byte) {
		say := func(data []byte) (line string, err error) {
			conn, err := net.Dial("tcp", s)
			if err != nil {
				return "", err
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				return "", err
			}
			if _, err := conn.Write(data); err != nil {
				return "", err
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				return "", err
			}
			return bufio.NewReader(conn).ReadString('\n')
		}
		_, _ = say(data) // it may hang up
		line, err := say([]byte(fmt.Sprintf("OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", s)))
		if err != nil || !strings.HasPrefix(line, "RTSP/1.0 ") {
			t.Errorf("after %.80q the server says %q, %v", data, line, err)
		}
	})
}
