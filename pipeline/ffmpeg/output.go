package ffmpeg

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// output is a file that appears under its name only when it is complete.
type output struct {
	// name is what the caller asked for; final is where it leads, and part is
	// where the bytes go until then, in the same folder.
	name, final, part string
	overwrite         bool
}

// newOutput checks the name and creates the part file, which shows that the
// folder can be written to.
func newOutput(name string, inputs []string, overwrite bool) (*output, error) {
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".mp4", ".m4v":
	default:
		return nil, fmt.Errorf("ffmpeg: output %q: %w: MP4 is written, so the name must end in .mp4", name, ErrOptions)
	}
	out := &output{name: name, final: name, overwrite: overwrite}
	st, err := os.Stat(name)
	switch {
	case err == nil:
		if err := checkExisting(name, st, inputs, overwrite); err != nil {
			return nil, err
		}
		// A link stays, and what it leads to is replaced.
		if out.final, err = filepath.EvalSymlinks(name); err != nil {
			return nil, fmt.Errorf("ffmpeg: output: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("ffmpeg: output: %w", err)
	}
	dir := filepath.Dir(out.final)
	out.part = filepath.Join(dir, "."+filepath.Base(out.final)+"."+rand.Text()+".part")
	f, err := os.OpenFile(out.part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		// The name of the part file would only puzzle.
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = " (make the folder first)"
		}
		return nil, fmt.Errorf("ffmpeg: output %q: cannot write in folder %q: %w%s", name, dir, pe.Err, hint)
	}
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: output %q: %w", name, err)
	}
	if err := f.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("ffmpeg: output %q: %w", name, err), out.discard())
	}
	return out, nil
}

func checkExisting(name string, st fs.FileInfo, inputs []string, overwrite bool) error {
	if !st.Mode().IsRegular() {
		return fmt.Errorf("ffmpeg: output %q: %w: it is not a file that can be replaced", name, ErrExists)
	}
	for _, in := range inputs {
		if ist, err := os.Stat(in); err == nil && os.SameFile(st, ist) {
			return fmt.Errorf("ffmpeg: output %q: %w %q: name another file", name, ErrSameFile, in)
		}
	}
	if !overwrite {
		return fmt.Errorf("ffmpeg: output %q: %w: name another file or allow overwriting", name, ErrExists)
	}
	return nil
}

// publish makes the part file safe on disk and gives it its name.
func (o *output) publish() error {
	if err := o.sync(o.part); err != nil {
		return fmt.Errorf("ffmpeg: output %q: %w", o.name, err)
	}
	if !o.overwrite {
		if _, err := os.Lstat(o.final); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("ffmpeg: output %q: %w: somebody made it in the meantime", o.name, errors.Join(ErrExists, err))
		}
	}
	if err := os.Rename(o.part, o.final); err != nil {
		return fmt.Errorf("ffmpeg: output %q: %w", o.name, err)
	}
	if err := o.sync(filepath.Dir(o.final)); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("ffmpeg: output %q: %w", o.name, err)
	}
	return nil
}

// sync waits until the file or folder is on disk.
func (o *output) sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// discard deletes the part file.
func (o *output) discard() error {
	err := os.Remove(o.part)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("ffmpeg: output %q: unfinished file stays: %w", o.name, err)
}
