package ffmpeg

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// ffmpeg takes an address as an argument, which every user of the machine can see.
// An address with a secret goes through a pipe instead, as a list of one input (the
// demuxer "concat") that also holds the options for that input.

// maxList is the longest list that is passed: less than a pipe holds, so that
// nobody waits for a program that does not read.
const maxList = 16 << 10

// networkOptions returns ffmpeg's protocols and options for a network camera.
func (in input) networkOptions(o Options, v version) (protocols string, options [][2]string) {
	if in.kind == kindHTTP {
		options = [][2]string{{"rw_timeout", microseconds(o.Timeout)}}
		if in.untimed {
			options = append(options, [2]string{"use_wallclock_as_timestamps", "1"})
		}
		if in.relay != nil {
			return "http,tcp", append(options, in.analysis()...)
		}
		return "http,https,tcp,tls,crypto", append(options, in.analysis()...)
	}
	timeout := "timeout"
	if v.before(5, 0) {
		// Here -timeout would make ffmpeg listen.
		timeout = "stimeout"
	}
	// A camera that refuses TCP (answer 461) is asked for UDP, unless the stream must
	// be encrypted.
	transport, protocols := "tcp+udp", "rtsp,rtsps,rtp,udp,tcp,tls,crypto"
	if in.relay != nil {
		transport, protocols = "tcp", "rtsp,rtp,tcp"
	}
	options = [][2]string{{"rtsp_transport", transport}, {"rtsp_flags", "prefer_tcp"}, {timeout, microseconds(o.Timeout)}}
	return protocols, append(options, in.analysis()...)
}

// analysis returns options that stop ffmpeg from analysing what is known.
func (in input) analysis() [][2]string {
	switch {
	case in.untimed:
		// Every picture is a key frame.
		return [][2]string{{"analyzeduration", "500000"}}
	case in.known:
		// The rate is known.
		return [][2]string{{"fpsprobesize", "0"}, {"analyzeduration", "1000000"}}
	}
	return nil
}

// networkArgs returns the arguments for a network camera.
func (in input) networkArgs(o Options, v version) []string {
	protocols, options := in.networkOptions(o, v)
	if in.secret {
		a := []string{"-protocol_whitelist", "pipe," + protocols, "-f", "concat", "-safe", "0"}
		return append(dashed(a, in.analysis()), "-i", listName)
	}
	return append(dashed([]string{"-protocol_whitelist", protocols}, options), "-i", in.arg)
}

func dashed(a []string, options [][2]string) []string {
	for _, kv := range options {
		a = append(a, "-"+kv[0], kv[1])
	}
	return a
}

// listName is ffmpeg's name of its standard input.
const listName = "pipe:0"

// list returns the list for an address with a secret in it, "" for another input.
func (in input) list(o Options, v version) (string, error) {
	if !in.secret {
		return "", nil
	}
	if v.before(5, 0) {
		return "", fmt.Errorf("ffmpeg: input %s: %w: an address with a password or a token needs ffmpeg 5.0 or newer, which takes it where others do not see it", in.name, ErrOptions)
	}
	var b strings.Builder
	// Inside of quotes nothing but a quote has a meaning.
	fmt.Fprintf(&b, "ffconcat version 1.0\nfile '%s'\n", strings.ReplaceAll(in.arg, "'", `'\''`))
	_, options := in.networkOptions(o, v)
	for _, kv := range options {
		fmt.Fprintf(&b, "option %s %s\n", kv[0], kv[1])
	}
	if b.Len() > maxList {
		return "", fmt.Errorf("ffmpeg: input %s: %w: the address is longer than %d bytes", in.name, ErrAddress, maxList)
	}
	return b.String(), nil
}

// pipeOf returns a pipe in which text waits to be read, nil if there is none.
func pipeOf(text string) (*os.File, error) {
	if text == "" {
		return nil, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: pipe for the address: %w", err)
	}
	if _, err := w.WriteString(text); err != nil {
		_, _ = w.Close(), r.Close()
		return nil, fmt.Errorf("ffmpeg: pipe for the address: %w", err)
	}
	return r, w.Close()
}

func closeIf(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// network completes the input for an address: the part that may be shown, and over
// TLS the relay, which the caller closes.
func (in *input) network(ctx context.Context, o Options) error {
	if in.kind != kindRTSP && in.kind != kindHTTP {
		return nil
	}
	u, err := url.Parse(in.arg)
	if err != nil {
		return fmt.Errorf("ffmpeg: input %s: %w", in.name, ErrAddress) // it was parsed before
	}
	if u.Scheme == "rtsps" || u.Scheme == "https" {
		if in.relay, err = newRelay(ctx, u, o); err != nil {
			return fmt.Errorf("ffmpeg: input %s: %w", in.name, err)
		}
		in.arg = in.relay.url(u)
	}
	in.hide = hideAddress(u, in.arg)
	return nil
}

// probedForm is how ffprobe tells, at the level debug, which format it has found in
// the one input of a list.
var probedForm = regexp.MustCompile(`Format (\S+) probed with size=`)

// probeLevel is the level at which ffprobe speaks.
func (in input) probeLevel() string {
	if in.secret && in.kind == kindHTTP {
		return "debug"
	}
	return "error"
}

// formatOf returns a handler that takes the format of a list's input from ffprobe's
// messages.
// It is written to name until the program has ended.
func (in input) formatOf(name *string) func(line []byte) {
	if in.probeLevel() != "debug" {
		return nil
	}
	return func(line []byte) {
		if m := probedForm.FindSubmatch(line); len(m) > 1 && string(m[1]) != "concat" {
			*name = string(m[1])
		}
	}
}
