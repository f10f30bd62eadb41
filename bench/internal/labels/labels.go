// Package labels reads the labelled recordings and pictures that programs of bench measure on: a
// set is a folder with labels.jsonl, SOURCE.md and what they tell of.
package labels

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hedgecam/hedge/detect"
)

// File is the name of a set's labels.
const File = "labels.jsonl"

// Err is what every error in a set's labels wraps.
var Err = errors.New("bad labels")

// Truth is one labelled object in one picture.
type Truth struct {
	Class  detect.Class
	Box    detect.Box
	Track  int // NoTrack, or its number within its recording
	Ignore bool
}

// NoTrack is the Track of an object of which nothing is known in other pictures.
const NoTrack = -1

// Label is what is known of one picture.
type Label struct {
	Line     int // in labels.jsonl
	Frame    int // in decode order, from 1; 1 for a single picture
	Size     image.Point
	Labelled bool
	Objects  []Truth
}

// Recording is a labelled clip, or a single picture.
type Recording struct {
	File   string // relative to the set's folder
	Clip   bool
	Labels []*Label // by rising frame
}

// ByFrame returns the labels by their frame's number.
func (r *Recording) ByFrame() map[int]*Label {
	m := make(map[int]*Label, len(r.Labels))
	for _, l := range r.Labels {
		m[l.Frame] = l
	}
	return m
}

// Set is a folder of labelled recordings.
type Set struct {
	Dir, Name  string
	Recordings []*Recording
	Facts      Facts
}

// rawLabel is a line of labels.jsonl. Fields that only describe a picture are
// let through unread.
type rawLabel struct {
	Image    string      `json:"image"`
	Frame    *int        `json:"frame"`
	Width    int         `json:"width"`
	Height   int         `json:"height"`
	Labelled *bool       `json:"labelled"`
	Complete []string    `json:"complete"`
	Boxes    *[]rawTruth `json:"boxes"`
}

type rawTruth struct {
	Class  string   `json:"class"`
	X      *float64 `json:"x"`
	Y      *float64 `json:"y"`
	W      *float64 `json:"w"`
	H      *float64 `json:"h"`
	Track  *int     `json:"track"`
	Ignore bool     `json:"ignore"`
}

// Load reads a set's labels and SOURCE.md, and checks that every recording
// exists. Errors of the labels wrap Err and name the line; a folder that is not
// there, or has none, is fs.ErrNotExist.
func Load(dir string) (*Set, error) {
	data, err := os.ReadFile(filepath.Join(dir, File))
	if err != nil {
		return nil, fmt.Errorf("%s is not a set: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Set{Dir: dir, Name: filepath.Base(abs)}
	complete, err := s.parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, File), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, sourceFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s.Facts = readFacts(string(text))
	if complete != nil {
		s.Facts.Complete = *complete
	}
	return s, nil
}

// parse fills in the recordings. complete are the classes that every line names
// as labelled exhaustively, nil if no line says anything.
func (s *Set) parse(data []byte) (complete *detect.ClassSet, err error) {
	byFile := map[string]*Recording{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 16<<20)
	for line := 1; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		file, l, c, err := s.parseLine(sc.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %w", line, Err, err)
		}
		l.Line = line
		if c != nil {
			if complete != nil {
				*c &= *complete
			}
			complete = c
		}
		clip := l.Frame > 0
		if !clip {
			l.Frame = 1
		}
		r := byFile[file]
		if r == nil {
			if _, err := os.Stat(filepath.Join(s.Dir, file)); err != nil {
				return nil, fmt.Errorf("line %d: %w: %v", line, Err, err)
			}
			r = &Recording{File: file, Clip: clip}
			byFile[file] = r
			s.Recordings = append(s.Recordings, r)
		}
		if r.Clip != clip {
			return nil, fmt.Errorf("line %d: %w: %s is a clip in one line and a picture in another", line, Err, file)
		}
		r.Labels = append(r.Labels, l)
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if len(s.Recordings) == 0 {
		return nil, fmt.Errorf("%w: no line", Err)
	}
	for _, r := range s.Recordings {
		slices.SortStableFunc(r.Labels, func(a, b *Label) int { return a.Frame - b.Frame })
		for i, l := range r.Labels[1:] {
			if l.Frame == r.Labels[i].Frame {
				return nil, fmt.Errorf("line %d: %w: frame %d of %s was labelled in line %d already",
					l.Line, Err, l.Frame, r.File, r.Labels[i].Line)
			}
		}
	}
	return complete, nil
}

// parseLine reads one line. The label's frame is 0 for a single picture.
func (s *Set) parseLine(text []byte) (file string, l *Label, complete *detect.ClassSet, err error) {
	var raw rawLabel
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&raw); err != nil {
		return "", nil, nil, err
	}
	if d.More() {
		return "", nil, nil, errors.New("more than one value on the line")
	}
	l = &Label{Size: image.Pt(raw.Width, raw.Height), Labelled: raw.Labelled == nil || *raw.Labelled}
	if raw.Width < 1 || raw.Height < 1 {
		return "", nil, nil, fmt.Errorf("width %d, height %d: must be positive", raw.Width, raw.Height)
	}
	file, number, isClip := strings.Cut(raw.Image, "#")
	if file == "" || !filepath.IsLocal(file) {
		return "", nil, nil, fmt.Errorf("image %q: must be a path inside the set", raw.Image)
	}
	if isClip {
		l.Frame, err = strconv.Atoi(number)
		if err != nil || l.Frame < 1 {
			return "", nil, nil, fmt.Errorf("image %q: frames count from 1", raw.Image)
		}
		if raw.Frame != nil && *raw.Frame != l.Frame {
			return "", nil, nil, fmt.Errorf("image %q is not frame %d", raw.Image, *raw.Frame)
		}
	}
	if raw.Boxes == nil && l.Labelled {
		return "", nil, nil, errors.New(`no "boxes"; a picture without objects has an empty list`)
	}
	if raw.Boxes != nil {
		for i, b := range *raw.Boxes {
			t, err := b.truth()
			if err != nil {
				return "", nil, nil, fmt.Errorf("boxes[%d]: %w", i, err)
			}
			l.Objects = append(l.Objects, t)
		}
	}
	if raw.Complete != nil {
		c, err := ParseClasses(raw.Complete)
		if err != nil {
			return "", nil, nil, fmt.Errorf("complete: %w", err)
		}
		complete = &c
	}
	return file, l, complete, nil
}

// truth checks a box. A head counts as part of a person.
func (b *rawTruth) truth() (Truth, error) {
	class, err := parseClass(b.Class)
	if err != nil {
		return Truth{}, err
	}
	for _, v := range []*float64{b.X, b.Y, b.W, b.H} {
		if v == nil {
			return Truth{}, errors.New("x, y, w and h are all needed")
		}
		if math.Abs(*v) > 1<<20 {
			return Truth{}, fmt.Errorf("coordinate %v is in no picture", *v)
		}
	}
	if *b.W <= 0 || *b.H <= 0 {
		return Truth{}, fmt.Errorf("%v x %v: width and height must be positive", *b.W, *b.H)
	}
	t := Truth{Class: class, Track: NoTrack, Ignore: b.Ignore, Box: detect.Box{
		X0: float32(*b.X), Y0: float32(*b.Y), X1: float32(*b.X + *b.W), Y1: float32(*b.Y + *b.H),
	}}
	if b.Track != nil {
		if *b.Track < 0 {
			return Truth{}, fmt.Errorf("track %d: must not be negative", *b.Track)
		}
		t.Track = *b.Track
	}
	return t, nil
}

// ParseClasses returns the classes of names as labels have them.
func ParseClasses(names []string) (set detect.ClassSet, err error) {
	for _, name := range names {
		c, err := parseClass(name)
		if err != nil {
			return 0, err
		}
		set |= detect.Classes(c)
	}
	return set, nil
}

func parseClass(name string) (detect.Class, error) {
	switch name {
	case "face":
		return detect.Face, nil
	case "person", "head":
		return detect.Person, nil
	case "plate":
		return detect.Plate, nil
	}
	return 0, fmt.Errorf("class %q: must be face, person, plate or head", name)
}
