package recorder

import (
	"errors"
	"time"
)

// ErrOptions says that an option makes no sense.
var ErrOptions = errors.New("recorder: bad option")

// Event is something that the owner may want to know.
type Event struct {
	// Kind says what happened.
	Kind EventKind
	// Path is the file concerned, if there is one.
	Path string
	// Err is the cause, if there is one.
	Err error
}

// EventKind is the kind of an event.
type EventKind uint8

// The kinds of events.
const (
	// Failed: nothing can be written, as Err says; attempts go on. It is reported
	// once.
	Failed EventKind = iota
	// Recovered: files are being written again, beginning with Path, or can be, if Path is
	// the folder: there is nothing to write just now.
	Recovered
	// Saved: the file is complete.
	Saved
	// Removed: the file was removed because of a limit.
	Removed
	// NotRemoved: the file is beyond a limit and cannot be removed, as Err says. It is
	// reported once, and tried again every minute; limits are kept without it.
	NotRemoved
	// Repaired: the end of the file was cut off, or the file removed, because it
	// was only half written when the program or the machine stopped.
	Repaired
	// MemoryFull: a Ring holds less than it is to keep, as Err says. It is reported once.
	MemoryFull
)

// String returns the kind in words.
func (k EventKind) String() string {
	switch k {
	case Failed:
		return "cannot be recorded"
	case Recovered:
		return "recording again"
	case Saved:
		return "saved"
	case Removed:
		return "removed"
	case NotRemoved:
		return "cannot be removed"
	case Repaired:
		return "repaired"
	case MemoryFull:
		return "memory is full"
	}
	return "unknown"
}

// Limits say how much is kept. Zero values mean no limit.
type Limits struct {
	// Age is how long a file is kept.
	Age time.Duration
	// Bytes is the largest size of all files together, at least 1 MB. While a
	// file grows it may be exceeded by one fragment.
	Bytes int64
	// Files is the largest number of files, the one that grows not counted.
	Files int
}

func (l Limits) check() error {
	if l.Age < 0 || l.Files < 0 || l.Bytes < 0 || l.Bytes > 0 && l.Bytes < 1e6 {
		return errors.Join(ErrOptions, errors.New("limits are an age, at least 1 MB, a number of files, or 0 for none"))
	}
	return nil
}
