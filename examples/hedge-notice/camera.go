package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/view"
	"github.com/hedgecam/hedge/redact"
)

// doorbellSettings are those of the doorbell on which the texts depend, with its
// defaults: a test holds them against the doorbell's own.
type doorbellSettings struct {
	Policy      string         `name:"policy" default:"policy.json" help:"-"`
	Preset      string         `name:"preset" default:"house" enum:"house,doorbell" help:"-"`
	RingFor     time.Duration  `name:"ring-for" default:"30s" min:"1s" max:"10m" help:"-"`
	RTSP        string         `name:"rtsp" default:"127.0.0.1:8554" help:"-"`
	Listen      string         `name:"listen" default:"127.0.0.1:8080" help:"-"`
	Record      string         `name:"record" help:"-"`
	RecordDays  int            `name:"record-days" default:"7" min:"1" max:"3650" help:"-"`
	RecordHours int            `name:"record-hours" default:"0" min:"0" max:"87600" help:"-"`
	Limit       settings.Bytes `name:"record-limit" default:"10GB" help:"-"`
	MQTT        string         `name:"mqtt" help:"-"`
}

// dashcamSettings are those of the dashcam.
type dashcamSettings struct {
	Policy string         `name:"policy" default:"policy.json" help:"-"`
	Keep   time.Duration  `name:"keep" default:"60s" min:"1s" max:"10m" help:"-"`
	Before time.Duration  `name:"before" default:"30s" min:"0s" max:"5m" help:"-"`
	After  time.Duration  `name:"after" default:"30s" min:"1s" max:"5m" help:"-"`
	Bytes  settings.Bytes `name:"max-bytes" default:"2GiB" help:"-"`
	Days   int            `name:"max-days" default:"30" min:"0" max:"36500" help:"-"`
	Hours  int            `name:"max-hours" default:"0" min:"0" max:"876000" help:"-"`
}

// camera is what is known of the camera.
type camera struct {
	car    bool // it is in a car
	policy *redact.Policy
	aspect float64 // width by height of the picture

	record bool           // it records
	age    time.Duration  // at most for so long; 0 for no limit
	limit  settings.Bytes // and at most so much; 0 for no limit

	bell                time.Duration // how long there is a picture after a ring; 0: always
	keep, before, after time.Duration // of the dashcam

	recorder time.Duration // how long a recorder on the network keeps the picture; 0: none
	network  bool          // the page is served to the network
	broker   string        // host of the MQTT broker, which gets figures and no pictures
}

// readCamera reads the camera's configuration and policy.
func readCamera(c *config) (*camera, error) {
	read := readDoorbell
	if c.Program == "dashcam" {
		read = readDashcam
	}
	cam, policy, err := read(c)
	if err != nil {
		return nil, fmt.Errorf("camera: %w", err)
	}
	if c.Policy != "" {
		policy = c.Policy
	}
	cam.policy, err = redact.LoadPolicy(policy)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; -policy names the file that the camera uses", err)
	}
	if err != nil {
		return nil, err
	}
	cam.aspect = 16.0 / 9
	if v, err := view.Load(policy); err == nil && v.Native.Y > 0 {
		cam.aspect = min(max(float64(v.Native.X)/float64(v.Native.Y), 0.5), 2.5)
	}
	return cam, nil
}

// beside returns a file that a configuration names: a relative path lies beside it.
func beside(config, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(config), name)
}

// kept is how long recordings are kept: hours go before days.
func kept(days, hours int) time.Duration {
	if hours > 0 {
		return time.Duration(hours) * time.Hour
	}
	return time.Duration(days) * 24 * time.Hour
}

func readDashcam(c *config) (*camera, string, error) {
	var d dashcamSettings
	if err := settings.ReadFile(c.Camera, &d); err != nil {
		return nil, "", err
	}
	return &camera{car: true, record: true, age: kept(d.Days, d.Hours), limit: d.Bytes,
		keep: d.Keep, before: d.Before, after: d.After}, beside(c.Camera, d.Policy), nil
}

func readDoorbell(c *config) (*camera, string, error) {
	var d doorbellSettings
	if err := settings.ReadFile(c.Camera, &d); err != nil {
		return nil, "", err
	}
	cam := &camera{record: d.Record != "", age: kept(d.RecordDays, d.RecordHours), limit: d.Limit, network: others(d.Listen)}
	if d.Preset == "doorbell" {
		cam.bell = d.RingFor
	}
	if d.MQTT != "" {
		u, err := url.Parse(d.MQTT)
		if err != nil || u.Hostname() == "" {
			return nil, "", fmt.Errorf("mqtt: %q is no broker", d.MQTT)
		}
		cam.broker = u.Hostname()
	}
	cam.recorder = time.Duration(c.RecorderHours) * time.Hour
	if d.RTSP != "off" && others(d.RTSP) && c.RecorderHours == 0 {
		return nil, "", fmt.Errorf("rtsp is %s, so that a recorder on the network can take the picture: say with -recorder-hours for how long it keeps it, or set rtsp: off", d.RTSP)
	}
	return cam, beside(c.Camera, d.Policy), nil
}

// others reports whether an address to listen on can be reached from other machines.
func others(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return err != nil
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsLoopback()
}
