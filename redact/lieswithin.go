package redact

import (
	"math/big"
	"slices"
)

// liesWithin reports whether polygon p, its border too, lies within polygon w, on whose
// border it may be. It is exact. A polygon that neither crosses nor touches itself has
// no hole, so that it is enough for p's edges to lie in it.
func liesWithin(p, w []gridPoint) bool {
	for i, a := range p {
		if !edgeWithin(a, p[(i+1)%len(p)], w) {
			return false
		}
	}
	return true
}

// edgeWithin reports whether the edge a-b lies in w: between any two places where it
// meets the border of w it is wholly inside or wholly outside, as is the middle.
func edgeWithin(a, b gridPoint, w []gridPoint) bool {
	cuts := []*big.Rat{new(big.Rat), big.NewRat(1, 1)} // shares of the way from a to b
	for i, c := range w {
		d := w[(i+1)%len(w)]
		if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) || max(a.y, b.y) < min(c.y, d.y) || max(c.y, d.y) < min(a.y, b.y) {
			continue
		}
		// Coordinates are below 2^20, so that products stay below 2^42.
		den := (b.x-a.x)*(d.y-c.y) - (b.y-a.y)*(d.x-c.x)
		if den != 0 {
			cuts = appendCut(cuts, (c.x-a.x)*(d.y-c.y)-(c.y-a.y)*(d.x-c.x), den)
			continue
		}
		if turn(a, b, c) == 0 { // on one line
			length := (b.x-a.x)*(b.x-a.x) + (b.y-a.y)*(b.y-a.y)
			for _, q := range []gridPoint{c, d} {
				cuts = appendCut(cuts, (q.x-a.x)*(b.x-a.x)+(q.y-a.y)*(b.y-a.y), length)
			}
		}
	}
	slices.SortFunc(cuts, func(s, t *big.Rat) int { return s.Cmp(t) })
	for i := 1; i < len(cuts); i++ {
		if cuts[i-1].Cmp(cuts[i]) == 0 {
			continue
		}
		middle := new(big.Rat).Add(cuts[i-1], cuts[i])
		if !containsAt(w, a, b, middle.Quo(middle, big.NewRat(2, 1))) {
			return false
		}
	}
	return true
}

// appendCut appends num/den if that is between 0 and 1.
func appendCut(cuts []*big.Rat, num, den int64) []*big.Rat {
	if t := big.NewRat(num, den); t.Sign() > 0 && t.Cmp(big.NewRat(1, 1)) < 0 {
		cuts = append(cuts, t)
	}
	return cuts
}

// containsAt reports whether the point at share t of the way from a to b is in w or on
// its border, by the even-odd rule.
func containsAt(w []gridPoint, a, b gridPoint, t *big.Rat) bool {
	den := t.Denom()
	along := func(from, to int64) *big.Int { // times den
		v := new(big.Int).Mul(big.NewInt(to-from), t.Num())
		return v.Add(v, new(big.Int).Mul(big.NewInt(from), den))
	}
	x, y := along(a.x, b.x), along(a.y, b.y)
	times := func(v int64) *big.Int { return new(big.Int).Mul(big.NewInt(v), den) }
	in := false
	for i, c := range w {
		d := w[(i+1)%len(w)]
		cy, dy := times(c.y).Cmp(y), times(d.y).Cmp(y)
		// The side of the line c-d on which the point lies.
		side := new(big.Int).Mul(big.NewInt(d.x-c.x), new(big.Int).Sub(y, times(c.y)))
		side.Sub(side, new(big.Int).Mul(big.NewInt(d.y-c.y), new(big.Int).Sub(x, times(c.x))))
		if side.Sign() == 0 && cy*dy <= 0 && times(c.x).Cmp(x)*times(d.x).Cmp(x) <= 0 {
			return true
		}
		if (cy <= 0) != (dy <= 0) && (side.Sign() > 0) == (d.y > c.y) {
			in = !in
		}
	}
	return in
}
