package camera

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/pipeline"
)

// kinds returns the first words of what OnChange was told, and forgets it.
func (f *fake) kinds() (kinds []string) {
	for _, st := range f.states {
		kind, _, _ := strings.Cut(st, " ")
		kinds = append(kinds, kind)
	}
	f.states = nil
	return kinds
}

// TestFlaps: a camera that gives one picture and dies is asked for once a second, and
// told of a few times, until it lasts or dies of something else.
func TestFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		for range 20 {
			f.answers = append(f.answers, newConn(1, fmt.Errorf("read tcp 192.0.2.1:%d->192.0.2.9:554: connection reset by peer", 40000+len(f.answers))))
		}
		f.answers = append(f.answers, newConn(1, errors.New("it ended")), newConn(1, errors.New("it ended")), newConn(1000, errFake), newConn(10, nil))
		s := f.source(t, "rtsp://host/1")
		defer closeIt(t, s)
		read(t, s, 20)
		for i := 4; i < 20; i++ {
			if gap := f.at[i] - f.at[i-1]; gap != maxWait+40*ms {
				t.Errorf("attempt %d comes %v after the one before", i, gap)
			}
		}
		if got, want := f.kinds(), []string{"connected", "lost", "connected", "lost", "connected", "lost"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if st := s.State(); !st.Connected || st.Lost != 19 {
			t.Errorf("the state says %+v", st)
		}

		read(t, s, 1) // finds that the one before has ended for the same reason
		if got := f.kinds(); len(got) != 0 {
			t.Errorf("told %q of the same reason", got)
		}
		read(t, s, 2) // and these that they ended for another one
		if got, want := f.kinds(), []string{"lost"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		read(t, s, int(steadyAfter/(40*ms))) // and now it stays
		if got, want := f.kinds(), []string{"connected"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		n := len(f.at)
		read(t, s, 1000-int(steadyAfter/(40*ms))) // it lasted, and is lost
		if got, want := f.kinds(), []string{"lost", "connected"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if gap := f.at[n] - f.at[n-1]; gap != 1000*40*ms+firstWait {
			t.Errorf("the attempt after one that lasted comes %v after it", gap)
		}
	})
}

// TestSameReason: attempts that fail for the same reason are told of once, whatever
// numbers are in it, and another reason at once.
func TestSameReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		for i := range 10 {
			f.answers = append(f.answers, fmt.Errorf("read tcp 192.0.2.1:%d->192.0.2.9:554: connection reset by peer", 40000+i))
		}
		for i := range 10 {
			f.answers = append(f.answers, fmt.Errorf("[rtsp @ 0x55b8984%x] method DESCRIBE failed: 503", 0x1c8c0+i))
		}
		f.answers = append(f.answers, errors.New("[rtsp @ 0x55] method DESCRIBE failed: 500"), newConn(1, nil))
		s := f.source(t, "rtsp://host/1")
		defer closeIt(t, s)
		if err := s.Read(t.Context(), &pipeline.Buffer{}); err != nil {
			t.Fatal(err)
		}
		told := strings.Join(f.states, "\n")
		if len(f.states) != 4 || strings.Count(told, "reset by peer") != 1 || strings.Count(told, "503") != 1 || strings.Count(told, "500") != 1 {
			t.Errorf("told:\n%s", told)
		}
		if st := s.State(); !st.Connected || time.Since(st.Since) != 0 {
			t.Errorf("%+v", st)
		}
	})
}
