package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/zonemap"
	"github.com/hedgecam/hedge/pipeline"
	"github.com/hedgecam/hedge/redact"
)

// How much of a record the page shows, so that it prints on one sheet of A4. All of it
// is in the record.
const (
	maxRows    = 24 // hours, or longer spans where there are more
	maxClosed  = 5  // fail-closed intervals, the longest
	maxChanges = 3  // policies in force, the newest
)

// phrase is a text in English and German.
type phrase struct{ en, de string }

func (p phrase) in(lang string) string {
	if lang == "de" {
		return p.de
	}
	return p.en
}

// words are the page's texts, by the names that the template uses.
var words = map[string]phrase{
	"Title":     {"Proof sheet: what this camera recorded and hid", "Nachweis: was diese Kamera aufgezeichnet und verdeckt hat"},
	"NoFootage": {"This sheet holds sums and counts, and no picture.", "Dieses Blatt enthält Prüfsummen und Zahlen, aber kein Bild."},
	"Made":      {"Made", "Erstellt"}, "File": {"Signed record", "Signierter Nachweis"}, "KeyLabel": {"Key (SHA-256 of the Ed25519 public key)", "Schlüssel (SHA-256 des öffentlichen Ed25519-Schlüssels)"},
	"Recordings": {"Recordings", "Aufnahmen"}, "First": {"first", "erste"}, "Last": {"last", "letzte"}, "Head": {"Head of the hash chain", "Ende der Hash-Kette"},
	"None": {"none", "keine"}, "LogAlone": {"There are none: no folder of recordings was given, and this sheet is of the event log alone.", "Es gibt keine: Es wurde kein Ordner mit Aufnahmen angegeben, und dieses Blatt betrifft nur das Ereignisprotokoll."},
	"ClockBack": {"The camera's clock was set back before", "Die Uhr der Kamera wurde zurückgestellt vor"},
	"Open":      {"still being written when this was made", "wurde noch geschrieben, als dies erstellt wurde"},
	"Zones":     {"Zones", "Zonen"}, "NoZones": {"No policy file was given.", "Es wurde keine Zonen-Datei angegeben."},
	"Programs": {"Program and networks", "Programm und Netze"}, "NoLog": {"No event log was given: there are no counts.", "Es wurde kein Ereignisprotokoll angegeben: Es gibt keine Zahlen."},
	"NoStart": {"The log does not tell of the program's start in this time.", "Das Protokoll enthält in dieser Zeit keinen Programmstart."},
	"Hours":   {"Pictures, and in how many of them something was hidden (UTC)", "Bilder, und in wie vielen davon etwas verdeckt war (UTC)"},
	"From":    {"from", "ab"}, "Frames": {"pictures", "Bilder"}, "Whole": {"whole picture", "ganzes Bild"}, "ClosedCol": {"more than asked", "mehr als verlangt"},
	"People": {"people", "Personen"}, "Faces": {"faces", "Gesichter"}, "Plates": {"plates", "Kennzeichen"}, "Motion": {"motion", "Bewegung"}, "Sum": {"all", "alle"},
	"Closed": {"Fail-closed intervals", "Zeiten, in denen vorsorglich mehr verdeckt war"}, "More": {"more in the record", "weitere im Nachweis"}, "Until": {"until the log ends", "bis zum Ende des Protokolls"},
	"Flapped": {"on and off, changes:", "mit Unterbrechungen, Wechsel:"},
	"Changes": {"Zones in force", "Zonen in Kraft"}, "Previews": {"Times when somebody drew zones", "Zeiten, in denen jemand Zonen zeichnete"}, "Confirmed": {"Confirmations of the view", "Bestätigungen des Blickfelds"},
	"Seal": {"Events of the seal on the zones", "Ereignisse des Siegels auf den Zonen"}, "LastOne": {"the last", "das letzte"},
	"Log": {"Event log", "Ereignisprotokoll"}, "Events": {"events", "Ereignisse"}, "Unreadable": {"unreadable lines", "unlesbare Zeilen"}, "Backwards": {"times at which the clock went back", "Rücksprünge der Uhr"},
	"CheckLog": {"To check: hedge-proof verify -record FILE -events LOG -fingerprint KEY says whether the event log is as it was. Compare the key with the one that the owner gave you in another way. The signature says that nothing was changed since; it does not say that the camera was honest before.",
		"Zum Prüfen: hedge-proof verify -record DATEI -events PROTOKOLL -fingerprint SCHLÜSSEL sagt, ob das Ereignisprotokoll ist, wie es war. Vergleichen Sie den Schlüssel mit dem, den Ihnen der Betreiber auf anderem Weg gegeben hat. Die Signatur besagt, dass seither nichts geändert wurde; sie besagt nicht, dass die Kamera vorher ehrlich war."},
	"Check": {"To check: hedge-proof verify -record FILE -dir FOLDER -fingerprint KEY names each recording that was changed, is missing, was added or reordered. Compare the key with the one that the owner gave you in another way. The signature says that nothing was changed since; it does not say that the camera was honest before.",
		"Zum Prüfen: hedge-proof verify -record DATEI -dir ORDNER -fingerprint SCHLÜSSEL nennt jede Aufnahme, die geändert, entfernt, hinzugefügt oder umgestellt wurde. Vergleichen Sie den Schlüssel mit dem, den Ihnen der Betreiber auf anderem Weg gegeben hat. Die Signatur besagt, dass seither nichts geändert wurde; sie besagt nicht, dass die Kamera vorher ehrlich war."},
	"Hidden": {"hidden", "verdeckt"}, "Found": {"found people, faces, plates hidden", "gefundene Personen, Gesichter, Kennzeichen verdeckt"}, "Shown": {"shown", "sichtbar"},
}

// reasons say why more was hidden, by the names of pipeline.Reason.
var reasons = map[string]phrase{
	pipeline.NoReason.String():             {"not told", "nicht angegeben"},
	pipeline.ReasonNoDetector.String():     {"no network looks", "kein Netz sucht"},
	pipeline.ReasonDetectorFailed.String(): {"a network failed", "ein Netz ist ausgefallen"},
	pipeline.ReasonDetectorLate.String():   {"the networks were late", "die Netze waren zu spät"},
	pipeline.ReasonFormatChanged.String():  {"the picture's format changed", "das Bildformat hat sich geändert"},
	pipeline.ReasonAspectChanged.String():  {"the picture's aspect ratio changed", "das Seitenverhältnis hat sich geändert"},
	pipeline.ReasonViewDiffers.String():    {"the camera showed another place", "die Kamera zeigte einen anderen Ort"},
	pipeline.ReasonCameraMoved.String():    {"the camera was moved", "die Kamera wurde bewegt"},
}

// reasonWord says why, in words; a reason of another version by its name.
func reasonWord(lang, name string) string {
	if p, ok := reasons[name]; ok {
		return p.in(lang)
	}
	return name
}

// rows sums hours up, so that there are no more than maxRows, and returns how many hours
// a row is.
func rows(hours []hour) ([]hour, int) {
	sorted := slices.Clone(hours)
	slices.SortStableFunc(sorted, func(a, b hour) int { return a.Begin.Compare(b.Begin) })
	for _, span := range []int{1, 6, 24, 7 * 24, 30 * 24, 365 * 24, 10 * 365 * 24} {
		var all []hour
		for _, h := range sorted {
			begin := h.Begin.Truncate(time.Duration(span) * time.Hour)
			if n := len(all); n > 0 && all[n-1].Begin.Equal(begin) {
				all[n-1].add(&h.Counts)
				continue
			}
			h.Begin = begin
			all = append(all, h)
		}
		if len(all) <= maxRows {
			return all, span
		}
	}
	return sorted[len(sorted)-maxRows:], 1
}

// longest returns the longest intervals, in their order, and how many are left out.
func longest(all []interval) ([]interval, int) {
	if len(all) <= maxClosed {
		return all, 0
	}
	order := slices.Clone(all)
	length := func(i interval) time.Duration {
		if i.To.IsZero() {
			return 1 << 62 // the one that has not ended
		}
		return i.To.Sub(i.From)
	}
	slices.SortStableFunc(order, func(a, b interval) int { return int(min(max(length(b)-length(a), -1), 1)) })
	order = order[:maxClosed]
	slices.SortStableFunc(order, func(a, b interval) int { return a.From.Compare(b.From) })
	return order, len(all) - maxClosed
}

// page returns the record for people, in HTML that prints on one sheet.
func (r *record) page(lang, name string) ([]byte, error) {
	v := map[string]any{"Lang": lang, "R": r, "Name": name, "MadeAt": r.Made.Format("2006-01-02 15:04:05 MST")}
	for k, p := range words {
		v["T"+k] = p.in(lang)
	}
	if len(r.Policy) > 0 {
		var p redact.Policy
		if err := json.Unmarshal(r.Policy, &p); err != nil {
			return nil, err
		}
		v["Plan"] = template.HTML(zonemap.SVG(&p, 160, 90)) //nolint:gosec // numbers alone
		var kinds []legend
		for _, k := range zonemap.Kinds(&p) {
			red, green, blue := k.Colour()
			kinds = append(kinds, legend{template.CSS(fmt.Sprintf("#%02x%02x%02x", red, green, blue)), //nolint:gosec // three numbers
				words[map[zonemap.Kind]string{zonemap.Hidden: "Hidden", zonemap.Found: "Found", zonemap.Shown: "Shown"}[k]].in(lang)})
		}
		v["Kinds"] = kinds
	}
	if n := len(r.Segments); n > 0 {
		v["First"], v["Last"] = r.Segments[0], r.Segments[n-1]
		total := int64(0)
		var back []string
		for _, s := range r.Segments {
			total += s.Bytes
			if s.ClockBack {
				back = append(back, s.Name)
			}
		}
		v["MB"], v["Back"] = fmt.Sprintf("%.1f MB", float64(total)/1e6), some(back, 2)
	}
	if r.Log != nil {
		all, span := rows(r.Log.Hours)
		var sum hour
		for _, h := range all {
			sum.add(&h.Counts)
		}
		v["Rows"], v["Span"], v["Total"] = all, span, sum
		v["ClosedRows"], v["ClosedMore"] = longest(r.Log.Closed)
		v["Policies"] = r.Log.Policies[max(0, len(r.Log.Policies)-maxChanges):]
		v["PoliciesMore"] = max(0, len(r.Log.Policies)-maxChanges)
		if n := len(r.Log.Programs); n > 0 {
			v["Program"] = r.Log.Programs[n-1]
		}
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, v)
	return b.Bytes(), err
}

// legend is a colour of the plan and what it means.
type legend struct {
	Colour template.CSS
	Text   string
}

// some returns the first names, and how many more there are.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:n], ", ") + fmt.Sprintf(" + %d", len(names)-n)
}

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"at":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"hour":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"day":      func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"short":    func(s string) string { return s[:min(len(s), 16)] },
	"word":     reasonWord,
	"lastSeal": func(all []sealEvent) time.Time { return all[len(all)-1].Time },
	"length":   func(i interval) string { return i.To.Sub(i.From).Round(time.Second).String() },
}).Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<title>{{.TTitle}}</title>
<style>
@page { size: A4; margin: 11mm }
body { font: 8.5pt/1.35 "Liberation Sans", Arial, sans-serif; color: #1b2733; background: #fff; max-width: 188mm; margin: 0 auto }
h1 { font-size: 15pt; margin: 0 0 1mm; color: #0b4a7d } h2 { font-size: 9.5pt; margin: 2.5mm 0 .7mm; color: #0b4a7d; border-bottom: .3mm solid #0b4a7d }
p { margin: 0 0 .7mm } code { font-family: "Liberation Mono", monospace; font-size: 7.5pt; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% } td, th { text-align: right; padding: .1mm 1.2mm; line-height: 1.25; white-space: nowrap; font-variant-numeric: tabular-nums } th { font-weight: bold; white-space: normal }
td:first-child, th:first-child { text-align: left } tbody tr:nth-child(odd) { background: #eef2f6 } tfoot td { border-top: .3mm solid #1b2733; font-weight: bold }
.two { display: flex; gap: 6mm } .two > * { flex: 1; min-width: 0 } .plan { flex: 0 0 52mm } .plan svg { width: 48mm; height: auto; border: .2mm solid #46505c }
.key span { display: inline-block; width: 2.4mm; height: 2.4mm; border: .2mm solid #46505c; margin-right: 1mm } .key { display: block }
footer { margin-top: 2.5mm; border-top: .3mm solid #0b4a7d; padding-top: 1mm; font-size: 7.5pt }
* { print-color-adjust: exact; -webkit-print-color-adjust: exact }
</style>
</head>
<body>
<h1>{{.TTitle}}</h1>
<p>{{.TNoFootage}} {{.TMade}} {{.MadeAt}} · {{.TFile}}: <code>{{.Name}}</code></p>
<p>{{.TKeyLabel}}: <code>{{.R.Fingerprint}}</code></p>
<h2>{{.TRecordings}}: {{len .R.Segments}}{{if .MB}} · {{.MB}}{{end}}</h2>
{{if .First}}<p>{{.TFirst}}: <code>{{.First.Name}}</code> · {{.TLast}}: <code>{{.Last.Name}}</code>{{if .Last.Open}} ({{.TOpen}}){{end}}</p>
<p>{{.THead}}: <code>{{.R.Head}}</code></p>{{if .Back}}<p><b>{{.TClockBack}} <code>{{.Back}}</code></b></p>{{end}}{{else}}<p>{{if .R.LogAlone}}{{.TLogAlone}}{{else}}{{.TNone}}{{end}}</p>{{end}}
<div class="two">
<div>
<h2>{{.TZones}}</h2>
{{if .R.PolicySum}}<p>SHA-256: <code>{{.R.PolicySum}}</code></p>{{else}}<p>{{.TNoZones}}</p>{{end}}
{{with .R.Log}}{{if .Policies}}<p>{{$.TChanges}}:{{range $.Policies}} {{at .Time}} <code>{{short .Policy}}…</code>;{{end}}{{if $.PoliciesMore}} + {{$.PoliciesMore}} {{$.TMore}}{{end}}</p>{{end}}
<p>{{$.TConfirmed}}: {{len .Confirmed}} · {{$.TPreviews}}: {{len .Previews}}{{with .Seal}} · {{$.TSeal}}: {{len .}}, {{$.TLastOne}} {{at (lastSeal .)}}{{end}}</p>{{end}}
<h2>{{.TPrograms}}</h2>
{{if .Program}}<p>{{.Program.Version}} <code>{{.Program.Sum}}</code></p>{{range $n, $s := .Program.Models}}<p>{{$n}} <code>{{$s}}</code></p>{{end}}{{else}}<p>{{if .R.Log}}{{.TNoStart}}{{else}}{{.TNoLog}}{{end}}</p>{{end}}
</div>
{{if .Plan}}<div class="plan"><h2>&nbsp;</h2>{{.Plan}}{{range .Kinds}}<span class="key"><span style="background:{{.Colour}}"></span>{{.Text}}</span>{{end}}</div>{{end}}
</div>
{{with .R.Log}}
<h2>{{$.THours}}</h2>
<table><thead><tr><th>{{$.TFrom}}{{if gt $.Span 1}} ({{$.Span}} h){{end}}</th><th>{{$.TFrames}}</th><th>{{$.TWhole}}</th><th>{{$.TClosedCol}}</th><th>{{$.TPeople}}</th><th>{{$.TFaces}}</th><th>{{$.TPlates}}</th><th>{{$.TMotion}}</th></tr></thead>
<tbody>{{range $.Rows}}<tr><td>{{if ge $.Span 24}}{{day .Begin}}{{else}}{{hour .Begin}}{{end}}</td><td>{{.Frames}}</td><td>{{.Whole}}</td><td>{{.Closed}}</td><td>{{.People}}</td><td>{{.Faces}}</td><td>{{.Plates}}</td><td>{{.Motion}}</td></tr>{{end}}</tbody>
<tfoot><tr><td>{{$.TSum}}</td>{{with $.Total}}<td>{{.Frames}}</td><td>{{.Whole}}</td><td>{{.Closed}}</td><td>{{.People}}</td><td>{{.Faces}}</td><td>{{.Plates}}</td><td>{{.Motion}}</td>{{end}}</tr></tfoot></table>
<h2>{{$.TClosed}}: {{len .Closed}}</h2>
{{range $.ClosedRows}}<p>{{at .From}}: {{if .To.IsZero}}{{$.TUntil}}{{else}}{{length .}}{{end}}, {{word $.Lang .Reason}}{{with .Changes}} ({{$.TFlapped}} {{.}}){{end}}</p>{{end}}{{if $.ClosedMore}}<p>+ {{$.ClosedMore}} {{$.TMore}}</p>{{end}}
<p>{{$.TLog}}: <code>{{.Name}}</code>{{with .Older}}, <code>{{.Name}}</code>{{end}}, {{.Events}} {{$.TEvents}}, {{.Unreadable}} {{$.TUnreadable}}, {{.ClockBack}} {{$.TBackwards}}, SHA-256 <code>{{.Sum}}</code></p>
{{end}}
<footer>{{if .R.LogAlone}}{{.TCheckLog}}{{else}}{{.TCheck}}{{end}}</footer>
</body>
</html>
`))
