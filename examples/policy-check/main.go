// Command policy-check reads policy files and says what each of them hides, or what is wrong
// with it. It needs no camera, no network and no C compiler.
//
//	go run ./examples/policy-check policy.json
//
// Exit codes: 0 all are valid; 1 one is not, or none is named.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/redact"
)

func main() {
	if len(os.Args) < 2 {
		_, _ = fmt.Fprintln(os.Stderr, "name the policy files: policy-check policy.json") // nowhere else to say it
		os.Exit(1)
	}
	code := 0
	for _, file := range os.Args[1:] {
		if err := check(os.Stdout, file); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err) // nowhere else to say it
			code = 1
		}
	}
	os.Exit(code)
}

// check prints what a policy asks for. Its error names the field that is wrong.
func check(w io.Writer, file string) error {
	p, err := redact.LoadPolicy(file)
	var bad *redact.PolicyError
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %s: %s", file, bad.Path, bad.Reason)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `%s is valid, sha256 %s
  zones:    %d property, %d strip, %d mask, %d points
  outside:  hides %s, with %v
  found:    hidden with %v
  networks: %s
`, file, p.SHA256(), len(p.Property), len(p.Strip), len(p.Mask), p.Points(), p.Outside.Hide, p.Outside.Fill, p.Found.Fill,
		classes(p.Needs()|p.NeedsBackground()))
	return err
}

// classes lists what the networks have to look for.
func classes(set detect.ClassSet) string {
	var names []string
	for c := range detect.Class(detect.NumClasses) {
		if set.Has(c) {
			names = append(names, c.String())
		}
	}
	if len(names) == 0 {
		return "none is needed: the zones alone decide"
	}
	return "must look for " + strings.Join(names, ", ")
}
