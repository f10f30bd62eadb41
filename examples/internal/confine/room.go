package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// roomArg is the first argument by which this program becomes another one in a room of
// its own. What follows says what the room has, then -- and the other's command line.
const (
	roomArg     = "hedge-room"
	roomReads   = "reads="
	roomWrites  = "writes="
	roomNetwork = "network"
	roomDevices = "devices"
	roomEnd     = "--"
)

// self is this program, also when another one has been installed in its place.
const self = "/proc/self/exe"

// roomFolders are the libraries of ffmpeg, and what it asks the machine.
var roomFolders = []string{
	"/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store",
	"/etc/alternatives", "/etc/ld.so.conf.d", "/proc", "/sys/devices/system",
}

// roomDevicesRead is what is read of the machine's devices.
var roomDevicesRead = []string{"/sys", "/run/udev"}

// tried says whether this program can become another one, see Room.
var tried = sync.OnceValue(func() error {
	cmd := exec.Command(self, roomArg, roomEnd)
	cmd.Env = []string{"AV_LOG_FORCE_NOCOLOR=1"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg keeps rights that it does not need: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
})

// Room returns what ffmpeg.Options.Room is to be, and that of its encoders: ffmpeg and
// ffprobe read their input and their libraries only, write nothing but their pipes and
// their output, and connect to nobody but a camera on the network. It is nil without
// Enable, without Landlock, or with an error that says why it cannot be.
func (c Confinement) Room() (func(ffmpeg.Room) []string, error) {
	if !enabled.Load() || !c.Confine || !c.ConfineRead || Version() == 0 {
		return nil, nil
	}
	if err := tried(); err != nil {
		return nil, err
	}
	return room, nil
}

// room returns the command that a program's is put behind.
func room(r ffmpeg.Room) []string {
	list := []string{self, roomArg}
	if r.Reads != "" {
		list = append(list, roomReads+r.Reads)
	}
	if r.Writes != "" {
		list = append(list, roomWrites+r.Writes)
	}
	if r.Network {
		list = append(list, roomNetwork)
	}
	if r.Devices {
		list = append(list, roomDevices)
	}
	return append(list, roomEnd)
}

// become gives up what the room has not, and becomes the program after roomEnd. It returns
// only with an exit code.
func become(args []string) int {
	if err := enter(args); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "[error] a room for ffmpeg: %v\n", err) // as ffmpeg says it
		return 1
	}
	return 0
}

// rights are what a room has.
type rights struct {
	folders, files, written []string
	network, devices        bool
}

// roomOf reads the arguments up to roomEnd, and returns those behind it.
func roomOf(args []string) (r rights, command []string, err error) {
	r.folders, r.files = slices.Clone(roomFolders), slices.Concat(systemFiles, []string{"/dev/urandom", "/dev/random", "/dev/zero"})
	r.written = []string{"/dev/null"}
	for i, arg := range args {
		reads, isRead := strings.CutPrefix(arg, roomReads)
		writes, isWritten := strings.CutPrefix(arg, roomWrites)
		switch {
		case arg == roomEnd:
			return r, args[i+1:], nil
		case isRead:
			// Memory that has no name is in no folder, and Landlock knows no rule for it:
			// who has it may read it.
			if to, err := os.Readlink(reads); err != nil || !strings.HasPrefix(to, "/memfd:") {
				r.files = append(r.files, reads)
			}
		case isWritten:
			r.written = append(r.written, writes)
		case arg == roomNetwork:
			r.network = true
			r.files = append(r.files, resolverFiles...)
			r.folders = append(r.folders, resolverFolders[1:]...) // a new process reads the files of now
		case arg == roomDevices:
			r.devices = true
			r.folders = append(r.folders, roomDevicesRead...)
		default:
			return r, nil, fmt.Errorf("%q is not known", arg)
		}
	}
	return r, nil, errors.New("no program is named")
}

func enter(args []string) error {
	r, command, err := roomOf(args)
	if err != nil {
		return err
	}
	if len(command) > 0 {
		r.files = append(r.files, command[0])
	}
	rules := []landlock.Rule{landlock.RODirs(r.folders...).IgnoreIfMissing(), landlock.ROFiles(r.files...).IgnoreIfMissing(), landlock.RWFiles(r.written...)}
	if r.devices {
		rules = append(rules, landlock.RWDirs("/dev"))
	}
	if err := landlock.V3.BestEffort().RestrictPaths(rules...); err != nil {
		return err
	}
	// Nobody is to be let in. Only for a camera on the network somebody is connected to:
	// otherwise there are no sockets at all, whatever the kernel's version of Landlock.
	closed := landlock.AccessNetSet(landlocksys.AccessNetBindTCP)
	if !r.network {
		closed |= landlocksys.AccessNetConnectTCP
	}
	if err := landlock.MustConfig(closed).BestEffort().RestrictNet(); err != nil {
		return err
	}
	if err := refuseSockets(r.network); err != nil {
		return err
	}
	if len(command) == 0 {
		return nil // it was only tried
	}
	return syscall.Exec(command[0], command, os.Environ())
}
