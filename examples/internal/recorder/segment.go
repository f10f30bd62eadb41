package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"github.com/hedgecam/hedge/examples/internal/stream"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

const (
	// fragment is the longest time from the first to the last picture of a
	// fragment. With the time that it takes to write it stays below the two
	// seconds that may be lost.
	fragment = time.Second
	// usualPeriod is the duration of a picture while its rate is not known.
	usualPeriod = 40 * time.Millisecond
)

// segment is a file that is being written.
type segment struct {
	path, part string // its name, and the one before it has a fragment
	f          *os.File
	write      func(*os.File, []byte) (int, error)

	sps, pps []byte
	begin    time.Duration // time of the first unit
	last     time.Duration // time of the newest unit
	period   time.Duration // from the unit before the newest to the newest
	pending  []*stream.Unit
	number   uint32 // of fragments
	size     int64  // bytes that are on the disk for good
	named    bool
}

// newSegment begins a file with a key unit. What it needs of the disk it does with
// its first fragment.
func newSegment(dir, name string, key *stream.Unit, write func(*os.File, []byte) (int, error)) *segment {
	c := &segment{path: filepath.Join(dir, name), part: filepath.Join(dir, partPrefix+name), write: write,
		begin: key.Time, last: key.Time, period: usualPeriod}
	c.sps, c.pps = key.ParameterSets()
	return c
}

// add adds a unit. When it begins another fragment the one before is written.
func (c *segment) add(u *stream.Unit) error {
	if len(c.pending) > 0 && u.Time-c.pending[0].Time >= fragment {
		if err := c.flush(u.Time); err != nil {
			return err
		}
	}
	if d := u.Time - c.last; d > 0 {
		c.period = d
	}
	c.last = u.Time
	c.pending = append(c.pending, u)
	return nil
}

// flush writes what waits as a fragment. next is the time of the next unit, 0 if
// it is not known. It returns when the fragment is on the disk.
func (c *segment) flush(next time.Duration) error {
	if len(c.pending) == 0 {
		return nil
	}
	data, err := c.marshal(next)
	if err != nil {
		return fmt.Errorf("recorder: %s: %w", c.path, err)
	}
	if c.f == nil {
		if c.f, err = os.OpenFile(c.part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return fmt.Errorf("recorder: %w", err)
		}
	}
	if _, err := c.write(c.f, data); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	if err := c.f.Sync(); err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	if !c.named {
		err := atomicfile.Publish(c.part, c.path, true)
		// It may have its name, and the folder may not be on the disk yet.
		_, gone := os.Lstat(c.part)
		if c.named = err == nil || errors.Is(gone, fs.ErrNotExist); err != nil {
			return fmt.Errorf("recorder: %w", err)
		}
	}
	c.size += int64(len(data))
	c.number++
	clear(c.pending)
	c.pending = c.pending[:0]
	return nil
}

// marshal returns the pending fragment, the first one with the file's header.
func (c *segment) marshal(next time.Duration) ([]byte, error) {
	var b seekablebuffer.Buffer
	if c.number == 0 {
		header := fmp4.Init{Tracks: []*fmp4.InitTrack{{ID: 1, TimeScale: stream.ClockRate, Codec: &codecs.H264{SPS: c.sps, PPS: c.pps}}}}
		if err := header.Marshal(&b); err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
	}
	track := &fmp4.PartTrack{ID: 1, BaseTime: uint64(stream.Ticks(c.pending[0].Time - c.begin))}
	for i, u := range c.pending {
		end := next
		if i+1 < len(c.pending) {
			end = c.pending[i+1].Time
		} else if next == 0 {
			end = u.Time + c.period
		}
		var nals [][]byte
		for _, nal := range u.Data {
			if !stream.IsParameterSet(nal) {
				nals = append(nals, nal)
			}
		}
		// Differences of rounded times: rounding errors do not add up.
		s := &fmp4.Sample{Duration: uint32(stream.Ticks(end-c.begin) - stream.Ticks(u.Time-c.begin))}
		if err := s.FillH264(0, nals); err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
		track.Samples = append(track.Samples, s)
	}
	var part seekablebuffer.Buffer
	if err := (fmp4.Part{SequenceNumber: c.number + 1, Tracks: []*fmp4.PartTrack{track}}).Marshal(&part); err != nil {
		return nil, fmt.Errorf("fragment: %w", err)
	}
	return append(b.Bytes(), part.Bytes()...), nil
}

// finish writes what waits and closes the file.
func (c *segment) finish(next time.Duration) error {
	if err := c.flush(next); err != nil {
		return err
	}
	return c.close()
}

// abandon closes the file after an error, without what was written in part.
func (c *segment) abandon() error {
	c.pending = nil
	if c.f == nil {
		return nil
	}
	var err error
	if c.named {
		err = c.f.Truncate(c.size)
	}
	err = errors.Join(err, c.close())
	if !c.named {
		err = errors.Join(err, os.Remove(c.part))
	}
	return err
}

func (c *segment) close() error {
	if c.f == nil {
		return nil
	}
	err := c.f.Close()
	c.f = nil
	if err != nil {
		return fmt.Errorf("recorder: %w", err)
	}
	return nil
}
