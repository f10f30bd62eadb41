package ffmpeg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hedgecam/hedge/internal/atomicfile"
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
	if err := CheckName(name); err != nil {
		return nil, err
	}
	// A link stays, and what it leads to is written.
	final, err := atomicfile.Target(name)
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: output: %w", err)
	}
	out := &output{name: name, final: final, overwrite: overwrite}
	switch st, err := os.Stat(final); {
	case err == nil:
		if err := checkExisting(name, st, inputs, overwrite); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("ffmpeg: output: %w", err)
	}
	f, err := atomicfile.Create(final)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		// The name of the part file would only puzzle.
		err = atomicfile.Folder(final, pe.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: output %q: %w", name, err)
	}
	out.part = f.Name()
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
	err := atomicfile.Publish(o.part, o.final, o.overwrite)
	if errors.Is(err, atomicfile.ErrExists) {
		return fmt.Errorf("ffmpeg: output %q: %w: somebody made it in the meantime", o.name, errors.Join(ErrExists, err))
	}
	if err != nil {
		return fmt.Errorf("ffmpeg: output %q: %w", o.name, err)
	}
	return nil
}

// discard deletes the part file.
func (o *output) discard() error {
	err := os.Remove(o.part)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("ffmpeg: output %q: unfinished file stays: %w", o.name, err)
}
