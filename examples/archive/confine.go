package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/confine"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

func (f *flags) confinement() confine.Confinement {
	return confine.Confinement{Confine: f.confine, ConfineRead: true}
}

// room returns that of ffmpeg, see ffmpeg.Options. An error says why there is none.
func (f *flags) room() (func(ffmpeg.Room) []string, error) { return f.confinement().Room() }

// confineProcess gives up what serve and worker do not need once everything is open. The
// demo, which makes its recordings itself and writes to folders of its own, keeps it.
func (f *flags) confineProcess(log *slog.Logger) {
	if f.demo {
		return
	}
	if err := f.confinement().Process(f.needs()); err != nil {
		log.Warn("the program keeps rights that it does not need", "reason", err)
	}
}

// needs are what serve and worker write and read, and whom they connect to.
func (f *flags) needs() confine.Needs {
	n := confine.Needs{Folders: []string{f.dir, f.scratch}}
	if f.store == storeDir {
		n.Folders = append(n.Folders, f.folder())
	}
	if cache, err := os.UserCacheDir(); err == nil {
		// Evidence that is larger than memory goes there. It cannot be made later.
		dir := filepath.Join(cache, "hedge")
		if err := os.MkdirAll(dir, 0o700); err == nil {
			n.Folders = append(n.Folders, dir)
		}
	}
	for _, address := range append(strings.Split(f.nats, ","), f.s3) {
		if address != "" {
			n.Connects, n.Resolves = append(n.Connects, address), n.Resolves || confine.Named(address)
		}
	}
	return n
}
