package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/bench/internal/machine"
	"github.com/hedgecam/hedge/bench/internal/report"
)

// results are all files that were read. A missing one is empty.
type results struct {
	leaks    []leakreport.Report // in the order of names
	names    []string            // of the files of leaks, without the folder
	ablation leakreport.Ablation
	attack   struct {
		Go, Platform string
		Recognition  []recognition
		Background   []recognition // by the fill of that name
		Verdicts     []struct {
			Bar, Why string
			Kept     bool
		}
	}
	peers struct {
		Machine  machine.Facts
		Versions []string
		Runs     []struct {
			Tool, Scope, Clip string
			Leak              map[string]struct{ Boxes, Leaked int }
		}
	}
	speed, doorbell, busy, soak, archive report.Result

	files   []file
	missing []string // files that were not there
}

// recognition is how often people, or plates, are named under a fill.
type recognition struct {
	What, Seen, Fill string
	Default          bool
	Warning          bool `json:"warning_example"`
	Accuracy         float64
	TimesChance      float64 `json:"times_chance"`
}

// file is one of those that were read.
type file struct{ name, date, facts string }

func read(ctx context.Context, dir string) (*results, error) {
	r := &results{}
	found, err := filepath.Glob(filepath.Join(dir, "leak", "last*.json"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		r.missing = append(r.missing, "leak/last.json")
	}
	r.leaks = make([]leakreport.Report, len(found))
	slices.Sort(found)
	for i, path := range found {
		name := filepath.Base(path)
		r.names = append(r.names, name)
		l := &r.leaks[i]
		err = errors.Join(err, r.load(ctx, dir, "leak/"+name, l, func() string { return l.Config.Text() }))
	}
	where := func(m *machine.Facts) string { return m.Text() + "; " + m.Load() }
	return r, errors.Join(err,
		r.load(ctx, dir, "leak/ablation.json", &r.ablation, func() string {
			for i := range r.ablation.Variants {
				return r.ablation.Variants[i].Config.Text()
			}
			return ""
		}),
		r.load(ctx, dir, "attack/last.json", &r.attack, func() string { return r.attack.Go + ", " + r.attack.Platform }),
		r.load(ctx, dir, "peers/last.json", &r.peers, func() string {
			return strings.Join(append([]string{where(&r.peers.Machine)}, r.peers.Versions...), ", ")
		}),
		r.load(ctx, dir, "speed/last.json", &r.speed, func() string { return where(&r.speed.Machine) }),
		r.load(ctx, dir, "doorbell/last.json", &r.doorbell, func() string { return where(&r.doorbell.Machine) }),
		r.load(ctx, dir, "doorbell/busy.json", &r.busy, func() string { return where(&r.busy.Machine) }),
		r.load(ctx, dir, "soak/last.json", &r.soak, func() string { return where(&r.soak.Machine) }),
		r.load(ctx, dir, "archive/last.json", &r.archive, func() string { return where(&r.archive.Machine) }))
}

// load reads one file into v, and notes when and on what it was measured. The
// date is what the file says, or else the day on which it was committed.
func (r *results) load(ctx context.Context, dir, name string, v any, facts func() string) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.missing = append(r.missing, name)
		return nil
	}
	if err != nil {
		return err
	}
	var dated struct{ Date string }
	if err := errors.Join(json.Unmarshal(data, v), json.Unmarshal(data, &dated)); err != nil {
		return fmt.Errorf("%s: %w; run the program that makes it again", path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%cs", "--", filepath.Base(path))
	cmd.Dir = filepath.Dir(path)
	day, err := cmd.Output()
	if err != nil {
		day = nil // no repository, or no git
	}
	r.files = append(r.files, file{name, cmp.Or(dated.Date, strings.TrimSpace(string(day)), "not recorded"), facts()})
	return nil
}
