// Command models lists, verifies and fetches the networks that Hedge uses, and
// ONNX Runtime to run them with.
//
//	models list
//	models verify [name...]
//	models fetch [name...]
//	models runtime [-offline | -arch ARCH]
//
// -arch gets the pinned ONNX Runtime for an architecture, amd64 or arm64, whatever
// HEDGE_ORT_LIB says, to be packed with programs.
//
// Without names it takes all models. Its exit code is 0 if all went well, 1 if a file
// is missing, wrong or cannot be fetched, and 2 for a wrong command line.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/hedgecam/hedge/internal/ort"
	"github.com/hedgecam/hedge/models"
)

const usage = `usage: models list
       models verify [name...]
       models fetch [name...]
       models runtime [-offline | -arch ARCH]
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with its surroundings handed in; it returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errOut, usage)
		return 2
	}
	var err error
	switch args[0] {
	case "list":
		err = list(args[1:], out)
	case "verify":
		err = each(args[1:], errOut, func(m models.Model) error { return verify(ctx, m, out) })
	case "fetch":
		err = each(args[1:], errOut, func(m models.Model) error { return fetch(ctx, m, out, errOut) })
	case "runtime":
		err = onnxRuntime(ctx, args[1:], out, errOut)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
	default:
		err = usageError("no command " + args[0])
	}
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintf(errOut, "models: %s\n%s", string(wrong), usage)
		return 2
	case err != nil:
		if !errors.Is(err, errReported) {
			fmt.Fprintln(errOut, err)
		}
		return 1
	}
	return 0
}

// usageError says what is wrong with the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// errReported is returned after an error was written for each model.
var errReported = errors.New("models: not all went well")

func list(args []string, out io.Writer) error {
	if len(args) > 0 {
		return usageError("list takes no arguments")
	}
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tFINDS\tSIZE\tINPUT\tTHRESHOLD\tLICENCE\tSOURCE")
	for _, m := range models.Manifest() {
		var thresholds []string
		for _, c := range m.Classes {
			thresholds = append(thresholds, fmt.Sprintf("%v %g", c.Class, c.Threshold))
		}
		source := "embedded"
		if !m.Embedded {
			source = m.Source.Repository + "@" + m.Source.Commit[:8]
		}
		fmt.Fprintf(tw, "%s\t%s\t%.1f MB\t%dx%d\t%s\t%s\t%s\n", m.Name, m.Task, float64(m.Bytes)/1e6,
			m.Input.Width, m.Input.Height, strings.Join(thresholds, ", "), m.Licence, source)
	}
	return tw.Flush()
}

// each calls do for the models of those names, or for all, and goes on after an
// error, which it reports.
func each(names []string, errOut io.Writer, do func(models.Model) error) error {
	ms := models.Manifest()
	if len(names) > 0 {
		ms = nil
		for _, n := range names {
			m, err := models.Find(n)
			if err != nil {
				return usageError(strings.TrimPrefix(err.Error(), "models: "))
			}
			ms = append(ms, m)
		}
	}
	var result error
	for _, m := range ms {
		err := do(m)
		if errors.Is(err, context.Canceled) {
			return err
		}
		if err != nil {
			fmt.Fprintln(errOut, err)
			result = errReported
		}
	}
	return result
}

func verify(ctx context.Context, m models.Model, out io.Writer) error {
	if m.Embedded {
		if _, err := m.Load(ctx, models.Options{}); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: ok, embedded\n", m.Name)
		return nil
	}
	path, err := m.Locate(ctx, models.Options{Offline: true})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: ok, %s\n", m.Name, path)
	return nil
}

func fetch(ctx context.Context, m models.Model, out, errOut io.Writer) error {
	err := verify(ctx, m, out)
	if err == nil || !replaceable(err) {
		return err
	}
	bar := newBar(errOut, m.Name)
	path, err := m.Fetch(ctx, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: fetched to %s\n", m.Name, path)
	return nil
}

// replaceable reports whether a download can mend an error of looking for weights:
// there are none, or those in the cache are not the right ones.
// A wrong file in HEDGE_MODELS is the user's own and is left alone.
func replaceable(err error) bool {
	var missing *models.NotFoundError
	if errors.As(err, &missing) {
		return true
	}
	var wrong *models.ChecksumError
	if !errors.As(err, &wrong) {
		return false
	}
	cache, err := models.CacheDir()
	return err == nil && filepath.Dir(wrong.File) == cache
}

func onnxRuntime(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("runtime", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	offline := flags.Bool("offline", false, "only look for it")
	arch := flags.String("arch", "", "for this architecture")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || *offline && *arch != "" {
		return usageError("runtime takes -offline, -arch ARCH or nothing")
	}
	if *offline {
		path, err := ort.Library()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "ONNX Runtime: %s\n", path)
		return nil
	}
	find := ort.Installed
	if *arch != "" {
		find = func() (string, error) { return ort.Pinned(*arch) }
	}
	path, err := find()
	if err != nil {
		return err
	}
	if path != "" {
		fmt.Fprintf(out, "ONNX Runtime: %s\n", path)
		return nil
	}
	bar := newBar(errOut, "ONNX Runtime")
	path, err = ort.Install(ctx, cmp.Or(*arch, runtime.GOARCH), errOut, bar.update)
	bar.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "ONNX Runtime: installed %s as %s\n", ort.Version, path)
	return nil
}
