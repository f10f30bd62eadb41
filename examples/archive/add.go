package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/archive"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/examples/internal/recording"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
	"github.com/hedgecam/hedge/redact"
)

// add is the role add. What cannot be added does not keep others from being added.
func add(ctx context.Context, f *flags, stdout, stderr io.Writer) error {
	policy, err := redact.LoadPolicy(f.policy)
	if err != nil {
		return &usageError{err}
	}
	if _, err := archive.NetworksKey(f.networks, policy); err != nil {
		return usage("-networks: %w", err)
	}
	a, err := open(ctx, f)
	if err != nil {
		return err
	}
	defer a.Close()
	room, err := f.room()
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "archive: %v\n", err) // nowhere else to say it, and it goes without
	}
	var errs []error
	one := func(path, name string) {
		r, err := a.Add(ctx, archive.Filing{Path: path, Name: name, Policy: policy, Networks: f.networks, Version: version(),
			Priority: f.priority, RemoveOriginal: f.remove, Room: room})
		switch {
		case errors.Is(err, queue.ErrExists):
			_, _ = fmt.Fprintf(stderr, "left out: %v\n", err) // nowhere else to say it
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", printable(name), err))
		default:
			_, _ = fmt.Fprintf(stdout, "%s  %s\n", r.ID, printable(r.Name)) // likewise
		}
	}
	for _, arg := range f.args {
		if ctx.Err() != nil {
			break
		}
		info, err := os.Stat(arg)
		switch {
		case err == nil && info.IsDir():
			errs = append(errs, folder(arg, stderr, one))
		case err == nil:
			one(arg, filepath.Base(arg))
		case strings.HasPrefix(arg, "http://"), strings.HasPrefix(arg, "https://"):
			errs = append(errs, download(ctx, arg, one))
		default:
			var why *fs.PathError
			if errors.As(err, &why) {
				err = why.Err // without the name, which may be an address with a password in it
			}
			errs = append(errs, fmt.Errorf("%s: %w", printable(ffmpeg.ShownAddress(arg)), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return &usageError{err}
	}
	return ctx.Err()
}

// folder adds the recordings of a folder and its subfolders.
func folder(dir string, stderr io.Writer, one func(path, name string)) error {
	n := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.IsDir():
		case !d.Type().IsRegular() || !recording.HasExtension(d.Name()):
			_, _ = fmt.Fprintf(stderr, "left out: %s (not a recording, by its name)\n", printable(p)) // nowhere else to say it
		default:
			n++
			one(p, d.Name())
		}
		return nil
	})
	if err == nil && n == 0 {
		err = fmt.Errorf("%s: no recording in this folder", dir)
	}
	return err
}

// download adds a recording from a web server. It is held in memory.
func download(ctx context.Context, address string, one func(path, name string)) (err error) {
	shown := ffmpeg.ShownAddress(address)
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("%s: not an address", shown)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("%s: not an address", shown)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err // without the address, which may have a password in it
		}
		return fmt.Errorf("%s: %w", shown, err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: the server answers %s", shown, resp.Status)
	}
	if resp.ContentLength < 0 {
		return fmt.Errorf("%s: the server does not say how long it is: download it, and add the file", shown)
	}
	m, err := memfile.New(resp.Body, resp.ContentLength, memfile.Limit(), "")
	if err != nil {
		return fmt.Errorf("%s: %w", shown, err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	one(m.Path(), path.Base(u.Path))
	return nil
}
