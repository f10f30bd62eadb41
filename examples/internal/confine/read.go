package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"

	"github.com/hedgecam/hedge/internal/atomicfile"
)

// systemFolders are what programs and their libraries are made of, and what the kernel
// tells of the machine. Nothing in them belongs to anybody. Of other processes /proc
// tells what it tells everybody: Landlock keeps a confined one from their memory.
var systemFolders = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store", "/proc", "/sys",
	"/etc/alternatives", "/etc/ld.so.conf.d", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/var/lib/ca-certificates", "/run/udev",
}

// systemFiles are those of their settings that say nothing of anybody.
var systemFiles = []string{"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.preload", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/os-release"}

// resolverFolders are where names of others are looked up, resolverFiles what little of
// them a program needs that connects to nobody by name.
var (
	resolverFolders = []string{"/etc", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/nscd"}
	resolverFiles   = []string{"/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols"}
)

// programs are those that are started, which may be installed anywhere.
var programs = []string{"ffmpeg", "ffprobe", "rpicam-vid"}

// readable returns the rules for what may be read, and which of Reads, and of the folders of
// Watched, are not there.
func (n Needs) readable() (rules []landlock.Rule, missing error) {
	folders, files := slices.Clone(systemFolders), slices.Concat(systemFiles, resolverFiles, installed())
	if n.Resolves {
		folders = append(folders, resolverFolders...)
	}
	for _, name := range slices.Concat(n.Reads, n.watched()) {
		if name == "" {
			continue
		}
		switch info, err := os.Stat(name); {
		case errors.Is(err, fs.ErrNotExist):
			missing = errors.Join(missing, fmt.Errorf("%s is not there, so that it cannot be read later: make it and start again, or start with -confine-read=false", name))
		case err != nil:
			missing = errors.Join(missing, err)
		case info.IsDir():
			folders = append(folders, name)
		default:
			files = append(files, name)
		}
	}
	return []landlock.Rule{landlock.RODirs(folders...).IgnoreIfMissing(), landlock.ROFiles(files...).IgnoreIfMissing()}, missing
}

// watched returns what has to be read for Watched. A rule for a file is one for what lies
// there now, and not for another that takes its name.
func (n Needs) watched() (all []string) {
	for _, name := range n.Watched {
		if name == "" || slices.ContainsFunc(systemFolders, func(f string) bool { return strings.HasPrefix(name, f+"/") }) {
			continue // it can be read, whatever becomes of it
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			all = append(all, name)
			continue
		}
		files := []string{name}
		if to, err := atomicfile.Target(name); err == nil && to != name { // a link is followed
			files = append(files, to)
		}
		for _, f := range files {
			if !Shared(f) { // what is replaced there could not be read again
				f = filepath.Dir(f)
			}
			all = append(all, f)
		}
	}
	return all
}

// sharedFolders hold what belongs to others.
var sharedFolders = []string{"/", "/dev", "/dev/shm", "/etc", "/home", "/media", "/mnt", "/root", "/run", "/srv", "/tmp", "/var", "/var/lib", "/var/log", "/var/tmp"}

// Shared reports whether a file lies in a folder that holds what belongs to others, such as
// /run or somebody's home. A program that may reach the file gets no hold of that folder.
func Shared(file string) bool {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return true
	}
	if to, err := filepath.EvalSymlinks(dir); err == nil {
		dir = to
	}
	return slices.Contains(sharedFolders, dir) || filepath.Dir(dir) == "/home"
}

// Named reports whether the host of an address, such as rtsp://host/path, is one to be
// looked up. One that cannot be read may be.
func Named(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err != nil
}

// installed returns this program and those that it starts, behind all links.
func installed() (files []string) {
	add := func(path string, err error) {
		if err != nil {
			return // who needs it says that it is missing
		}
		if path, err = filepath.EvalSymlinks(path); err == nil {
			files = append(files, path)
		}
	}
	add(os.Executable())
	for _, name := range programs {
		add(exec.LookPath(name))
	}
	return files
}
