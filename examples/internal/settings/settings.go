// Package settings fills a program's configuration from one struct: its tags
// are the only place where a setting's name, default, bounds and help stand.
//
//	type config struct {
//		Policy string         `name:"policy" help:"the policy file (JSON)"`
//		Keep   time.Duration  `name:"keep" default:"60s" min:"2s" max:"10m" help:"video held in memory"`
//		Limit  settings.Bytes `name:"limit" default:"2GiB" help:"most bytes of all recordings"`
//		Token  settings.Secret `name:"token" help:"who may ask for a recording"`
//		Hide   string         `name:"hide" default:"all" enum:"all,detected" help:"what is hidden outside"`
//	}
//
// A setting named keep is the flag -keep, the key keep of the file given with
// -config (YAML, or JSON if the name ends in .json), and the environment
// variable HEDGE_KEEP; a hyphen becomes an underscore there. What is given in
// several places counts in the order flag, environment, file, default. An
// environment variable that is empty counts as not given.
//
// A struct that is embedded adds its settings. Fields are of the kinds string, bool, int, float64, time.Duration, [Bytes]
// and [Secret]; tags that make no sense are mistakes of the programmer, and
// panic.
package settings

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/buildinfo"
	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// The exit codes of a program that ends before it has begun.
const (
	exitOK    = 0
	exitUsage = 2
)

// Options say where settings come from. The zero value of a field takes its
// default.
type Options struct {
	// Program is the program's name, About what it does, in one line.
	Program, About string
	// Args are the arguments after the program's name.
	Args []string
	// LookupEnv returns an environment variable. It defaults to os.LookupEnv.
	LookupEnv func(name string) (string, bool)
	// Stdout gets help and schema, Stderr what is wrong. They default to the
	// process's own.
	Stdout, Stderr io.Writer
}

// Checker is the optional ability of a configuration to check itself, in
// particular how its settings go together, and the policy. It returns nil or,
// joined with errors.Join, everything that is wrong.
type Checker interface {
	Check() error
}

// Remarker is the optional ability of a configuration to say what -check adds to that it
// is valid: what is right, and yet may not be what is meant. Each remark is one line.
type Remarker interface {
	Remarks() []string
}

// Damage is a problem with which a program starts all the same, hiding more, and
// which -check refuses: a file that was cut off by a power cut.
type Damage struct{ Err error }

func (d *Damage) Error() string { return d.Err.Error() }

// Unwrap returns the cause.
func (d *Damage) Unwrap() error { return d.Err }

// Problem is one thing that is wrong with one setting.
type Problem struct {
	// Where is the place: "-keep", "HEDGE_KEEP", or file and line.
	Where string
	// Setting is its name; empty if it is not one.
	Setting string
	// Reason says what is wrong and what would be right.
	Reason string
}

func (p *Problem) Error() string {
	if p.Setting == "" || strings.HasPrefix(p.Where, "-") || strings.HasPrefix(p.Where, envPrefix) {
		return p.Where + ": " + p.Reason
	}
	return p.Where + ": " + p.Setting + ": " + p.Reason
}

// envPrefix begins the names of all environment twins.
const envPrefix = "HEDGE_"

// Start fills in config, a pointer to a struct, for a program that is about to
// start. When ok is true the program goes on. Otherwise it ends with the exit
// code: 0 after -help, -version, -schema and a -check that found nothing, 2 after
// everything that is wrong was written to Stderr, one line each; it goes on where
// all of that is *[Damage].
func Start(config any, o Options) (code int, ok bool) {
	o.defaults()
	m, err := load(config, &o)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return finish(o.Stdout, usage(config, &o))
	case m.version:
		return finish(o.Stdout, o.Program+" "+buildinfo.Version()+"\n")
	case m.schema:
		return finish(o.Stdout, string(Schema(config, o.Program)))
	case err != nil:
		for line := range strings.Lines(err.Error()) {
			_, _ = fmt.Fprintf(o.Stderr, "%s: %s\n", o.Program, strings.TrimSuffix(line, "\n")) // nowhere else to say it
		}
		if !m.check && OnlyDamage(err) {
			return exitOK, true
		}
		return exitUsage, false
	case m.check:
		text := o.Program + ": the configuration is valid\n"
		if r, ok := config.(Remarker); ok {
			for _, remark := range r.Remarks() {
				text += o.Program + ": " + remark + "\n"
			}
		}
		return finish(o.Stdout, text)
	}
	return exitOK, true
}

// OnlyDamage reports whether all that is wrong is *[Damage], with which a program
// can start.
func OnlyDamage(err error) bool {
	if _, ok := err.(*Damage); ok { //nolint:errorlint // what wraps one may join it with others
		return true
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return false
	}
	for _, e := range joined.Unwrap() {
		if !OnlyDamage(e) {
			return false
		}
	}
	return true
}

// finish writes what the program was asked for instead of starting.
func finish(w io.Writer, text string) (code int, ok bool) {
	if _, err := io.WriteString(w, text); err != nil {
		return exitUsage, false
	}
	return exitOK, false
}

func (o *Options) defaults() {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
}

// Load fills in config, a pointer to a struct, and checks it. The error is
// everything that is wrong, joined with errors.Join: a *[Problem] for each
// setting, and what the config's own Check says; or flag.ErrHelp.
func Load(config any, o Options) error {
	o.defaults()
	_, err := load(config, &o)
	return err
}

// modes are the flags that every program has beside its settings.
type modes struct {
	config                 string
	check, schema, version bool
}

func load(config any, o *Options) (m modes, err error) {
	fields := describe(config)
	given := map[string]string{} // by flags
	fs := flag.NewFlagSet(o.Program, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&m.config, "config", "", "")
	fs.BoolVar(&m.check, "check", false, "")
	fs.BoolVar(&m.schema, "schema", false, "")
	fs.BoolVar(&m.version, "version", false, "")
	for _, f := range fields {
		if f.kind == kindBool {
			fs.BoolFunc(f.name, "", func(text string) error { given[f.name] = text; return nil })
			continue
		}
		fs.Func(f.name, "", func(text string) error { given[f.name] = text; return nil })
	}
	if err := fs.Parse(o.Args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return m, err
		}
		return m, fmt.Errorf("%w (-help lists the flags)", err)
	}
	if fs.NArg() > 0 {
		return m, fmt.Errorf("unexpected %q: every setting goes behind a flag", ffmpeg.ShownAddress(fs.Arg(0)))
	}
	if m.config == "" {
		m.config = o.env("config")
	}

	var problems []error
	set := func(f *field, where, text string) {
		if err := f.set(text); err != nil {
			problems = append(problems, &Problem{Where: where, Setting: f.name, Reason: err.Error()})
		}
	}
	for _, f := range fields {
		f.setDefault()
	}
	if m.config != "" {
		problems = append(problems, readFile(m.config, fields, false)...)
	}
	for _, f := range fields {
		if text := o.env(f.name); text != "" {
			set(f, envName(f.name), text)
		}
		if text, ok := given[f.name]; ok {
			set(f, "-"+f.name, text)
		}
	}
	// Settings that could not be read would only make for wrong complaints.
	if c, ok := config.(Checker); ok && len(problems) == 0 {
		problems = append(problems, c.Check())
	}
	return m, errors.Join(problems...)
}

// env returns a setting's environment twin, "" if there is none.
func (o *Options) env(name string) string {
	text, _ := o.LookupEnv(envName(name))
	return text
}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// usage is the text of -help.
func usage(config any, o *Options) string {
	var b strings.Builder
	line := func(name, kind, env, help string) {
		if kind != "" {
			name += " " + kind
		}
		if env != "" {
			env = "  [" + env + "]"
		}
		fmt.Fprintf(&b, "  -%s%s\n        %s\n", name, env, help)
	}
	fmt.Fprintf(&b, "%s %s\n\nFlags, and the environment variables that stand for them:\n", o.Program, o.About)
	line("config", "file", envName("config"), "read settings from this file (YAML, or JSON if it is named .json); flags and environment go before it")
	line("check", "", "", "check configuration and policy, say everything that is wrong, and end")
	line("schema", "", "", "print the JSON schema of the configuration file, and end")
	line("version", "", "", "print the version, and end")
	for _, f := range describe(config) {
		help := f.help
		if len(f.enum) > 0 {
			help += ": " + strings.Join(f.enum, ", ")
		}
		if f.text != "" {
			help += " (default " + f.text + ")"
		}
		line(f.name, f.kind.word(), envName(f.name), help)
	}
	return b.String()
}
