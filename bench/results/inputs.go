package main

import (
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

	"github.com/hedgecam/hedge/bench/internal/machine"
)

// results is all that was read. What was not there is nil or empty.
type results struct {
	leaks    []leakFile
	ablation *ablation
	attack   *attack
	peers    *peers
	speed    *speed
	doorbell *speed // the same form
	// made is when each file was measured, by its name below the folder: as it
	// says itself, or else the day on which it was committed.
	made  map[string]string
	names []string
	// missing are files that were not there.
	missing []string
}

// leakFile is a result of bench/leak, see its report.go.
type leakFile struct {
	Name   string `json:"-"` // of the file, without leak/ and .json
	Sets   []leakSet
	Runs   []leakRun
	Config leakConfig
}

type leakSet struct {
	Set, Class    string
	Boxes, Leaked int
	LeakRate      *float64 `json:"leak_rate"`
	Tracks        int
	TracksLeaking int                 `json:"tracks_leaking"`
	TracksOver3   int                 `json:"tracks_leaking_over_3"`
	LongestRun    int                 `json:"longest_run"`
	FirstExposure *float64            `json:"first_exposure_ms"`
	OverHidden    *float64            `json:"over_hidden"`
	Flicker       *float64            `json:"flickers_per_1000"`
	BySize        map[string]leakSize `json:"by_size"`
}

type leakSize struct {
	Boxes, Leaked int
	LeakRate      *float64 `json:"leak_rate"`
}

type leakRun struct {
	Set               string
	Mode              string
	Out               uint64  `json:"frames_out"`
	Dropped           uint64  `json:"frames_dropped"`
	FailedClosedShare float64 `json:"failed_closed_share"`
	DetectorMS        float64 `json:"detector_ms_per_frame"`
}

type leakConfig struct {
	Mode, Networks, Go, Platform string
	Cores                        float64
	LookAhead                    int     // in pictures, of older results
	LookAheadMS                  float64 `json:"lookahead_ms"`
	CPUs                         int
	Models                       []struct{ Name, SHA256 string }
	Options                      []string
}

// ablation is a result of bench/leak -ablation.
type ablation struct {
	Variants []struct {
		Name    string
		Options []string
		leakFile
	}
}

// attack is a result of bench/attack.
type attack struct {
	Command, Date, Go, Platform string
	Recognition                 []recognition
	Motion                      []struct {
		What, Fill string
		Default    bool
		Warning    bool `json:"warning_example"`
		One        float64
		Best       float64 `json:"best_one"`
		Average    float64
		Back       float64 `json:"back_projection"`
		BackFrom1  float64 `json:"back_projection_of_one"`
		Values     int     `json:"cell_values"`
	}
	Detection []struct {
		Set, Fill      string
		Input, Objects int
		Hits           int
		PerThousand    float64 `json:"per_1000_objects"`
	}
	Verdicts []struct {
		Bar, Why string
		Kept     bool
	}
	Notes []string
}

type recognition struct {
	What, Seen, Fill    string
	Default             bool
	Warning             bool `json:"warning_example"`
	Accuracy, Low, High float64
	Chance              float64
	OverChance          float64 `json:"times_chance"`
	Tests               int
}

// peers is a result of bench/peers.
type peers struct {
	Frames   int
	Machine  machine.Facts
	Versions []string
	Runs     []peer
	Damaged  []struct {
		Tool, Scope, Flags string
		Exit               int `json:"exit_code"`
		In                 int `json:"frames_in"`
		Out                int `json:"frames_out"`
		Leak               map[string]count
	}
	Notes []string
}

type peer struct {
	Tool, Scope, Flags, Clip string
	FPS                      float64 `json:"frames_per_second"`
	CoreMS                   float64 `json:"core_ms_per_frame"`
	PeakMB                   float64 `json:"peak_memory_mb"`
	Leak                     map[string]count
	RestGone                 float64  `json:"rest_gone"`
	Sound                    bool     `json:"sound_kept"`
	Metadata                 []string `json:"metadata_kept"`
	Problem                  string
}

type count struct {
	Boxes, Leaked int
	Tracks        int
	TracksLeaking int `json:"tracks_leaking"`
	LongestRun    int `json:"longest_run"`
}

// speed is a result of bench/speed or bench/doorbell.
type speed struct {
	Machine machine.Facts
	Date    string
	Seconds int // of bench/doorbell
	Rows    []struct {
		Name, Unit, Reach, Note string
		Value                   *float64
		Met                     *bool
	}
	Tables []table
	Notes  []string
}

type table struct {
	Title   string
	Columns []string
	Lines   [][]string
	Note    string
}

// read reads the results below a folder. What is there must make sense.
func read(dir string) (*results, error) {
	r := &results{made: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "leak", "last*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, file := range files {
		l := leakFile{Name: strings.TrimSuffix(filepath.Base(file), ".json")}
		if _, err := r.load(dir, "leak/"+filepath.Base(file), &l); err != nil {
			return nil, err
		}
		r.leaks = append(r.leaks, l)
	}
	if len(files) == 0 {
		r.missing = append(r.missing, "leak/last.json")
	}
	r.ablation, err = loadOne[ablation](r, dir, "leak/ablation.json")
	if err == nil {
		r.attack, err = loadOne[attack](r, dir, "attack/last.json")
	}
	if err == nil {
		r.peers, err = loadOne[peers](r, dir, "peers/last.json")
	}
	if err == nil {
		r.speed, err = loadOne[speed](r, dir, "speed/last.json")
	}
	if err == nil {
		r.doorbell, err = loadOne[speed](r, dir, "doorbell/last.json")
	}
	return r, err
}

// loadOne reads one file, nil if it is not there.
func loadOne[T any](r *results, dir, name string) (*T, error) {
	v := new(T)
	there, err := r.load(dir, name, v)
	if !there {
		v = nil
	}
	return v, err
}

func (r *results) load(dir, name string, v any) (there bool, err error) {
	file := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		r.missing = append(r.missing, name)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s: %w; run the program that makes it again", file, err)
	}
	dated := struct{ Date string }{committed(file)}
	if err := json.Unmarshal(data, &dated); err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	r.made[name] = dated.Date
	r.names = append(r.names, name)
	return true, nil
}

// committed returns the day on which a file was last committed, "not recorded" if
// that cannot be known.
func committed(file string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", "log", "-1", "--format=%cs", "--", filepath.Base(file))
	cmd.Dir = filepath.Dir(file)
	day, err := cmd.Output()
	if s := strings.TrimSpace(string(day)); err == nil && s != "" {
		return s
	}
	return "not recorded"
}

// cell returns what a table of the speed results has in a column of the line
// that begins with the given cells, "" if there is none.
func (s *speed) cell(title, column string, line ...string) string {
	for i := range s.Tables {
		t := &s.Tables[i]
		c := slices.Index(t.Columns, column)
		if !strings.HasPrefix(t.Title, title) || c < 0 {
			continue
		}
		for _, l := range t.Lines {
			if len(l) > c && len(l) >= len(line) && slices.Equal(l[:len(line)], line) {
				return l[c]
			}
		}
	}
	return ""
}
