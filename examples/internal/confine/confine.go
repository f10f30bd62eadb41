// Package confine gives up what a program does not need once it runs, for itself and
// for all its children: writing outside of its folders, reading what belongs neither to it
// nor to the system, and connecting to other ports than those of whom it needs.
//
// It is Landlock of Linux 5.13 and newer. Older kernels have less of it or none, and
// then there is less or nothing to give up.
package confine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// Confinement is the setting of it. It is embedded in a program's own.
type Confinement struct {
	Confine     bool `name:"confine" default:"true" help:"once it runs, the program and its children can write into its own folders and devices only, and connect to nobody unless camera or broker are on the network (Linux with Landlock)"`
	ConfineRead bool `name:"confine-read" default:"true" help:"with confine, the program and its children read their own files and the system's programs and libraries only: no home folders, no other service's data, no passwords in /etc"`
}

var enabled atomic.Bool

// Enable has Process and Room take effect. It is the first that a program's main calls:
// for Room the program starts itself again, and then Enable does not return. Tests run
// programs in their own process, which is not to be confined.
func Enable() {
	if len(os.Args) > 1 && os.Args[1] == roomArg {
		os.Exit(become(os.Args[2:]))
	}
	enabled.Store(true)
}

// Needs are what a program goes on to need.
type Needs struct {
	// Folders are those that it writes into, Files those that it replaces: their
	// folders are meant. Empty names are none, and what is not there is left out.
	Folders, Files []string
	// Reads are files that it reads beside those, and folders of which it reads
	// everything. Empty names are none; what is not there is an error.
	Reads []string
	// Watched are files that it reads again and again and that others replace, or make and
	// remove: their folders are meant, unless others share them (see Shared). Empty names are none;
	// a folder that is not there is an error.
	Watched []string
	// Connects are the addresses of others that it connects to over TCP, such as
	// rtsp://host/path: their ports stay open, whoever has them, with that of name servers if
	// it resolves names, and those of the proxies that the environment names.
	// Empty names are none; one whose port cannot be told leaves all ports open.
	Connects []string
	// Anywhere: it connects over TCP to ports that nobody knows before.
	Anywhere bool
	// Resolves: it looks up names of others, for which it reads all of /etc: whoever
	// configures that puts new files in place of the old ones. The rights of the
	// program's user keep it from the passwords there.
	Resolves bool
}

// Process gives up everything else, for all threads. Once it has returned there is no
// way back. It does nothing without Enable, or without Landlock.
func (c Confinement) Process(n Needs) error {
	if !enabled.Load() || !c.Confine {
		return nil
	}
	return c.restrict(n)
}

func (c Confinement) restrict(n Needs) error {
	rules := []landlock.Rule{landlock.RWDirs(n.folders()...).IgnoreIfMissing()}
	var missing error
	if c.ConfineRead {
		var readable []landlock.Rule
		readable, missing = n.readable()
		rules = append(rules, readable...)
	} else {
		rules = append(rules, landlock.RODirs("/"))
	}
	// The rights of the third version: later ones have those to control devices.
	if err := landlock.V3.BestEffort().RestrictPaths(rules...); err != nil {
		return errors.Join(err, missing)
	}
	if err := n.network(); err != nil {
		return errors.Join(err, missing)
	}
	return missing
}

// folders returns everything that may be written into.
func (n Needs) folders() []string {
	all := []string{"/dev"} // cameras, encoders in hardware, null
	for _, f := range n.Folders {
		if f == "" {
			continue
		}
		all = append(all, f)
		// Another disk may be mounted there later; but below / that would be everything.
		if above := filepath.Dir(filepath.Clean(f)); above != "/" && mounted(f) {
			all = append(all, above)
		}
	}
	for _, f := range n.Files {
		if f == "" {
			continue
		}
		all = append(all, filepath.Dir(f))
		if to, err := atomicfile.Target(f); err == nil { // a link is followed
			all = append(all, filepath.Dir(to))
		}
	}
	return all
}

// mounted reports whether a folder is the root of another file system.
func mounted(path string) bool {
	device := func(path string) (uint64, error) {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return 0, fs.ErrInvalid
		}
		return uint64(st.Dev), nil //nolint:unconvert // as wide as that nowhere but on most
	}
	here, err := device(path)
	above, err2 := device(filepath.Join(path, ".."))
	return errors.Join(err, err2) == nil && here != above
}

// Version returns the version of Landlock that the kernel has, 0 for none.
func Version() int {
	v, err := landlocksys.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return v
}
