package main

import (
	"bufio"
	"io"
	"strings"

	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/redact"
)

// openSeal opens the seal on the policy, nil if there is none that can be used, and
// returns the policy to put in force.
func (a *app) openSeal(policy *redact.Policy) *redact.Policy {
	var inForce *redact.Policy
	a.seal, inForce = seal.Open(seal.Options{Path: a.c.Policy + seal.Suffix, Begin: a.c.Seal, Delay: a.c.SealDelay,
		Told: func(text string) { a.log.Add(seal.Kind, text) }}, policy)
	if s := a.seal.State(); s.Sealed && !s.Damaged {
		a.log.Add(seal.Kind, "the program begins, and the policy is sealed")
	}
	return inForce
}

// loosen is told of a loosening that is due, until it is in force.
func (a *app) loosen(p *redact.Policy) {
	err := a.zones.Loosen(p)
	if err == nil {
		a.sealFault = ""
	} else if err.Error() != a.sealFault {
		a.sealFault = err.Error()
		a.log.Add(seal.Kind, err.Error())
	}
}

// grant puts a loosening that is due in force, in the sealed policy's place.
func (a *app) grant(p *redact.Policy) error {
	floor, err := a.seal.Grant(p)
	if err != nil {
		return err
	}
	return a.replace(p, floor)
}

// sealWord says in two or three words how the seal is.
func sealWord(s seal.State) string {
	switch {
	case s.Damaged:
		return "cannot be read"
	case !s.Sealed:
		return "not sealed"
	case s.Waiting == nil:
		return "sealed"
	case s.Waiting.Agreed:
		return "being loosened"
	}
	return "loosening asked for"
}

// agreeWord is the line that somebody types at the program's terminal.
const agreeWord = "loosen"

// keys takes the lines of a terminal: the word above agrees to a loosening, and each
// other one rings the bell, if there is one.
func (a *app) keys(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		if strings.TrimSpace(s.Text()) == agreeWord {
			a.seal.Agree("a word at the terminal")
		} else if a.bell != nil {
			a.bell.ring()
		}
	}
}
