package ffmpeg

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hedgecam/hedge/internal/nodump"
)

// process is one run of ffmpeg. Its lines on stderr go to a handler and, in
// part, to a short memory for error messages.
type process struct {
	program string
	cmd     *exec.Cmd
	// done is closed when the program has ended and its stderr is read; the
	// fields below are valid then.
	done   chan struct{}
	status error

	messages messages
}

// find returns the path of a program of the ffmpeg suite.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("ffmpeg: %w: %s is not in PATH; install it (on Debian: apt install ffmpeg): %w",
			ErrNotInstalled, program, err)
	}
	return path, nil
}

// start runs a program, behind another command that becomes it if before is not empty. stdin
// and stdout may be nil, and extra are its files from 3 on: the caller closes all of them
// after start. hide, which may be nil, takes secrets out of messages. One goroutine calls
// the handler, which may be nil, for each line of stderr; it must not keep the slice. Long
// lines are cut.
func start(before []string, program string, args []string, stdin, stdout *os.File, hide *strings.Replacer, handler func(line []byte), extra ...*os.File) (*process, error) {
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	if len(before) > 0 {
		args = slices.Concat(before[1:], []string{path}, args)
		path = before[0]
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: pipe for messages: %w", err)
	}
	p := &process{program: program, done: make(chan struct{})}
	p.messages.hide = hide
	p.cmd = exec.Command(path, args...) //nolint:noctx // no shell; inputs are never options; Close ends it, not a context
	// This process's environment may hold secrets.
	p.cmd.Env = []string{"AV_LOG_FORCE_NOCOLOR=1"}
	p.cmd.SysProcAttr = processAttributes()
	if stdin != nil {
		p.cmd.Stdin = stdin
	}
	if stdout != nil {
		p.cmd.Stdout = stdout
	}
	p.cmd.Stderr = w
	passed, at := ownFile(args)
	if passed != nil {
		defer passed.Close()
		extra = append(slices.Clone(extra), make([]*os.File, max(at-2-len(extra), 0))...)
		extra[at-3] = passed
	}
	p.cmd.ExtraFiles = extra

	started := make(chan error)
	go func() {
		// The kernel ends the child when the thread that started it ends, not
		// when the process does; so that thread stays for as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		if err == nil {
			// Before it has read a picture. A kernel that refuses is one without
			// limits, and the error of the pictures comes first.
			_ = nodump.Child(p.cmd.Process.Pid)
		}
		started <- err
		if err != nil {
			return
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			p.readMessages(r, handler)
		}()
		p.status = p.cmd.Wait()
		<-read
		close(p.done)
	}()
	err = <-started
	errW := w.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ffmpeg: start %s: %w", program, err), r.Close())
	}
	if errW != nil {
		p.kill()
		<-p.done
		return nil, fmt.Errorf("ffmpeg: pipe for messages: %w", errW)
	}
	return p, nil
}

// ownFile returns the open file of this process that one of a program's arguments names,
// as /proc/self/fd/N, anew and for reading only, and N; nil if there is none. The program
// gets it under that number. Others that are started have it only if it is inherited by all.
func ownFile(args []string) (*os.File, int) {
	for _, a := range args {
		number, ok := strings.CutPrefix(strings.TrimPrefix(a, "file:"), "/proc/self/fd/")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < firstOwnFile || n > lastOwnFile {
			continue
		}
		if f, err := os.Open("/proc/self/fd/" + number); err == nil {
			return f, n
		}
	}
	return nil, 0
}

// firstOwnFile and lastOwnFile bound the numbers of files that are passed on: a program has
// its own below.
const firstOwnFile, lastOwnFile = 16, 4096

// kill ends the program at once. Use done to wait for it.
func (p *process) kill() {
	// The only error is that it has ended already.
	_ = p.cmd.Process.Kill()
}

// stoppedBeat is how often a program is checked for having been stopped.
const stoppedBeat = 300 * time.Millisecond

// endIfStopped ends the program when a signal such as SIGSTOP has halted it, so that
// the run fails and does not hang. It returns when the program has ended.
func (p *process) endIfStopped() {
	tick := time.NewTicker(stoppedBeat)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			if stopped(p.cmd.Process.Pid) {
				p.kill()
			}
		}
	}
}

// exitError describes how the program ended. Call it after done is closed.
func (p *process) exitError() *ExitError {
	status := "exit status 0"
	if p.status != nil {
		status = p.status.Error()
	}
	text := p.messages.text()
	return &ExitError{Program: p.program, Status: status, Text: text, Err: systemError(text)}
}

// systemError finds the error of the operating system that a message ends with.
func systemError(text string) error {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EACCES, syscall.ENOENT,
		syscall.EROFS, syscall.EIO, syscall.ECONNREFUSED, syscall.ETIMEDOUT, syscall.EBUSY} {
		// The C library's texts begin with a capital letter, Go's do not.
		if strings.Contains(strings.ToLower(text), errno.Error()) {
			return errno
		}
	}
	return nil
}

// readMessages hands on each line of r until its end, and closes it.
func (p *process) readMessages(r *os.File, handler func(line []byte)) {
	defer func() {
		// It was only read from: nothing can be lost.
		_ = r.Close()
	}()
	b := bufio.NewReaderSize(r, 4096)
	whole := true
	for {
		line, err := b.ReadSlice('\n')
		if whole && len(line) > 0 {
			line = bytes.TrimRight(line, "\r\n")
			p.messages.add(line)
			if handler != nil {
				handler(line)
			}
		}
		whole = !errors.Is(err, bufio.ErrBufferFull)
		if err != nil && whole {
			if !errors.Is(err, io.EOF) {
				p.messages.add([]byte("[error] reading messages: " + err.Error()))
			}
			return
		}
	}
}

const (
	maxMessages    = 4
	maxMessageSize = 240
)

// messages remembers the last lines of a program's stderr.
type messages struct {
	mu sync.Mutex
	// hide takes secrets out, before a line is cut.
	hide *strings.Replacer
	// errors are the last lines at the levels error and above, others the last
	// warnings and lines without a level.
	errors, others []string
	count          int64
}

// add takes a line as written with -loglevel repeat+level.
func (m *messages) add(line []byte) {
	if bytes.HasPrefix(line, []byte("["+showinfoName)) || isOwnStamps(line) || len(bytes.TrimSpace(line)) == 0 {
		return
	}
	level, text := splitLevel(line)
	if m.hide != nil {
		text = []byte(m.hide.Replace(string(text)))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch level {
	case "info", "verbose", "debug", "trace":
	case "error", "fatal", "panic":
		m.count++
		m.errors = push(m.errors, text)
	default:
		m.others = push(m.others, text)
	}
}

func push(list []string, text []byte) []string {
	s := clean(text)
	if len(list) > 0 && list[len(list)-1] == s {
		return list
	}
	if len(list) == maxMessages {
		copy(list, list[1:])
		list = list[:maxMessages-1]
	}
	return append(list, s)
}

// clean makes a message fit for a terminal and a log.
func clean(text []byte) string {
	if len(text) > maxMessageSize {
		text = append(text[:maxMessageSize:maxMessageSize], "..."...)
	}
	return strings.Map(func(r rune) rune {
		// Controls of terminals, those that turn the direction of writing among them.
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSpace(string(text)), "?"))
}

// splitLevel takes "[demuxer @ 0x55d0] [error] text" apart. The level is empty
// if the line has none.
func splitLevel(line []byte) (level string, text []byte) {
	rest := line
	for len(rest) > 0 && rest[0] == '[' {
		end := bytes.IndexByte(rest, ']')
		if end < 0 {
			break
		}
		word := string(rest[1:end])
		rest = bytes.TrimPrefix(rest[end+1:], []byte(" "))
		switch word {
		case "panic", "fatal", "error", "warning", "info", "verbose", "debug", "trace":
			return word, rest
		}
	}
	return "", line
}

// errorCount returns how many lines at the level error or above came.
func (m *messages) errorCount() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// last returns the last error.
func (m *messages) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errors) == 0 {
		return ""
	}
	return m.errors[len(m.errors)-1]
}

// text returns the last errors on one line, or else the last other lines.
func (m *messages) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.errors
	if len(list) == 0 {
		list = m.others
	}
	return strings.Join(list, "; ")
}
