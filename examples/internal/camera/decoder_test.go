package camera

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// decodedSource returns a source that has a decoder in hardware, and opens f. Which decoder
// each attempt had is added to by.
func (f *fake) decodedSource(t *testing.T, by *[]string) *Source {
	t.Helper()
	s := f.source(t, "rtsp://me:secret@host/1")
	s.decoding.hardware = "vaapi"
	s.open = func(ctx context.Context) (connection, error) {
		*by = append(*by, s.decoding.name())
		return f.open(ctx)
	}
	return s
}

// TestDecoderFallback: a decoder in hardware that fails where software does not is given up,
// and the state says so without a password. One that works, and a camera that is away,
// change nothing.
func TestDecoderFallback(t *testing.T) {
	broken := errors.New("no usable profile for rtsp://me:secret@host/1")
	for _, tt := range []struct {
		name    string
		answers []any
		reads   int
		by      string
		says    string // the last state
	}{
		{"works", []any{newConn(3, nil)}, 3, "vaapi", "connected"},
		{"not at all", []any{broken, newConn(3, nil)}, 3, "vaapi software", "connected; software decodes, since a decoder has failed: vaapi: no usable profile for rtsp://host/1"},
		{"dies early, twice", []any{newConn(100, broken), newConn(100, broken), newConn(3, nil)}, 203, "vaapi vaapi software", "connected; software decodes, since a decoder has failed: vaapi: no usable profile for rtsp://host/1"},
		{"the camera is away", []any{errFake, errFake, errFake, errFake, newConn(3, nil)}, 3, "vaapi software vaapi software vaapi", "connected"},
		{"lost after long", []any{newConn(1000, errFake), newConn(1000, errFake), newConn(1000, errFake), newConn(3, nil)}, 3003, "vaapi vaapi vaapi vaapi", "connected"},
		{"stands still", []any{newConn(50, nil), newConn(50, nil), newConn(3, nil)}, 103, "vaapi vaapi software", "connected; software decodes, since a decoder has failed: vaapi: no picture came for 3s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answers: slices.Clone(tt.answers)}
				for i, a := range f.answers {
					if c, ok := a.(*conn); ok { // made in this bubble
						f.answers[i] = newConn(c.pictures, c.end)
					}
				}
				var by []string
				s := f.decodedSource(t, &by)
				defer closeIt(t, s)
				read(t, s, tt.reads)
				if got := strings.Join(by, " "); got != tt.by {
					t.Errorf("decoded by %s, want %s", got, tt.by)
				}
				if got := s.State().String(); got != tt.says {
					t.Errorf("it says %q", got)
				}
				if all := strings.Join(f.states, ";"); strings.Contains(all, "secret") || !strings.HasSuffix(all, tt.says) {
					t.Errorf("told %q", f.states)
				}
			})
		})
	}
	t.Run("opens nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var by []string
			f := &fake{answers: []any{newConn(3, nil)}}
			s := f.decodedSource(t, &by)
			defer closeIt(t, s)
			s.open = func(ctx context.Context) (connection, error) {
				if s.decoding.name() == "vaapi" {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return f.open(ctx)
			}
			begin := time.Now()
			read(t, s, 3)
			if d := time.Since(begin); d > decoderTimeout+time.Second || s.State().DecoderErr == nil {
				t.Errorf("after %v: %v", d, s.State())
			}
		})
	})
}

// TestChooseDecoder: auto is software on a Raspberry Pi and where there is no device; what is
// asked for and not there is refused.
func TestChooseDecoder(t *testing.T) {
	was := model
	t.Cleanup(func() { model = was })
	board := func(name string) {
		model = filepath.Join(t.TempDir(), "model")
		if err := os.WriteFile(model, []byte(name+"\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ board, has, name, want, fails string }{
		{"Raspberry Pi 4 Model B Rev 1.4", "vaapi v4l2m2m", "auto", "", ""},
		{"Raspberry Pi 4 Model B Rev 1.4", "vaapi v4l2m2m", "v4l2m2m", "v4l2m2m", ""},
		{"Radxa ROCK 5B", "rkmpp vaapi v4l2m2m", "auto", "rkmpp", ""},
		{"", "vaapi", "auto", "vaapi", ""},
		{"", "v4l2m2m", "auto", "", ""},
		{"", "vaapi", "software", "", ""},
		{"", "vaapi", "", "", ""},
		{"", "", "vaapi", "", "decoder vaapi: this machine has no such device; -decoder auto"},
	} {
		board(tt.board)
		got, err := chooseDecoder(tt.name, func(name string) bool { return slices.Contains(strings.Fields(tt.has), name) })
		if got != tt.want || (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}
