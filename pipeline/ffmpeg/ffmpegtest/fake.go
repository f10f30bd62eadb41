// Package ffmpegtest has a program ffmpeg whose encoder, and whose decoder in hardware, fails
// in the way that a test wants, in place of hardware; libx264 for a file stays as it is. The test's own program plays it: its TestMain calls Main
// first of all.
package ffmpegtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Fake is what the encoder does. Those that put out pictures encode them by libx264,
// whatever encoder they are asked for.
type Fake string

const (
	// Works does what it should.
	Works Fake = "works"
	// Refuses is not there.
	Refuses Fake = "refuses"
	// Busy is in use.
	Busy Fake = "busy"
	// DiesAtFirst opens and fails at the first picture.
	DiesAtFirst Fake = "dies at first"
	// Dies fails after 100 pictures.
	Dies Fake = "dies"
	// Stalls takes no picture.
	Stalls Fake = "stalls"
	// Freezes stands still after 100 pictures.
	Freezes Fake = "freezes"
	// Silent takes pictures and gives none.
	Silent Fake = "silent"
	// Garbage puts out bytes that are not video.
	Garbage Fake = "garbage"
	// Resizes has changed the format: its pictures have another size.
	Resizes Fake = "resizes"
	// Delays gives a picture when it has two more.
	Delays Fake = "delays"
	// KeyDeaf makes no key picture when it is asked for one.
	KeyDeaf Fake = "deaf"
)

// After is after how many pictures Dies fails and Freezes stands still.
const After = 100

// Held is how many pictures Delays holds back.
const Held = 2

const fakeEnv, realEnv, stillEnv = "HEDGE_TEST_FAKE", "HEDGE_TEST_FFMPEG", "HEDGE_TEST_STILL"

// Install puts the fake into PATH until the test ends. It skips the test if the programs
// are not installed. The func that it returns waits until a fake stands still.
func Install(t testing.TB, f Fake) (still func() error) {
	t.Helper()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "still")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("%s is not installed: run `make setup`", program)
		}
		script := fmt.Sprintf("#!/bin/sh\nexec %q \"$@\"\n", path)
		if program == "ffmpeg" {
			script = fmt.Sprintf("#!/bin/sh\n%s='%s' %s=%q %s=%q exec %q \"$@\"\n", fakeEnv, f, realEnv, path, stillEnv, fifo, self)
		}
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() error {
		r, err := os.Open(fifo) // waits for standStill
		if err != nil {
			return err
		}
		return r.Close()
	}
}

// standStill tells who waits for it, and then does nothing until it is killed.
func standStill() {
	if w, err := os.OpenFile(os.Getenv(stillEnv), os.O_WRONLY, 0); err == nil { // waits for who waits
		_ = w.Close() // it was only to be opened
	}
	<-make(chan struct{})
}

// Main plays the fake, and ends this process, if it was started as one.
func Main() {
	f := Fake(os.Getenv(fakeEnv))
	if f == "" {
		return
	}
	args := os.Args[1:]
	codec := slices.Index(args, "-c:v")
	if input := slices.Index(args, "-i"); slices.Contains(args, "rawvideo") && (slices.Contains(args, "-hwaccel") || codec >= 0 && codec < input) {
		decode(f, args)
		os.Exit(0)
	}
	if codec < 0 || args[codec+1] == "rawvideo" || args[codec+1] == "libx264" && !slices.Contains(args, "tee") {
		// It is no encoder that is asked for, or x264 for a file.
		err := syscall.Exec(os.Getenv(realEnv), append([]string{"ffmpeg"}, args...), nil)
		fail("exec: %v", err)
	}
	play(f, args)
	os.Exit(0)
}

func fail(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "[fake @ 0x1] [error] "+format+"\n", args...) // it is as good as dead
	os.Exit(1)
}

func play(f Fake, args []string) {
	switch f {
	case Refuses:
		fail("Could not find a valid device")
	case Busy:
		fail("Could not open the device: Device or resource busy")
	case DiesAtFirst:
		_, _ = io.ReadFull(os.Stdin, make([]byte, 1<<14)) // whether or not there is as much
		fail("Failed to encode the first picture: Input/output error")
	case Stalls:
		standStill()
	case Silent:
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
	default:
		if slices.Contains(args, "-enc_time_base") && slices.Contains(args, "tee") {
			encode(f, args)
		} else {
			record(f, args)
		}
	}
}

// record plays the encoder of a file. Dies fails in the midst of one, and not in a trial.
func record(f Fake, args []string) {
	input, codec, rest := slices.Index(args, "-xerror"), slices.Index(args, "-vf"), slices.Index(args, "-color_range")
	if input < 0 || codec < input || rest < codec {
		fail("these are not the arguments of an encoder: %q", args)
	}
	lavfi := slices.Contains(args, "lavfi")
	switch {
	case f == Garbage:
		_, _ = os.Stdout.WriteString("garbage") // who reads is gone, or takes it
		return
	case f == Dies && !lavfi:
		_, _ = io.CopyN(io.Discard, os.Stdin, 1<<18) // whether or not there is as much
		fail("Failed to encode a picture: Input/output error")
	}
	input += 1 + slices.Index(args[input+1:], "-f")
	a := slices.Concat(args[:slices.Index(args, "-xerror")+1], args[input:codec], []string{"-c:v", "libx264", "-preset", "ultrafast"}, args[rest:])
	err := syscall.Exec(os.Getenv(realEnv), append([]string{"ffmpeg"}, a...), nil)
	fail("exec: %v", err)
}

// encode runs the real program and hands on what it puts out, or something else.
func encode(f Fake, args []string) {
	cmd := exec.Command(os.Getenv(realEnv), software(f, args)...) //nolint:noctx // a test's own; it ends with its input
	cmd.Env = []string{}
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	data, err := cmd.StdoutPipe()
	if err != nil {
		fail("%v", err)
	}
	index, third, err := os.Pipe()
	if err != nil {
		fail("%v", err)
	}
	cmd.ExtraFiles = []*os.File{third}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		fail("%v", err)
	}
	_ = third.Close() // the program has its own
	lines, out := bufio.NewScanner(index), os.NewFile(3, "index")
	type coded struct {
		line string
		unit []byte
	}
	var held []coded
	for n := 0; lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			_, _ = fmt.Fprintln(out, line) // who reads is gone, or takes it
			continue
		}
		size, err := strconv.Atoi(strings.TrimSpace(strings.Split(line, ",")[4]))
		if err != nil {
			fail("%v", err)
		}
		unit := make([]byte, size)
		if _, err := io.ReadFull(data, unit); err != nil {
			fail("%v", err)
		}
		if n++; n > After && f == Dies {
			fail("Failed to encode picture %d: Input/output error", n)
		}
		if n > After && f == Freezes {
			standStill()
		}
		if f == Garbage {
			for i := range unit {
				unit[i] = byte(i*7 + 3)
			}
		}
		held = append(held, coded{line, unit})
		if f == Delays && len(held) <= Held {
			continue
		}
		_, _ = fmt.Fprintln(out, held[0].line) // likewise
		_, _ = os.Stdout.Write(held[0].unit)   // likewise
		held = held[1:]
	}
	_ = cmd.Wait() // it has said why
}

// software returns the arguments with libx264 in place of the encoder.
func software(f Fake, args []string) []string {
	filter, rate := slices.Index(args, "-vf"), slices.Index(args, "-b:v")
	setup, input := slices.Index(args, "-xerror"), slices.Index(args, "-probesize")
	if filter < 0 || rate < filter || setup < 0 || input < setup {
		fail("these are not the arguments of an encoder: %q", args)
	}
	samples := "format=yuv420p"
	if f == Resizes {
		samples += ",scale=iw:ih+8"
	}
	a := slices.Concat(args[:setup+1], args[input:filter],
		[]string{"-vf", samples, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-forced-idr", "1"}, args[rate:])
	if keys := slices.Index(a, "-force_key_frames"); f == KeyDeaf && keys >= 0 {
		a = slices.Delete(a, keys, keys+2)
	}
	return a
}
