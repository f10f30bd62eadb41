package doorbell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/program"
)

// puller is a recorder that takes the picture over RTSP: ffmpeg, which writes
// down what comes without decoding it.
type puller struct {
	*program.Child
	path string
	keys io.WriteCloser
}

func (b *bench) pull(ctx context.Context, address string) (*puller, error) {
	p := &puller{path: filepath.Join(b.dir, "pulled.mkv")}
	p.Child = program.Prepare(ctx, "ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "10000000", "-i", address, "-map", "0:v", "-c", "copy", p.path)
	var err error
	if p.keys, err = p.Cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// finish ends the recording as a user does, by the key q.
func (p *puller) finish() error {
	_, err := io.WriteString(p.keys, "q")
	return errors.Join(err, p.Wait())
}

// probed is what ffprobe says of a file.
type probed struct {
	packets int
	missing int     // by the gaps between the time stamps
	seconds float64 // from the first packet to the end of the last
	errors  []string
}

// probe reads all packets of a file.
func probe(ctx context.Context, path string) (r probed, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "csv=p=0", path)
	var out, problems program.Said
	cmd.Stdout, cmd.Stderr = &out, &problems
	end := cmd.Run()
	var exit *exec.ExitError
	if end != nil && !errors.As(end, &exit) || ctx.Err() != nil {
		return r, errors.Join(fmt.Errorf("ffprobe: %w", end), ctx.Err())
	}
	r.errors = problems.Lines()
	if end != nil && len(r.errors) == 0 {
		r.errors = []string{end.Error()}
	}
	var at []float64
	for _, line := range out.Lines() {
		t, err := strconv.ParseFloat(strings.TrimRight(line, ","), 64)
		if err != nil {
			r.errors = append(r.errors, "a packet without a time stamp: "+line)
			continue
		}
		at = append(at, t)
	}
	r.count(at)
	return r, nil
}

// count counts packets by their time stamps in seconds.
func (r *probed) count(at []float64) {
	r.packets = len(at)
	if len(at) == 0 {
		return
	}
	slices.Sort(at)
	for i, t := range at[1:] {
		r.missing += max(0, int(math.Round((t-at[i])*frameRate))-1)
	}
	r.seconds = at[len(at)-1] - at[0] + 1.0/frameRate
}

// decode decodes a whole file, and returns what ffmpeg complains of.
func decode(ctx context.Context, path string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "null", "-")
	var problems program.Said
	cmd.Stderr = &problems
	end := cmd.Run()
	list := problems.Lines()
	if end != nil && ctx.Err() != nil {
		return nil, errors.Join(fmt.Errorf("decoding what came over RTSP: %w", end), ctx.Err())
	}
	if end != nil && len(list) == 0 {
		list = []string{end.Error()}
	}
	return list, nil
}
