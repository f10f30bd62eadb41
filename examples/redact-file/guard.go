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

// written is a file that is written, and the recording that it is of, if it is of one.
type written struct{ name, of string }

// makes are the files that are written.
func (o *options) makes(files []file) []written {
	var list []written
	for _, f := range files {
		list = append(list, written{f.out, f.in})
		if f.sheet != "" {
			list = append(list, written{f.sheet, f.in})
		}
		if f.tracks != "" {
			list = append(list, written{f.tracks, f.in})
		}
		if f.evidence != "" && needsNetworks(f) {
			// Evidence that is there is read and never replaced.
			list = append(list, written{f.evidence, f.in})
		}
	}
	if o.report != "" {
		list = append(list, written{name: o.report})
	}
	return list
}

// twice says that two outputs are one file. In a folder, recordings whose names differ
// only in what comes after the last dot become one.
func twice(a, b written) error {
	if a.of != "" && b.of != "" && a.of != b.of {
		return usage(fmt.Errorf("%s and %s would both be written to %s: rename one of them, or move it to another folder",
			ffmpeg.ShownAddress(a.of), ffmpeg.ShownAddress(b.of), b.name))
	}
	return usage(fmt.Errorf("%s and %s are one file: two outputs would be written to it; name another", a.name, b.name))
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
	made := map[string]written{}
	for _, out := range o.makes(files) {
		name := out.name
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
		if other, there := made[final]; there {
			return twice(other, out)
		}
		made[final] = out
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
