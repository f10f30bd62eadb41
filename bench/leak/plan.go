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
		Policy: policy, Mode: o.pipelineMode, Cores: o.Cores,
		LookAhead: o.lookAhead, Every: o.Every, Compressed: o.Compressed,
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
	models, err := networks.Open(ctx, o.Networks, n)
	if err != nil {
		return nil, nil, err
	}
	pl := &plan{options: o, config: c}
	if err := pl.listen(models); err != nil {
		return nil, nil, errors.Join(err, models.Close())
	}
	return pl, models, nil
}

// listen puts the networks into the plan, remembered and deaf as the options
// say.
func (pl *plan) listen(models *networks.Set) error {
	heard := pl.classSet | detect.Classes(detect.Vehicle)
	for i, d := range models.Detectors {
		if pl.cache != "" {
			m := models.Models[i]
			c, err := openCache(pl.cache, fmt.Sprintf("%s %s %s", m.Name, m.SHA256, pl.minScore), d)
			if err != nil {
				return err
			}
			pl.caches = append(pl.caches, c)
			d = c
		}
		if d.Classes()&^heard != 0 {
			d = &deaf{d, heard}
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
	c := o.Config
	c.Policy, c.PolicySHA256, c.LookAheadMS, c.Options = json.RawMessage(p.Canonical()), p.SHA256(), ms(o.lookAhead), withoutFolders(o.given)
	c.Go, c.Platform, c.CPUs = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU()
	for _, m := range models.Models {
		c.Models = append(c.Models, leakreport.Model{Name: m.Name, SHA256: m.SHA256})
	}
	return c
}
