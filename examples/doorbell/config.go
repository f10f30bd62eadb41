package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/encoder"
	"github.com/hedgecam/hedge/examples/internal/homeassistant"
	"github.com/hedgecam/hedge/examples/internal/live"
	"github.com/hedgecam/hedge/examples/internal/rtsp"
	"github.com/hedgecam/hedge/examples/internal/schedule"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/webaccess"
	"github.com/hedgecam/hedge/redact"
)

// The presets.
const (
	presetDoorbell = "doorbell"
)

// off as the address of RTSP is none.
const off = "off"

// config is the configuration.
type config struct {
	live.Settings
	Policy string `name:"policy" default:"policy.json" help:"the policy file (JSON); the page writes it, and a change by hand takes effect at once"`
	Preset string `name:"preset" default:"house" enum:"house,doorbell" help:"when there is a picture: always, or only after the bell was rung"`

	Listen     string          `name:"listen" default:"127.0.0.1:8080" help:"where the page is served; anywhere but on this machine itself it is over TLS"`
	TLSCert    string          `name:"tls-cert" help:"certificate file (PEM); without one, a self-signed certificate is made where TLS is needed"`
	TLSKey     string          `name:"tls-key" help:"key file of the certificate (PEM)"`
	Host       string          `name:"host" help:"further names under which the page may be asked for, separated by commas"`
	State      string          `name:"state" help:"folder in which token and certificate outlive a restart; without one they are new each time"`
	Token      settings.Secret `name:"token" help:"the token that opens the page, at least 16 characters; without one it is random"`
	WatchToken settings.Secret `name:"watch-token" help:"another token, for who may watch and ring but not change the zones, at least 16 characters; without one it is random"`
	Viewers    int             `name:"viewers" default:"8" min:"1" max:"64" help:"how many may watch the page's live picture at once"`
	RingFor    time.Duration   `name:"ring-for" default:"30s" min:"1s" max:"10m" help:"how long there is a picture after the bell was rung"`
	RingGPIO   string          `name:"ring-gpio" help:"a file that tells of the bell's button, such as /sys/class/gpio/gpio17/value"`
	RingAt     string          `name:"ring-at" default:"1" enum:"0,1" help:"what the file of ring-gpio says while the button is pressed"`

	Private     string  `name:"private" help:"when everything is hidden, such as: mon-fri 08:00-17:00; sat,sun sunset-sunrise; in the time zone of the machine, or of the environment's TZ"`
	Latitude    float64 `name:"latitude" default:"0" min:"-90" max:"90" help:"where the camera is, in degrees north, for sunrise and sunset of private"`
	Longitude   float64 `name:"longitude" default:"0" min:"-180" max:"180" help:"where the camera is, in degrees east"`
	PrivateGPIO string  `name:"private-gpio" help:"a file that tells of a switch, such as /sys/class/gpio/gpio27/value: everything is hidden while it is on, and while it cannot be read"`
	PrivateAt   string  `name:"private-at" default:"1" enum:"0,1" help:"what the file of private-gpio says while the switch is on"`

	encoder.Flags
	LookAhead      time.Duration `name:"lookahead" default:"300ms" min:"0s" max:"4s" help:"by how much the picture is late, so that who is found now is hidden in the pictures before, too"`
	BackgroundSpan time.Duration `name:"background-span" default:"30s" min:"10s" max:"24h" help:"for how long a place must have looked the same, with nobody found in it, before the fill background shows it; who stands still for longer and is not found is part of the place"`
	Events         string        `name:"events" default:"-" help:"file to which events are added, one JSON object a line; at 32 MiB it becomes FILE.1, and a new one begins; - is the standard output"`

	RTSP         string          `name:"rtsp" default:"127.0.0.1:8554" help:"where the picture is served to recorders, as rtsp://ADDRESS/hedge; off serves it nowhere"`
	RTSPUser     string          `name:"rtsp-user" default:"hedge" help:"user name for recorders"`
	RTSPAuth     string          `name:"rtsp-auth" default:"sha256" enum:"sha256,md5,basic" help:"how recorders prove that they know the password; md5 (which most need) and basic are weaker, and basic shows it to the network"`
	RTSPPassword settings.Secret `name:"rtsp-password" help:"password for recorders; without one it is random and is printed"`

	Record      string         `name:"record" help:"folder for recordings, files of one minute; without one nothing is recorded"`
	RecordDays  int            `name:"record-days" default:"7" min:"1" max:"3650" help:"how many days recordings are kept"`
	RecordHours int            `name:"record-hours" default:"0" min:"0" max:"87600" help:"how many hours recordings are kept, in place of record-days; 0: record-days counts"`
	RecordLimit settings.Bytes `name:"record-limit" default:"10GB" help:"most bytes of all recordings; the oldest are removed first"`

	MQTT         string          `name:"mqtt" help:"MQTT broker for Home Assistant, such as tcp://homeassistant.local:1883 or ssl://host:8883"`
	MQTTUser     string          `name:"mqtt-user" help:"user name for the broker"`
	MQTTPassword settings.Secret `name:"mqtt-password" help:"password for the broker"`
	MQTTName     string          `name:"mqtt-name" help:"what this camera is called at the broker, where a machine has more than one; without one it is the machine's name"`
	MQTTPrefix   string          `name:"mqtt-prefix" default:"homeassistant" help:"topic under which Home Assistant looks for devices"`
}

// Check implements settings.Checker.
func (c *config) Check() error {
	var errs []error
	bad := func(name, format string, args ...any) { errs = append(errs, fmt.Errorf(name+": "+format, args...)) }
	if err := c.CheckSource(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.policy(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.addr(); err != nil {
		errs = append(errs, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("tls-cert", "a certificate and its key go together: give tls-cert and tls-key, or neither")
	}
	if err := c.checkRTSP(); err != nil {
		bad("rtsp", "%w; rtsp names another address, or off", err)
	}
	if c.RecordLimit < 1e6 {
		bad("record-limit", "%v is less than 1MB", c.RecordLimit)
	}
	if c.Token != "" && len(c.Token) < 16 {
		bad("token", "has less than 16 characters: leave it away and a random one is made")
	}
	if c.WatchToken != "" && (len(c.WatchToken) < 16 || c.WatchToken == c.Token) {
		bad("watch-token", "has less than 16 characters, or is the token that may edit: leave it away and a random one is made")
	}
	if _, err := c.privateTimes(); err != nil {
		errs = append(errs, err)
	}
	if c.Private != "" {
		if _, err := schedule.Zone(); err != nil {
			bad("private", "%w", err)
		}
	}
	if c.RingGPIO != "" && c.Preset != presetDoorbell {
		bad("ring-gpio", "there is a bell with preset: doorbell only")
	}
	if c.MQTT == "" && c.MQTTUser != "" {
		bad("mqtt-user", "is of no use without mqtt")
	}
	if c.MQTT != "" {
		if _, err := homeassistant.Broker(c.MQTT); err != nil {
			bad("mqtt", "%w", err)
		}
	}
	return errors.Join(errs...)
}

// Remarks implements settings.Remarker.
func (c *config) Remarks() []string {
	times, err := c.privateTimes()
	if zone, err2 := schedule.Zone(); err == nil && err2 == nil && !times.Empty() {
		return []string{zoneWords(zone, time.Now())}
	}
	return nil
}

// policy returns the saved policy, nil if there is no file yet: the owner then
// draws the zones in the page, and until then everything is hidden.
// With a *settings.Damage there is none either, and the page says why.
func (c *config) policy() (*redact.Policy, error) {
	p, err := settings.LoadPolicy(c.Policy)
	var damage *settings.Damage
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case errors.As(err, &damage):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("policy: %w", err)
	}
	return p, nil
}

// rtspOptions returns how the picture is served to recorders who know the password.
func (c *config) rtspOptions(password string) rtsp.Options {
	return rtsp.Options{Address: c.RTSP, User: c.RTSPUser, Password: password, Auth: rtsp.Auth(c.RTSPAuth)}
}

// checkRTSP says what is wrong with the settings of RTSP. Without a password a good one is
// made.
func (c *config) checkRTSP() error {
	if c.RTSP == off {
		return nil
	}
	password := string(c.RTSPPassword)
	if password == "" {
		password = webaccess.NewToken()
	}
	return c.rtspOptions(password).Check()
}

// privateTimes returns when everything is hidden.
func (c *config) privateTimes() (schedule.Schedule, error) {
	var place *schedule.Place
	if c.Latitude != 0 || c.Longitude != 0 {
		place = &schedule.Place{Latitude: c.Latitude, Longitude: c.Longitude}
	}
	s, err := schedule.Parse(c.Private, place)
	if err != nil {
		return s, fmt.Errorf("private: %w", err)
	}
	return s, nil
}

// keep returns how long recordings are kept.
func (c *config) keep() time.Duration {
	if c.RecordHours > 0 {
		return time.Duration(c.RecordHours) * time.Hour
	}
	return time.Duration(c.RecordDays) * 24 * time.Hour
}

// addr returns the address to listen on.
func (c *config) addr() (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen: %q is no address and port: write it like 127.0.0.1:8080, or 0.0.0.0:8080 for the whole network", c.Listen)
	}
	switch host {
	case "localhost":
		host = "127.0.0.1"
	case "":
		host = "0.0.0.0"
	}
	a, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return a, fmt.Errorf("listen: %q is no numerical address and port: write it like 127.0.0.1:8080, or 0.0.0.0:8080 for the whole network", c.Listen)
	}
	return a, nil
}

// overTLS reports whether the page is served over TLS at the address. Anywhere
// but on this machine itself it always is.
func (c *config) overTLS(addr netip.Addr) bool { return c.TLSCert != "" || !addr.IsLoopback() }

// hosts returns the further names of the page.
func (c *config) hosts() []string {
	return strings.FieldsFunc(c.Host, func(r rune) bool { return r == ',' || r == ' ' })
}
