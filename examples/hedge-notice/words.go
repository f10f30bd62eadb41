package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/examples/internal/settings"
	"github.com/hedgecam/hedge/examples/internal/zonemap"
	"github.com/hedgecam/hedge/redact"
)

// language is that of a sheet.
type language string

// The languages.
const (
	english language = "en"
	german  language = "de"
)

// phrase is a text in both languages. Verbs of package fmt stand in the same order in
// both.
type phrase struct{ en, de string }

func (p phrase) in(l language, args ...any) string {
	text := p.en
	if l == german {
		text = p.de
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// The texts of sign, page and record.
var (
	headline    = phrase{"Video camera", "Videoüberwachung"}
	pageTitle   = phrase{"Information about our video camera", "Informationen zu unserer Videokamera"}
	recordTitle = phrase{"Record of processing activities: video camera", "Verzeichnis von Verarbeitungstätigkeiten: Videokamera"}
	draft       = phrase{
		"Made from the camera's policy and settings on %s. What nobody but the controller can know was filled in by hand. This is a form to begin with and no legal advice.",
		"Erstellt aus den Zonen und Einstellungen der Kamera am %s. Was nur der Verantwortliche wissen kann, wurde von Hand eingetragen. Dies ist eine Vorlage und keine Rechtsberatung."}
	article13 = phrase{"Information under Article 13 GDPR", "Informationen nach Art. 13 DSGVO"}
	article30 = phrase{"Under Article 30(1) GDPR", "Nach Art. 30 Abs. 1 DSGVO"}

	labelController = phrase{"Controller", "Verantwortlich"}
	labelOfficer    = phrase{"Data protection officer", "Datenschutz\u00adbeauftragte"}
	labelPurpose    = phrase{"Purpose", "Zweck"}
	labelBasis      = phrase{"Legal basis", "Rechtsgrundlage"}
	labelInterest   = phrase{"Legitimate interests", "Berechtigte Interessen"}
	labelKept       = phrase{"Kept for", "Speicherdauer"}
	labelHidden     = phrase{"What is hidden", "Was verdeckt wird"}
	labelReceiver   = phrase{"Recipients", "Empfänger"}
	labelRights     = phrase{"Your rights", "Ihre Rechte"}
	labelAbroad     = phrase{"Third countries", "Drittländer"}
	labelSubjects   = phrase{"Categories of data subjects", "Kategorien betroffener Personen"}
	labelData       = phrase{"Categories of data", "Kategorien personenbezogener Daten"}
	labelMeasures   = phrase{"Technical and organisational measures", "Technische und organisatorische Maßnahmen"}
	labelMore       = phrase{"More information", "Weitere Informationen"}

	rights = phrase{
		"Access, rectification, erasure, restriction of processing, objection (Articles 15 to 18 and 21 GDPR), and a complaint to a supervisory authority (Article 77 GDPR).",
		"Auskunft, Berichtigung, Löschung, Einschränkung der Verarbeitung, Widerspruch (Art. 15 bis 18 und 21 DSGVO) und Beschwerde bei einer Aufsichtsbehörde (Art. 77 DSGVO)."}
	rightsLong = []phrase{
		{"You may ask the controller whether data about you are processed, and for access to them (Article 15 GDPR).", "Sie können vom Verantwortlichen Auskunft verlangen, ob und welche Daten über Sie verarbeitet werden (Art. 15 DSGVO)."},
		{"You may ask for rectification (Article 16), erasure (Article 17) and restriction of processing (Article 18 GDPR).", "Sie können Berichtigung (Art. 16), Löschung (Art. 17) und Einschränkung der Verarbeitung (Art. 18 DSGVO) verlangen."},
		{"You may object to processing on grounds relating to your particular situation (Article 21 GDPR).", "Sie können der Verarbeitung aus Gründen, die sich aus Ihrer besonderen Situation ergeben, widersprechen (Art. 21 DSGVO)."},
		{"You may lodge a complaint with a supervisory authority (Article 77 GDPR).", "Sie können sich bei einer Aufsichtsbehörde beschweren (Art. 77 DSGVO)."},
	}
	authority = phrase{"The supervisory authority: %s", "Die Aufsichtsbehörde: %s"}

	ground    = phrase{"our property", "unseres Grundstücks"}
	vehicle   = phrase{"our vehicle", "unseres Fahrzeugs"}
	onGround  = phrase{"our property", "unserem Grundstück"}
	inVehicle = phrase{"our vehicle", "unserem Fahrzeug"}

	hideEverything = phrase{"The whole picture is hidden before it is recorded or sent.", "Das ganze Bild wird verdeckt, bevor es aufgezeichnet oder gesendet wird."}
	hideAll        = phrase{"Whatever lies outside %s is hidden before the picture is recorded or sent.", "Was außerhalb %s liegt, wird verdeckt, bevor das Bild aufgezeichnet oder gesendet wird."}
	hideFound      = phrase{"Outside %s, the people, faces and license plates that the camera finds are hidden before the picture is recorded or sent.",
		"Außerhalb %s werden Personen, Gesichter und Kennzeichen, die die Kamera findet, verdeckt, bevor das Bild aufgezeichnet oder gesendet wird."}
	hideStrip  = phrase{"A strip beside it is shown without the people, faces and license plates found there.", "Ein Streifen daneben wird ohne die dort gefundenen Personen, Gesichter und Kennzeichen gezeigt."}
	hideInside = phrase{"On %s too, what is found of these is hidden: %s.", "Auch auf %s wird davon verdeckt, was gefunden wird: %s."}
	noSound    = phrase{"No sound is recorded.", "Ton wird nicht aufgenommen."}
	onlyRung   = phrase{"There is a picture only after the bell was rung, for %s.", "Ein Bild gibt es nur nach dem Klingeln, für %s."}

	classes = map[detect.Class]phrase{detect.Face: {"faces", "Gesichter"}, detect.Person: {"people", "Personen"}, detect.Plate: {"license plates", "Kennzeichen"}}

	keptNone     = phrase{"The camera records nothing.", "Die Kamera zeichnet nichts auf."}
	keptAge      = phrase{"At most %s; then the camera deletes recordings by itself.", "Höchstens %s; danach löscht die Kamera Aufnahmen von selbst."}
	keptSpace    = phrase{"Until %s are full; then the camera deletes the oldest recordings by itself.", "Bis %s voll sind; dann löscht die Kamera die ältesten Aufnahmen von selbst."}
	keptLoop     = phrase{"Pictures are held in memory for %s and overwritten. Only on an event are %s before it and %s after it recorded.", "Bilder bleiben %s im Arbeitsspeicher und werden überschrieben. Nur bei einem Ereignis werden %s davor und %s danach aufgezeichnet."}
	keptRecorder = phrase{"A recorder in the house network keeps the redacted picture for %s.", "Ein Rekorder im Hausnetz speichert das verdeckte Bild für %s."}
	keptNoLimit  = phrase{"Until somebody deletes them.", "Bis jemand sie löscht."}

	receiverNone   = phrase{"Nobody.", "Niemand."}
	receiverBroker = phrase{"Figures without pictures (how many people are hidden, whether somebody rang) go to the home automation at %s.", "Zahlen ohne Bilder (wie viele Personen verdeckt sind, ob geklingelt wurde) gehen an die Haussteuerung unter %s."}
	abroadNone     = phrase{"The program sends nothing to third countries. Where somebody else stores recordings there, it has to be entered here.", "Das Programm übermittelt nichts in Drittländer. Speichert jemand anderes Aufnahmen dort, ist es hier einzutragen."}

	zoneWords = map[zonemap.Kind]phrase{
		zonemap.Hidden: {"hidden", "verdeckt"}, zonemap.Found: {"people, faces, plates hidden", "Personen, Gesichter, Kennzeichen verdeckt"}, zonemap.Shown: {"shown", "sichtbar"}}
	zoneCaption = phrase{"What the camera may show", "Was die Kamera zeigen darf"}
)

// span says a duration, in hours up to three days and in days beyond.
func span(l language, d time.Duration) string {
	name := func(n int, one, many phrase) string {
		if n == 1 {
			return "1 " + one.in(l)
		}
		return fmt.Sprintf("%d %s", n, many.in(l))
	}
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return name(int(d/day), phrase{"day", "Tag"}, phrase{"days", "Tage"})
	case d >= time.Hour && d%time.Hour == 0:
		return name(int(d/time.Hour), phrase{"hour", "Stunde"}, phrase{"hours", "Stunden"})
	case d >= time.Minute && d%time.Minute == 0:
		return name(int(d/time.Minute), phrase{"minute", "Minute"}, phrase{"minutes", "Minuten"})
	}
	return name(int(d.Round(time.Second)/time.Second), phrase{"second", "Sekunde"}, phrase{"seconds", "Sekunden"})
}

// hidden says what the policy hides.
func (cam *camera) hidden(l language) []string {
	p, of, on := cam.policy, ground, onGround
	if cam.car {
		of, on = vehicle, inVehicle
	}
	var all []string
	switch {
	case p.Outside.Hide == redact.HideDetected:
		all = append(all, hideFound.in(l, of.in(l)))
	case len(p.Property)+len(p.Strip) == 0:
		all = append(all, hideEverything.in(l))
	default:
		all = append(all, hideAll.in(l, of.in(l)))
	}
	if len(p.Strip) > 0 {
		all = append(all, hideStrip.in(l))
	}
	if len(p.Inside.Hide) > 0 && len(p.Property) > 0 {
		var names []string
		for _, c := range p.Inside.Hide {
			names = append(names, classes[c].in(l))
		}
		all = append(all, hideInside.in(l, on.in(l), strings.Join(names, ", ")))
	}
	if cam.bell > 0 {
		all = append(all, onlyRung.in(l, span(l, cam.bell)))
	}
	return append(all, noSound.in(l))
}

// kept says for how long pictures are kept, as the camera enforces it.
func (cam *camera) kept(l language) []string {
	var all []string
	if cam.keep > 0 {
		all = append(all, keptLoop.in(l, span(l, cam.keep), span(l, cam.before), span(l, cam.after)))
	}
	switch {
	case !cam.record:
		all = append(all, keptNone.in(l))
	case cam.age > 0:
		all = append(all, keptAge.in(l, span(l, cam.age)))
	case cam.limit > 0:
		all = append(all, keptSpace.in(l, size(l, cam.limit)))
	default:
		all = append(all, keptNoLimit.in(l))
	}
	if cam.recorder > 0 {
		all = append(all, keptRecorder.in(l, span(l, cam.recorder)))
	}
	return all
}

// measures are those of a record of processing activities.
func (cam *camera) measures(l language) []string {
	all := []phrase{
		{"Data protection by design: pictures are redacted before they are encoded; what is hidden is in no recording and no stream.", "Datenschutz durch Technikgestaltung: Bilder werden vor dem Kodieren verdeckt; was verdeckt ist, ist in keiner Aufnahme und keinem Datenstrom."},
		{"On a fault more is hidden than asked, never less; a camera that was moved is hidden whole until its zones are confirmed.", "Bei einem Fehler wird mehr verdeckt als verlangt, nie weniger; eine Kamera, die bewegt wurde, wird ganz verdeckt, bis ihre Zonen bestätigt sind."},
		{"No sound, no cloud, no telemetry. Pictures and zones can be seen and changed only with a token.", "Kein Ton, keine Cloud, keine Telemetrie. Bilder und Zonen sind nur mit einem Zugangsschlüssel zu sehen und zu ändern."},
		{"Each change of zones, each confirmation and each fault is an event in the log.", "Jede Änderung der Zonen, jede Bestätigung und jede Störung steht im Ereignisprotokoll."},
	}
	if cam.car {
		all = all[:2]
		all = append(all, phrase{"No sound, no place, no speed, no cloud, no telemetry.", "Kein Ton, kein Ort, keine Geschwindigkeit, keine Cloud, keine Telemetrie."})
	}
	if cam.record {
		all = append(all, phrase{"The folder of recordings is readable for the camera's own user only, where the program made it.", "Den Ordner der Aufnahmen kann nur der eigene Benutzer der Kamera lesen, wenn das Programm ihn angelegt hat."})
	}
	if cam.network {
		all = append(all, phrase{"The page is served over TLS.", "Die Seite wird über TLS ausgeliefert."})
	}
	if cam.recorder > 0 {
		all = append(all, phrase{"RTSP asks for a password and is not encrypted; it is for the house network alone.", "RTSP verlangt ein Passwort und ist nicht verschlüsselt; es ist nur für das Hausnetz."})
	}
	var texts []string
	for _, p := range all {
		texts = append(texts, p.in(l))
	}
	return texts
}

// size says a size as people say it, rounded.
func size(l language, b settings.Bytes) string {
	unit, n := "MB", float64(b)/1e6
	if n >= 1000 {
		unit, n = "GB", n/1000
	}
	text := strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	if l == german {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text + " " + unit
}

// longKept notes what the European Data Protection Board says of long retention.
var longKept = phrase{
	"The longer pictures are kept, and beyond 72 hours in particular, the more has to be said for it (EDPB Guidelines 3/2019, paragraph 121). Why it is needed here: please fill in.",
	"Je länger Bilder gespeichert werden, besonders über 72 Stunden hinaus, desto mehr ist zu begründen (EDSA-Leitlinien 3/2019, Rn. 121). Warum es hier nötig ist: bitte eintragen."}

// limitText says a size limit, if there is one beside the age.
func limitText(l language, b settings.Bytes) string {
	return phrase{"The oldest recordings are deleted earlier when all together are larger than %s.", "Die ältesten Aufnahmen werden früher gelöscht, wenn alle zusammen größer als %s sind."}.in(l, size(l, b))
}
