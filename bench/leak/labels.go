package main

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

// labelFile is the name of a set's labels.
const labelFile = "labels.jsonl"

// errLabels is what every error in a set's labels wraps.
var errLabels = errors.New("bad labels")

// truth is one labelled object in one picture.
type truth struct {
	class  detect.Class
	box    detect.Box
	track  int // noTrack, or its number within its recording
	ignore bool
}

const noTrack = -1

// label is what is known of one picture.
type label struct {
	line     int // in labels.jsonl
	frame    int // in decode order, from 1; 1 for a single picture
	size     image.Point
	labelled bool
	objects  []truth
}

// recording is a labelled clip, or a single picture.
type recording struct {
	file   string // relative to the set's folder
	clip   bool
	labels []*label // by rising frame
}

// set is a folder of labelled recordings.
type set struct {
	dir, name  string
	recordings []*recording
	facts      facts
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

// loadSet reads a set's labels and SOURCE.md, and checks that every recording
// exists. Errors of the labels wrap errLabels and name the line.
func loadSet(dir string) (*set, error) {
	data, err := os.ReadFile(filepath.Join(dir, labelFile))
	if err != nil {
		return nil, fmt.Errorf("%s is not a set: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &set{dir: dir, name: filepath.Base(abs)}
	complete, err := s.parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, labelFile), err)
	}
	text, err := os.ReadFile(filepath.Join(dir, sourceFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s.facts = readFacts(string(text))
	if complete != nil {
		s.facts.complete = *complete
	}
	return s, nil
}

// parse fills in the recordings. complete are the classes that every line names
// as labelled exhaustively, nil if no line says anything.
func (s *set) parse(data []byte) (complete *detect.ClassSet, err error) {
	byFile := map[string]*recording{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	sc.Buffer(nil, 16<<20)
	for line := 1; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		file, l, c, err := s.parseLine(sc.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %w", line, errLabels, err)
		}
		l.line = line
		if c != nil {
			if complete != nil {
				*c &= *complete
			}
			complete = c
		}
		clip := l.frame > 0
		if !clip {
			l.frame = 1
		}
		r := byFile[file]
		if r == nil {
			if _, err := os.Stat(filepath.Join(s.dir, file)); err != nil {
				return nil, fmt.Errorf("line %d: %w: %w", line, errLabels, err)
			}
			r = &recording{file: file, clip: clip}
			byFile[file] = r
			s.recordings = append(s.recordings, r)
		}
		if r.clip != clip {
			return nil, fmt.Errorf("line %d: %w: %s is a clip in one line and a picture in another", line, errLabels, file)
		}
		r.labels = append(r.labels, l)
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if len(s.recordings) == 0 {
		return nil, fmt.Errorf("%w: no line", errLabels)
	}
	for _, r := range s.recordings {
		slices.SortStableFunc(r.labels, func(a, b *label) int { return a.frame - b.frame })
		for i, l := range r.labels[1:] {
			if l.frame == r.labels[i].frame {
				return nil, fmt.Errorf("line %d: %w: frame %d of %s was labelled in line %d already",
					l.line, errLabels, l.frame, r.file, r.labels[i].line)
			}
		}
	}
	return complete, nil
}

// parseLine reads one line. The label's frame is 0 for a single picture.
func (s *set) parseLine(text []byte) (file string, l *label, complete *detect.ClassSet, err error) {
	var raw rawLabel
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&raw); err != nil {
		return "", nil, nil, err
	}
	if d.More() {
		return "", nil, nil, errors.New("more than one value on the line")
	}
	l = &label{size: image.Pt(raw.Width, raw.Height), labelled: raw.Labelled == nil || *raw.Labelled}
	if raw.Width < 1 || raw.Height < 1 {
		return "", nil, nil, fmt.Errorf("width %d, height %d: must be positive", raw.Width, raw.Height)
	}
	file, number, isClip := strings.Cut(raw.Image, "#")
	if file == "" || !filepath.IsLocal(file) {
		return "", nil, nil, fmt.Errorf("image %q: must be a path inside the set", raw.Image)
	}
	if isClip {
		l.frame, err = strconv.Atoi(number)
		if err != nil || l.frame < 1 {
			return "", nil, nil, fmt.Errorf("image %q: frames count from 1", raw.Image)
		}
		if raw.Frame != nil && *raw.Frame != l.frame {
			return "", nil, nil, fmt.Errorf("image %q is not frame %d", raw.Image, *raw.Frame)
		}
	}
	if raw.Boxes == nil && l.labelled {
		return "", nil, nil, errors.New(`no "boxes"; a picture without objects has an empty list`)
	}
	if raw.Boxes != nil {
		for i, b := range *raw.Boxes {
			t, err := b.truth()
			if err != nil {
				return "", nil, nil, fmt.Errorf("boxes[%d]: %w", i, err)
			}
			l.objects = append(l.objects, t)
		}
	}
	if raw.Complete != nil {
		c, err := parseClasses(raw.Complete)
		if err != nil {
			return "", nil, nil, fmt.Errorf("complete: %w", err)
		}
		complete = &c
	}
	return file, l, complete, nil
}

// truth checks a box. A head counts as part of a person.
func (b *rawTruth) truth() (truth, error) {
	class, err := parseClass(b.Class)
	if err != nil {
		return truth{}, err
	}
	for _, v := range []*float64{b.X, b.Y, b.W, b.H} {
		if v == nil {
			return truth{}, errors.New("x, y, w and h are all needed")
		}
		if math.Abs(*v) > 1<<20 {
			return truth{}, fmt.Errorf("coordinate %v is in no picture", *v)
		}
	}
	if *b.W <= 0 || *b.H <= 0 {
		return truth{}, fmt.Errorf("%v x %v: width and height must be positive", *b.W, *b.H)
	}
	t := truth{class: class, track: noTrack, ignore: b.Ignore, box: detect.Box{
		X0: float32(*b.X), Y0: float32(*b.Y), X1: float32(*b.X + *b.W), Y1: float32(*b.Y + *b.H),
	}}
	if b.Track != nil {
		if *b.Track < 0 {
			return truth{}, fmt.Errorf("track %d: must not be negative", *b.Track)
		}
		t.track = *b.Track
	}
	return t, nil
}

func parseClasses(names []string) (set detect.ClassSet, err error) {
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
