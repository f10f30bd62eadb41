package settings

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hedgecam/hedge/examples/internal/buildinfo"
)

// plain has a setting of each kind.
type plain struct {
	Policy string        `name:"policy" default:"policy.json" help:"the policy file"`
	Keep   time.Duration `name:"keep" default:"60s" min:"2s" max:"10m" help:"how long"`
	Limit  Bytes         `name:"max-bytes" default:"2GiB" min:"1MiB" help:"how much"`
	Hide   string        `name:"hide" default:"all" enum:"all,detected" help:"what"`
	Count  int           `name:"count" default:"3" min:"0" max:"9" help:"how many"`
	Cores  float64       `name:"cores" default:"1" max:"4" help:"how fast"`
	Moving bool          `name:"moving" default:"true" help:"whether"`
	Token  Secret        `name:"token" help:"who"`
}

var defaults = plain{"policy.json", time.Minute, 2 << 30, "all", 3, 1, true, ""}

// checked refuses to keep less than it counts.
type checked struct {
	Keep  time.Duration `name:"keep" default:"60s" help:"how long"`
	Count int           `name:"count" default:"3" help:"how many"`
}

func (c *checked) Remarks() []string { return []string{"keep counts in UTC"} }

func (c *checked) Check() error {
	if c.Count > int(c.Keep/time.Second) {
		return errors.Join(errors.New("count: more than the seconds of keep"), errors.New("policy: none"))
	}
	return nil
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// damaged has a file that was cut off, and wrong settings where Count is not 3.
type damaged struct {
	Count int `name:"count" default:"3" help:"how many"`
}

func (c *damaged) Check() error {
	err := error(&Damage{errors.New("policy x.json: is empty")})
	if c.Count != 3 {
		return errors.Join(err, errors.New("count: is not 3"))
	}
	return errors.Join(nil, err)
}

// TestDamage: a program starts with a damaged file, and says so; -check refuses,
// and so does the start with anything else that is wrong.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		args []string
		ok   bool
	}{{nil, true}, {[]string{"-check"}, false}, {[]string{"-count", "4"}, false}} {
		var said strings.Builder
		code, ok := Start(&damaged{}, Options{Program: "p", Args: c.args, LookupEnv: env(), Stderr: &said})
		if ok != c.ok || (code == 0) != c.ok || !strings.Contains(said.String(), "p: policy x.json: is empty\n") {
			t.Errorf("%q: %d, %v: %s", c.args, code, ok, said.String())
		}
	}
}

// TestLoadPolicy: what a power cut leaves of a policy hides everything; a policy
// that somebody wrote wrongly is refused.
func TestLoadPolicy(t *testing.T) {
	whole := `{"version": 1, "property": [[[0,0],[1,0],[1,1],[0.5,0.75]]], "outside": {"hide": "all", "fill": "solid"}}`
	for n := range len(whole) {
		p, err := LoadPolicy(write(t, "policy.json", whole[:n]))
		var damage *Damage
		if p == nil || len(p.Property) != 0 || p.Needs() != 0 || !errors.As(err, &damage) {
			t.Fatalf("cut after %d bytes: %v, %v", n, p, err)
		}
	}
	for _, text := range []string{"\x00", strings.Repeat("\x00", 500), whole[:60] + strings.Repeat("\x00", 40), whole + "\x00"} {
		if p, err := LoadPolicy(write(t, "policy.json", text)); p == nil || len(p.Property) != 0 || !OnlyDamage(err) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{`{"version": 2}`, `{"version": 1, "x": 1}`, whole + "}", "hello", `{"version": 1]`} {
		if p, err := LoadPolicy(write(t, "policy.json", text)); p != nil || err == nil || OnlyDamage(err) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
	if p, err := LoadPolicy(write(t, "policy.json", whole)); err != nil || len(p.Property) != 1 {
		t.Errorf("the whole policy: %v, %v", p, err)
	}
}

func TestDefaults(t *testing.T) {
	got := plain{Policy: "stale", Token: "stale"}
	if err := Load(&got, Options{LookupEnv: env()}); err != nil || got != defaults {
		t.Errorf("got %+v, %v; want %+v", got, err, defaults)
	}
}

// TestPrecedence: every setting, from every combination of places: the flag
// before the environment, that before the file, that before the default.
func TestPrecedence(t *testing.T) {
	for _, s := range []struct {
		name  string
		value [3]string // in flag, environment, file
		read  func(plain) any
		want  [4]any // of flag, environment, file, default
	}{
		{"policy", [3]string{"a", "b", `"c"`}, func(p plain) any { return p.Policy }, [4]any{"a", "b", "c", "policy.json"}},
		{"keep", [3]string{"3s", "4s", "5s"}, func(p plain) any { return p.Keep }, [4]any{3 * time.Second, 4 * time.Second, 5 * time.Second, time.Minute}},
		{"max-bytes", [3]string{"2MiB", "3MB", "4000000"}, func(p plain) any { return p.Limit }, [4]any{Bytes(2 << 20), Bytes(3e6), Bytes(4e6), Bytes(2 << 30)}},
		{"hide", [3]string{"detected", "all", "detected"}, func(p plain) any { return p.Hide }, [4]any{"detected", "all", "detected", "all"}},
		{"count", [3]string{"0", "1", "2"}, func(p plain) any { return p.Count }, [4]any{0, 1, 2, 3}},
		{"cores", [3]string{"0", "0.5", "2.5e-1"}, func(p plain) any { return p.Cores }, [4]any{0.0, 0.5, 0.25, 1.0}},
		{"moving", [3]string{"false", "true", "false"}, func(p plain) any { return p.Moving }, [4]any{false, true, false, true}},
		{"token", [3]string{"x", "y", "z"}, func(p plain) any { return p.Token }, [4]any{Secret("x"), Secret("y"), Secret("z"), Secret("")}},
	} {
		for places := range 8 {
			o, want := Options{LookupEnv: env()}, s.want[3]
			if places&4 != 0 {
				want = s.want[2]
				o.Args = []string{"-config", write(t, "c.yaml", s.name+": "+s.value[2]+"\n")}
			}
			if places&2 != 0 {
				want = s.want[1]
				o.LookupEnv = env(envName(s.name), s.value[1])
			}
			if places&1 != 0 {
				want = s.want[0]
				o.Args = append(o.Args, "-"+s.name+"="+s.value[0])
			}
			var got plain
			if err := Load(&got, o); err != nil || s.read(got) != want {
				t.Errorf("%s, places %03b: got %v, %v; want %v", s.name, places, s.read(got), err, want)
			}
		}
	}
}

func TestConfigFromEnvironment(t *testing.T) {
	path := write(t, "c.json", "{\n\t\"count\": 7,\n\t\"keep\": \"5s\"\n}\n")
	var got plain
	err := Load(&got, Options{LookupEnv: env("HEDGE_CONFIG", path, "HEDGE_COUNT", "", "HEDGE_MAX_BYTES", "5MiB")})
	want := defaults
	want.Count, want.Keep, want.Limit = 7, 5*time.Second, 5<<20
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestBadFiles: each is refused with its line, and with all that is wrong.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"unknown", "c.yaml", "keep: 5s\n\npolcy: x\n", []string{"c.yaml:3: polcy: there is no such setting"}},
		{"unknown in JSON", "c.json", "{\n\"keep\": \"5s\",\n\n\"polcy\": \"x\"}", []string{"c.json:4: polcy: there is no such setting"}},
		{"underscore", "c.yaml", "max_bytes: 5MiB\n", []string{"c.yaml:1: max_bytes: there is"}},
		{"nested", "c.yaml", "count:\n  keep: 5s\n", []string{"c.yaml:1: count: must be a number"}},
		{"list", "c.yaml", "count: [1]\n", []string{"must be a number"}},
		{"null", "c.yaml", "policy:\nkeep: ~\n", []string{"policy: must be a text", "keep: must be a duration"}},
		{"number for text", "c.yaml", "policy: 12\n", []string{"put it in quotes"}},
		{"text for number", "c.yaml", "count: \"3\"\n", []string{"must be a number"}},
		{"YAML 1.1 bool", "c.yaml", "moving: yes\n", []string{"must be true or false"}},
		{"no unit", "c.yaml", "keep: 60\n", []string{"must be a duration such as 90s"}},
		{"octal", "c.yaml", "count: 0o7\n", []string{"is no whole number"}},
		{"twice", "c.json", "{\"count\": 1,\n\"count\": 2}", []string{"c.json:2: count: is given twice, first in line 1"}},
		{"twice in YAML", "c.yaml", "count: 1\ncount: 2\n", []string{"c.yaml:2"}},
		{"range", "c.yaml", "keep: 11m\ncount: -1\nmax-bytes: 1kB\ncores: 4.5\n", []string{
			"c.yaml:1: keep: 11m is out of range: 2s to 10m0s", "c.yaml:2: count: -1 is out of range: 0 to 9",
			"c.yaml:3: max-bytes: 1kB is out of range: at least 1MiB", "c.yaml:4: cores: 4.5 is out of range: at most 4"}},
		{"not a number", "c.yaml", "cores: .nan\n", []string{"is no number"}},
		{"enum", "c.yaml", "hide: none\n", []string{`"none" is none of all, detected`}},
		{"alias", "c.yaml", "policy: &a x\nhide: *a\n", []string{"c.yaml:1: policy: must be", "c.yaml:2: hide: must be"}},
		{"merge", "c.yaml", "<<: {count: 1}\n", []string{"c.yaml:1"}},
		{"two documents", "c.yaml", "count: 1\n---\ncount: 2\n", []string{"c.yaml:2: only one document"}},
		{"a list", "c.yaml", "- count\n", []string{"c.yaml:1: must be settings"}},
		{"not YAML", "c.yaml", "count: 1\nkeep: \"5s\n", []string{"c.yaml:2:"}},
		{"not JSON", "c.json", "{\"count\": 1,\n\n]", []string{"c.json:3:"}},
		{"cut off", "c.json", "{\"count\": 1", []string{"c.json:1: the object does not end"}},
		{"more JSON", "c.json", "{}\n{}", []string{"c.json:2: there is something after"}},
		{"empty JSON", "c.json", "", []string{"c.json:1: must be one JSON object"}},
		{"binary", "c.yaml", "count: \xff\n", []string{"c.yaml: is not UTF-8"}},
		{"long", "c.yaml", strings.Repeat("# long\n", MaxFileBytes/7+1), []string{"longer than 65536 bytes"}},
		{"deep", "c.yaml", "count: " + strings.Repeat("[", 20000), []string{"c.yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got plain
			err := Load(&got, Options{Args: []string{"-config", write(t, c.file, c.text)}, LookupEnv: env()})
			if err == nil {
				t.Fatalf("is accepted: %+v", got)
			}
			if n := strings.Count(err.Error(), "\n") + 1; n != len(c.want) {
				t.Errorf("%d problems, want %d: %v", n, len(c.want), err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v\ndoes not say %q", err, w)
				}
			}
		})
	}
}

// TestEmptyFile: a file of comments alone changes nothing.
func TestEmptyFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "{}\n"} {
		var got plain
		if err := Load(&got, Options{Args: []string{"-config", write(t, "c.yaml", text)}, LookupEnv: env()}); err != nil || got != defaults {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestEveryProblem: what is wrong in file, environment and flags is told at
// once, and no secret with it.
func TestEveryProblem(t *testing.T) {
	o := Options{
		Args:      []string{"-config", write(t, "c.yaml", "keep: 1s\ntoken: hunter2\n"), "-count=x", "-token", "file:/no/hunter3"},
		LookupEnv: env("HEDGE_HIDE", "some"),
	}
	var got plain
	err := Load(&got, o)
	var p *Problem
	if !errors.As(err, &p) || p.Setting != "keep" || !strings.HasSuffix(p.Where, "c.yaml:1") {
		t.Fatalf("first problem %+v", p)
	}
	for _, want := range []string{":1: keep: ", "HEDGE_HIDE: ", `-count: "x" is no`, "-token: secret: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("tells the secret: %v", err)
	}
}

func TestCheck(t *testing.T) {
	var c checked
	err := Load(&c, Options{Args: []string{"-keep=1s"}, LookupEnv: env()})
	if err == nil || err.Error() != "count: more than the seconds of keep\npolicy: none" {
		t.Errorf("got %v", err)
	}
	// With a setting that was not understood, its check would be about another.
	if err := Load(&c, Options{Args: []string{"-keep=1s", "-count=x"}, LookupEnv: env()}); err == nil || strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v", err)
	}
}

// TestStart: exit codes, and what is written where.
func TestStart(t *testing.T) {
	for _, c := range []struct {
		args        string
		code        int
		ok          bool
		out, errors string // parts
		lines       int    // of errors
	}{
		{"", 0, true, "", "", 0},
		{"-keep 9s", 0, true, "", "", 0},
		{"-check", 0, false, "prog: the configuration is valid\nprog: keep counts in UTC\n", "", 0},
		{"-check -keep 1s", 2, false, "", "prog: count: more than the seconds of keep\nprog: policy: none\n", 2},
		{"-keep 1s", 2, false, "", "prog: policy: none\n", 2},
		{"-keep", 2, false, "", "prog: flag needs an argument: -keep (-help", 1},
		{"-no", 2, false, "", "prog: flag provided but not defined: -no (-help", 1},
		{"stray", 2, false, "", `prog: unexpected "stray"`, 1},
		{"rtsp://user:word@camera/1", 2, false, "", `prog: unexpected "rtsp://camera/1"`, 1},
		{"-config /no/such", 2, false, "", "no such file", 1},
		{"-help", 0, false, "-keep duration  [HEDGE_KEEP]\n        how long (default 60s)\n", "", 0},
		{"-version -keep 1s", 0, false, "prog " + buildinfo.Version() + "\n", "", 0},
		{"-schema -keep 1s", 0, false, `"additionalProperties": false`, "", 0},
	} {
		var out, errs strings.Builder
		var cfg checked
		code, ok := Start(&cfg, Options{Program: "prog", About: "does", Args: strings.Fields(c.args), LookupEnv: env(), Stdout: &out, Stderr: &errs})
		if code != c.code || ok != c.ok || !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.errors) ||
			strings.Count(errs.String(), "\n") != c.lines || c.out == "" && out.Len() > 0 {
			t.Errorf("%q: code %d, go on %v, out %q, errors %q", c.args, code, ok, out.String(), errs.String())
		}
	}
	if err := Load(&checked{}, Options{Args: []string{"-h"}}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// TestSchema: what the schema allows for a setting, the file parser takes, and
// the defaults are what it says.
func TestSchema(t *testing.T) {
	var s struct {
		Additional *bool `json:"additionalProperties"`
		Properties map[string]struct {
			Type                 any
			Description, Pattern string
			Default              any
			Enum                 []string
			Minimum, Maximum     *float64
		}
	}
	if err := json.Unmarshal(Schema(&plain{}, "prog"), &s); err != nil {
		t.Fatal(err)
	}
	if s.Additional == nil || *s.Additional || len(s.Properties) != 8 {
		t.Fatalf("schema %s", Schema(&plain{}, "prog"))
	}
	for name, p := range s.Properties {
		if p.Default == nil {
			continue
		}
		text, err := json.Marshal(map[string]any{name: p.Default})
		if err != nil {
			t.Fatal(err)
		}
		var got plain
		if err := Load(&got, Options{Args: []string{"-config", write(t, "c.json", string(text))}, LookupEnv: env()}); err != nil || got != defaults {
			t.Errorf("default of %s: %+v, %v", name, got, err)
		}
		if p.Pattern != "" && !regexp.MustCompile(p.Pattern).MatchString(p.Default.(string)) {
			t.Errorf("%s: default %v does not match %s", name, p.Default, p.Pattern)
		}
	}
	if c := s.Properties["count"]; c.Type != "integer" || *c.Minimum != 0 || *c.Maximum != 9 {
		t.Errorf("count: %+v", c)
	}
	if c := s.Properties["hide"]; fmt.Sprint(c.Enum) != "[all detected]" {
		t.Errorf("hide: %+v", c)
	}
	if c := s.Properties["keep"]; !strings.Contains(c.Description, "2s to 10m0s") {
		t.Errorf("keep: %+v", c)
	}
}

// TestPatterns: the schema's patterns and the parsers agree.
func TestPatterns(t *testing.T) {
	duration, size := regexp.MustCompile(durationPattern), regexp.MustCompile(bytesPattern)
	for _, text := range []string{"0", "1s", "1.5h", "2h30m", "300ms", "7µs", "-1s", "", "1", "1d", "s", "1 s", ".", "1e3s"} {
		_, err := time.ParseDuration(text)
		if duration.MatchString(text) != (err == nil) {
			t.Errorf("duration %q: the schema says %v, the parser %v", text, duration.MatchString(text), err)
		}
	}
	for _, c := range []struct {
		text string
		want Bytes
	}{{"0", 0}, {"4096", 4096}, {"1B", 1}, {"1kB", 1000}, {"1KB", 1000}, {"1.5KiB", 1536}, {"500 MB", 5e8}, {"2GiB", 2 << 30}, {"3TB", 3e12}, {"1TiB", 1 << 40}} {
		b, err := ParseBytes(c.text)
		if err != nil || b != c.want || !size.MatchString(c.text) {
			t.Errorf("size %q: %d, %v, schema %v", c.text, b, err, size.MatchString(c.text))
		}
		if back, err := ParseBytes(b.String()); err != nil || back != b {
			t.Errorf("%d prints as %s, which is %d, %v", b, b, back, err)
		}
	}
	for _, text := range []string{"", "B", "-1", "1m", "1G", "1mb", "1 G B", "GiB", "1iB", "1kiB", "x"} {
		if b, err := ParseBytes(text); err == nil || size.MatchString(text) {
			t.Errorf("size %q: %d, schema %v", text, b, size.MatchString(text))
		}
	}
	for _, text := range []string{"9007199254740992", "8192TiB", "99999999999999999999TB"} {
		if b, err := ParseBytes(text); err == nil {
			t.Errorf("size %q: %d", text, b)
		}
	}
}

func TestSecret(t *testing.T) {
	var got plain
	o := Options{Args: []string{"-token", "file:" + write(t, "t", "hunter2 \nmore\n")}, LookupEnv: env()}
	if err := Load(&got, o); err != nil || got.Token != "hunter2" {
		t.Fatalf("token %q, %v", string(got.Token), err)
	}
	text, err := json.Marshal(got)
	if all := fmt.Sprintf("%v %+v %#v %s %q", got, got, got, got.Token, got.Token) + string(text); err != nil || strings.Contains(all, "hunter2") {
		t.Errorf("prints itself: %s, %v", all, err)
	}
	o.Args[1] = "file:" + write(t, "t", "\nhunter2\n")
	if err := Load(&got, o); err == nil {
		t.Error("an empty line is a secret")
	}
}

// TestBadTags: mistakes in tags do not wait for the user to find them.
func TestBadTags(t *testing.T) {
	for name, c := range map[string]any{
		"no pointer": plain{},
		"unexported": &struct {
			a int `name:"a" help:"a"`
		}{},
		"no help": &struct {
			A int `name:"a"`
		}{},
		"default": &struct {
			A int `name:"a" help:"a" default:"x"`
		}{},
		"default out of range": &struct {
			A int `name:"a" help:"a" default:"3" max:"2"`
		}{},
		"zero out of range": &struct {
			A int `name:"a" help:"a" min:"1"`
		}{},
		"min": &struct {
			A string `name:"a" help:"a" min:"1"`
		}{},
		"kind": &struct {
			A []string `name:"a" help:"a"`
		}{},
		"taken": &struct {
			A int `name:"check" help:"a"`
		}{},
		"twice": &struct {
			A int `name:"a" help:"a"`
			B int `name:"a" help:"a"`
		}{},
		"embedded twice": &struct {
			Embedded
			B int `name:"inner" help:"a"`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			describe(c)
		}()
	}
}

// Embedded is part of a configuration.
type Embedded struct {
	Inner int `name:"inner" help:"a" default:"3"`
}

// TestEmbedded: a struct that is embedded adds its settings in its place.
func TestEmbedded(t *testing.T) {
	var c struct {
		First int `name:"first" help:"a"`
		Embedded
		Last int `name:"last" help:"a"`
	}
	err := Load(&c, Options{Args: []string{"-inner", "7", "-last", "8"}, LookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil || c.Inner != 7 || c.Last != 8 {
		t.Errorf("%+v, %v", c, err)
	}
	var names []string
	for _, f := range describe(&c) {
		names = append(names, f.name)
	}
	if got := strings.Join(names, " "); got != "first inner last" {
		t.Errorf("settings %s", got)
	}
}
