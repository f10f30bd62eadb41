package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hedgecam/hedge/bench/internal/leakreport"
	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/onnx/networks"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// hardCase is the default policy: everything is outside, and shown unless
// something is found in it.
const hardCase = `{"version":1,"outside":{"hide":"detected","fill":"frost"}}`

// plan makes the configuration of all runs. The caller closes the networks.
func (o *options) plan(ctx context.Context) (*plan, *networks.Set, error) {
	policy, err := redact.ParsePolicy([]byte(hardCase))
	if o.policy != "" {
		policy, err = redact.LoadPolicy(o.policy)
	}
	if err != nil {
		return nil, nil, err
	}
	c := pipeline.Config{
		Policy: policy, Mode: o.pipelineMode, Cores: o.cores,
		LookAhead: o.lookAhead, Every: o.every, Compressed: o.compressed,
		Redact: o.redact,
	}
	if c.Track, err = parseTrack(o.track); err != nil {
		return nil, nil, fmt.Errorf("-track: %w", err)
	}
	n := networks.Options{}
	if n.MinScore, err = parseScores(o.minScore); err != nil {
		return nil, nil, fmt.Errorf("-minscore: %w", err)
	}
	if o.recording && o.minScore == "" {
		n.MinScore = pipeline.RecordingScores
	}
	if n.InputSize, err = parseSize(o.input); err != nil {
		return nil, nil, fmt.Errorf("-input: %w", err)
	}
	models, err := networks.Open(ctx, o.networks, n)
	if err != nil {
		return nil, nil, err
	}
	pl := &plan{config: c, rate: o.fps, moving: o.moving, classes: o.classSet, skip: o.skip, picture: o.picture, recording: o.recording, parts: o.parts}
	if err := pl.listen(o, models); err != nil {
		return nil, nil, errors.Join(err, models.Close())
	}
	return pl, models, nil
}

// listen puts the networks into the plan, remembered and deaf as the options
// say.
func (pl *plan) listen(o *options, models *networks.Set) error {
	for i, d := range models.Detectors {
		if o.cache != "" {
			m := models.Models[i]
			c, err := openCache(o.cache, fmt.Sprintf("%s %s %s %s", m.Name, m.SHA256, o.input, o.minScore), d)
			if err != nil {
				return err
			}
			pl.caches = append(pl.caches, c)
			d = c
		}
		if d.Classes()&^o.classSet&^detect.Classes(detect.Vehicle) != 0 {
			d = &deaf{d, o.classSet | detect.Classes(detect.Vehicle)}
		}
		pl.config.Detectors = append(pl.config.Detectors, d)
	}
	return nil
}

// save keeps what the caches have learnt.
func (pl *plan) save() error {
	for _, c := range pl.caches {
		if err := c.save(); err != nil {
			return err
		}
	}
	return nil
}

// withoutFolders returns arguments with paths cut to their last element: a published
// result does not say where files lie on this machine.
func withoutFolders(args []string) []string {
	short := make([]string, len(args))
	for i, a := range args {
		name, value, ok := strings.Cut(a, "=")
		switch {
		case ok && strings.Contains(value, "/"):
			short[i] = name + "=" + filepath.Base(value)
		case strings.Contains(a, "/"):
			short[i] = filepath.Base(a)
		default:
			short[i] = a
		}
	}
	return short
}

func (o *options) report(p *redact.Policy, models *networks.Set) leakreport.Config {
	c := leakreport.Config{
		Policy: json.RawMessage(p.Canonical()), PolicySHA256: p.SHA256(), Mode: o.mode,
		FPS: o.fps, Cores: o.cores, Networks: o.networks, LookAheadMS: ms(o.lookAhead),
		Every: o.every, Moving: o.moving, Classes: strings.Split(o.classes, ","), Skip: o.skip,
		Compressed: o.compressed, Options: withoutFolders(o.given),
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
	}
	for _, m := range models.Models {
		c.Models = append(c.Models, leakreport.Model{Name: m.Name, SHA256: m.SHA256})
	}
	return c
}
