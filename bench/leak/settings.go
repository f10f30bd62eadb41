package main

import (
	"fmt"
	"image"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

// parseSize reads "960x576"; empty is zero.
func parseSize(s string) (p image.Point, err error) {
	if s == "" {
		return p, nil
	}
	w, h, ok := strings.Cut(s, "x")
	if p.X, err = strconv.Atoi(w); err != nil || !ok {
		return p, fmt.Errorf("%q: must be WIDTHxHEIGHT", s)
	}
	if p.Y, err = strconv.Atoi(h); err != nil || p.X < 1 || p.Y < 1 {
		return p, fmt.Errorf("%q: must be WIDTHxHEIGHT", s)
	}
	return p, nil
}

// pairs calls set for each key=value of a list with commas.
func pairs(s string, set func(key, value string) error) error {
	if s == "" {
		return nil
	}
	for item := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(item, "=")
		if !ok {
			return fmt.Errorf("%q: must be NAME=VALUE", item)
		}
		if err := set(key, value); err != nil {
			return fmt.Errorf("%q: %w", item, err)
		}
	}
	return nil
}

// parseScores reads "person=0.1,plate=0.5".
func parseScores(s string) (scores [detect.NumClasses]float32, err error) {
	err = pairs(s, func(key, value string) error {
		var c detect.Class
		if err := c.UnmarshalText([]byte(key)); err != nil {
			return err
		}
		v, err := strconv.ParseFloat(value, 32)
		if err != nil {
			return err
		}
		scores[c] = float32(v)
		return nil
	})
	return scores, err
}

// parseTrack reads "person.Hold=2s,plate.Low=0.05", fields of track.ClassConfig by class,
// and returns what sets them.
func parseTrack(s string) (func(*track.Config), error) {
	set := func(c *track.Config) error {
		return pairs(s, func(key, value string) error {
			name, field, _ := strings.Cut(key, ".")
			var class detect.Class
			if err := class.UnmarshalText([]byte(name)); err != nil {
				return err
			}
			return setField(reflect.ValueOf(&c.Class[class]).Elem().FieldByName(field), value)
		})
	}
	if err := set(&track.Config{}); err != nil {
		return nil, err
	}
	return func(c *track.Config) { _ = set(c) }, nil // no error a second time
}

func setField(f reflect.Value, value string) error {
	if !f.IsValid() {
		return fmt.Errorf("no such field in track.ClassConfig")
	}
	switch f.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return err
		}
		f.SetInt(int64(d))
	case int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		f.SetInt(int64(n))
	case float32:
		v, err := strconv.ParseFloat(value, 32)
		if err != nil {
			return err
		}
		f.SetFloat(v)
	default:
		return fmt.Errorf("a field of type %v cannot be set here", f.Type())
	}
	return nil
}
