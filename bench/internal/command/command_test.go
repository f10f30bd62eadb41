package command

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		said string
	}{
		{nil, 0, ""},
		{fmt.Errorf("flags: %w", flag.ErrHelp), 0, ""},
		{errors.New("no clip"), 1, "attack: no clip\n"},
	} {
		var said strings.Builder
		if code := exitCode("attack", tt.err, &said); code != tt.code || said.String() != tt.said {
			t.Errorf("%v: code %d, said %q", tt.err, code, said.String())
		}
	}
}

// TestOutput: the tables go to both, the results to their file, and nowhere else.
func TestOutput(t *testing.T) {
	const tables, results = "| a |\n", "{\n  \"a\": 1\n}\n"
	for _, flags := range []string{"", "-json", "-md", "-md -json"} {
		dir := t.TempDir()
		files := map[string]string{}
		var args []string
		for _, name := range strings.Fields(flags) {
			file := filepath.Join(dir, name[1:])
			files[file] = map[string]string{"-json": results, "-md": tables}[name]
			args = append(args, name, file)
		}
		var o Output
		f := flag.NewFlagSet("test", flag.ContinueOnError)
		o.Flags(f)
		if err := Parse(f, args); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := o.Write(&out, tables, map[string]int{"a": 1}); err != nil {
			t.Fatal(err)
		}
		if out.String() != tables {
			t.Errorf("%q: standard output is %q", flags, out.String())
		}
		for file, want := range files {
			if got, err := os.ReadFile(file); err != nil || string(got) != want {
				t.Errorf("%q: %s is %q, %v", flags, filepath.Base(file), got, err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(files) {
			t.Errorf("%q: %d files, %v", flags, len(entries), err)
		}
	}
}

// TestOutputFails: a file that cannot be written is an error.
func TestOutputFails(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "no", "folder")
	for _, o := range []Output{{json: nowhere}, {markdown: nowhere}} {
		var out strings.Builder
		if err := o.Write(&out, "", nil); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := WriteJSON(filepath.Join(t.TempDir(), "x"), func() {}); err == nil {
		t.Error("a func was written as JSON")
	}
}

func TestParse(t *testing.T) {
	f := flag.NewFlagSet("test", flag.ContinueOnError)
	if err := Parse(f, []string{"clip.mp4"}); err == nil || !strings.Contains(err.Error(), `"clip.mp4"`) {
		t.Errorf("got %v", err)
	}
}
