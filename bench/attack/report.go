package main

import (
	"fmt"
	"slices"

	"github.com/hedgecam/hedge/bench/internal/report"
)

// results are what -json writes.
type results struct {
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
func (r *results) judge() {
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
func (r *results) markdown() string {
	text := fmt.Sprintf("# What an attacker gets from a fill\n\nMade by %#q.\n\n", r.Command)
	for _, t := range []report.Table{r.recognised(false), r.recognised(true), r.moved(), r.redetected(), r.left(), r.judged()} {
		if len(t.Lines) > 0 {
			text += t.Markdown()
		}
	}
	for _, n := range r.Notes {
		text += n + "\n\n"
	}
	return text
}

const aboutRecognition = "Share of redacted clips whose identity a recogniser trained on redacted clips names, " +
	"with the 95 %% Clopper-Pearson interval; the best of nearest neighbour, 9 nearest neighbours, softmax regression and a small MLP, " +
	"chosen on samples of its own. Each identity is one picture, shown at random places on the grid of cells, sizes, light and noise: " +
	"it never turns its head or changes its expression, which makes this the attacker's easy case. " +
	"The light of the place changes slowly and from picture to picture. " +
	"Who is seen `for 5 s` was in no picture before; the attacker has all pictures of those 5 s, the one before and what changed in the 20 s after. " +
	"Nobody found what is hidden unless the row says `found`. " +
	"Clips of 540 and 270 lines show everything as large in cells as at 1080. " +
	"A direct average is what frost was before: cells of the picture at hand, rounded to 5 bits and interpolated. " +
	"A face has had its light and tint taken out, as they are of the photograph and not of the face; in its own light it has them. " +
	"Times chance is the bar's measure (at most %.0f for the rows in bold type; those who stand there unfound are no bar but what frost gives away of them)."

const aboutBackground = "The same for the fill `background`: what a recogniser makes of the picture after somebody was there, when the plate may have taken them in. " +
	"Found by nobody means that no network and no motion notices them; nothing but the plate's own rule keeps them out. " +
	"Everything at the size that it has in blocks of the plate at 1080 lines. In bold type: nothing may be told (at most %.0f times chance)."

// recognised returns the table of recognition, or that of the background.
func (r *results) recognised(background bool) report.Table {
	rows := r.Recognition
	t := report.Table{Title: "Recognition", About: fmt.Sprintf(aboutRecognition, overChance), Columns: []string{"object", "px", "picture height", "fill", "seen",
		"accuracy", "interval", "chance", "times chance", fmt.Sprintf("%d views together", views), "classifier"}}
	if background {
		rows, t.Title, t.About = r.Background, "The place with nobody in it", fmt.Sprintf(aboutBackground, overChance)
		t.Columns[3] = "who, and how noticed"
	}
	for i := range rows {
		x := &rows[i]
		t.Line(x.What, fmt.Sprintf("%dx%d", x.Width, x.Height), x.Lines, mark(x.Fill, x.Default, x.Warning), x.Seen, fmt.Sprintf("%.1f %%", 100*x.Accuracy),
			fmt.Sprintf("%.1f-%.1f %%", 100*x.Low, 100*x.High), fmt.Sprintf("%.1f %%", 100*x.Chance), fmt.Sprintf("%.1f", x.OverChance),
			fmt.Sprintf("%.1f %% (%.0f-%.0f)", 100*x.ViewsAccuracy, 100*x.ViewsLow, 100*x.ViewsHigh), x.Classifier)
	}
	return t
}

func (r *results) moved() report.Table {
	t := report.Table{Title: "Motion", About: fmt.Sprintf("A still picture moves under the fill for %d frames at 30 a second. Normalised correlation of luma with the truth (1 is the truth): "+
		"of one frame (mean, best), of the average of all frames aligned by the known movement, and of back-projection (Kaczmarz), "+
		"which also knows the grid, the background and when a value is new. PSNR in dB.", motionFrames),
		Columns: []string{"picture", "fill", "one frame", "best frame", "average", "back-projection of one frame", "of all", "values it had", "PSNR one / average / back-projection"}}
	for _, x := range r.Motion {
		back := [4]string{"-", "-", "-", "-"}
		if x.Values > 0 {
			back = [4]string{fmt.Sprintf("%.3f", x.BackFrom1), fmt.Sprintf("%.3f", x.Back), fmt.Sprint(x.Values), fmt.Sprintf("%.1f", x.BackPSNR)}
		}
		t.Line(x.What, mark(x.Fill, x.Default, x.Warning), fmt.Sprintf("%.3f", x.One), fmt.Sprintf("%.3f", x.Best), fmt.Sprintf("%.3f", x.Average),
			back[0], back[1], back[2], fmt.Sprintf("%.1f / %.1f / %s", x.OnePSNR, x.AvgPSNR, back[3]))
	}
	return t
}

func (r *results) redetected() report.Table {
	t := report.Table{Title: "Re-detection", About: fmt.Sprintf("Detections of the project's networks of which at least half the box lies under the fill, at a network input of %d and, enlarged, %d. "+
		"All labelled objects are hidden; pictures are fitted into %d px.", fullSize, 2*fullSize, fullSize),
		Columns: []string{"set", "fill", "input", "objects", "hits", "face / person / plate", "per 1000 objects"}}
	for _, x := range r.Detection {
		t.Line(x.Set, mark(x.Fill, x.Default, x.Warning), x.Input, x.Objects, x.Hits,
			fmt.Sprintf("%d / %d / %d", x.ByClass["face"], x.ByClass["person"], x.ByClass["plate"]), fmt.Sprintf("%.0f", x.PerThousand))
	}
	return t
}

func (r *results) left() report.Table {
	t := report.Table{Title: "Residue of compression", About: "Mean absolute difference in luma between two recordings of 768x576 that differ in nothing but who is in a box of 32x84, " +
		"in the box and beside it, by distance in pixels. At 60 to 100 it is what any change leaves anywhere.",
		Columns: []string{"codec", "pixels a frame", "inside", "1-2", "3-4", "5-6", "7-8", "9-12", "13-16", "17-24", "60-100"}}
	for _, x := range r.Residue {
		cells := []any{x.Codec, fmt.Sprintf("%.1f", x.Speed), fmt.Sprintf("%.1f", x.Inside)}
		for _, v := range x.Beside {
			cells = append(cells, fmt.Sprintf("%.2f", v))
		}
		t.Line(cells...)
	}
	return t
}

func (r *results) judged() report.Table {
	t := report.Table{Title: "The bar", Columns: []string{"bar", "kept", "measured"}}
	for _, v := range r.Verdicts {
		t.Line(v.Bar, report.Yes(v.Kept), v.Why)
	}
	return t
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
