// Command hedge-proof makes a signed record of what a camera has recorded and hidden,
// with no footage in it, and checks one.
//
//	go run ./examples/hedge-proof -dir recordings -events events.jsonl -policy policy.json
//	go run ./examples/hedge-proof -events events.jsonl -policy policy.json
//	go run ./examples/hedge-proof verify -record proof/proof-20261129T100000Z.json -dir recordings -public hedge-proof.key.pub
//
// The record is a DSSE envelope around an in-toto statement: the SHA-256 of each
// recorded file, chained in the order of recording; the policy; versions and sums of
// program and networks; and from the event log, per hour, how many pictures there were
// and what was hidden in them. A camera that records nothing has the log alone. Beside it
// lies a page for people, which prints on one sheet, in English and German.
//
// Exit codes: 0 done, or intact; 1 a file cannot be read or written, or what was
// recorded is not as it was signed; 2 wrong settings.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/signals"
)

const (
	program    = "hedge-proof"
	exitFailed = 1
)

func main() {
	ctx, stop := signals.Context()
	code := run(ctx, os.Args[1:], time.Now, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code.
func run(ctx context.Context, args []string, clock func() time.Time, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", program, err) // nowhere else to say it
		return exitFailed
	}
	o := settings.Options{Program: program, Args: args, Stdout: stdout, Stderr: stderr,
		About: "makes a signed record of what a camera has recorded and hidden (hedge-proof verify checks one)"}
	if len(args) > 0 && args[0] == "verify" {
		var c verifyConfig
		o.Args, o.Program, o.About = args[1:], program+" verify", "checks recordings against a signed record"
		if code, ok := settings.Start(&c, o); !ok {
			return code
		}
		found, err := verify(ctx, &c)
		if err != nil {
			return fail(err)
		}
		return found.tell(stdout)
	}
	var c signConfig
	if code, ok := settings.Start(&c, o); !ok {
		return code
	}
	path, err := sign(ctx, &c, clock())
	if err != nil {
		return fail(err)
	}
	_, _ = fmt.Fprintln(stdout, path) // it is written; nowhere else to say so
	return 0
}

// signConfig is the configuration of the record.
type signConfig struct {
	Dir    string `name:"dir" help:"the folder of recordings, such as -record of the doorbell; without one the record is of the event log alone"`
	Events string `name:"events" help:"the camera's event log (-events of the doorbell); without one there are no counts"`
	Policy string `name:"policy" help:"the camera's policy file; without one the record has no zones"`
	Out    string `name:"out" default:"proof" help:"folder for the records; none is ever overwritten"`
	Key    string `name:"key" default:"hedge-proof.key" help:"file of the key that signs; made at the first start, for this user alone"`
}

// Check implements settings.Checker.
func (c *signConfig) Check() error {
	if c.Dir == "" && c.Events == "" {
		return fmt.Errorf("dir: is missing: name the folder of recordings, such as -dir recordings, or the event log of a camera that records nothing, such as -events events.jsonl")
	}
	return nil
}

// verifyConfig is the configuration of the check.
type verifyConfig struct {
	Record      string `name:"record" help:"the signed record (JSON)"`
	Dir         string `name:"dir" help:"the folder of recordings; not for a record of an event log alone"`
	Public      string `name:"public" help:"file of the public key that you got from who signed: the .pub file beside the key"`
	Fingerprint string `name:"fingerprint" help:"instead of public: the key's fingerprint, as printed on the sheet"`
	Events      string `name:"events" help:"the camera's event log, to be checked too"`
	Growing     bool   `name:"growing" help:"the camera went on: recordings newer than the record are no fault"`
	Expired     bool   `name:"expired" help:"the camera deletes what is too old: the oldest recordings, and the older file of its event log, may be gone"`
}

// Check implements settings.Checker.
func (c *verifyConfig) Check() error {
	switch {
	case c.Record == "":
		return fmt.Errorf("record: is missing: name the signed record, such as -record proof/proof-20261129T100000Z.json")
	case c.Dir == "" && c.Events == "":
		return fmt.Errorf("dir: is missing: name the folder of recordings, such as -dir recordings, or for a record of an event log alone -events events.jsonl")
	case (c.Public == "") == (c.Fingerprint == ""):
		return fmt.Errorf("public: say whose signature counts: -public hedge-proof.key.pub, or -fingerprint as it is printed on the sheet, and not both")
	}
	return nil
}
