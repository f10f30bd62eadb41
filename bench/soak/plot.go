package main

import (
	"fmt"
	"strings"
)

// The plot's size in pixels.
const (
	plotWidth, panelHeight = 960, 120
	plotLeft, plotTop      = 150, 24
)

// plot draws what the doorbell took over the time, one panel for each figure, and marks
// the faults.
func plot(samples []sample, faults []befallen) string {
	panels := []struct {
		name, unit string
		of         func(sample) float64
	}{
		{"resident memory", "MB", func(s sample) float64 { return s.RSS }},
		{"heap in use", "MB", func(s sample) float64 { return s.Heap }},
		{"descriptors", "", func(s sample) float64 { return s.Files }},
		{"goroutines", "", func(s sample) float64 { return s.Goroutines }},
		{"threads", "", func(s sample) float64 { return s.Threads }},
		{"redaction, p99", "ms", func(s sample) float64 { return s.RedactMS }},
		{"encoding, p99", "ms", func(s sample) float64 { return s.WriteMS }},
	}
	end := 1.0
	for _, s := range samples {
		end = max(end, s.At)
	}
	x := func(at float64) float64 { return plotLeft + at/end*(plotWidth-plotLeft-10) }
	height := plotTop + panelHeight*(len(panels)+1) + 20
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, height)
	line := func(i int, name, unit string, most float64, points string) {
		top := plotTop + i*panelHeight
		fmt.Fprintf(&b, `<text x="8" y="%d">%s</text><text x="%d" y="%d" text-anchor="end" fill="gray">%s %s</text><text x="%d" y="%d" text-anchor="end" fill="gray">0</text>`+"\n",
			top+panelHeight/2, name, plotLeft-6, top+10, rounded(most), unit, plotLeft-6, top+panelHeight-24)
		fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="lightgray"/>%s`+"\n", plotLeft, top, top+panelHeight-24, plotWidth-10, points)
	}
	y := func(i int, v, most float64) float64 {
		return float64(plotTop+i*panelHeight) + (panelHeight-24)*(1-v/most)
	}
	for i, p := range panels {
		most := 1.0
		for _, s := range samples {
			most = max(most, p.of(s))
		}
		points := ""
		for _, s := range samples {
			points += rounded(x(s.At)) + "," + rounded(y(i, p.of(s), most)) + " "
		}
		line(i, p.name, p.unit, most, `<polyline points="`+points+`" fill="none" stroke="#1f5fa8"/>`)
	}
	last, most, dots := len(panels), 5.0, ""
	for _, f := range faults {
		most = max(most, f.Recovery)
	}
	for _, f := range faults {
		color := "#2a7d3a"
		if f.Recovery > 5 {
			color = "#c03020"
		}
		dots += `<circle cx="` + rounded(x(f.At)) + `" cy="` + rounded(y(last, f.Recovery, most)) + `" r="2" fill="` + color + `"/>`
	}
	line(last, "back after a fault", "s", most, dots)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="gray">%s min</text>`+"\n</svg>\n", plotWidth-10, height-6, rounded(end/60))
	return b.String()
}
