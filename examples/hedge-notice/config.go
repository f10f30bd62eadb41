package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// config is the configuration: what only the owner can say.
type config struct {
	Camera  string `name:"camera" help:"the camera's own configuration file, such as doorbell.yaml: what is recorded and for how long is taken from there"`
	Program string `name:"program" default:"doorbell" enum:"doorbell,dashcam" help:"whose configuration file that is"`
	Policy  string `name:"policy" help:"the policy file; without one it is the one that the camera's configuration names"`

	Out      string `name:"out" default:"notice" help:"folder for the files"`
	Force    bool   `name:"force" help:"replace files that are there already"`
	Language string `name:"language" default:"both" enum:"en,de,both" help:"the language of the files: English, German, or both, each in files of its own"`

	Controller string `name:"controller" help:"who is responsible for the camera: name of a person or firm"`
	Address    string `name:"address" help:"postal address of who is responsible"`
	Contact    string `name:"contact" help:"telephone or e-mail address under which rights can be claimed"`
	Officer    string `name:"officer" help:"name and contact of the data protection officer, if there is one"`
	Authority  string `name:"authority" help:"the supervisory authority for complaints, if it is to be named"`
	Page       string `name:"page" help:"address (https) at which page-en.html or page-de.html will be found: the QR code leads there"`

	PurposeEN  string `name:"purpose-en" help:"what the camera is for, in English"`
	PurposeDE  string `name:"purpose-de" help:"what the camera is for, in German"`
	BasisEN    string `name:"basis-en" help:"the legal basis, in English, such as: Article 6(1)(f) GDPR (legitimate interests)"`
	BasisDE    string `name:"basis-de" help:"the legal basis, in German, such as: Art. 6 Abs. 1 lit. f DSGVO (berechtigte Interessen)"`
	InterestEN string `name:"interest-en" help:"the legitimate interests, in English, if the legal basis is those"`
	InterestDE string `name:"interest-de" help:"the legitimate interests, in German, if the legal basis is those"`
	ReceiverEN string `name:"receiver-en" help:"who gets recordings, in English; without one: nobody"`
	ReceiverDE string `name:"receiver-de" help:"who gets recordings, in German; without one: nobody"`

	RecorderHours int `name:"recorder-hours" min:"0" max:"876000" help:"how many hours a recorder that takes the picture over RTSP keeps it; asked for where the camera serves RTSP to others"`
}

// languages returns those that are asked for.
func (c *config) languages() []language {
	var all []language
	for _, l := range []language{english, german} {
		if c.Language == string(l) || c.Language == "both" {
			all = append(all, l)
		}
	}
	return all
}

// given is a text that the owner fills in.
type given struct {
	name, value string
	// example is what to write; empty where the text may be missing.
	example string
}

// texts returns what is filled in, for the languages asked for.
func (c *config) texts() []given {
	all := []given{
		{"controller", c.Controller, "Erika Muster"},
		{"address", c.Address, "Gartenweg 1, 12345 Musterstadt"},
		{"contact", c.Contact, "erika@example.org"},
		{"page", c.Page, "https://example.org/camera"},
		{"officer", c.Officer, ""}, {"authority", c.Authority, ""},
	}
	for _, l := range c.languages() {
		if l == english {
			all = append(all, given{"purpose-en", c.PurposeEN, "Protection of the house against burglary"},
				given{"basis-en", c.BasisEN, "Article 6(1)(f) GDPR (legitimate interests)"},
				given{"interest-en", c.InterestEN, ""}, given{"receiver-en", c.ReceiverEN, ""})
			continue
		}
		all = append(all, given{"purpose-de", c.PurposeDE, "Schutz des Hauses vor Einbruch"},
			given{"basis-de", c.BasisDE, "Art. 6 Abs. 1 lit. f DSGVO (berechtigte Interessen)"},
			given{"interest-de", c.InterestDE, ""}, given{"receiver-de", c.ReceiverDE, ""})
	}
	return all
}

// Check implements settings.Checker.
func (c *config) Check() error {
	var errs []error
	bad := func(name, format string, args ...any) { errs = append(errs, fmt.Errorf(name+": "+format, args...)) }
	if c.Camera == "" {
		bad("camera", "is missing: name the camera's own configuration file, such as -camera doorbell.yaml, because the sign says for how long it records")
	}
	for _, g := range c.texts() {
		if strings.TrimSpace(g.value) == "" && g.example != "" {
			bad(g.name, "is missing: fill it in, such as -%s %q, or as a line of the file given with -config", g.name, g.example)
			continue
		}
		if r, ok := unprintable(g.value); ok {
			bad(g.name, "has the character %q (%U), which the sign's font does not have: write it without", r, r)
		}
	}
	if c.Page != "" {
		u, err := url.Parse(c.Page)
		if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http"}, u.Scheme) {
			bad("page", "%q is no address of a page: write it like https://example.org/camera", c.Page)
		} else if u.User != nil {
			bad("page", "names a user or a password, which everybody at the gate could read: leave it away")
		}
	}
	return errors.Join(errs...)
}
