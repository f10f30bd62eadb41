package live

import (
	"errors"

	"github.com/hedgecam/hedge/examples/internal/seal"
	"github.com/hedgecam/hedge/redact"
)

// openSeal opens the seal on the policy, and returns the policy to put in force.
func (c *Camera) openSeal(policy *redact.Policy) *redact.Policy {
	var inFile *redact.Policy
	if policy != nil && policy.SHA256() != redact.HideEverything().SHA256() {
		inFile = policy // and not what stands for a file that is damaged
	}
	var inForce *redact.Policy
	c.seal, inForce = seal.Open(seal.Options{Path: c.o.Policy + seal.Suffix, Begin: c.flags.Seal, Delay: c.flags.SealDelay,
		Told: func(text string) { c.o.Log.Warn(seal.Kind, "text", text) }}, inFile)
	if inForce == nil {
		return redact.HideEverything()
	}
	return inForce
}

// setPolicy puts what the policy's file holds in force. A policy that is looser than the
// sealed one is refused; where somebody at the device can agree to it, the file asks for
// it, until it says something else.
func (c *Camera) setPolicy(p *redact.Policy) error {
	floor, err := c.seal.Take(p)
	var looser *seal.LooserError
	if errors.As(err, &looser) && (c.flags.SealGPIO != "" || c.flags.SealFile != "") {
		return errors.Join(err, c.seal.Ask(p, seal.FileAsked))
	}
	if err != nil {
		return err
	}
	return c.putInForce(p, floor)
}

func (c *Camera) putInForce(p *redact.Policy, floor []*redact.Policy) error {
	if err := c.pipe.SetFloor(floor...); err != nil {
		return err
	}
	return c.pipe.SetPolicy(p)
}

// loosen puts a loosening that is due in force.
func (c *Camera) loosen(p *redact.Policy) {
	floor, err := c.seal.Grant(p)
	if err == nil {
		err = c.putInForce(p, floor)
	}
	if err != nil && err.Error() != c.told {
		c.told = err.Error()
		c.o.Log.Error(seal.Kind, "reason", err)
	}
}
