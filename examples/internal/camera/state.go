package camera

import (
	"errors"
	"fmt"
	"time"

	"github.com/hedgecam/hedge/pipeline/ffmpeg"
)

// State says how a camera is.
type State struct {
	// Connected is set while pictures come.
	Connected bool
	// Since is the time of the last change: when the camera was first asked for,
	// connected or lost.
	Since time.Time
	// Err is why it is not connected, an *Error; nil before the first attempt
	// came to its end.
	Err error
	// Stamps says what is wrong with the time stamps of the camera, so that its
	// pictures are timed by their arrival; it is empty while they are believed.
	Stamps string
	// Format is how the pictures are to be shown, as far as the camera tells.
	Format ffmpeg.Format
	// Decoder is what decodes, as ffmpeg.Info has it; empty for a V4L2 camera.
	Decoder string
	// DecoderErr is why a decoder in hardware was given up, if it was.
	DecoderErr error
	// Pictures counts the pictures delivered, Damaged those that could not be
	// decoded, Lost how often the camera went away.
	Pictures, Damaged, Lost uint64
}

// String says it in words.
func (s State) String() string {
	switch {
	case s.Connected && s.DecoderErr != nil:
		return "connected; software decodes, since a decoder has failed: " + s.DecoderErr.Error()
	case s.Connected && s.Stamps != "":
		return "connected; its time stamps " + s.Stamps + ", so pictures are timed by their arrival"
	case s.Connected && s.Decoder != "" && s.Decoder != ffmpeg.SoftwareDecoder:
		return "connected, decoded by " + s.Decoder + " in hardware"
	case s.Connected:
		return "connected"
	case s.Lost > 0:
		return fmt.Sprintf("lost since %s: %v", s.Since.Format(time.TimeOnly), s.Err)
	case s.Err != nil:
		return fmt.Sprintf("not found since %s: %v", s.Since.Format(time.TimeOnly), s.Err)
	}
	return "connecting"
}

// State says how the camera is. It may be called at any time.
func (s *Source) State() State {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	return s.state
}

func (s *Source) asked() {
	s.stateMu.Lock()
	defer s.stateMu.Unlock()
	if s.state.Since.IsZero() {
		s.state.Since = time.Now()
	}
}

// delivered notes a picture, and what is wrong with the time stamps. It is called with mu
// held, as lost is.
func (s *Source) delivered(stamps string) {
	s.change(func(st *State) bool {
		st.Pictures++
		restamped := st.Stamps != stamps
		st.Stamps = stamps
		if !st.Connected {
			st.Connected, st.Since, st.Err = true, time.Now(), nil
		}
		return restamped || s.told.Format != st.Format || !s.told.Connected && s.brief <= briefTold
	})
}

// lost notes why there is no connection.
func (s *Source) lost(err error) {
	explained := new(*Error)
	if !errors.As(err, explained) {
		*explained = s.name.explain(err)
	}
	s.change(func(st *State) bool {
		changed := s.told.Connected || s.told.Err == nil || reason(s.told.Err) != reason(*explained)
		if st.Connected {
			st.Connected, st.Since = false, time.Now()
			st.Lost++
		}
		st.Err = *explained
		return changed
	})
}

// change applies f to the state and tells of it if f says so.
func (s *Source) change(f func(*State) bool) {
	s.stateMu.Lock()
	tell := f(&s.state)
	st := s.state
	if tell {
		s.told = st
	}
	s.stateMu.Unlock()
	if tell && s.o.OnChange != nil {
		s.o.OnChange(st)
	}
}
