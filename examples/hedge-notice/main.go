// Command hedge-notice makes what the owner of a camera has to tell others: a sign
// for the gate (PDF and SVG, A4), the longer page to which the sign's QR code leads
// (HTML), and a record of processing activities (Markdown), in English and German.
//
//	go run ./examples/hedge-notice -config notice.yaml -camera doorbell.yaml -out notice
//
// What the camera hides and how long recordings are kept is taken from the policy and
// from the camera's own settings, so that the sign says what the program does. Who is
// responsible, why, and on which legal basis, only the owner can say: what is missing
// is an error. The texts are a form to begin with and no legal advice.
//
// Exit codes: 0 done; 1 a file could not be written; 2 wrong settings or policy.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/internal/atomicfile"
)

const program = "hedge-notice"

func main() { os.Exit(run(os.Args[1:], time.Now(), os.Stdout, os.Stderr)) }

// run is the program; it returns the exit code. now is the date that the files bear.
func run(args []string, now time.Time, stdout, stderr io.Writer) int {
	var c config
	code, ok := settings.Start(&c, settings.Options{Program: program, Args: args, Stdout: stdout, Stderr: stderr,
		About: "makes a camera's sign for the gate, the page behind it, and a record of processing activities"})
	if !ok {
		return code
	}
	fail := func(code int, err error) int {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", program, err) // nowhere else to say it
		return code
	}
	cam, err := readCamera(&c)
	if err != nil {
		return fail(2, err)
	}
	files, err := makeFiles(&c, cam, now)
	if err != nil {
		return fail(2, err)
	}
	if err := writeFiles(&c, files, stdout); err != nil {
		return fail(1, err)
	}
	return 0
}

// file is one that is to be written.
type file struct {
	name string
	data []byte
}

// makeFiles returns all files, in memory: when one cannot be made, none is written.
func makeFiles(c *config, cam *camera, now time.Time) ([]file, error) {
	var files []file
	for _, l := range c.languages() {
		s := newSheet(c, cam, l, now)
		pdf, err := s.pdf()
		if err != nil {
			return nil, err
		}
		svg, err := s.svg()
		if err != nil {
			return nil, err
		}
		page, err := s.page()
		if err != nil {
			return nil, err
		}
		files = append(files,
			file{"notice-" + string(l) + ".pdf", pdf}, file{"notice-" + string(l) + ".svg", svg},
			file{"page-" + string(l) + ".html", page}, file{"record-" + string(l) + ".md", s.record()})
	}
	return files, nil
}

// writeFiles writes the files, or none where one of them is there already.
func writeFiles(c *config, files []file, stdout io.Writer) error {
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("out: %w", err)
	}
	for _, f := range files {
		name := filepath.Join(c.Out, f.name)
		if err := atomicfile.Check(name, c.Force); err != nil {
			return fmt.Errorf("%s: %w; -force replaces it, -out names another folder", name, err)
		}
	}
	for _, f := range files {
		name := filepath.Join(c.Out, f.name)
		err := atomicfile.Write(name, c.Force, func(w *os.File) error {
			_, err := w.Write(f.data)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := fmt.Fprintln(stdout, name); err != nil {
			return err
		}
	}
	return nil
}
