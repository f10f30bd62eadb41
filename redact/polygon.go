package redact

import (
	"fmt"
	"math"
	"strconv"
)

// grid is the number of steps of a coordinate between 0 and 1. It is a power
// of ten so that the fractions people write fall on block borders where they
// mean to: 0.1 of 1920 pixels is 192, not a hair more.
const grid = 1_000_000

// gridPoint is a Point in steps of the grid.
type gridPoint struct{ x, y int64 }

func onGrid(v float64) int64 { return int64(math.Round(v * grid)) }

func (poly Polygon) onGrid() []gridPoint {
	g := make([]gridPoint, len(poly))
	for i, p := range poly {
		g[i] = gridPoint{onGrid(p.X), onGrid(p.Y)}
	}
	return g
}

// appendCoordinate appends the shortest decimal form of v on the grid.
func appendCoordinate(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, float64(onGrid(v))/grid, 'f', -1, 64)
}

func validatePolygons(name string, polygons []Polygon) error {
	if len(polygons) > MaxPolygons {
		return &PolicyError{Path: name, Reason: fmt.Sprintf("has %d polygons; at most %d are allowed", len(polygons), MaxPolygons)}
	}
	for i, poly := range polygons {
		if err := poly.validate(fmt.Sprintf("%s[%d]", name, i)); err != nil {
			return err
		}
	}
	return nil
}

func (poly Polygon) validate(path string) error {
	switch n := len(poly); {
	case n < 3:
		return &PolicyError{Path: path, Reason: fmt.Sprintf("has %d points; a polygon needs at least 3", n)}
	case n > MaxPoints:
		return &PolicyError{Path: path, Reason: fmt.Sprintf("has %d points; at most %d are allowed", n, MaxPoints)}
	}
	for i, p := range poly {
		for j, v := range [2]float64{p.X, p.Y} {
			if !(v >= 0 && v <= 1) {
				return &PolicyError{
					Path:   fmt.Sprintf("%s[%d][%d]", path, i, j),
					Reason: fmt.Sprintf("is %v; coordinates are fractions of the picture, 0 to 1", v),
				}
			}
		}
	}
	return validateShape(path, poly.onGrid())
}

// validateShape refuses a polygon that crosses or touches itself or has no
// area. All its predicates are exact: coordinates are integers below 2^20, so
// products stay below 2^42.
func validateShape(path string, g []gridPoint) error {
	n := len(g)
	for i := range g {
		j := (i + 1) % n
		if g[i] != g[j] {
			continue
		}
		if j == 0 {
			return &PolicyError{
				Path:   fmt.Sprintf("%s[%d]", path, i),
				Reason: "repeats the first point; a polygon closes by itself, leave the last point out",
			}
		}
		return &PolicyError{Path: fmt.Sprintf("%s[%d]", path, j), Reason: "repeats the point before it; leave it out"}
	}
	var area int64
	for i := range g {
		a, b := g[i], g[(i+1)%n]
		area += a.x*b.y - b.x*a.y
	}
	if area == 0 && !crossesItself(g) {
		return &PolicyError{Path: path, Reason: "has no area: all its points lie on one line"}
	}
	for i := range g {
		for j := i + 1; j < n; j++ {
			if edgesMeet(g, i, j) {
				return &PolicyError{
					Path: path,
					Reason: fmt.Sprintf("crosses or touches itself: the edges from point %d and from point %d meet (points count from 0); move a point so that they do not",
						i, j),
				}
			}
		}
	}
	return nil
}

// crossesItself reports whether two edges that are not neighbours meet.
func crossesItself(g []gridPoint) bool {
	n := len(g)
	for i := range g {
		for j := i + 2; j < n; j++ {
			if (j+1)%n != i && edgesMeet(g, i, j) {
				return true
			}
		}
	}
	return false
}

// edgesMeet reports whether the edges that start at points i < j have a point
// in common, other than the one that neighbours share.
func edgesMeet(g []gridPoint, i, j int) bool {
	n := len(g)
	a, b := g[i], g[(i+1)%n]
	c, d := g[j], g[(j+1)%n]
	switch {
	case j == i+1:
		return foldsBack(a, b, d)
	case (j+1)%n == i:
		return foldsBack(c, a, b)
	}
	if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) || max(a.y, b.y) < min(c.y, d.y) || max(c.y, d.y) < min(a.y, b.y) {
		return false // as most do
	}
	o1, o2 := turn(a, b, c), turn(a, b, d)
	o3, o4 := turn(c, d, a), turn(c, d, b)
	if o1 != o2 && o3 != o4 {
		return true
	}
	return o1 == 0 && between(a, b, c) || o2 == 0 && between(a, b, d) ||
		o3 == 0 && between(c, d, a) || o4 == 0 && between(c, d, b)
}

// foldsBack reports whether the line a-b-c turns by 180 degrees in b.
func foldsBack(a, b, c gridPoint) bool {
	return turn(a, b, c) == 0 && (a.x-b.x)*(c.x-b.x)+(a.y-b.y)*(c.y-b.y) > 0
}

// turn returns the side of the line through a and b on which c lies: -1, 0, 1.
func turn(a, b, c gridPoint) int {
	switch v := (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x); {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// between reports whether c, on the line through a and b, lies between them.
func between(a, b, c gridPoint) bool {
	return min(a.x, b.x) <= c.x && c.x <= max(a.x, b.x) && min(a.y, b.y) <= c.y && c.y <= max(a.y, b.y)
}
