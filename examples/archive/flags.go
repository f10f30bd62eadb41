package main

import (
	"flag"
	"io"
	"path/filepath"
	"slices"

	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/examples/internal/archive/queue"
	"github.com/hedgecam/hedge/examples/internal/memfile"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// flags are the command line of every role.
type flags struct {
	args []string
	// where the archive is
	dir, nats, store, files, s3 string
	// what is redacted, and how
	policy, networks string
	priority         int
	remove           bool
	confine          bool
	// how serve and worker work
	http, listen string
	hosts        string
	workers      int
	memory       int64 // MB
	scratch      string
	demo         bool
	// where get writes
	out  string
	with []string
}

// Kinds of stores.
const (
	storeNATS = "nats"
	storeDir  = "dir"
	storeS3   = "s3"
)

// parse reads the command line of a role. Its error says what is wrong and what would be
// right.
func parse(c *command, args []string, stderr io.Writer) (*flags, error) {
	f := &flags{}
	s := flag.NewFlagSet("archive "+c.name, flag.ContinueOnError)
	s.SetOutput(stderr)
	is := func(names ...string) bool { return slices.Contains(names, c.name) }
	s.StringVar(&f.dir, "dir", "", "the archive's folder; on another machine, a folder with the archive's files archive.key and nats.token")
	s.StringVar(&f.nats, "nats", "", "the server of the queue, nats://HOST:PORT; it defaults to the one that serve runs for the folder")
	s.StringVar(&f.store, "store", storeNATS, "where files are kept: nats, the queue's own store, dir, a folder that all machines share, or s3, a bucket")
	s.StringVar(&f.files, "files", "", "the folder for -store dir; it defaults to files in the archive's folder")
	s.StringVar(&f.s3, "s3", "", "the bucket for -store s3: https://HOST/BUCKET; its keys are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of ~/.aws/credentials")
	if is("serve", "worker", "add") {
		s.StringVar(&f.networks, "networks", networks.HedgeN, "which networks look for people, faces and plates: "+networks.Names())
	}
	if is("serve", "worker", "add") {
		s.BoolVar(&f.confine, "confine", true, "once it runs, serve and worker read and write the archive's folders only, and connect to nobody but its queue and its store; the ffmpeg that reads a recording, and the one that writes its output, can do nothing else (Linux with Landlock)")
	}
	if is("serve", "worker") {
		s.IntVar(&f.workers, "workers", 1, "how many recordings, or parts of long ones, are worked on here at once; for serve, 0 is none")
		s.Int64Var(&f.memory, "memory", memfile.Limit()>>20, "how much memory, in MB, the recordings that all workers here work on may take together; one for which too little is left waits, and one that is larger fails")
		s.StringVar(&f.scratch, "scratch", "", "a folder on an encrypted disk for recordings that memory does not hold; it defaults to none")
	}
	if is("serve") {
		s.StringVar(&f.http, "http", "127.0.0.1:8790", "where the page listens; none for no page")
		s.StringVar(&f.listen, "listen", "127.0.0.1:0", "where the queue listens for workers and commands, with a token; port 0 is any that is free")
		s.StringVar(&f.hosts, "host", "", "names, besides localhost, under which the page may be asked for, divided by commas")
		s.BoolVar(&f.demo, "demo", false, "redact three recordings that it makes, correct one, write its zip file, and end")
	}
	if is("add") {
		s.StringVar(&f.policy, "policy", "", "the policy file (JSON)")
		s.IntVar(&f.priority, "priority", queue.Normal, "0, for when nothing else waits, to 3")
		s.BoolVar(&f.remove, "remove-original", false, "remove the original from the archive once its redacted recording is accepted on the page")
	}
	if is("get") {
		s.StringVar(&f.out, "out", ".", "the folder to write to")
		s.Func("with", "a further file to hand over, such as the sheet of hedge-proof; may be given again", func(path string) error {
			f.with = append(f.with, path)
			return nil
		})
	}
	if err := s.Parse(args); err != nil {
		return nil, &usageError{err}
	}
	f.args = s.Args()
	if err := f.check(c); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *flags) check(c *command) error {
	switch {
	case f.dir == "" && !f.demo:
		return usage("-dir is missing: name the archive's folder")
	case f.store != storeNATS && f.store != storeDir && f.store != storeS3:
		return usage("-store %s: must be nats, dir or s3", f.store)
	case (f.s3 != "") != (f.store == storeS3):
		return usage("-store s3 and -s3 https://HOST/BUCKET belong together: say both")
	case f.files != "" && f.store != storeDir:
		return usage("-files is for -store dir: say that, too")
	case c.args == "" && len(f.args) > 0:
		return usage("unexpected %q: archive %s takes flags only", ffmpeg.ShownAddress(f.args[0]), c.name)
	case c.args != "" && len(f.args) == 0:
		return usage("name %s behind the flags", c.args)
	case c.name == "add" && f.policy == "":
		return usage("-policy is missing: name the policy file; docs/policy.md says how to write one")
	case f.workers < 0 || f.workers == 0 && c.name == "worker":
		return usage("-workers %d: must be 1 or more", f.workers)
	case f.workers > mostWorkers:
		return usage("-workers %d: at most %d", f.workers, mostWorkers)
	case f.memory < 0:
		return usage("-memory %d: must not be negative", f.memory)
	}
	return nil
}

const mostWorkers = 64

// in returns the path of a file of the archive's folder.
func (f *flags) in(name string) string { return filepath.Join(f.dir, name) }

// folder returns where -store dir keeps files.
func (f *flags) folder() string {
	if f.files != "" {
		return f.files
	}
	return f.in("files")
}

// settings are what serve writes for the commands beside it.
type settings struct {
	NATS  string `json:"nats"`
	Store string `json:"store"`
	Files string `json:"files,omitempty"`
	S3    string `json:"s3,omitempty"`
}
