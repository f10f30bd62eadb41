package ffmpegtest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// decode plays a decoder in hardware. Those that put out pictures decode them in software.
func decode(f Fake, args []string) {
	switch f {
	case Refuses, Busy, DiesAtFirst:
		play(f, args)
	case Stalls, Silent:
		standStill()
	case Garbage:
		_, _ = os.Stdout.Write(bytes.Repeat([]byte("garbage"), 1<<10)) // who reads is gone, or takes it
		fail("Invalid data found when processing input")
	}
	cmd := exec.Command(os.Getenv(realEnv), inSoftware(args)...) //nolint:noctx // a test's own; it ends with its output
	cmd.Env = []string{"AV_LOG_FORCE_NOCOLOR=1"}
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := cmd.StderrPipe()
	if err != nil {
		fail("%v", err)
	}
	if err := cmd.Start(); err != nil {
		fail("%v", err)
	}
	pictures := 0
	for lines := bufio.NewScanner(said); lines.Scan(); {
		line := lines.Text()
		if strings.Contains(line, "showinfo") && strings.Contains(line, " pts_time:") {
			pictures++
		}
		if f == Dies && pictures > After {
			_ = cmd.Process.Kill() // either way it is over
			fail("Failed to decode picture %d: Input/output error", pictures)
		}
		_, _ = fmt.Fprintln(os.Stderr, line) // likewise
	}
	if cmd.Wait() != nil {
		os.Exit(1)
	}
}

// inSoftware returns the arguments without a decoder in hardware.
func inSoftware(args []string) []string {
	input := slices.Index(args, "-i")
	var a []string
	for i := 0; i < len(args); i++ {
		if i < input && (strings.HasPrefix(args[i], "-hwaccel") || args[i] == "-c:v") {
			i++ // its value
			continue
		}
		a = append(a, strings.TrimPrefix(args[i], "hwdownload,format=nv12|p010le,"))
	}
	return a
}
