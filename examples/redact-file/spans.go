package main

import (
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// spans are the parts of a recording in which it shows another place.
type spans struct {
	ended []pipeline.Span
	from  time.Duration
	open  bool
}

// event takes in what the pipeline tells.
func (s *spans) event(e pipeline.Event) {
	if e.Kind != pipeline.FailedClosed && e.Kind != pipeline.Recovered {
		return
	}
	away := e.Reason == pipeline.ReasonViewDiffers || e.Reason == pipeline.ReasonCameraMoved
	if away && !s.open {
		s.from = e.Time
	}
	if !away && s.open {
		s.ended = append(s.ended, pipeline.Span{From: s.from, To: e.Time})
	}
	s.open = away
}

// all returns them at the end of a recording whose last picture has the time last.
func (s *spans) all(last time.Duration) []pipeline.Span {
	if s.open {
		return append(s.ended, pipeline.Span{From: s.from, To: last})
	}
	return s.ended
}
