package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// File is a recording in a folder.
type File struct {
	Name   string
	Number int64
	// Time is that of the first picture, by the clock of then.
	Time time.Time
	// Size is the file's in bytes, Whole that of its whole fragments: less while it
	// grows, and after a power cut.
	Size, Whole int64
	// Changed is when the file was last written to.
	Changed time.Time
}

// List returns the recordings in a folder by their numbers, which rise with the order
// in which they were made, and how many other files there are, but for the recorder's own. It changes nothing and
// may be called while another program records; a recording that is removed meanwhile
// is left out.
func List(dir string) (files []File, others int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, fmt.Errorf("recordings: %w", err)
	}
	for _, e := range entries {
		if e.Name() == clockFile || e.Name() == clockPart {
			continue
		}
		r, ok := parseName(e.Name())
		if !ok || !e.Type().IsRegular() {
			others++
			continue
		}
		info, err := e.Info()
		if err == nil {
			r.size = info.Size()
			var whole int64
			if whole, err = wholeFragmentsOf(filepath.Join(dir, r.name), r.size); err == nil {
				files = append(files, File{r.name, r.number, r.at, r.size, whole, info.ModTime()})
				continue
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, fmt.Errorf("recordings: %w", err)
		}
	}
	slices.SortFunc(files, func(a, b File) int {
		if a.Number != b.Number {
			return int(min(max(a.Number-b.Number, -1), 1))
		}
		return a.Time.Compare(b.Time)
	})
	return files, others, nil
}
