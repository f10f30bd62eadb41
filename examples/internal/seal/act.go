package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hedgecam/hedge/examples/internal/gpio"
	"github.com/hedgecam/hedge/redact"
)

// Flags are the settings of a program's seal. They are embedded in the program's own.
type Flags struct {
	Seal      bool          `name:"seal" help:"seal the policy: it can be tightened freely, and loosened only if somebody at the device agrees, after seal-delay; it stays sealed without this setting too"`
	SealDelay time.Duration `name:"seal-delay" default:"24h" min:"1m" max:"720h" help:"how long a loosening of a sealed policy waits, while everybody is told and who may edit can stop it; it can be made longer only"`
	SealGPIO  string        `name:"seal-gpio" help:"a file that tells of a button at the device, such as /sys/class/gpio/gpio22/value, by which somebody agrees to a loosening"`
	SealAt    string        `name:"seal-at" default:"1" enum:"0,1" help:"what the file of seal-gpio says while the button is pressed"`
	SealFile  string        `name:"seal-file" help:"a file that root alone can write, such as /etc/hedge/loosen: with the code of a loosening in it, somebody agrees to that"`
}

// errRoot says what is wrong with a file that is to be root's.
var errRoot = errors.New("it has to be a file of root's, in a folder of root's, that nobody else can write")

// rootFile returns the text of a file that root alone can have written.
func rootFile(path string) (string, error) {
	// Opened without waiting for a writer of a pipe, and through no link.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || !rootAlone(info) || !rootAlone(dir) {
		return "", fmt.Errorf("%s: %w", path, errRoot)
	}
	data, err := io.ReadAll(io.LimitReader(f, 256))
	return strings.TrimSpace(string(data)), err
}

func rootAlone(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid == 0 && info.Mode().Perm()&0o022 == 0
}

// code returns that of a loosening for which somebody at the device has to agree, or ""
// if there is none, or it could not be written down less than a minute ago that they did.
func (s *Seal) code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil || !s.waiting.Agreed.IsZero() || s.told != "" && s.o.Running()-s.tried < persistEvery {
		return ""
	}
	return s.waiting.Code
}

// look agrees if root's file has the code in it.
func (s *Seal) look(read func() (string, error), said *string) {
	code := s.code()
	if code == "" {
		return
	}
	text, err := read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		if *said != code { // once for each loosening
			*said = code
			s.o.Told(fmt.Sprintf("seal-file: %v", err))
		}
	case text == code:
		s.Agree("the file of seal-file")
	}
}

// Run counts time, and waits for acts at the device, until ctx ends. due is called with
// a policy that is due, about once a minute until it is granted.
func (s *Seal) Run(ctx context.Context, c Flags, due func(*redact.Policy)) {
	var beside sync.WaitGroup
	defer beside.Wait()
	if c.SealGPIO != "" {
		beside.Go(func() {
			gpio.Watch(ctx, c.SealGPIO, c.SealAt, func() { s.Agree("the button") }, func(_, text string) { s.o.Told("seal-gpio: " + text) })
		})
	}
	said := ""
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if c.SealFile != "" {
			s.look(func() (string, error) { return rootFile(c.SealFile) }, &said)
		}
		if p := s.Tick(); p != nil {
			due(p)
		}
	}
}

// Close writes down how long a loosening has waited.
func (s *Seal) Close() {
	s.Tick()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting != nil {
		s.note()
	}
}
