package redact

import "image"

// Prepared is a policy that was checked and whose zones are drawn for pictures of
// one size: what takes long about putting it in force, done beforehand by whoever
// has the time.
type Prepared struct {
	of    *Policy
	zones *zones
}

// Prepare prepares a policy, which must not be changed from then on. The errors are
// a *PolicyError, or ErrPicture for a size that New refuses.
func Prepare(p *Policy, size image.Point) (*Prepared, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	full := p.withDefaults()
	return &Prepared{of: p, zones: newZones(&full, size)}, nil
}

// maxReady is how many prepared policies wait.
const maxReady = 8

// Ready hands over a prepared policy: a later SetPolicies with that policy finds its
// zones drawn. It changes nothing by itself. One for another size is of no use, and
// of many the oldest are forgotten.
func (r *Redactor) Ready(p *Prepared) {
	if p.zones.size != r.size {
		return
	}
	if len(r.ready) == maxReady {
		r.ready = append(r.ready[:0], r.ready[1:]...)
	}
	r.ready = append(r.ready, p)
}

// zonesOf returns the zones of a policy that was prepared, or nil.
func (r *Redactor) zonesOf(p *Policy) *zones {
	for _, have := range r.ready {
		if have.of == p {
			return have.zones
		}
	}
	return nil
}
