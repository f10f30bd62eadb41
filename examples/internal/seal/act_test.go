package seal

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hedgecam/hedge/redact"
)

// TestButton: a press of the button at the device, and no other state of its file, agrees to
// the loosening that waits, and to none that is asked for later; after the delay it is due.
func TestButton(t *testing.T) {
	line := filepath.Join(t.TempDir(), "line")
	all := strips(t, 3)
	synctest.Test(t, func(t *testing.T) {
		for _, at := range []struct{ pressed, not string }{{"1", "0"}, {"0", "1"}} {
			told := func(string) {}
			s, _ := Open(Options{Begin: true, Delay: time.Minute, Told: told, files: &memory{}, looser: compare}, all[0])
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			due := make(chan *redact.Policy, 100)
			// agreed says what the file says for a tenth of a second, and whether somebody has
			// agreed then.
			agreed := func(text string) bool {
				t.Helper()
				if err := os.WriteFile(line, []byte(text+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				<-time.After(100 * time.Millisecond)
				synctest.Wait()
				w := s.State().Waiting
				return w != nil && w.Agreed
			}
			ask := func(p *redact.Policy) {
				t.Helper()
				if err := s.Ask(p, "somebody"); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(line, []byte(at.pressed+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			ask(all[1])
			go func() {
				defer close(ended)
				s.Run(ctx, Flags{SealGPIO: line, SealAt: at.pressed}, func(p *redact.Policy) { due <- p })
			}()
			if agreed(at.pressed) || agreed(at.not) || agreed("") {
				t.Errorf("at %s: one that was held at the start agrees", at.pressed)
			}
			if !agreed(at.pressed) {
				t.Errorf("at %s: a press does not agree", at.pressed)
			}
			ask(all[2])
			if agreed(at.pressed) || agreed(at.not) {
				t.Errorf("at %s: one press agrees to two", at.pressed)
			}
			if !agreed(at.pressed) {
				t.Errorf("at %s: the second press does not agree", at.pressed)
			}
			<-time.After(50 * time.Second)
			synctest.Wait()
			if len(due) != 0 {
				t.Errorf("at %s: due before the delay was over", at.pressed)
			}
			<-time.After(12 * time.Second)
			cancel()
			<-ended
			if len(due) == 0 || <-due != all[2] {
				t.Errorf("at %s: not due after the delay", at.pressed)
			}
		}
	})
}

// TestFileOfRoot: the code in root's file agrees, and another text in it does not.
func TestFileOfRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make root's file")
	}
	all, path := strips(t, 2), filepath.Join(t.TempDir(), "loosen")
	synctest.Test(t, func(t *testing.T) {
		s, _ := Open(Options{Begin: true, Delay: time.Minute, Told: func(string) {}, files: &memory{}, looser: compare}, all[0])
		if err := s.Ask(all[1], "somebody"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.Run(ctx, Flags{SealFile: path}, func(*redact.Policy) {})
		}()
		code := s.State().Waiting.Code
		for _, text := range []string{"", "another", code} {
			if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			<-time.After(2 * time.Second)
			synctest.Wait()
			if s.State().Waiting.Agreed != (text == code) {
				t.Errorf("%q: %+v", text, s.State().Waiting)
			}
		}
		cancel()
		<-ended
	})
}
