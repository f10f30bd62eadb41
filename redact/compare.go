package redact

import "slices"

// Tightens reports whether p may hide something that was, another policy, shows:
// false only where that is plain from the text. Polygons are compared as they
// are written, so a policy that was drawn anew tightens. A nil policy hides
// everything.
func (p *Policy) Tightens(was *Policy) bool {
	if was == nil {
		return false
	}
	if p == nil {
		p = HideEverything()
	}
	a, b := was.withDefaults(), p.withDefaults()
	return !holdsAll(b.Property, a.Property) || !holdsAll(b.Strip, a.Strip) || !holdsAll(a.Mask, b.Mask) ||
		a.Outside.Hide == HideDetected && b.Outside.Hide != HideDetected ||
		b.Outside.Fill > a.Outside.Fill || b.Found.Fill > a.Found.Fill ||
		slices.Index(visitorKinds, b.Visitors) < slices.Index(visitorKinds, a.Visitors) ||
		b.hidesInside()&^a.hidesInside() != 0 ||
		// What the old policy showed because of where it is, the new one judges.
		b.judgesObjects() && !a.judgesObjects()
}

// holdsAll reports whether each of few is one of many.
func holdsAll(many, few []Polygon) bool {
	for _, f := range few {
		if !slices.ContainsFunc(many, func(m Polygon) bool { return slices.Equal(m, f) }) {
			return false
		}
	}
	return true
}
