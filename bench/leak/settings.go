package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/detect/track"
)

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

// setField sets a field of track.ClassConfig: a time, a whole number or a share.
func setField(f reflect.Value, value string) (err error) {
	if !f.IsValid() {
		return fmt.Errorf("no such field in track.ClassConfig")
	}
	if d, ok := f.Addr().Interface().(*time.Duration); ok {
		*d, err = time.ParseDuration(value)
		return err
	}
	return json.Unmarshal([]byte(value), f.Addr().Interface())
}
