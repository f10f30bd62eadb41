package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/recorder"
	"github.com/hedgecam/hedge/examples/internal/settings"
)

// config is the command line, the environment and the file.
type config struct {
	live.Settings
	Policy    string        `name:"policy" default:"policy.json" help:"the policy file (JSON), whose property is the cabin and the bonnet; a change takes effect at once"`
	LookAhead time.Duration `name:"lookahead" default:"1s" min:"0s" max:"4s" help:"by how much the picture is late, so that who is found now is hidden in the pictures before, too"`
	encoder.Flags

	Keep   time.Duration  `name:"keep" default:"60s" min:"1s" max:"10m" help:"how much redacted video is held in memory, and nowhere else, if memory is enough for it"`
	Memory settings.Bytes `name:"memory" default:"256MiB" min:"8MB" help:"most memory that this video may take; 4K takes about 120MB a minute; with systemd, MemoryMax of the unit has to allow for it"`
	Before time.Duration  `name:"before" default:"30s" min:"0s" max:"5m" help:"how much of it is written when something happens"`
	After  time.Duration  `name:"after" default:"30s" min:"1s" max:"5m" help:"how much is written from then on"`

	Dir   string         `name:"dir" default:"events" help:"folder of the recorded events"`
	Bytes settings.Bytes `name:"max-bytes" default:"2GiB" help:"most bytes of all events, at least 1MB; the oldest is deleted first; 0 is no limit"`
	Files int            `name:"max-files" default:"0" min:"0" max:"1000000" help:"most events that are kept; the oldest is deleted first; 0 is no limit"`
	Days  int            `name:"max-days" default:"30" min:"0" max:"36500" help:"most days that an event is kept; 0 is no limit"`
	Hours int            `name:"max-hours" default:"0" min:"0" max:"876000" help:"most hours that an event is kept, in place of max-days; 0: max-days counts"`

	Listen    string          `name:"listen" default:"127.0.0.1:8081" help:"loopback address for POST /event and GET /healthz; empty in the file for none"`
	Token     settings.Secret `name:"token" help:"who may POST /event, at least 16 characters; none: a random one is shown at the start, on a terminal only"`
	Accel     string          `name:"accel" help:"accelerometer: the folder of an IIO device (/sys/bus/iio/devices/iio:device0), or a file with one number in m/s²"`
	Threshold float64         `name:"accel-threshold" default:"6" min:"0.5" max:"200" help:"acceleration in m/s², gravity left out, that is an event"`
}

// Check says what is wrong with settings that were understood.
func (c *config) Check() error {
	_, policyErr := settings.LoadPolicy(c.Policy)
	errs := []error{policyErr, c.CheckSource()}
	if c.Bytes > 0 && c.Bytes < 1e6 {
		errs = append(errs, fmt.Errorf("max-bytes: %v is less than 1MB; 0 is no limit", c.Bytes))
	}
	if c.Before > c.Keep {
		errs = append(errs, fmt.Errorf("before: %v is more than the %v that keep holds in memory", c.Before, c.Keep))
	}
	if c.Token != "" && len(c.Token) < minToken {
		errs = append(errs, fmt.Errorf("token: has less than %d characters; without one, a random one is made", minToken))
	}
	if c.Listen != "" {
		errs = append(errs, checkListen(c.Listen))
	}
	return errors.Join(errs...)
}

// limits returns those of the recorded events.
func (c *config) limits() recorder.Limits {
	age := time.Duration(c.Days) * 24 * time.Hour
	if c.Hours > 0 {
		age = time.Duration(c.Hours) * time.Hour
	}
	return recorder.Limits{Bytes: int64(c.Bytes), Age: age, Files: c.Files}
}
