package main

import (
	"fmt"
	"slices"
	"strings"
)

// report is what -json writes.
type report struct {
	Command     string        `json:"command"`
	Date        string        `json:"date"`
	Go          string        `json:"go"`
	Platform    string        `json:"platform"`
	Seed        uint64        `json:"seed"`
	Recognition []recognition `json:"recognition"`
	Motion      []rebuilt     `json:"motion"`
	Detection   []redetection `json:"detection"`
	Background  []recognition `json:"background,omitempty"`
	Residue     []residue     `json:"residue"`
	Notes       []string      `json:"notes"`
	// Verdicts say whether the defaults keep the bar.
	Verdicts []verdict `json:"verdicts"`
}

type verdict struct {
	Bar  string `json:"bar"`
	Kept bool   `json:"kept"`
	Why  string `json:"why"`
}

// The bars: how often better than chance a recogniser may be, and by how much
// the correlation of the best single frame may rise.
const (
	overChance = 2.0
	gain       = 0.02
)

// judge fills in the verdicts.
func (r *report) judge() {
	for _, x := range slices.Concat(r.Recognition, r.Background) {
		if x.Default {
			r.Verdicts = append(r.Verdicts, verdict{
				fmt.Sprintf("%s under %s, %s: at most %.0f times chance", x.What, x.Fill, x.Seen, overChance), x.Accuracy <= overChance*x.Chance,
				fmt.Sprintf("%.1f times chance (%.1f %%, 95 %% interval %.1f to %.1f %%)", x.OverChance, 100*x.Accuracy, 100*x.Low, 100*x.High)})
		}
	}
	for _, x := range r.Motion {
		if x.Default {
			r.Verdicts = append(r.Verdicts,
				verdict{fmt.Sprintf("%s under %s: averaging gains nothing", x.What, x.Fill), x.Average <= x.Best+gain,
					fmt.Sprintf("correlation %.3f, best single frame %.3f", x.Average, x.Best)},
				verdict{fmt.Sprintf("%s under %s: back-projection gains nothing", x.What, x.Fill), x.Back <= max(x.Best, x.BackFrom1)+gain,
					fmt.Sprintf("correlation %.3f, of one frame %.3f, best single frame %.3f", x.Back, x.BackFrom1, x.Best)})
		}
	}
}

// markdown returns the tables.
func (r *report) markdown() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# What an attacker gets from a fill\n\nMade by `%s`.\n", r.Command)
	if len(r.Recognition) > 0 {
		line("## Recognition\n\nShare of redacted films whose identity a recogniser trained on redacted films names, "+
			"with the 95 %% Clopper-Pearson interval; the best of nearest neighbour, 9 nearest neighbours, softmax regression and a small MLP, "+
			"chosen on samples of its own. Each identity is one picture, shown at random places on the grid of cells, sizes, light and noise: "+
			"it never turns its head or changes its expression, which makes this the attacker's easy case. "+
			"The light of the place changes slowly and from picture to picture. "+
			"Who is seen `for 5 s` was in no picture before; the attacker has all pictures of those 5 s, the one before and what changed in the 20 s after. "+
			"Nobody found what is hidden unless the row says `found`. "+
			"Films of 540 and 270 lines show everything as large in cells as at 1080. "+
			"A direct average is what frost was before: cells of the picture at hand, rounded to 5 bits and interpolated. "+
			"A face has had its light and tint taken out, as they are of the photograph and not of the face; in its own light it has them. "+
			"Times chance is the bar's measure (at most %.0f for the rows in bold type; those who stand there unfound are no bar but what frost gives away of them).\n", overChance)
		line("| object | px | picture height | fill | seen | accuracy | interval | chance | times chance | %d views together | classifier |", views)
		line("|---|---|---|---|---|---|---|---|---|---|---|")
		for _, x := range r.Recognition {
			line("| %s | %dx%d | %d | %s | %s | %.1f %% | %.1f-%.1f %% | %.1f %% | %.1f | %.1f %% (%.0f-%.0f) | %s |", x.What, x.Width, x.Height, x.Lines,
				mark(x.Fill, x.Default, x.Warning), x.Seen, 100*x.Accuracy, 100*x.Low, 100*x.High, 100*x.Chance, x.OverChance,
				100*x.ViewsAccuracy, 100*x.ViewsLow, 100*x.ViewsHigh, x.Classifier)
		}
		line("")
	}
	if len(r.Background) > 0 {
		line("## The place with nobody in it\n\nThe same for the fill `background`: what a recogniser makes of the picture after somebody was there, when the plate may have taken them in. "+
			"Found by nobody means that no network and no motion notices them; nothing but the plate's own rule keeps them out. "+
			"Everything at the size that it has in blocks of the plate at 1080 lines. In bold type: nothing may be told (at most %.0f times chance).\n", overChance)
		line("| object | px | who, and how noticed | seen | accuracy | interval | chance | times chance | %d views together | classifier |", views)
		line("|---|---|---|---|---|---|---|---|---|---|")
		for _, x := range r.Background {
			line("| %s | %dx%d | %s | %s | %.1f %% | %.1f-%.1f %% | %.1f %% | %.1f | %.1f %% (%.0f-%.0f) | %s |", x.What, x.Width, x.Height,
				mark(x.Fill, x.Default, false), x.Seen, 100*x.Accuracy, 100*x.Low, 100*x.High, 100*x.Chance, x.OverChance,
				100*x.ViewsAccuracy, 100*x.ViewsLow, 100*x.ViewsHigh, x.Classifier)
		}
		line("")
	}
	if len(r.Motion) > 0 {
		line("## Motion\n\nA still picture moves under the fill for %d frames at 30 a second. Normalised correlation of luma with the truth (1 is the truth): "+
			"of one frame (mean, best), of the average of all frames aligned by the known movement, and of back-projection (Kaczmarz), "+
			"which also knows the grid, the background and when a value is new. PSNR in dB.\n", motionFrames)
		line("| picture | fill | one frame | best frame | average | back-projection of one frame | of all | values it had | PSNR one / average / back-projection |")
		line("|---|---|---|---|---|---|---|---|---|")
		for _, x := range r.Motion {
			back := [4]string{"-", "-", "-", "-"}
			if x.Values > 0 {
				back = [4]string{fmt.Sprintf("%.3f", x.BackFrom1), fmt.Sprintf("%.3f", x.Back), fmt.Sprint(x.Values), fmt.Sprintf("%.1f", x.BackPSNR)}
			}
			line("| %s | %s | %.3f | %.3f | %.3f | %s | %s | %s | %.1f / %.1f / %s |", x.What, mark(x.Fill, x.Default, x.Warning),
				x.One, x.Best, x.Average, back[0], back[1], back[2], x.OnePSNR, x.AvgPSNR, back[3])
		}
		line("")
	}
	if len(r.Detection) > 0 {
		line("## Re-detection\n\nDetections of the project's networks of which at least half the box lies under the fill, at a network input of %d and, enlarged, %d. "+
			"All labelled objects are hidden; pictures are fitted into %d px.\n", fullSize, 2*fullSize, fullSize)
		line("| set | fill | input | objects | hits | face / person / plate | per 1000 objects |")
		line("|---|---|---|---|---|---|---|")
		for _, x := range r.Detection {
			line("| %s | %s | %d | %d | %d | %d / %d / %d | %.0f |", x.Set, mark(x.Fill, x.Default, x.Warning), x.Input, x.Objects, x.Hits,
				x.ByClass["face"], x.ByClass["person"], x.ByClass["plate"], x.PerThousand)
		}
		line("")
	}
	if len(r.Residue) > 0 {
		line("## Residue of compression\n\nMean absolute difference in luma between two recordings of 768x576 that differ in nothing but who is in a box of 32x84, " +
			"in the box and beside it, by distance in pixels. At 60 to 100 it is what any change leaves anywhere.\n")
		line("| codec | pixels a frame | inside | 1-2 | 3-4 | 5-6 | 7-8 | 9-12 | 13-16 | 17-24 | 60-100 |\n|---|---|---|---|---|---|---|---|---|---|---|")
		for _, x := range r.Residue {
			row := fmt.Sprintf("| %s | %.1f | %.1f |", x.Codec, x.Speed, x.Inside)
			for _, v := range x.Beside {
				row += fmt.Sprintf(" %.2f |", v)
			}
			line("%s", row)
		}
		line("")
	}
	if len(r.Verdicts) > 0 {
		line("## The bar\n\n| bar | kept | measured |\n|---|---|---|")
		for _, v := range r.Verdicts {
			kept := "yes"
			if !v.Kept {
				kept = "**no**"
			}
			line("| %s | %s | %s |", v.Bar, kept, v.Why)
		}
		line("")
	}
	for _, n := range r.Notes {
		line("%s\n", n)
	}
	return b.String()
}

// mark makes defaults bold and says which fills are not Hedge's.
func mark(fill string, isDefault, warning bool) string {
	switch {
	case isDefault:
		return "**" + fill + "**"
	case warning:
		return fill + " (warning example)"
	}
	return fill
}
