package redact

import (
	"context"
	"image"
)

// Prepared is a policy that was checked and whose zones are drawn for pictures of
// one size: what takes long about putting it in force, done beforehand by whoever
// has the time.
type Prepared struct {
	of    *Policy
	zones *zones
}

// Prepare prepares a policy, which must not be changed from then on. The errors are
// a *PolicyError, ErrPicture for a size that New refuses, or ctx's.
func Prepare(ctx context.Context, p *Policy, size image.Point) (*Prepared, error) {
	if err := checkSize(size); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	full := p.withDefaults()
	z, err := drawZones(ctx, &full, size)
	if err != nil {
		return nil, err
	}
	return &Prepared{of: p, zones: z}, nil
}

// Masks returns, prepared, a policy that has no polygons but the masks of p.
func (p *Prepared) Masks(of *Policy) *Prepared {
	size := p.zones.size
	return &Prepared{of: of, zones: &zones{size: size, inside: newBlockMask(size), strip: newBlockMask(size), mask: p.zones.mask}}
}

// maxReady is how many prepared policies wait.
const maxReady = 8

// Ready hands over a prepared policy: a later SetPolicies with that policy finds its
// zones drawn. It changes nothing by itself. One
// for another size is of no use, and
// of many the oldest are forgotten.
func (r *Redactor) Ready(p *Prepared) {
	if p.zones.size != r.size || r.zonesOf(p.of) != nil {
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
