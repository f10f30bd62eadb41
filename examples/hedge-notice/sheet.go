package main

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/hedgecam/hedge/examples/internal/zonemap"
)

// sheet is what all files in one language are made of.
type sheet struct {
	c    *config
	cam  *camera
	lang language
	date string
}

// part is a heading with what stands under it.
type part struct {
	Title string
	Lines []string
}

func newSheet(c *config, cam *camera, l language, now time.Time) *sheet {
	return &sheet{c, cam, l, now.Format(time.DateOnly)}
}

// own returns what the owner filled in, in the sheet's language.
func (s *sheet) own(en, de string) string {
	return strings.TrimSpace(phrase{en, de}.in(s.lang))
}

func (s *sheet) part(title phrase, lines ...string) part {
	return part{strings.ReplaceAll(title.in(s.lang), "\u00ad", ""), lines}
}

// who, why and for how long: what sign, page and record share.
func (s *sheet) common() []part {
	c, l := s.c, s.lang
	parts := []part{s.part(labelController, c.Controller, c.Address, c.Contact)}
	if c.Officer != "" {
		parts = append(parts, s.part(labelOfficer, c.Officer))
	}
	parts = append(parts, s.part(labelPurpose, s.own(c.PurposeEN, c.PurposeDE)), s.part(labelBasis, s.own(c.BasisEN, c.BasisDE)))
	if i := s.own(c.InterestEN, c.InterestDE); i != "" {
		parts = append(parts, s.part(labelInterest, i))
	}
	return append(parts, s.part(labelKept, s.cam.kept(l)...))
}

// signParts are those of the sign: the first layer, as short as may be.
func (s *sheet) signParts() []part {
	parts := s.common()
	for i := range parts[1:] {
		parts[i+1].Lines = []string{strings.Join(parts[i+1].Lines, " ")}
	}
	return append(parts, s.part(labelHidden, strings.Join(s.cam.hidden(s.lang), " ")), s.part(labelRights, rights.in(s.lang)))
}

func (s *sheet) receivers() []string {
	lines := []string{s.own(s.c.ReceiverEN, s.c.ReceiverDE)}
	if lines[0] == "" {
		lines[0] = receiverNone.in(s.lang)
	}
	if s.cam.broker != "" {
		lines = append(lines, receiverBroker.in(s.lang, s.cam.broker))
	}
	return lines
}

// longer are the parts of the page behind the sign.
func (s *sheet) longer() []part {
	var all []string
	for _, p := range rightsLong {
		all = append(all, p.in(s.lang))
	}
	if s.c.Authority != "" {
		all = append(all, authority.in(s.lang, s.c.Authority))
	}
	parts := append(s.withLimit(s.common()), s.part(labelHidden, s.cam.hidden(s.lang)...), s.part(labelReceiver, s.receivers()...))
	return append(parts, s.part(labelRights, all...))
}

// withLimit adds the limit of size to how long pictures are kept.
func (s *sheet) withLimit(parts []part) []part {
	if s.cam.record && s.cam.age > 0 && s.cam.limit > 0 {
		last := &parts[len(parts)-1]
		last.Lines = append(last.Lines, limitText(s.lang, s.cam.limit))
	}
	return parts
}

// record returns the record of processing activities, in Markdown.
func (s *sheet) record() []byte {
	l, parts := s.lang, s.withLimit(s.common())
	if kept := &parts[len(parts)-1]; max(s.cam.age, s.cam.recorder) > 72*time.Hour || s.cam.record && s.cam.age == 0 {
		kept.Lines = append(kept.Lines, longKept.in(l))
	}
	subjects := phrase{"Visitors and other people on the grounds; passers-by as far as the camera does not hide them.", "Besucher und andere Personen auf dem Grundstück; Passanten, soweit die Kamera sie nicht verdeckt."}
	if s.cam.car {
		subjects = phrase{"People in traffic, as far as the camera does not hide them; people in the vehicle.", "Personen im Straßenverkehr, soweit die Kamera sie nicht verdeckt; Personen im Fahrzeug."}
	}
	parts = append(parts, s.part(labelSubjects, subjects.in(l)),
		s.part(labelData, append([]string{phrase{"Redacted video with times.", "Verdecktes Video mit Uhrzeit."}.in(l)}, s.cam.hidden(l)...)...),
		s.part(labelReceiver, s.receivers()...), s.part(labelAbroad, abroadNone.in(l)), s.part(labelMeasures, s.cam.measures(l)...))
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s. %s\n\n%s: `%s`\n", recordTitle.in(l), article30.in(l), draft.in(l, s.date), phrase{"Policy, SHA-256", "Zonen, SHA-256"}.in(l), s.cam.policy.SHA256())
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n", p.Title)
		for _, line := range p.Lines {
			fmt.Fprintf(&b, "- %s\n", markdown.Replace(line))
		}
	}
	return []byte(b.String())
}

// markdown escapes what would be markup.
var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`, "&", `\&`)

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 0 auto; padding: 1rem; color: #1b2733; background: #fff }
h1 { line-height: 1.2 } h2 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; color: #0b4a7d }
ul { margin: 0; padding-left: 1.2rem } figure { margin: 1.5rem 0 } svg { max-width: 100%; height: auto; border: 1px solid #46505c }
.key span { display: inline-block; width: 1em; height: 1em; border: 1px solid #46505c; vertical-align: -.1em; margin: 0 .3em 0 1em }
footer { margin-top: 2rem; font-size: .85rem; color: #46505c }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
<p>{{.Article}}</p>
{{range .Parts}}<section><h2>{{.Title}}</h2><ul>{{range .Lines}}<li>{{.}}</li>{{end}}</ul></section>
{{end}}<figure>{{.Plan}}<figcaption>{{.Caption}}<span class="key">{{range .Key}}<span style="background:{{.Colour}}"></span>{{.Text}}{{end}}</span></figcaption></figure>
<footer>{{.Draft}}</footer>
</body>
</html>
`))

// page returns the longer page, in HTML. It loads nothing from elsewhere.
func (s *sheet) page() ([]byte, error) {
	type key struct {
		Colour template.CSS
		Text   string
	}
	var keys []key
	for _, k := range zonemap.Kinds(s.cam.policy) {
		r, g, b := k.Colour()
		keys = append(keys, key{template.CSS(fmt.Sprintf("#%02x%02x%02x", r, g, b)), zoneWords[k].in(s.lang)}) //nolint:gosec // three numbers
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, map[string]any{
		"Lang": string(s.lang), "Title": pageTitle.in(s.lang), "Article": article13.in(s.lang), "Parts": s.longer(),
		"Plan":    template.HTML(zonemap.SVG(s.cam.policy, int(270*s.cam.aspect), 270)), //nolint:gosec // numbers alone
		"Caption": zoneCaption.in(s.lang) + ":", "Key": keys, "Draft": draft.in(s.lang, s.date),
	})
	return b.Bytes(), err
}
