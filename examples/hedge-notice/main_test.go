package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ledongthuc/pdf"

	"github.com/hedgecam/hedge/examples/internal/settings"
)

const (
	testPolicy = `{"version":1,"property":[[[0.1,0.55],[0.9,0.55],[1,1],[0,1]]],"strip":[[[0.1,0.48],[0.9,0.48],[0.9,0.55],[0.1,0.55]]],
"mask":[[[0.7,0.8],[0.8,0.8],[0.8,0.9]]],"inside":{"hide":["face"]}}`
	testCamera = "source: camera:0\npolicy: policy.json\nrecord: recordings\nrecord-days: 3\n"
	testNotice = `controller: "Jörg Müßig-Größner"
address: "Überweg 5, 80331 München"
contact: "jörg@example.org"
officer: "Dr. Änne Öztürk"
authority: "BayLDA, Ansbach"
page: https://example.org/camera?house=5&lang=de
purpose-en: "Protection of the house & garden against <burglary>"
purpose-de: "Schutz von Haus & Garten vor <Einbruch>"
basis-en: "Article 6(1)(f) GDPR"
basis-de: "Art. 6 Abs. 1 lit. f DSGVO"
interest-en: "Safety of the residents"
interest-de: "Sicherheit der Bewohner"
`
)

// today is the date that the tests' files bear.
var today = time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC)

// home writes the files that the program reads into a new folder.
func home(t *testing.T, policy, camera, notice string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"policy.json": policy, "camera.yaml": camera, "notice.yaml": notice} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// make runs the program in a folder of home.
func makeNotice(dir string, more ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	args := append([]string{"-config", filepath.Join(dir, "notice.yaml"), "-camera", filepath.Join(dir, "camera.yaml"), "-out", filepath.Join(dir, "out")}, more...)
	code = run(args, today, &out, &errs)
	return code, out.String(), errs.String()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "out", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pdfText returns all that can be read in a PDF.
func pdfText(t *testing.T, data []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if n := r.NumPage(); n != 1 {
		t.Errorf("%d pages, want 1", n)
	}
	text, err := r.Page(1).GetPlainText(nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// xmlText returns the texts of an XML document, which it checks.
func xmlText(t *testing.T, data []byte) string {
	t.Helper()
	var b strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("no XML: %v", err)
		}
		if c, ok := token.(xml.CharData); ok {
			b.Write(c)
		}
	}
}

// tight is a text without its spaces, as lines may be broken anywhere.
func tight(s string) string { return strings.Join(strings.Fields(s), "") }

// TestTextsAreThere: each text is in PDF and SVG, in both languages, with umlauts and
// with characters that are markup elsewhere; nothing of the other language is.
func TestTextsAreThere(t *testing.T) {
	dir := home(t, testPolicy, testCamera, testNotice)
	code, stdout, stderr := makeNotice(dir)
	if code != 0 || strings.Count(stdout, "\n") != 8 {
		t.Fatalf("code %d, %s%s", code, stdout, stderr)
	}
	common := []string{"Jörg Müßig-Größner", "Überweg 5, 80331 München", "jörg@example.org", "Dr. Änne Öztürk", "https://example.org/camera?house=5&lang=de"}
	own := map[language][]string{
		english: {"Protection of the house & garden against <burglary>", "Article 6(1)(f) GDPR", "Safety of the residents", "At most 3 days",
			"Whatever lies outside our property is hidden", "On our property too, what is found of these is hidden: faces.", "No sound is recorded.", rights.en},
		german: {"Schutz von Haus & Garten vor <Einbruch>", "Art. 6 Abs. 1 lit. f DSGVO", "Sicherheit der Bewohner", "Höchstens 3 Tage",
			"Was außerhalb unseres Grundstücks liegt, wird verdeckt", "Auch auf unserem Grundstück wird davon verdeckt, was gefunden wird: Gesichter.", "Ton wird nicht aufgenommen.", rights.de},
	}
	for l, other := range map[language]language{english: german, german: english} {
		for kind, text := range map[string]string{
			"PDF": pdfText(t, read(t, dir, "notice-"+string(l)+".pdf")), "SVG": xmlText(t, read(t, dir, "notice-"+string(l)+".svg"))} {
			text = tight(text)
			for _, want := range append(common, own[l]...) {
				if !strings.Contains(text, tight(want)) {
					t.Errorf("%s %s has no %q:\n%s", kind, l, want, text)
				}
			}
			for _, not := range own[other] {
				if strings.Contains(text, tight(not)) {
					t.Errorf("%s %s has %q of the other language", kind, l, not)
				}
			}
		}
	}
}

// TestPageAndRecord: what the owner fills in is no markup, and the record says what
// law asks for.
func TestPageAndRecord(t *testing.T) {
	dir := home(t, testPolicy, strings.Replace(testCamera, "3", "30", 1), testNotice)
	if code, _, stderr := makeNotice(dir, "-receiver-de", "[x](http://evil) *Polizei*"); code != 0 {
		t.Fatal(stderr)
	}
	page, record := string(read(t, dir, "page-de.html")), string(read(t, dir, "record-de.md"))
	for _, want := range []string{"Haus &amp; Garten vor &lt;Einbruch&gt;", "BayLDA, Ansbach", "Höchstens 30 Tage", "10 GB", "Art. 77", "<svg", "Niemand"} {
		if strings.Contains(page, want) == (want == "Niemand") {
			t.Errorf("the page and %q:\n%s", want, page)
		}
	}
	for _, ask := range []string{"src=", "href=", "url(", "<script"} {
		if strings.Contains(page, ask) {
			t.Errorf("the page loads something: %s", ask)
		}
	}
	for _, want := range []string{"Art. 30 Abs. 1", "## Zweck", "## Kategorien betroffener Personen", "## Kategorien personenbezogener Daten", "## Empfänger",
		"## Drittländer", "## Speicherdauer", "## Technische und organisatorische Maßnahmen", "2026-11-29", `\[x\](http://evil) \*Polizei\*`, "72 Stunden"} {
		if !strings.Contains(record, want) {
			t.Errorf("the record has no %q:\n%s", want, record)
		}
	}
	if en := string(read(t, dir, "record-en.md")); !strings.Contains(en, "Nobody.") || !strings.Contains(en, "72 hours") {
		t.Errorf("the English record:\n%s", en)
	}
}

// TestMissing: each field that is missing is named, with what to write; nothing is
// written.
func TestMissing(t *testing.T) {
	for _, field := range []string{"controller", "address", "contact", "page", "purpose-en", "purpose-de", "basis-en", "basis-de"} {
		var kept []string
		for line := range strings.Lines(testNotice) {
			if !strings.HasPrefix(line, field+":") {
				kept = append(kept, line)
			}
		}
		dir := home(t, testPolicy, testCamera, strings.Join(kept, ""))
		code, _, stderr := makeNotice(dir)
		if code != 2 || !strings.Contains(stderr, field+": is missing: fill it in, such as -"+field) {
			t.Errorf("without %s: code %d, %s", field, code, stderr)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("without %s something was written", field)
		}
	}
	dir := home(t, testPolicy, testCamera, testNotice)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-camera", ""}, "camera: is missing"},
		{[]string{"-camera", filepath.Join(dir, "none.yaml")}, "none.yaml"},
		{[]string{"-policy", filepath.Join(dir, "none.json")}, "-policy names the file"},
		{[]string{"-page", "example.org/camera"}, "page: "},
		{[]string{"-page", "https://me:secret@example.org/"}, "page: names a user or a password"},
		{[]string{"-controller", "東京"}, "controller: has the character"},
		{[]string{"-purpose-de", "two\nlines"}, "purpose-de: has the character"},
		{[]string{"-page", "https://example.org/" + strings.Repeat("x", 400)}, "page: "},
		{[]string{"-purpose-en", strings.Repeat("many words ", 300)}, "shorten purpose"},
	} {
		code, _, stderr := makeNotice(dir, c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: code %d, %s; want %q", c.args, code, stderr, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("%q: something was written", c.args)
		}
	}
	// A language that is not asked for needs no texts.
	dir = home(t, testPolicy, testCamera, strings.ReplaceAll(testNotice, "-de: ", "-en: ")[:strings.Index(testNotice, "purpose-en")]+"purpose-de: a\nbasis-de: b\n")
	if code, stdout, stderr := makeNotice(dir, "-language", "de"); code != 0 || strings.Contains(stdout, "-en.") {
		t.Errorf("German alone: code %d, %s%s", code, stdout, stderr)
	}
}

// TestNothingIsOverwritten: with one file there, none is written; -force replaces all.
func TestNothingIsOverwritten(t *testing.T) {
	dir := home(t, testPolicy, testCamera, testNotice)
	if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "out", "record-de.md")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := makeNotice(dir)
	if code != 1 || !strings.Contains(stderr, "record-de.md") || !strings.Contains(stderr, "-force") {
		t.Errorf("code %d, %s", code, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "out", "*")); len(left) != 1 || string(read(t, dir, "record-de.md")) != "mine" {
		t.Errorf("there is %v", left)
	}
	if code, _, stderr := makeNotice(dir, "-force"); code != 0 {
		t.Error(stderr)
	}
	first := read(t, dir, "notice-de.pdf")
	if code, _, stderr := makeNotice(dir, "-force"); code != 0 || !bytes.Equal(first, read(t, dir, "notice-de.pdf")) {
		t.Errorf("the same sign is another file: %s", stderr)
	}
}

// TestCameras: what is kept, and for how long, is what the camera's settings say.
func TestCameras(t *testing.T) {
	for _, c := range []struct {
		camera, policy string
		args           []string
		want, not      string
	}{
		{"source: camera:0\n", testPolicy, nil, "The camera records nothing.", "At most"},
		{"record: r\nrecord-days: 1\n", testPolicy, nil, "At most 1 day;", ""},
		{"record: r\nrecord-hours: 36\n", testPolicy, nil, "At most 36 hours;", "day"},
		{"max-hours: 72\n", testPolicy, []string{"-program", "dashcam"}, "At most 3 days;", ""},
		{"record: r\nrecord-days: 1\nrtsp: 0.0.0.0:8554\n", testPolicy, []string{"-recorder-hours", "48"}, "A recorder in the house network keeps the redacted picture for 2 days.", ""},
		{"preset: doorbell\nring-for: 45s\n", testPolicy, nil, "only after the bell was rung, for 45 seconds.", ""},
		{"record: r\n", `{"version":1}`, nil, "The whole picture is hidden", "our property"},
		{"max-days: 2\n", `{"version":1,"outside":{"hide":"detected"}}`, []string{"-program", "dashcam"}, "Outside our vehicle, the people, faces and license plates that the camera finds are hidden", "our property"},
		{"max-days: 2\nkeep: 1m\n", testPolicy, []string{"-program", "dashcam"}, "Pictures are held in memory for 1 minute and overwritten.", ""},
		{"max-days: 0\n", testPolicy, []string{"-program", "dashcam"}, "Until 2.1 GB are full", ""},
	} {
		dir := home(t, c.policy, c.camera, testNotice)
		args := append([]string{"-language", "en"}, c.args...)
		if code, _, stderr := makeNotice(dir, append(args, "-policy", filepath.Join(dir, "policy.json"))...); code != 0 {
			t.Fatalf("%q: %s", c.camera, stderr)
		}
		text := tight(xmlText(t, read(t, dir, "notice-en.svg")))
		if !strings.Contains(text, tight(c.want)) || c.not != "" && strings.Contains(text, tight(c.not)) {
			t.Errorf("%q: want %q and not %q:\n%s", c.camera, c.want, c.not, text)
		}
	}
	dir := home(t, testPolicy, "rtsp: 0.0.0.0:8554\n", testNotice)
	if code, _, stderr := makeNotice(dir); code != 2 || !strings.Contains(stderr, "-recorder-hours") {
		t.Errorf("RTSP for everybody: code %d, %s", code, stderr)
	}
}

// TestOtherSettingsAreSkipped: no setting of a program is taken for a slip of the
// finger at one that the notice reads.
func TestOtherSettingsAreSkipped(t *testing.T) {
	for path, config := range map[string]any{"../doorbell/schema.json": &doorbellSettings{}, "../dashcam/schema.json": &dashcamSettings{}} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties map[string]any `json:"properties"`
		}
		if err := json.Unmarshal(data, &schema); err != nil || len(schema.Properties) < 10 {
			t.Fatalf("%s: %d settings, %v", path, len(schema.Properties), err)
		}
		file := filepath.Join(t.TempDir(), "camera.yaml")
		for name := range schema.Properties {
			if err := os.WriteFile(file, []byte(name+": 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := settings.ReadFile(file, config); err != nil && strings.Contains(err.Error(), "meant?") {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// TestSettingsAreTheCameras: what is read of the programs' settings has their names and
// defaults.
func TestSettingsAreTheCameras(t *testing.T) {
	for path, config := range map[string]any{"../doorbell/schema.json": doorbellSettings{}, "../dashcam/schema.json": dashcamSettings{}} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties map[string]struct {
				Default any `json:"default"`
			} `json:"properties"`
		}
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatal(err)
		}
		kind := reflect.TypeOf(config)
		for i := range kind.NumField() {
			tag := kind.Field(i).Tag
			p, ok := schema.Properties[tag.Get("name")]
			var has string
			switch v := p.Default.(type) {
			case string:
				has = v
			case float64:
				data, _ := json.Marshal(v) // a number
				has = string(data)
			}
			if !ok || has != tag.Get("default") {
				t.Errorf("%s: %s: default %q, here %q", path, tag.Get("name"), has, tag.Get("default"))
			}
		}
	}
}
