package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hedgecam/hedge/internal/atomicfile"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// usageError is an error of what was asked: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

// exitCode returns the exit code for an error that is not nil.
func exitCode(err error) int {
	if u := (*usageError)(nil); errors.As(err, &u) {
		return exitUsage
	}
	return exitFailed
}

// takes are the files that must not be written to.
func (o *options) takes(files []file) []string {
	list := []string{o.policy}
	for _, f := range files {
		list = append(list, f.in)
		if f.evidence != "" {
			list = append(list, f.evidence)
		}
	}
	return list
}

// makes are the files that are written.
func (o *options) makes(files []file) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.out)
		if f.sheet != "" {
			list = append(list, f.sheet)
		}
		if f.tracks != "" {
			list = append(list, f.tracks)
		}
		if f.evidence != "" && needsNetworks(f) {
			// Evidence that is there is read and never replaced.
			list = append(list, f.evidence)
		}
	}
	if o.report != "" {
		list = append(list, o.report)
	}
	return list
}

// guard checks before the work that every file can be written, that none is an
// input, the policy or another output, and that none is replaced unasked.
func (o *options) guard(files []file) error {
	type known struct {
		name string
		info fs.FileInfo
	}
	var taken []known
	for _, name := range o.takes(files) {
		if info, err := os.Stat(name); err == nil {
			taken = append(taken, known{name, info})
		}
	}
	for _, f := range files {
		if err := ffmpeg.CheckName(f.out); err != nil {
			return usage(err)
		}
	}
	made := map[string]string{}
	for _, name := range o.makes(files) {
		final, err := atomicfile.Target(name)
		if err != nil {
			return usage(fmt.Errorf("output %s: %w", name, err))
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(final)); err == nil {
			final = filepath.Join(dir, filepath.Base(final))
		}
		if final, err = filepath.Abs(final); err != nil {
			return usage(fmt.Errorf("output %s: %w", name, err))
		}
		if other, twice := made[final]; twice {
			return usage(fmt.Errorf("%s and %s are one file: two outputs would be written to it; name another, or rename a recording", other, name))
		}
		made[final] = name
		if info, err := os.Stat(final); err == nil {
			i := slices.IndexFunc(taken, func(k known) bool { return os.SameFile(k.info, info) })
			if i >= 0 {
				return usage(fmt.Errorf("output %s is the same file as %s: name another", name, taken[i].name))
			}
			// Two names of one file that is there already.
			taken = append(taken, known{name, info})
		}
		if err := checkOutput(name, o.force); err != nil {
			return err
		}
	}
	return nil
}

// checkOutput says whether a file can be written, and if not, why and what to do.
func checkOutput(name string, replace bool) error {
	err := atomicfile.Check(name, replace)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, atomicfile.ErrExists):
		err = fmt.Errorf("%w: name another file, or replace it with -force", err)
	}
	return usage(fmt.Errorf("output %s: %w", name, err))
}
