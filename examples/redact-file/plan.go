package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

// file is one recording to redact. sheet, evidence and tracks are empty if none is
// wanted.
type file struct{ in, out, sheet, evidence, tracks string }

// leftOut is something in a folder that is not redacted, and why.
type leftOut struct{ path, why string }

// extensions are those of files taken from a folder; a file named on the command
// line may have any.
var extensions = strings.TrimSuffix(recording.Extensions, " ") + pictures

// pictures are those of files that stay pictures of their kind.
const pictures = " .jpg .jpeg .png .webp "

// maxName is how many bytes a file's name may have on the file systems in use.
const maxName = 255

// folders are the output folders that were made.
type folders []string

// make makes a folder, with those above it that are missing.
func (f *folders) make(dir string) error {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	slices.Reverse(missing)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage(fmt.Errorf("output folder: %w", err))
	}
	*f = append(*f, missing...)
	return nil
}

// sweep removes the folders into which nothing was written.
func (f *folders) sweep() {
	for _, d := range slices.Backward(*f) {
		_ = os.Remove(d) // it holds something
	}
}

// plan lists the recordings, and what of a folder is left out. made gets the folders that
// it makes.
func plan(o options, made *folders) ([]file, []leftOut, error) {
	if info, err := os.Stat(o.in); err != nil || !info.IsDir() {
		// An address, or a file that the source says more about than stat.
		return []file{{o.in, o.out, o.sheet, o.evidence, o.tracks}}, nil, nil //nolint:nilerr // Open reports it
	}
	if err := made.make(o.out); err != nil {
		return nil, nil, err
	}
	out, err := os.Stat(o.out)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("output folder: %w", err))
	}
	w := walker{options: o, output: out}
	if err := w.folder(""); err != nil {
		return nil, w.left, err
	}
	if len(w.files) == 0 {
		return nil, w.left, fmt.Errorf("%s: no recording in this folder (looked for%s)", o.in, strings.TrimRight(extensions, " "))
	}
	for _, f := range w.files {
		if err := made.make(filepath.Dir(f.out)); err != nil {
			return nil, w.left, err
		}
	}
	return w.files, w.left, nil
}

// walker collects the recordings of a folder.
type walker struct {
	options
	output fs.FileInfo // the output folder, which may lie in the input folder
	files  []file
	left   []leftOut
}

// folder takes the recordings of the folder sub of the input folder.
func (w *walker) folder(sub string) error {
	entries, err := os.ReadDir(filepath.Join(w.in, sub))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(sub, e.Name())
		path := filepath.Join(w.in, name)
		why, err := w.entry(name, path, e)
		if err != nil {
			return err
		}
		if why != "" {
			w.left = append(w.left, leftOut{path, why})
		}
	}
	return nil
}

// entry takes what is at path, or says why it is left out.
func (w *walker) entry(name, path string, e fs.DirEntry) (why string, err error) {
	if strings.HasPrefix(e.Name(), ".") {
		// Among them the files ._NAME with which macOS accompanies each recording.
		return "hidden", nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && e.Type()&fs.ModeSymlink != 0:
		return "a link that leads nowhere", nil
	case err != nil:
		return "", err
	case info.IsDir() && os.SameFile(info, w.output):
		return "the output folder", nil
	case info.IsDir() && e.Type()&fs.ModeSymlink != 0:
		return "a link to a folder", nil
	case info.IsDir() && !w.recursive:
		return "a folder; -recursive takes it", nil
	case info.IsDir():
		return "", w.folder(name)
	case !info.Mode().IsRegular():
		return "not a file", nil
	}
	ext := filepath.Ext(e.Name())
	if ext == "" || !strings.Contains(extensions, " "+strings.ToLower(ext)+" ") {
		return "not a recording, by its name", nil
	}
	w.add(name, path, ext)
	return "", nil
}

// add enters a recording.
func (w *walker) add(name, path, ext string) {
	dir, base := filepath.Split(strings.TrimSuffix(name, ext))
	beside := func(suffix string) string {
		return filepath.Join(w.out, dir, atomicfile.Cut(base, maxName-len(suffix))+suffix)
	}
	f := file{in: path, out: beside(".mp4")}
	if strings.Contains(pictures, " "+strings.ToLower(ext)+" ") {
		f.out = beside(ext)
		w.files = append(w.files, f)
		return
	}
	if w.sheet != "" {
		f.sheet = beside(".sheet.png")
	}
	if w.evidence != "" {
		f.evidence = beside(".evidence.jsonl")
	}
	if w.tracks != "" {
		f.tracks = beside(".tracks.png")
	}
	w.files = append(w.files, f)
}
