package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// DefaultMemory is how many bytes of evidence are kept in memory.
const DefaultMemory = 64 << 20

// Log keeps evidence while it is made: in memory, and once that is more than its
// limit in a file without a name, which is gone when the process ends, however it
// ends. It holds boxes and no pixel. One goroutine at a time uses it.
type Log struct {
	dir   string
	limit int
	mem   bytes.Buffer
	file  *os.File
	size  int64
}

// NewLog returns an empty log. dir is the folder for what does not fit into limit
// bytes of memory; it defaults to the user's cache folder of Hedge, and limit to
// DefaultMemory.
func NewLog(dir string, limit int) *Log {
	if limit <= 0 {
		limit = DefaultMemory
	}
	return &Log{dir: dir, limit: limit}
}

// Write appends p.
func (l *Log) Write(p []byte) (int, error) {
	if l.file == nil && l.mem.Len()+len(p) > l.limit {
		if err := l.spill(); err != nil {
			return 0, fmt.Errorf("evidence: more than %d bytes, and no file for the rest: %w", l.limit, err)
		}
	}
	l.size += int64(len(p))
	if l.file != nil {
		n, err := l.file.Write(p)
		if err != nil {
			return n, fmt.Errorf("evidence: %w", err)
		}
		return n, nil
	}
	return l.mem.Write(p)
}

func (l *Log) spill() error {
	dir := l.dir
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		dir = filepath.Join(cache, "hedge")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "evidence")
	if err != nil {
		return err
	}
	// Nothing is left behind if the process is killed: the name goes at once.
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.Write(l.mem.Bytes()); err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.mem = f, bytes.Buffer{}
	return nil
}

// Reader returns what was written so far, from its beginning.
func (l *Log) Reader() io.Reader {
	if l.file != nil {
		return io.NewSectionReader(l.file, 0, l.size)
	}
	return bytes.NewReader(l.mem.Bytes())
}

// Save writes the log to a file of the given name, which must not exist. It is there
// when it is complete.
func (l *Log) Save(path string) error {
	return atomicfile.Write(path, false, func(f *os.File) error {
		_, err := io.Copy(f, l.Reader())
		return err
	})
}

// Close gives the memory and the file back. It may be called more than once.
func (l *Log) Close() error {
	l.mem = bytes.Buffer{}
	if l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return f.Close()
}
